"""A configuration from a text."""

from pathlib import Path

from analognas.config.document import parse_document
from analognas.config.loader import validate_document
from analognas.config.sections import SearchConfig


def parse_config(text: str, folder: Path, source: str = "config") -> SearchConfig:
    """Validate YAML text; relative paths start at `folder`."""
    return validate_document(parse_document(text, source), folder)
