"""What an exporter gets, and what it is.

torch is imported by the writers, not here, so that a command line can list the formats without waiting for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analognas.export.error import ExportError

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.export import ExportedProgram

    from analognas.export.python_source import Description
    from analognas.export.standardised import Standardised


@dataclass(frozen=True)
class ChipRequest:
    """Which chips, and which of their tiles, the formats of programmed chips write.

    Attributes:
        n: number of chips, from 1.
        seed: what they are drawn with.
        tile: the tile of a netlist, as `LAYER` or `LAYER:NUMBER`; empty for the smallest one.
    """

    n: int = 1
    seed: int = 0
    tile: str = ""


@dataclass(frozen=True)
class Artefact:
    """A trained network and what is known of it.

    Attributes:
        model: the network, its normalisation and its input shape.
        description: for the reader of `model.py`.
        architecture: in the literature's symbols, JSON-able.
        analog: tile map, input ranges and hardware, JSON-able.
        split: raw inputs `(n, *input_shape)` and labels `(n,)` of the test split; None without.
        net: the network on tiles, with calibrated ranges; None without.
        calibration: raw training inputs `(n, *input_shape)`, for a quantiser; None without.
        chips: which chips the formats of programmed chips write.
        misfit: why the described chip cannot hold the network; empty where it can, or none is described.
    """

    model: Standardised
    description: Description
    architecture: Mapping[str, Any]
    analog: Mapping[str, Any]
    split: tuple[Tensor, Tensor] | None = None
    net: nn.Module | None = None
    calibration: Tensor | None = None
    chips: ChipRequest = ChipRequest()
    misfit: str = ""

    @cached_property
    def program(self) -> ExportedProgram:
        """The torch.export program, which two formats share."""
        from analognas.export.exported_program import exported_program

        return exported_program(self.model)

    @property
    def on_tiles(self) -> nn.Module:
        """The network on tiles.

        Raises:
            ExportError: when the artefact is of the digital network alone.
        """
        if self.net is None:
            raise ExportError(
                "this format needs the network on tiles, got it without; map it with hwsim.to_analog"
            )
        return self.net

    @property
    def fits(self) -> nn.Module:
        """The network on tiles, where the chip has enough of them.

        Raises:
            ExportError: when it has not, or the artefact is of the digital network alone.
        """
        if self.misfit:
            raise ExportError(f"no chip can be programmed: {self.misfit}")
        return self.on_tiles

    @property
    def example(self) -> tuple[Tensor, Tensor]:
        """Three raw inputs `(3, *input_shape)` and the network's logits for them, to compare a written file with."""
        from analognas.export.comparison import example

        return example(self.model, None if self.split is None else self.split[0])


@dataclass(frozen=True)
class Requirement:
    """A package that a format needs and a plain installation lacks.

    Attributes:
        module: what is imported.
        command: installs it.
    """

    module: str
    command: str


@dataclass(frozen=True)
class Format:
    """One way to write an artefact.

    Attributes:
        summary: one line for a list of formats.
        write: writes into a folder and returns the paths; raises `ExportError` where the network does not
            allow it.
        bundled: whether a run has it in its folder `best/`.
        needed: whether no run can do without it there, because it is read again.
        by_default: whether it is written where no format is named.
        files: names of what it writes, so that an existing file is reported before anything is computed; empty where
            they depend on the network.
        keeps: what of the network the files hold.
        loses: what of it they do not.
        check: loads the files of a folder again and returns what was compared, in a few words; raises `ExportError`
            where they differ from the network. None where nothing is compared.
        needs: a package that writing needs and a plain installation lacks; None for none.
    """

    summary: str
    write: Callable[[Artefact, Path], tuple[Path, ...]]
    bundled: bool = False
    needed: bool = False
    by_default: bool = True
    files: tuple[str, ...] = ()
    keeps: str = ""
    loses: str = ""
    check: Callable[[Artefact, Path], str] | None = None
    needs: Requirement | None = None
