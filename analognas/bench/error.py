"""What a benchmark refuses."""

from __future__ import annotations

from analognas.errors import UserError


class BenchError(UserError, ValueError):
    """An argument of a benchmark, or a row of a table, does not fit: the message has rule, value and remedy."""
