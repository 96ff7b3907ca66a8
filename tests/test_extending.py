"""docs/extending.md: every block runs, conformance suites included, and every suite and dictionary is on the page."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

import analognas.testing
from tests.analognas.parse import parse_config

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
SUITES = [name for name in analognas.testing.__all__ if name.startswith("check_")]


def test_the_blocks_run(tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    code = "\n".join(blocks)
    (tmp_path / "extending.py").write_text(code, encoding="utf-8")
    runpy.run_path(str(tmp_path / "extending.py"))
    assert all(f"\n{suite}(" in code for suite in SUITES if suite != "check_device")


def test_the_configuration_is_valid() -> None:
    (block,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    config = parse_config(f"task: {{kind: digits}}\n{block}", ROOT)
    assert config.search.strategy.surrogate_spec.name == "ridge"


@pytest.mark.parametrize("suite", SUITES)
def test_every_suite_is_in_the_table(suite: str) -> None:
    assert f"| `{suite}` |" in PAGE


@pytest.mark.parametrize("path", re.findall(r"`((?:analognas|surrogates)/[\w/]+\.py)`", PAGE))
def test_every_file_that_is_named_is_there(path: str) -> None:
    assert (ROOT / path).is_file()
