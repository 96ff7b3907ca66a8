"""Fixed random matrices that carry errors back: drawn once for each place, normal with variance 1 / fan."""

from __future__ import annotations

from typing import final

import torch

from hwsim.arguments import whole
from hwsim.streams import standard_normal, stream


@final
class RandomFeedback:
    """The random matrices of a rule.

    Args:
        seed: of all of them.
    """

    def __init__(self, seed: int) -> None:
        self._seed = whole("seed", seed)
        self._drawn: dict[str, torch.Tensor] = {}

    def of(self, name: str, like: torch.Tensor, fan: int) -> torch.Tensor:
        """Return the matrix of a place, of the shape, type and device of `like`, with variance 1 / `fan`."""
        if name not in self._drawn or self._drawn[name].shape != like.shape:
            self._drawn[name] = standard_normal(like, stream(self._seed, "feedback", name)) / fan**0.5
        return self._drawn[name].to(like)

    def projection(self, name: str, signals: torch.Tensor, outputs: torch.Tensor) -> torch.Tensor:
        """Return `(batch, …)` signals for `outputs`, a random projection of `(batch, classes)`."""
        n_classes, n = signals.shape[1], outputs[0].numel()
        matrix = self.of(name, signals.new_empty(n_classes, n), n)
        return (signals @ matrix).view_as(outputs)
