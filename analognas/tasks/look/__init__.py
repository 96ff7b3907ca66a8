"""What a first look at somebody's data says: the options of the task that suit them."""

from analognas.tasks.look.look import LOOKS, Look, look_at

__all__ = ["LOOKS", "Look", "look_at"]
