"""A task as networks see it: inputs standardised once for all trainings of a run, channels last.

Small convolutions on a CPU run two to four times faster on channels-last tensors. The test split is prepared when
somebody asks for it: a search never does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import torch

from analognas.tasks import Split, Task
from analognas.training.augmentation import Augmentation
from analognas.training.inputs import TrainingInputs

CPU: Final = torch.device("cpu")


@dataclass(frozen=True)
class PreparedTask:
    """The splits of a task with standardised inputs.

    Attributes:
        source: the task as it was loaded.
        train: what trainings draw their batches from.
        validation: standardised.
        augmentation: of the training inputs.
        trains_on_validation: whether `validation` is among the training inputs, and tells nothing any more.
        device: where the splits are.
    """

    source: Task
    train: TrainingInputs
    validation: Split
    augmentation: Augmentation
    trains_on_validation: bool = False
    device: torch.device = CPU

    @cached_property
    def test(self) -> Split:
        """The test split, standardised; only the final validation may look at it."""
        return _standardised(self.source, self.source.test).to(self.device)

    def to(self, device: torch.device) -> PreparedTask:
        """Return the task with its splits on `device`; itself where they are there already."""
        if device == self.device:
            return self
        return replace(
            self, train=self.train.to(device), validation=self.validation.to(device), device=device
        )

    def with_validation(self) -> PreparedTask:
        """Return the task with the validation inputs among the training inputs."""
        return replace(prepare(self.source.with_validation(), self.augmentation), trains_on_validation=True)


def prepare(task: Task, augmentation: Augmentation | None = None) -> PreparedTask:
    """Standardise the inputs with the statistics of the training inputs.

    Raises:
        ValueError: when the augmentation does not fit the inputs.
    """
    augmentation = augmentation or Augmentation()
    train = TrainingInputs(task, augmentation)
    return PreparedTask(task, train, _standardised(task, task.validation), augmentation)


def _standardised(task: Task, split: Split) -> Split:
    return Split(task.standardise(split.x).contiguous(memory_format=torch.channels_last), split.y)
