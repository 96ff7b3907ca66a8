"""Values of the command line: `--set`, `--seed`."""

from pathlib import Path

import pytest

from analognas.config.loader import load_config
from analognas.specs.problems import ConfigError
from tests.analognas.config.mistakes import problems


def test_overrides_replace_values_and_name_themselves_in_errors(tmp_path: Path) -> None:
    path = tmp_path / "search.yaml"
    path.write_text("task: {kind: digits}\nsearch: {trials: 30}\n")
    config, _ = load_config(path, ["search.trials=40", "hardware.preset=ideal-8bit", "constraints.avm=1e-2"])
    assert config.search.trials == 40
    assert config.hardware.name == "ideal-8bit"
    assert config.constraints.avm == 0.01
    assert problems(tmp_path, "task: {kind: digits}\n", "search.trials=none", "seed", "task.kind.x=1") == [
        "--set seed: must read `path.to.key=value`",
        "--set task.kind.x=1: task.kind: is a value, not a section; nothing can be set inside it",
    ]
    assert problems(tmp_path, "task: {kind: digits}\n", "search.trials=none") == [
        "--set search.trials=none: search.trials: must be a whole number, got 'none'"
    ]


def test_another_kind_drops_the_keys_that_the_file_has_for_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "search.yaml"
    path.write_text(
        "task: {kind: digits}\n"
        "search: {strategy: {kind: surrogate-guided, initial: 7, acquisition: ei}}\n"
        "hardware: {preset: pcm-analognas, device: {g_max_us: 30, drift_scale: 0.5}}\n"
    )
    config, _ = load_config(path, ["search.strategy.kind=analognas", "hardware.device.kind=ideal"])
    assert config.search.strategy.kind == "analognas"
    assert config.search.strategy.initial == 7, "the new kind knows this key too"
    assert config.hardware.device.model_dump() == {"kind": "ideal", "g_max_us": 30}
    assert problems(
        tmp_path, path.read_text(), "search.strategy.kind=random", "search.strategy.initial=3"
    ) == ["--set search.strategy.initial=3: search.strategy.initial: unknown key; known: kind"]


def test_a_value_of_the_command_line_that_is_no_yaml_is_told_once(tmp_path: Path) -> None:
    (only,) = problems(tmp_path, "task: {kind: digits}\n", "search.trials=[")
    assert only.startswith(
        "--set search.trials=[: search.trials: the value '[' cannot be read: not YAML: expected"
    )
    assert only.count("not YAML") == 1


@pytest.mark.parametrize(
    ("assignment", "told"),
    [
        ("executor.address=[::1]:6379", """; a text is written as 'executor.address="[::1]:6379"'"""),
        ("task=digits", "got 'digits'; write `{kind: digits}`"),
        ("search.strategy=random", "got 'random'; write `{kind: random}`"),
        ("task=digit", "must be a section (`key: value`), got 'digit'"),
        ("search.trials=1e30", "must be a whole number, got 1e+30"),
        ("training.digital.learning_rate=.inf", "must be a finite number, got inf"),
        ("name=a\nb", "--set 'name=a\\nb': name: must match"),
    ],
)
def test_a_value_of_the_command_line_is_told_with_its_remedy(assignment, told, tmp_path: Path) -> None:
    (only,) = problems(tmp_path, "task: {kind: digits}\n", assignment)
    assert told in only
    assert only.endswith(told) or "name=" in assignment


def test_a_seed_of_the_command_line_names_itself(tmp_path: Path) -> None:
    (tmp_path / "search.yaml").write_text("task: {kind: digits}\n")
    assert load_config(tmp_path / "search.yaml", seed=4)[0].seed == 4
    with pytest.raises(ConfigError, match=r"^seed -1: seed: must be >= 0, got -1"):
        load_config(tmp_path / "search.yaml", seed=-1)
