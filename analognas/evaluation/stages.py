"""A digital training in stages: each goes on from the weights of the one before, where that was measured.

The stages before the last hold their learning rate at its peak, and hardware-aware training, which lowers it, branches
off from each (as in Hu et al., arXiv 2404.06395); the last one ends with the cosine. A stage has a generator of its
own, so that it does not matter whether the stages before it were trained now or earlier.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import nn

from analognas.evaluation.prepared import PreparedTask
from analognas.evaluation.training import TrainingBudget, go_on_digitally
from analognas.evaluation.weights import with_weights
from analognas.seeds import derive_seed
from search_spaces import initialise


@dataclass(frozen=True)
class StagedTraining:
    """The digital training up to a stage, an `analognas.evaluation.training.DigitalTraining`.

    Attributes:
        full: the budget of the last stage of all.
        shares: of its epochs after which each stage ends, rising.
        start: weights at the end of the last stage but one, a safetensors file; None trains all stages.
    """

    full: TrainingBudget
    shares: tuple[float, ...]
    start: bytes | None = None

    def __call__(
        self, network: nn.Module, task: PreparedTask, budget: TrainingBudget, seed: int
    ) -> list[float]:
        """Train `network` in place and return the mean losses of the epochs of the last stage, which may have none.

        Args:
            network: whose weights are set first.
            task: the data.
            budget: of this stage's evaluation, which has the same digital training as a share of `full`.
            seed: of the candidate.

        Raises:
            EvaluationError: when the training diverges, or is stopped early.
        """
        first = 0
        if self.start is None:
            initialise(network, torch.Generator().manual_seed(derive_seed(seed, "initialisation")))
        else:
            with_weights(network, self.start)
            first = len(self.shares) - 1
        losses: list[float] = []
        done = 0
        for stage, (below, share) in enumerate(pairwise((0.0, *self.shares))):
            part = self.full.stage(share, below, len(task.train))
            losses = []
            if stage >= first and part.digital.epochs:
                if share < 1:
                    part = replace(part, digital=replace(part.digital, hold=True, average_last=0.0))
                generator = torch.Generator().manual_seed(derive_seed(seed, "digital stage", stage))
                losses = go_on_digitally(network, task, part, generator, done)
            done += part.digital.epochs
        return losses
