"""Layers that hold several analog arrays and compute all else digitally: recurrent layers, attention."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from torch import nn

from hwsim.modules.layer import AnalogLayer


class AnalogComposite(nn.Module, ABC):
    """A layer of torch whose products with weights run on arrays of their own, its submodules."""

    @abstractmethod
    def digital(self) -> nn.Module:
        """Return the plain torch layer with the same parameters."""


@contextmanager
def held(module: nn.Module) -> Iterator[None]:
    """Compute once what the runs of all arrays in `module` have in common, while a sequence runs through it."""
    with ExitStack() as stack:
        for part in module.modules():
            if isinstance(part, AnalogLayer):
                stack.enter_context(part.held())
        yield
