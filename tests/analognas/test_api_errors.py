"""Mistakes in calls of the Python interface, told in the words of Python and not of the command line."""

import copy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

import analognas
from analognas.config.from_python import document_from
from analognas.errors import Argument
from analognas.record.directory import ensure_unused
from tests.analognas.small_search import SMALL


def endless() -> dict:
    config = {"task": {"kind": "digits"}}
    config["space"] = config
    return config


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
            "^overrides search.trials=six: search.trials: must be a whole number, got 'six'$",
        ),
        (small(), {"seed": -1}, "^seed -1: seed: must be >= 0, got -1"),
        (
            small(trials=3),
            {},
            r"^config: search.strategy.initial: `search.strategy.initial <= search.trials`",
        ),
        (endless(), {}, "^`config` must not hold itself, nor be nested that deeply$"),
        (small(out=object()), {}, "^search.out: must hold numbers, texts, lists and mappings.*object"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_argument(tmp_path, config, arguments, message) -> None:
    with pytest.raises(analognas.UserError, match=message) as caught:
        analognas.search(config, out=tmp_path / "run", **arguments)
    assert "\n" not in str(caught.value)
    assert "--" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_list_may_stand_at_two_places_of_a_configuration() -> None:
    ranges, epochs = [1, 2], {"epochs": 2}
    config = {
        "task": {"kind": "digits"},
        "space": {"kind": "resnet", "m": ranges, "r": ranges},
        "training": {"digital": epochs, "hardware_aware": epochs},
    }
    assert document_from(config, {})[0].values == config


def test_paths_and_numbers_of_numpy_are_values() -> None:
    config = {"task": {"path": Path("a b.npz")}, "seed": np.int64(3), "x": [np.float32(0.5), np.bool_(True)]}
    assert document_from(config, {})[0].values == {"task": {"path": "a b.npz"}, "seed": 3, "x": [0.5, True]}


def test_the_observer_that_keeps_quiet_needs_no_import_of_its_own() -> None:
    code = "import analognas; analognas.observer.Silent().stage('x')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_remedy_names_the_option_on_the_command_line_and_the_argument_in_python(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    with pytest.raises(analognas.UserError) as caught:
        ensure_unused(tmp_path)
    assert str(caught.value).endswith("is in use; choose another with `out`")
    assert caught.value.on_command_line().endswith("is in use; choose another with --out")
    assert Argument("times_s", "times").on_command_line() == "--times"


def test_a_mistake_in_a_configuration_does_not_wait_for_torch() -> None:
    code = (
        "import sys, analognas\n"
        "try:\n"
        "    analognas.search({'task': {'kind': 'digits'}, 'seed': 'x'})\n"
        "except analognas.UserError:\n"
        "    print(sorted({'torch', 'sklearn', 'xgboost', 'plotly'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr
