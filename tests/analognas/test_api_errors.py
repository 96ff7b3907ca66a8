"""Mistakes in calls of the Python interface, told in the words of Python and not of the command line."""

import copy
from pathlib import Path

import pytest
import yaml

import analognas
from analognas.errors import Argument
from analognas.record.directory import ensure_unused
from tests.analognas.small_search import SMALL


def small(**search) -> dict:
    config = copy.deepcopy(yaml.safe_load(SMALL))
    config["search"].update(search)
    return config


@pytest.mark.parametrize(
    ("config", "arguments", "message"),
    [
        (small(), {"overrides": "search.trials=6"}, "`overrides` must be a list of texts"),
        (small(), {"overrides": [6]}, r"`overrides` must be a list of texts .*, got \[6\]"),
        (
            small(),
            {"overrides": ["search.trials=six"]},
            "^overrides: search.trials=six: search.trials: must be a whole number, got 'six'$",
        ),
        (small(), {"seed": -1}, "^seed=-1: seed: must be >= 0, got -1"),
        (
            small(trials=3),
            {},
            r"^config: search.strategy.initial: `search.strategy.initial <= search.trials`",
        ),
        (small(out=Path("x")), {}, r"^`config` must hold numbers, texts, lists and mappings .*PosixPath"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_argument(tmp_path, config, arguments, message) -> None:
    with pytest.raises(analognas.UserError, match=message) as caught:
        analognas.search(config, out=tmp_path / "run", **arguments)
    assert "\n" not in str(caught.value)
    assert "--" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_remedy_names_the_option_on_the_command_line_and_the_argument_in_python(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    with pytest.raises(analognas.UserError) as caught:
        ensure_unused(tmp_path)
    assert str(caught.value).endswith("is in use; choose another with `out`")
    assert caught.value.on_command_line().endswith("is in use; choose another with --out")
    assert Argument("times_s", "times").on_command_line() == "--times"
