"""Reads the cells of a CSV file as texts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from analognas.bench.error import BenchError

if TYPE_CHECKING:
    import pandas as pd


def read_csv(path: Path) -> pd.DataFrame:
    """Return `(rows, columns)` texts, empty where a cell is.

    Raises:
        BenchError: when the file is no CSV with a header.
    """
    import pandas as pd

    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise BenchError(f"{path}: a table must be a CSV file with a header: {reason}") from None
