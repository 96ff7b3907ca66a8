"""The suite of export formats accepts what is built in, and names what is wrong with broken ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from analognas.export import FORMATS, Format
from analognas.testing import (
    BrokenFormatError,
    check_format,
)


@pytest.mark.parametrize("name", FORMATS)
def test_built_in_formats_keep_their_contract(name: str) -> None:
    needs = FORMATS[name].needs
    if needs is not None:
        pytest.importorskip(needs.module, reason=f"{needs.module} is not installed ({needs.command})")
    check_format(FORMATS[name])


def _write(folder: Path, name: str = "model.txt", content: str = "layers") -> Path:
    path = folder / name
    path.write_text(content)
    return path


def _changes(artefact: Any, folder: Path) -> tuple[Path, ...]:
    artefact.model.mean.add_(1.0)
    return (_write(folder),)


def _evaluates(artefact: Any, folder: Path) -> tuple[Path, ...]:
    artefact.model.eval()
    return (_write(folder),)


def _beside(artefact: Any, folder: Path) -> tuple[Path, ...]:
    _write(folder.parent, "log.txt")
    return (_write(folder),)


def _traces(artefact: Any, folder: Path) -> tuple[Path, ...]:
    torch.fx.symbolic_trace(artefact.model)
    return (_write(folder),)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (Format("", lambda artefact, folder: (_write(folder),)), "`summary` must be one line"),
        (Format("text", lambda artefact, folder: ()), "`write` must write a file, got none"),
        (Format("text", lambda artefact, folder: [_write(folder)]), "`write` must return the paths"),
        (Format("text", lambda artefact, folder: (folder / "no.txt",)), "`write` must return the paths"),
        (Format("text", lambda artefact, folder: (_write(folder, content=""),)), "files with content"),
        (Format("text", lambda artefact, folder: (artefact.nothing,)), "`write` must not fail"),
        (Format("text", _beside), "and write nothing else"),
        (
            Format("text", lambda artefact, folder: (_write(folder),), files=("other.txt",)),
            "`files` must name what is written",
        ),
        (Format("text", _changes), "`write` must leave the network alone, got a changed mean"),
        (Format("text", _evaluates), "`write` must leave the mode of the network alone"),
        (Format("text", _traces), "`write` must raise ExportError where it cannot write a network"),
    ],
)
def test_a_broken_format_is_found(broken: Format, message: str) -> None:
    with pytest.raises(BrokenFormatError, match=message):
        check_format(broken)
