"""The code blocks of docs/spaces.md run, and print what stands below them."""

from __future__ import annotations

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from search_spaces import published_names, published_network

TEXT = (Path(__file__).parents[2] / "docs" / "spaces.md").read_text(encoding="utf-8")


def test_every_block_runs_and_prints_what_it_says() -> None:
    blocks = re.findall(r"```python\n(.*?)```\n(?:```text\n(.*?)```\n)?", TEXT, flags=re.DOTALL)
    assert len(blocks) == TEXT.count("```python")
    namespace: dict[str, Any] = {}
    for code, printed in blocks:
        output = StringIO()
        with redirect_stdout(output):
            exec(code, namespace)
        assert output.getvalue() == printed


def test_the_table_of_published_networks_is_the_catalogue() -> None:
    rows = re.findall(r"^\| ([\w.-]+) \| ([\d,]+) \| ([\d,]*) ?\|$", TEXT, flags=re.MULTILINE)
    listed = {
        name: (int(parameters.replace(",", "")), int(limit.replace(",", "")) if limit else None)
        for name, parameters, limit in rows
        if name in published_names()
    }
    assert listed == {
        name: (published_network(name).parameters, published_network(name).parameter_limit)
        for name in published_names()
    }
