"""Data sets with fixed splits."""

from analognas.tasks.specs import load_task
from analognas.tasks.task import Split, Task

__all__ = ["Split", "Task", "load_task"]
