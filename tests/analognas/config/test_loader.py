import re
from pathlib import Path

import numpy as np
import pytest

import hwsim
from analognas.config.loader import dump_config, load_config
from analognas.specs.problems import ConfigError
from tests.analognas.config.mistakes import problems
from tests.analognas.parse import parse_config

CONFIGS = sorted((Path(__file__).parents[3] / "configs").glob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.name)
def test_ready_made_configurations_are_valid_and_survive_a_round_trip(path: Path) -> None:
    config, _ = load_config(path)
    assert parse_config(dump_config(config), path.parent) == config


REFERENCE = {
    "digits": "resnet8",
    "fsdd": "ds-cnn",
    "speech-commands": "ds-cnn",
    "cifar10": "resnet8",
    "visual-wake-words": "mobilenet-v1-0.25",
}


@pytest.mark.parametrize("task", REFERENCE)
def test_every_task_has_a_quick_and_a_full_search_with_the_limits_of_the_paper(task: str) -> None:
    quick, full = (CONFIGS[0].parent / f"{task}{ending}.yaml" for ending in ("", "-full"))
    small, _ = load_config(quick)
    large, _ = load_config(full)
    for config in (small, large):
        assert config.task.kind == task
        assert REFERENCE[task] in config.references
    assert small.search.trials < large.search.trials
    assert small.training.digital.epochs < large.training.digital.epochs
    limits = {int(n): int(k) for n, k in re.findall(r"(\d+00000) \(T(\d+)[M,)]", full.read_text())}
    assert {100_000, 1_000_000} <= set(limits)
    assert large.constraints.parameters in limits
    for limit, name in limits.items():
        assert name in (limit // 1000, limit // 1_000_000)
        config, _ = load_config(full, [f"constraints.parameters={limit}"])
        assert config.constraints.parameters == limit


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
        "search.yaml:4:15: constraints.parameters: must be a whole number, or a text such as `40 k` (units: k, M, G), "
        "got 'many'",
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
        (
            "task: {kind: digits}\nspace: {kind: resnet, oc0: [8]}\n",
            "space.oc0: has too few entries, got [8]",
        ),
        (
            "task: {kind: digits}\nspace: {kind: resnet, oc0: 8}\n",
            "space.oc0: must be a list, got 8; OC0, output channels of the first convolution: [low, high]",
        ),
        (
            "task: {kind: digits}\nspace: {kind: resnet, oc0: [1, 2, 3]}\n",
            "space.oc0: must have at most 2 entries, got 3; OC0, output channels of the first convolution: [low",
        ),
        (
            "task: {kind: digits}\nconstraints: {macs: 3 points}\n",
            "constraints.macs: must be a whole number, or a text such as `40 k` (units: k, M, G), got '3 points'",
        ),
        (
            "task: {kind: digits}\nsearch: {strategy: {kind: surrogate-guided, surrogate: {kind: foo}}}\n",
            "kind: unknown kind 'foo'; known: analognas, committee, entry-point, gaussian-process, xgboost-ensemble",
        ),
        (
            "task: {kind: digits}\nspace: {kind: resnet, ct: ABX}\n",
            "search.yaml:2:27: space.ct: must be one to four of the letters A, B, C, D in this order",
        ),
        (
            "task: {kind: digits}\nspace: {kind: nas}\n",
            "space.kind: unknown kind 'nas'; known: entry-point, nasbench201, resnet",
        ),
        ("task: {kind: digits}\nhardware: pcm-analogna\n", "did you mean"),
        (
            "task: {kind: digits}\nhardware: {preset: pcm-rasch2023, device: {latest_s: 1}}\n",
            "hardware.device.latest_s: unknown key of kind pcm; it belongs to kind polynomial",
        ),
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
            "got 3; accuracy at 1 s minus at 1 month, 0.03 or 3 points",
        ),
        ("task: {kind: digits}\nconstraints: {avm: .nan}\n", "constraints.avm"),
        (
            "task: {kind: digits}\nconstraints: {tiles: 0}\n",
            "constraints.tiles: must be >= 1, got 0; crossbar tiles of `hardware.tile`, such as 16",
        ),
        (
            "task: {kind: digits}\nconstraints: {digital_accuracy: 0.2}\n",
            "constraints.digital_accuracy: unknown key; known: area_mm2, avm, energy_uj, inferences_per_j, ",
        ),
        ("task: {kind: digits}\nname: ../evil\n", "search.yaml:2:7: name: must match"),
        ("task: {kind: digits}\nevaluation: {times: [1 s, 1 day, 1 moth]}\n", "got '1 moth'"),
        ("task: {kind: digits}\nevaluation: {times: [-1]}\n", "evaluation.times[0]: must be >= 0, got -1"),
        (
            "task: {kind: digits}\nevaluation: {times: [1 s, -5 s]}\n",
            "search.yaml:2:27: evaluation.times[1]: must be at least 0 s, got '-5 s'",
        ),
        (
            "task: {kind: digits}\ntraining: {early_stop: {epoch: 1, accuracy: 100 %}}\n",
            "training.early_stop.accuracy: must be < 1, got 1.0; digital validation accuracy",
        ),
        (
            "task: {kind: digits}\ntraining: {augmentation: {time_shift: 3}}\n",
            "search.yaml:2:39: training.augmentation.time_shift: `time_shift` moves the frames of spectrograms, "
            "`task.kind: digits` has images; leave it out",
        ),
        (
            "task: {kind: fsdd}\ntraining: {augmentation: {flip: true}}\n",
            "search.yaml:2:33: training.augmentation.flip: `flip` mirrors images, `task.kind: fsdd` has spectrograms",
        ),
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


def test_bounds_with_units(tmp_path: Path) -> None:
    bounds_in_units = "{parameters: 40 k, macs: 1.5 M, tiles: 1 k, avm: 5 points, std_1d: 0.5 %}"
    text = f"task: {{kind: digits}}\nconstraints: {bounds_in_units}\n"
    bounds = parse_config(text, tmp_path).constraints.upper_bounds()
    assert bounds == {"parameters": 40_000, "macs": 1_500_000, "tiles": 1_000, "avm": 0.05, "std_1d": 0.005}


def test_a_preset_takes_changes_and_a_change_of_kind_drops_the_old_kind() -> None:
    text = (
        "task: {kind: digits}\nhardware: {preset: pcm-analognas, tile: {rows: 128}, device: {kind: ideal}}\n"
    )
    hardware = parse_config(text, Path()).hardware
    assert hardware.tile.rows == 128
    assert hardware.tile.columns == 512
    assert hardware.device.kind == "ideal"


CHIP = "name: my-chip\npreset: pcm-rasch2023\ntile: {rows: 96}\ndevice: {g_max_us: 20}\n"


@pytest.mark.parametrize(
    ("section", "rows"),
    [("chips/mine.yaml", 96), ("{preset: chips/mine.yaml, tile: {rows: 32}}", 32)],
)
def test_hardware_comes_from_a_file_and_a_run_stands_alone(
    section: str, rows: int, tmp_path: Path, monkeypatch
) -> None:
    (tmp_path / "chips").mkdir()
    (tmp_path / "chips" / "mine.yaml").write_text(CHIP)
    (tmp_path / "search.yaml").write_text(f"task: {{kind: digits}}\nhardware: {section}\n")
    monkeypatch.chdir("/")
    config, _ = load_config(tmp_path / "search.yaml")
    hardware = config.hardware
    assert (hwsim.label(hardware), hardware.tile.rows, hardware.device.g_max_us) == ("my-chip", rows, 20)
    (tmp_path / "chips" / "mine.yaml").unlink()
    assert parse_config(dump_config(config), Path("/")).hardware == hardware


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hardware: mine.yml", "2:11: hardware: no such file: "),
        ("hardware: {preset: wrong.yaml}", "wrong.yaml: `tile.rows`: must be a valid integer"),
        ("hardware: none.yaml", "none.yaml: must hold values of hardware"),
        ("hardware: pcm-rasch", "did you mean pcm-rasch2023?"),
    ],
)
def test_a_file_that_is_no_hardware_is_told_at_its_place(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text("tile: {rows: many}\n")
    (tmp_path / "none.yaml").write_text("3\n")
    with pytest.raises(ConfigError) as caught:
        parse_config(f"task: {{kind: digits}}\n{text}\n", tmp_path)
    assert words in str(caught.value)


def test_data_paths_start_at_the_folder_of_the_configuration(tmp_path: Path, monkeypatch) -> None:
    np.savez(tmp_path / "my.npz", x=np.zeros((4, 1, 2, 2)), y=np.arange(4) % 2)
    (tmp_path / "search.yaml").write_text("task: {kind: arrays, path: my.npz}\n")
    monkeypatch.chdir("/")
    config, _ = load_config(tmp_path / "search.yaml")
    assert config.task.path == tmp_path / "my.npz"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "search:\n  trials: 5\n",
            "3:11: search.trials: `search.strategy.initial <= search.trials` must hold",
        ),
        (
            "search:\n  trials: 15\n  strategy: {kind: analognas, initial: 20}\n",
            "4:40: search.strategy.initial: `search.strategy.initial <= search.trials` must hold, got 20 > 15",
        ),
        (
            "search:\n  trials: 6\n  strategy: {kind: nsga2}\n",
            "3:11: search.trials: `search.strategy.population <= search.trials` must hold, got 30 > 6: the first 30 "
            "trials are drawn before nsga2 looks at any result, and no others would follow; lower `population`, or",
        ),
        (
            "search:\n  trials: 9\n  strategy: {kind: regularized-evolution, population: 10}\n",
            "4:55: search.strategy.population: `search.strategy.population <= search.trials` must hold, got 10 > 9: ",
        ),
        ("choice: knee\n", "2:9: choice: `knee` needs `further_objectives`"),
        (
            "search: {strategy: {kind: analognas}}\nfurther_objectives: [parameters]\n",
            "3:21: further_objectives: `search.strategy.kind: analognas` improves one objective alone",
        ),
        ("search: {halving: {rungs: 6}}\n", "2:19: search.halving: `search.trials >= eta^(rungs - 1)`"),
        (
            "search: {halving: {eta: 2, rungs: 5}}\n",
            "2:35: search.halving.rungs: the rungs 0 and 1 would be equal",
        ),
        (
            "search: {strategy: {kind: surrogate-guided, refit_below: 0.9}}\n",
            "2:58: search.strategy.refit_below: `refit_every >= 2` must hold",
        ),
        (
            "training: {digital: {epochs: 3}, early_stop: {accuracy: 0.4, epoch: 5}}\n",
            "2:69: training.early_stop.epoch: `early_stop.epoch < digital.epochs` must hold, got 5 and 3",
        ),
        (
            "search: {trials: 2, strategy: {kind: random}, start_from: [a, b, c]}\n",
            "2:66: search.start_from[2]: must have at most `search.trials` entries, they are the first trials",
        ),
        (
            "search: {start_from: [5]}\n",
            "2:23: search.start_from[0]: must be the name of a published network or an architecture",
        ),
        (
            "search: {strategy: {kind: regularized-evolution, population: 5}}\n",
            "2:62: search.strategy.population: `tournament <= population` must hold, got 8 > 5",
        ),
        ("space: {kind: resnet, m: []}\n", "2:26: space.m: has too few entries, got []"),
        ("search: {trials: true}\n", "2:18: search.trials: must be a whole number, got true"),
        ("executor: {kind: ray, num_gpus: false}\n", "2:33: executor.num_gpus: must be a number, got false"),
        (
            "space: {kind: resnet, oc0: [true, 8]}\n",
            "2:28: space.oc0: must be a list of whole numbers, got [true, 8]",
        ),
        ("evaluation: {chips: yes}\n", "2:21: evaluation.chips: must be a whole number, got 'yes'"),
        ("training: {mixed_precision: 2}\n", "2:29: training.mixed_precision: "),
        ("hardware: {tile: {rows: true}}\n", "2:18: hardware.tile: `rows` must not be true"),
        ("search: {trials: 100000000000000000000}\n", "2:18: search.trials: must be <= 1000000, got 1000"),
        (
            "search: {trials: 24}\nfinal: {finalists: 100}\n",
            "3:20: final.finalists: `final.finalists <= search.trials` must hold, got 100 > 24",
        ),
        (
            "search: {trials: 24, halving: {eta: 3, rungs: 2}}\nfinal: {finalists: 9}\n",
            "3:20: final.finalists: `final.finalists <= candidates of the last rung` must hold, got 9 > 8",
        ),
        (
            "hardware: {device: {kind: pcm, g_max_us: 1e308}}\n",
            "2:42: hardware.device.g_max_us: must be <= 1000000",
        ),
    ],
)
def test_values_that_do_not_go_together_are_told_at_the_key_that_is_to_change(
    tmp_path: Path, text: str, expected: str
) -> None:
    (only,) = problems(tmp_path, f"task: {{kind: digits}}\n{text}")
    assert only.startswith(f"search.yaml:{expected}")


@pytest.mark.parametrize("text", ["20 %", "0.2", "20 points"])
def test_the_accuracy_of_an_early_stop_is_written_as_shares_are(text, tmp_path) -> None:
    config = parse_config(
        f"task: {{kind: digits}}\ntraining: {{early_stop: {{epoch: 1, accuracy: {text}}}}}\n", tmp_path
    )
    assert config.training.early_stop is not None
    assert config.training.early_stop.accuracy == 0.2


@pytest.mark.parametrize(
    "text",
    [
        "task: {kind: digits}\ntraining: {augmentation: {flip: true, crop: 1}}\n",
        "task: {kind: fsdd}\ntraining: {augmentation: {time_shift: 2}}\n",
        "task: {kind: fsdd, front_end: {features: log-mel, mel_bands: 8}}\n",
        "task: {kind: fsdd, noise: {copies: 0, snr_db: [0, 9], speed: [0.9, 1.1]}}\n",
        "task: {kind: fsdd, noise: {copies: 2, snr_db: [0, 9]}}\n",
    ],
)
def test_what_a_run_writes_of_its_options_loads_again(text, tmp_path) -> None:
    config = parse_config(text, tmp_path)
    assert parse_config(dump_config(config), tmp_path) == config


def test_of_very_many_mistakes_the_first_are_told(tmp_path: Path) -> None:
    text = "task: {kind: digits}\n" + "".join(f"unknown_{number}: 1\n" for number in range(1000))
    with pytest.raises(ConfigError) as caught:
        parse_config(text, tmp_path)
    lines = str(caught.value).splitlines()
    assert len(caught.value.problems) == 1000
    assert len(lines) == 21
    assert "unknown_0: unknown key" in lines[0]
    assert lines[-1] == "and 980 more; mend these first"
