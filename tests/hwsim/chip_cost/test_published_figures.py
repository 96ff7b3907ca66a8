"""The validation that `scripts/reproduce/chip_cost.py` prints: counts are equal, and what was fixed is near."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "scripts" / "reproduce" / "chip_cost.py"


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-W", "error", SCRIPT, "--json"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path_factory.mktemp("elsewhere"),
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def of(rows: list[dict[str, Any]], kind: str, words: str = "") -> list[dict[str, Any]]:
    return [row for row in rows if row["kind"] == kind and words in row["what"]]


def test_counts_are_equal(rows: list[dict[str, Any]]) -> None:
    counts = {row["what"]: row["ours"] for row in of(rows, "exact")}
    assert len(counts) == 12
    assert {row["error"] for row in of(rows, "exact")} == {0}
    assert counts["ResNet-32, weights"] == 464_432
    assert (counts["ResNet-32, tiles of 512 × 512"], counts["ResNet-32, tiles of 256 × 256"]) == (43, 62)
    assert (counts["ResNet-32, matrices"], counts["ResNet-32, MVMs of layers"]) == (34, 14_785)
    assert counts["AnalogNAS T500 (a reading of it), tiles"] == 27
    assert counts["AnalogNAS T500, layers in all but its shortcut"] == 17


def test_rows_that_constants_were_fixed_on_are_within_five_per_cent(rows: list[dict[str, Any]]) -> None:
    assert len(of(rows, "fixed", "HERMES, one-phase")) == len(of(rows, "fixed", "HERMES, four-phase")) == 8
    assert len(of(rows, "fixed", "AON-CiM")) == 2
    assert max(abs(row["error"]) for row in of(rows, "fixed")) <= 0.05


def test_what_nothing_was_fixed_on_has_its_error_and_what_was_assumed(rows: list[dict[str, Any]]) -> None:
    assert max(abs(row["error"]) for row in of(rows, "check")) <= 0.05
    compared = of(rows, "compare")
    assert {row["what"].split(",")[0] for row in compared} == {"AnalogNet-KWS", "AnalogNet-VWW", "AnalogNAS"}
    assert all("layers assumed" in row["note"] for row in of(rows, "compare", "AnalogNet"))
    page = (ROOT / "docs" / "cost.md").read_text(encoding="utf-8")
    for row in of(rows, "compare", "AnalogNAS"):
        assert f"| {row['published']:.3g} | {row['ours']:.3g} | {100 * row['error']:+.0f} % |" in page
