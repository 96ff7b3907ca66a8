"""The one error of this package."""

from __future__ import annotations

from analognas.errors import UserError


class ExportError(UserError):
    """A network cannot be written in a format; the message names the place, the reason and the remedy."""
