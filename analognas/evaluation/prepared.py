"""A task as networks see it: inputs standardised once for all trainings of a run, channels last.

Small convolutions on a CPU run two to four times faster on channels-last tensors.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from analognas.tasks import Split, Task


@dataclass(frozen=True)
class PreparedTask:
    """The splits of a task with standardised inputs.

    Attributes:
        source: the task as it was loaded.
        train: standardised.
        validation: standardised.
        test: standardised; only the final validation may look at it.
    """

    source: Task
    train: Split
    validation: Split
    test: Split


def prepare(task: Task) -> PreparedTask:
    """Standardise every split with the statistics of the training inputs."""
    train, validation, test = (
        Split(task.standardise(split.x).contiguous(memory_format=torch.channels_last), split.y)
        for split in (task.train, task.validation, task.test)
    )
    return PreparedTask(task, train, validation, test)
