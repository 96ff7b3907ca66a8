"""The conformance suite of export formats.

`check_format` writes small networks and compares what lies in the folder with the contract in
`analognas.export.artefact`. The first breach ends the check with an error that names the rule and what was found.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from analognas.export import Artefact, ExportError, Format

if TYPE_CHECKING:
    from torch import Tensor, nn


class BrokenFormatError(ValueError):
    """An export format breaks its contract; the message names the rule and what was found."""


def check_format(entry: Format) -> None:
    """Check that an export format keeps the contract of `analognas.export.Format`; what it needs must be installed.

    Raises:
        BrokenFormatError: at the first breach.
    """
    summary = entry.summary
    _require(bool(summary.strip()) and "\n" not in summary, "`summary` must be one line", repr(summary))
    artefact = _artefact(_network())
    before = {name: value.clone() for name, value in artefact.model.state_dict().items()}
    artefact.model.train()
    first = _written(entry, artefact)
    _require(bool(first), "`write` must write a file", "none")
    empty = [name for name, content in first.items() if not content]
    _require(not empty, "`write` must write files with content", f"empty {', '.join(empty)}")
    changed = [name for name, value in artefact.model.state_dict().items() if not value.equal(before[name])]
    _require(not changed, "`write` must leave the network alone", f"a changed {', '.join(changed)}")
    _require(artefact.model.training, "`write` must leave the mode of the network alone", "evaluation mode")
    if entry.check is not None:
        _check_comparison(entry, artefact)
    declared = sorted(entry.files or first)
    _require(declared == sorted(first), f"`files` must name what is written, {sorted(first)}", declared)
    names = sorted(_written(entry, artefact))
    _require(names == sorted(first), f"`write` must write {sorted(first)} every time", names)
    _check_refusal(entry)


def _written(entry: Format, artefact: Artefact) -> dict[str, bytes]:
    """Return the files that a format writes, by name."""
    with TemporaryDirectory() as outside:
        folder = Path(outside) / "export"
        folder.mkdir()
        try:
            paths = entry.write(artefact, folder)
        except Exception as error:
            raise BrokenFormatError(f"`write` must not fail, got {type(error).__name__}: {error}") from error
        files = sorted(path for path in Path(outside).rglob("*") if path.is_file())
        rule = "`write` must return the paths of the files in the folder, and write nothing else"
        fits = isinstance(paths, tuple) and sorted(paths) == files
        _require(fits, f"{rule}: {[path.name for path in files]}", paths)
        return {path.name: path.read_bytes() for path in files}


def _check_comparison(entry: Format, artefact: Artefact) -> None:
    """Check that `check` finds the files of a network equal to it, and says so in one line."""
    assert entry.check is not None
    with TemporaryDirectory() as folder:
        entry.write(artefact, Path(folder))
        try:
            said = entry.check(artefact, Path(folder))
        except Exception as error:
            raise BrokenFormatError(
                f"`check` must accept what `write` wrote, got {type(error).__name__}: {error}"
            ) from error
        is_one_line = isinstance(said, str) and bool(said.strip()) and "\n" not in said
        _require(is_one_line, "`check` must return one line on what was compared", repr(said))
    _require(artefact.model.training, "`check` must leave the mode of the network alone", "evaluation mode")


def _check_refusal(entry: Format) -> None:
    """Check that a network that cannot be followed is written, or refused with an error for the user."""
    with TemporaryDirectory() as folder:
        try:
            entry.write(_artefact(_branching()), Path(folder))
        except ExportError:
            return
        except Exception as error:
            found = f"{type(error).__name__}: {error}"
            raise BrokenFormatError(
                f"`write` must raise ExportError where it cannot write a network, got {found}"
            ) from error


def _artefact(network: nn.Module) -> Artefact:
    import torch

    from analognas.export.python_source import Description
    from analognas.export.standardised import Standardised

    return Artefact(
        model=Standardised(network, mean=[0.5], std=[0.25], input_shape=(1, 4, 4)),
        description=Description("made-up", class_names=("cat", 'a "dog"'), notes=("first line\nsecond",)),
        architecture={"layers": 2},
        analog={"tiles": []},
        split=(torch.rand(3, 1, 4, 4), torch.tensor([0, 1, 0])),
        calibration=torch.rand(16, 1, 4, 4),
        net=_on_tiles(network),
    )


def _on_tiles(network: nn.Module) -> nn.Module:
    import torch

    import hwsim

    net = hwsim.to_analog(network, "pcm-analognas")
    hwsim.calibrate(net, torch.randn(8, 1, 4, 4, generator=torch.Generator().manual_seed(0)))
    return net


def _network() -> nn.Module:
    from torch import nn

    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2))


def _branching() -> nn.Module:
    """Return a network that looks at the values of its input, so that nothing can follow it."""
    from torch import nn

    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(16, 2)

        def forward(self, x: Tensor) -> Tensor:
            logits: Tensor = self.layer(x.flatten(1))
            return -logits if float(x.sum()) < 0 else logits

    return Branching()


def _require(holds: bool, rule: str, found: object) -> None:
    if not holds:
        raise BrokenFormatError(f"{rule}, got {found}")
