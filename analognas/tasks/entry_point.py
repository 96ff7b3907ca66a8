"""Tasks that other packages bring: entry points of the group `analognas.tasks`.

In the other package's pyproject.toml:

    [project.entry-points."analognas.tasks"]
    my-task = "my_package.data:load"

`load(**options)` returns an `analognas.tasks.Task`.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import Field

from analognas.errors import UserError
from analognas.specs.entry_points import make_from_entry_point
from analognas.tasks.base_spec import TaskSpec
from analognas.tasks.conformance import task_problem
from analognas.tasks.task import Task

GROUP: Final = "analognas.tasks"


class EntryPointTaskSpec(TaskSpec):
    """A task that another installed package offers as an entry point of the group `analognas.tasks`."""

    kind: Literal["entry-point"] = "entry-point"
    name: str = Field(min_length=1, description="of the entry point")
    options: dict[str, Any] = Field(default={}, description="arguments of the function behind it")

    def build(self) -> Task:
        """Return what the entry point makes of the options.

        Raises:
            UserError: when there is no such entry point, it fails, or what it returns is no usable task.
        """
        task, place = make_from_entry_point(GROUP, "task", self.name, self.options)
        if not isinstance(task, Task):
            raise UserError(
                f"the task {self.name!r} ({place}) must return an analognas.tasks.Task, got {type(task).__name__}"
            )
        problem = task_problem(task)
        if problem:
            raise UserError(f"the task {self.name!r}: {problem}")
        return task
