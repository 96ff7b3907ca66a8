"""What an exporter gets, and what it is.

torch is imported by the writers, not here, so that a command line can list the formats without waiting for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor
    from torch.export import ExportedProgram

    from analognas.export.python_source import Description
    from analognas.export.standardised import Standardised


@dataclass(frozen=True)
class Artefact:
    """A trained network and what is known of it.

    Attributes:
        model: the network, its normalisation and its input shape.
        description: for the reader of `model.py`.
        architecture: in the literature's symbols, JSON-able.
        analog: tile map, input ranges and hardware, JSON-able.
        split: raw inputs `(n, *input_shape)` and labels `(n,)` for the format `test-data`; None without.
    """

    model: Standardised
    description: Description
    architecture: Mapping[str, Any]
    analog: Mapping[str, Any]
    split: tuple[Tensor, Tensor] | None = None

    @cached_property
    def program(self) -> ExportedProgram:
        """The torch.export program, which two formats share."""
        from analognas.export.exported_program import exported_program

        return exported_program(self.model)


@dataclass(frozen=True)
class Format:
    """One way to write an artefact.

    Attributes:
        summary: one line for a list of formats.
        write: writes into a folder and returns the paths; raises `ExportError` where the network does not
            allow it.
        bundled: whether every run has it in its folder `best/`.
        of_network: whether it holds the network, and is written where no format is named.
        files: names of what it writes, so that a file that is there is told before anything is computed; empty where
            they depend on the network.
    """

    summary: str
    write: Callable[[Artefact, Path], tuple[Path, ...]]
    bundled: bool = False
    of_network: bool = True
    files: tuple[str, ...] = ()
