"""The code blocks of the documentation run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[3] / "docs"


@pytest.mark.parametrize("name", ["strategies.md", "surrogates.md"])
def test_code_blocks_run(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / name).read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, name, "exec"), {"__name__": name})


@pytest.mark.parametrize("name", ["strategies.md", "surrogates.md"])
def test_every_kind_is_in_its_table(name: str) -> None:
    from analognas.strategies.specs import STRATEGIES
    from surrogates.specs import SURROGATES

    text = (DOCS / name).read_text(encoding="utf-8")
    for kind in STRATEGIES if name == "strategies.md" else SURROGATES:
        assert f"| `{kind}` |" in text
