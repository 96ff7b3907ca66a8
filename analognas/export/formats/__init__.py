"""The formats a network can be taken away in, by the names of `analognas export --format`; one file each.

Every writer takes the same `Artefact` and a folder, writes its files there, and returns their paths. A new format is a
file of this folder and a line of the dictionary below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Final

from analognas.errors import Argument, UserError
from analognas.export.artefact import Format
from analognas.export.formats.aihwkit_file import AIHWKIT
from analognas.export.formats.aihwkit_lightning_file import AIHWKIT_LIGHTNING
from analognas.export.formats.analog import ANALOG
from analognas.export.formats.architecture import ARCHITECTURE
from analognas.export.formats.c_header import C_HEADER
from analognas.export.formats.conductances import CONDUCTANCES
from analognas.export.formats.model_py import MODEL_PY
from analognas.export.formats.onnx_file import ONNX
from analognas.export.formats.onnx_int8 import ONNX_INT8
from analognas.export.formats.pt2 import PT2
from analognas.export.formats.safetensors_file import SAFETENSORS
from analognas.export.formats.spice import SPICE
from analognas.export.formats.test_data import TEST_DATA
from analognas.specs.problems import nearest

FORMATS: Final[Mapping[str, Format]] = {
    "json": ARCHITECTURE,
    "model.py": MODEL_PY,
    "safetensors": SAFETENSORS,
    "pt2": PT2,
    "onnx": ONNX,
    "onnx-int8": ONNX_INT8,
    "conductances": CONDUCTANCES,
    "spice": SPICE,
    "c-header": C_HEADER,
    "aihwkit": AIHWKIT,
    "aihwkit-lightning": AIHWKIT_LIGHTNING,
    "analog": ANALOG,
    "test-data": TEST_DATA,
}
"""The formats, in the order of lists."""

ALIASES: Final[Mapping[str, str]] = {"architecture": "json", "python": "model.py"}
"""Names of version 0.1, and what they are called now."""


def known_formats(names: Sequence[str] | None, others: Sequence[str] = ()) -> list[str]:
    """Return keys of `FORMATS` for names and aliases, each once; those written by default for None.

    Args:
        names: what was asked for.
        others: further names to suggest in an error message.

    Raises:
        UserError: for an unknown name, or a format whose package is not installed.
    """
    if names is None:
        return [name for name, entry in FORMATS.items() if entry.by_default]
    found = dict.fromkeys(ALIASES.get(name, name) for name in names)
    for name in found:
        if name not in FORMATS:
            known = (*FORMATS, *others)
            hint = nearest(str(name), [*known, *ALIASES])
            raise UserError(Argument("formats", "format"), f": unknown format {name!r}{hint}")
        needs = FORMATS[name].needs
        if needs is not None and find_spec(needs.module) is None:
            raise UserError(
                f"the format `{name}` needs {needs.module}, which is not installed; install it with `{needs.command}`"
            )
    return list(found)
