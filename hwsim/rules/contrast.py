"""What rules of two passes share: a batch with its labels and one with wrong labels, and layers that learn alone."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Final, final

import torch

from hwsim.arguments import whole
from hwsim.rules.rule import Rule, one_hot, products
from hwsim.rules.system import Layered, PhysicalSystem
from hwsim.streams import stream

SMALLEST_NORM: Final = 1e-4


class ContrastiveRule(Rule):
    """A rule by which layers tell inputs with their label from inputs with a wrong one.

    The label, one-hot, is appended to the inputs `(batch, features)`; the system takes `features + n_classes` of them.
    A trained system is asked with every label.

    Args:
        optimizer: of the system's parameters.
        n_classes: of the labels.
        seed: of the wrong labels.
    """

    needs = (Layered,)

    def __init__(self, optimizer: torch.optim.Optimizer, n_classes: int, seed: int = 0) -> None:
        super().__init__(optimizer)
        self.n_classes = whole("n_classes", n_classes, least=2)
        self._wrong = stream(whole("seed", seed), "wrong labels")

    @abstractmethod
    def _goodness(self, index: int, outputs: torch.Tensor) -> torch.Tensor:
        """Return how much a layer finds that input and label belong together, `(batch,)`."""

    @abstractmethod
    def _contrast(self, right: torch.Tensor, wrong: torch.Tensor) -> torch.Tensor:
        """Return the mean loss of a layer from its goodness with right and wrong labels."""

    @final
    def _gradient(self, system: Any, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        shift = torch.randint(1, self.n_classes, y.shape, generator=self._wrong).to(y.device)
        right = self._outputs(system, x, y)
        wrong = self._outputs(system, x, (y + shift) % self.n_classes)
        pairs = enumerate(zip(right, wrong, strict=True))
        losses = [self._contrast(self._goodness(k, a), self._goodness(k, b)) for k, (a, b) in pairs]
        loss = torch.stack(losses).sum()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return loss / len(losses)

    @final
    @torch.no_grad()
    def scores(self, system: PhysicalSystem, x: torch.Tensor) -> torch.Tensor:
        """Return the goodness of each label, the sum over layers, `(batch, classes)`: a pass for each label."""
        found = []
        for label in range(self.n_classes):
            outputs = self._outputs(system, x, torch.full((len(x),), label, device=x.device))
            found.append(torch.stack([self._goodness(k, h) for k, h in enumerate(outputs)]).sum(0))
        return torch.stack(found, 1)

    def _outputs(self, system: Any, x: torch.Tensor, y: torch.Tensor) -> list[torch.Tensor]:
        given = torch.cat([x.flatten(1), one_hot(y, self.n_classes).to(x)], 1)
        if system.input_width not in (None, given.shape[1]):
            raise ValueError(
                f"the system must take inputs with a one-hot label appended, `(batch, {given.shape[1]})`, got one of "
                f"`(batch, {system.input_width})`: give its first layer {given.shape[1]} inputs"
            )
        outputs: list[torch.Tensor] = system.local_outputs(given, normalised)
        return outputs

    @final
    def digital_macs(self, widths: Sequence[int], batch: int) -> int:
        """Return those of the weights, from two passes."""
        return batch * 2 * products(widths)


def normalised(h: torch.Tensor) -> torch.Tensor:
    """Return the direction of each row, so that a layer cannot see the goodness of the one before."""
    norms: torch.Tensor = torch.linalg.vector_norm(h, dim=1, keepdim=True)
    return h / (norms + SMALLEST_NORM)
