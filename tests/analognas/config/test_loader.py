from pathlib import Path

import numpy as np
import pytest

from analognas.config.loader import dump_config, load_config, parse_config
from analognas.config.problems import ConfigError

CONFIGS = sorted((Path(__file__).parents[3] / "configs").glob("*.yaml"))


def problems(tmp_path: Path, text: str, *overrides: str) -> list[str]:
    path = tmp_path / "search.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides)
    return [str(problem).removeprefix(f"{tmp_path}/") for problem in caught.value.problems]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_ready_made_configurations_are_valid_and_survive_a_round_trip(path: Path) -> None:
    config, _ = load_config(path)
    assert parse_config(dump_config(config), path.parent) == config


def test_all_problems_at_once_in_line_order(tmp_path: Path) -> None:
    text = """\
seed: -1
task: {kind: digits}
constraints:
  parameters: many
search:
  trials: 10
  strategy:
    kind: surrogate-guided
    populaton: 10
  batc: 2
evaluation: {chips: 1, times: [1 s, 1 day]}
"""
    assert problems(tmp_path, text) == [
        "search.yaml:1:7: seed: must be >= 0, got -1; seed of every random draw of the run",
        "search.yaml:4:15: constraints.parameters: must be a whole number, got 'many'",
        "search.yaml:9:5: search.strategy.populaton: unknown key, did you mean `population`?",
        "search.yaml:10:3: search.batc: unknown key, did you mean `batch`?",
        "search.yaml:11:21: evaluation.chips: must be >= 2, got 1; chips programmed for each trial; the spread needs 2",
        "search.yaml:11:31: evaluation.times: must contain 1 s, 1 day and 1 month "
        "(1-day accuracy and AVM need them); add 1 month",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("seed: 1\n", "search.yaml:1:1: task: this key is required"),
        ("task: {}\n", "search.yaml:1:1: task.kind: this key is required; known: digits, fsdd, "),
        (
            "task: {kind: digit}\n",
            "search.yaml:1:14: task.kind: unknown kind 'digit', did you mean `digits`?",
        ),
        ("task: digits\n", "search.yaml:1:7: task: must be a section (`key: value`), got 'digits'"),
        ("task: {kind: digits, path: x}\n", "search.yaml:1:22: task.path: unknown key; known: kind"),
        ("task: {kind: digits}\nspace: {kind: resnet, oc0: [64, 8]}\n", "`low <= high` must hold"),
        ("task: {kind: digits}\nspace: {kind: resnet, oc0: [8]}\n", "space.oc0[1]: this key is required"),
        ("task: {kind: digits}\nspace: {kind: resnet, ct: ABX}\n", "search.yaml:2:27: space.ct: must match"),
        (
            "task: {kind: digits}\nspace: {kind: nas}\n",
            "space.kind: unknown kind 'nas'; known: entry-point, nasbench201, resnet",
        ),
        ("task: {kind: digits}\nhardware: pcm-analogna\n", "did you mean"),
        ("task: {kind: digits}\nhardware: {preset: 5}\n", "`preset` must be a name"),
        (
            "task: {kind: digits}\nhardware: {preset: pcm-analognas, tile: {rows: 0}}\n",
            "hardware.tile.rows: must be >= 1",
        ),
        (
            "task: {kind: digits}\nhardware: {device: {kind: pmc}}\n",
            "unknown kind 'pmc', did you mean `pcm`?",
        ),
        (
            "task: {kind: digits}\nsearch: {strategy: {kind: evolution}}\n",
            "search.strategy.kind: unknown kind",
        ),
        (
            "task: {kind: digits}\nsearch: {trials: 5, strategy: {kind: surrogate-guided, initial: 9}}\n",
            "got 9 > 5",
        ),
        ("task: {kind: digits}\nreferences: [resnet9]\n", "unknown network 'resnet9'"),
        ("task: {kind: digits}\nobjective: accuracy\n", "must be one of"),
        (
            "task: {kind: digits}\nconstraints: {avm: 3}\n",
            "got 3; accuracy at 1 s minus at 1 month, a fraction: 0.03 is",
        ),
        ("task: {kind: digits}\nconstraints: {avm: .nan}\n", "constraints.avm"),
        ("task: {kind: digits}\nname: ../evil\n", "search.yaml:2:7: name: must match"),
        ("task: {kind: digits}\nevaluation: {times: [1 s, 1 day, 1 moth]}\n", "got '1 moth'"),
        ("task: {kind: digits}\nevaluation: {times: [-1]}\n", "evaluation.times[0]: must be >= 0, got -1"),
        (
            "task: {kind: digits}\ntraining: {digital: {epochs: 1.5}}\n",
            "training.digital.epochs: must be a whole number",
        ),
        ("task: {kind: arrays, path: absent.npz}\n", "search.yaml:1:28: task.path: no such file"),
        ("task: {kind: arrays, path: .}\n", "is a directory"),
        (
            "task: {kind: digits}\nexecutor: {kind: serial, threads: 0}\n",
            "executor.threads: must be >= 1, got 0",
        ),
    ],
)
def test_each_mistake_has_its_place_and_its_remedy(tmp_path: Path, text: str, expected: str) -> None:
    found = problems(tmp_path, text)
    assert len(found) == 1
    assert expected in found[0]
    assert found[0].startswith("search.yaml:")


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


def test_a_preset_takes_changes_and_a_change_of_kind_drops_the_old_kind() -> None:
    text = (
        "task: {kind: digits}\nhardware: {preset: pcm-analognas, tile: {rows: 128}, device: {kind: ideal}}\n"
    )
    hardware = parse_config(text, Path()).hardware
    assert hardware.tile.rows == 128
    assert hardware.tile.columns == 512
    assert hardware.device.kind == "ideal"


def test_data_paths_start_at_the_folder_of_the_configuration(tmp_path: Path, monkeypatch) -> None:
    np.savez(tmp_path / "my.npz", x=np.zeros((4, 1, 2, 2)), y=np.arange(4) % 2)
    (tmp_path / "search.yaml").write_text("task: {kind: arrays, path: my.npz}\n")
    monkeypatch.chdir("/")
    config, _ = load_config(tmp_path / "search.yaml")
    assert config.task.path == tmp_path / "my.npz"
