"""Networks to take away: torch source, safetensors, ONNX, torch.export, and a run's folder `best/`.

`analognas.export.standardised.Standardised` and `analognas.export.python_source.Description`, the inputs,
import torch and are not loaded here.
"""

from analognas.export.artefact import Artefact, ChipRequest, Format, Requirement
from analognas.export.bundle import write_bundle
from analognas.export.checksums import damaged_files
from analognas.export.error import ExportError
from analognas.export.files import require_free, write_formats
from analognas.export.formats import ALIASES, FORMATS, known_formats

__all__ = [
    "ALIASES",
    "FORMATS",
    "Artefact",
    "ChipRequest",
    "ExportError",
    "Format",
    "Requirement",
    "damaged_files",
    "known_formats",
    "require_free",
    "write_bundle",
    "write_formats",
]
