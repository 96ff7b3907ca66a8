"""The plan of the house: no file imports another in a circle, lazily or for types alone, and the root stays small."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("analognas", "hwsim", "search_spaces", "surrogates")
MOST_AT_THE_ROOT = 10


def files_of(package: str) -> dict[str, Path]:
    """Return the files of a package by the name of their module."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in sorted((ROOT / package).rglob("*.py"))
    }


def imports(path: Path, known: dict[str, Path]) -> set[str]:
    """Return the modules of ours that a file imports anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in known else node.module)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return found & known.keys()


def test_no_file_is_part_of_a_circle() -> None:
    known = {name: path for package in PACKAGES for name, path in files_of(package).items()}
    graph = {name: imports(path, known) - {name} for name, path in known.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' <- '.join(error.args[1])}")


@pytest.mark.parametrize(
    "line",
    [
        "from hwsim.curve import DriftCurve",
        "import hwsim.curve",
        "from hwsim import curve",
        "def late():\n    from hwsim.curve import DriftCurve",
        "if TYPE_CHECKING:\n    from hwsim.curve import DriftCurve",
    ],
)
def test_every_way_of_importing_is_seen(line, tmp_path) -> None:
    (tmp_path / "module.py").write_text(f"{line}\n")
    assert imports(tmp_path / "module.py", files_of("hwsim")) == {"hwsim.curve"}


def test_few_modules_are_at_the_root_of_analognas() -> None:
    modules = [path.name for path in (ROOT / "analognas").glob("*.py")]
    assert len(modules) <= MOST_AT_THE_ROOT, modules
