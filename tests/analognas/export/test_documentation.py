"""The Python blocks of docs/export.md and docs/report.md run as they stand."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import torch

DOCS = Path(__file__).parents[3] / "docs"


def _blocks(name: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / name).read_text(encoding="utf-8"), flags=re.S)


def test_export_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    use, *others = _blocks("export.md")
    together: dict[str, object] = {}
    for block in others:
        exec(compile(block, "export.md", "exec"), together)
    # the first block uses what the last one wrote
    monkeypatch.syspath_prepend(str(tmp_path / "mine"))
    monkeypatch.setitem(sys.modules, "model", None)  # forgotten afterwards
    monkeypatch.delitem(sys.modules, "model")
    names = {"x": torch.randn(4, 1, 8, 8)}
    exec(compile(use, "export.md", "exec"), names)
    assert names["logits"].shape == (4, 10)


def test_report_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (block,) = _blocks("report.md")
    exec(compile(block, "report.md", "exec"), {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pareto.csv", "report.html", "summary.csv"]
