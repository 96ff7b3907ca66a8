"""What an evaluation of a table shows."""

from __future__ import annotations

from typing import Literal, TypeAlias

LookUp: TypeAlias = Literal["mean", "one-run"]
"""The mean of all trainings of a candidate, or one of them, drawn at random."""
