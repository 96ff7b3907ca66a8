"""Tasks that a caller of `analognas.search` gives as objects."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from analognas.errors import UserError
from analognas.specs.given import GivenObject
from analognas.tasks.base_spec import TaskSpec
from analognas.tasks.conformance import task_problem
from analognas.tasks.task import Task


class ObjectTaskSpec(TaskSpec):
    """A Python object, given as `analognas.search(task=…)`; a YAML file cannot hold one."""

    kind: Literal["object"] = "object"
    object: GivenObject = Field(description="what the object is called, and how it describes itself")

    def build(self) -> Task:
        """Return the object.

        Raises:
            UserError: when it is not there, or is no usable task.
        """
        task = self.object.needed("task")
        if not isinstance(task, Task):
            raise UserError(f"must be an analognas.tasks.Task, got {type(task).__name__}")
        problem = task_problem(task)
        if problem:
            raise UserError(f"the task {task.name!r}: {problem}")
        return task
