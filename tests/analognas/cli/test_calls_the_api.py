"""The command line reads words and prints results: what happens between is the Python interface's affair."""

import ast
from pathlib import Path

import pytest

CLI = Path(__file__).parents[3] / "analognas" / "cli"

INSIDE = (
    "analognas.compose",
    "analognas.driver.agenda",
    "analognas.driver.loop",
    "analognas.evaluation",
    "analognas.executors",
    "analognas.final",
    "analognas.runs.lifecycle",
    "analognas.runs.growth",
    "analognas.runs.any_trial",
    "analognas.comparison.searches",
    "analognas.spaces",
    "analognas.training",
    "surrogates",
    "torch",
)
"""What runs a search, an end of one or a validation; a command that imported it would do so past the interface."""


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found


@pytest.mark.parametrize("path", sorted(CLI.glob("*.py")), ids=lambda path: path.stem)
def test_a_command_goes_through_the_interface(path: Path) -> None:
    past = {name for name in imported(path) for inside in INSIDE if f"{name}.".startswith(f"{inside}.")}
    assert not past


@pytest.mark.parametrize("command", ["compare", "finish", "replay", "resume", "search", "validate"])
def test_a_command_that_has_a_function_of_its_name_calls_it(command: str) -> None:
    tree = ast.parse((CLI / f"{command}.py").read_text(encoding="utf-8"))
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert f"analognas.{command}" in called
