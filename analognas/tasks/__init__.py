"""Data sets with fixed splits."""

from analognas.tasks.task import Split, Task

__all__ = ["Split", "Task"]
