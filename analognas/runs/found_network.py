"""The network that a run found, as a Python object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analognas.metrics import short_headline
from analognas.record.validation import ValidatedNetwork
from analognas.specs.given import GivenObjects

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class BestNetwork:
    """The network a run found.

    Attributes:
        architecture: in the literature's symbols; `{"name": ...}` for a reference.
        genotype: as its space writes it; None for a reference.
        metrics: measured on the test split after training at full budget.
        validated: all that was measured.
        folder: the exported files.
        objects: Python objects that these name and no file holds.
    """

    architecture: Mapping[str, Any]
    genotype: tuple[int, ...] | None
    metrics: Mapping[str, float]
    validated: ValidatedNetwork
    folder: Path
    objects: GivenObjects = field(default_factory=dict, repr=False)

    def __repr__(self) -> str:
        """Return its main figures for `print`."""
        return (
            f"BestNetwork({short_headline(self.metrics)} after 1 day, "
            f"{self.metrics['parameters']:,.0f} parameters, {str(self.folder)!r})"
        )

    def network(self) -> nn.Module:
        """Return the trained network, plain torch in evaluation mode: standardised inputs to logits."""
        from analognas.runs.architecture_file import load_network

        return load_network(self.folder, self.objects)
