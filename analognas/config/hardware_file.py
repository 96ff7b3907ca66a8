"""Hardware as somebody names it outside of a configuration: a preset, or a YAML file."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

import hwsim
from analognas.config.document import Document, read_document
from analognas.config.hardware_section import HardwareSection
from analognas.config.translate import translate
from analognas.errors import Argument, UserError
from analognas.specs.base import Spec
from analognas.specs.problems import nearest


class _HardwareFile(Spec):
    """The content of a hardware file, as the section `hardware` of a configuration."""

    hardware: HardwareSection


def read_hardware(text: str) -> hwsim.Hardware:
    """Return hardware from a preset's name or from a YAML file: a `hardware` section or its content.

    Raises:
        UserError: when it is neither.
    """
    if not text.strip():
        raise UserError(
            Argument("hardware"),
            f" must be the name of a preset or a YAML file, got {text!r}; leave it out for the hardware of the run",
        )
    path = Path(text)
    if text in hwsim.preset_names():
        return hwsim.preset(text)
    if not path.suffix and not path.is_file():
        raise UserError(
            Argument("hardware"),
            f": no preset {text!r}{nearest(text, hwsim.preset_names())}; a file must end in .yaml",
        )
    document = read_document(path, "docs/hwsim.md has hardware to start from")
    if set(document.values) == {"hardware"}:
        return _checked_hardware(document)
    if {"hardware", "task"} & set(document.values):
        raise UserError(
            f"{path}: is a search, and not hardware; give a file with its `hardware:` section alone"
        )
    inner = Document(
        source=document.source,
        values={"hardware": document.values},
        keys={("hardware", *key): place for key, place in document.keys.items()},
        places={("hardware", *key): place for key, place in document.places.items()},
    )
    return _checked_hardware(inner)


def _checked_hardware(document: Document) -> hwsim.Hardware:
    try:
        return _HardwareFile.model_validate(document.values).hardware
    except ValidationError as error:
        raise translate(error, _HardwareFile, document) from None
