"""Which model a search begins with, and which it refuses."""

import gzip
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from analognas.config import pretrained
from analognas.errors import UserError
from analognas.pretraining import fit_pretrained
from analognas.strategies.pretrained_file import read_pretrained
from tests.analognas.pretraining_records import made_up_records
from tests.analognas.small_search import analognas as run_command

ROOT = Path(__file__).parents[3]

CONFIG = """\
name: informed
task: {{kind: digits}}
space: {{kind: {space}}}
hardware: {hardware}
constraints: {bounds}
training: {{digital: {{epochs: 1, learning_rate: 0.01}}, hardware_aware: {{epochs: 0}}}}
evaluation: {{chips: 2, times: [1 s, 1 day, 1 month]}}
search:
  trials: 4
  batch: 2
  strategy: {{kind: surrogate-guided, initial: 4, population: 10, iterations: 1, pretrained: {model}{more}}}
final: none
references: []
executor: {{kind: serial}}
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    records = made_up_records(folder / "records.csv.gz", n=40)
    fit_pretrained([records], folder / "model.json.gz", targets=["accuracy_1d"])
    return folder / "model.json.gz"


STAGED = "staged, width: [8, 16], stem_width: [8, 8], stages: 1, depth: 1"


def write(
    folder: Path,
    model: object,
    hardware="pcm-hermes-2",
    bounds="{parameters: 6000}",
    more="",
    space=STAGED,
) -> Path:
    path = folder / "search.yaml"
    path.write_text(CONFIG.format(model=model, hardware=hardware, bounds=bounds, more=more, space=space))
    return path


def planned(config: Path):
    return run_command("search", config, "--dry-run")


def test_a_named_model_is_told_and_begins_the_search(model: Path, tmp_path: Path) -> None:
    done = run_command("search", write(tmp_path, model), "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert "pretrained: model, fitted on made-up (40)" in done.stderr
    assert "trial 1 of 4 (pretrained)" in done.stderr
    assert "trial 2 of 4 (filling-design)" in done.stderr
    assert run_command("replay", tmp_path / "run").returncode == 0


def test_a_search_goes_on_with_the_model_that_it_began_with_or_not_at_all(
    model: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own.json.gz"
    shutil.copy(model, own)
    done = run_command("search", write(tmp_path, own), "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    fit_pretrained([model.parent / "records.csv.gz"], own, targets=["accuracy_1d"], seed=5)
    done = run_command("resume", tmp_path / "run", "--set", "search.trials=6")
    assert done.returncode == 2
    assert "the pretrained model has changed since this run began" in done.stderr


def test_auto_picks_what_fits_and_says_so(model: Path, tmp_path: Path, monkeypatch) -> None:
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    monkeypatch.setattr(pretrained, "SHIPPED", shipped)
    assert "pretrained: none, no model is shipped" in planned(write(tmp_path, "auto")).stdout
    shutil.copy(model, shipped)
    assert "pretrained: model, fitted on made-up (40)" in planned(write(tmp_path, "auto")).stdout
    other = planned(write(tmp_path, "auto", hardware="pcm-analognas")).stdout
    assert (
        "pretrained: model, fitted on made-up (40); fitted on other hardware: its weight is halved" in other
    )
    space = planned(write(tmp_path, "auto", space="resnet, oc0: [8, 16], m: [1, 2]")).stdout
    assert "none of 1 shipped models fits (model.json.gz: fitted on the space staged, here resnet)" in space
    assert "pretrained" not in planned(write(tmp_path, "none")).stdout.partition("notes")[2]


def test_a_named_model_of_other_hardware_is_trusted_less(model: Path, tmp_path: Path) -> None:
    done = planned(write(tmp_path, model, hardware="pcm-analognas"))
    assert "fitted on other hardware: its weight is halved" in done.stdout


def test_a_model_of_another_task_is_trusted_less_and_never_picked(
    model: Path, tmp_path: Path, monkeypatch
) -> None:
    content = json.loads(gzip.decompress(model.read_bytes()))
    content["card"]["tables"][0]["task"]["kind"] = "fsdd"
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    (shipped / "model.json.gz").write_bytes(gzip.compress(json.dumps(content).encode()))
    done = planned(write(tmp_path, shipped / "model.json.gz"))
    assert "fitted on fsdd alone, here digits: its weight is halved" in done.stdout
    both = planned(write(tmp_path, shipped / "model.json.gz", hardware="pcm-analognas")).stdout
    assert (
        "of other tasks than this one; fitted on fsdd alone, here digits; fitted on other hardware: its"
        in both
    )
    monkeypatch.setattr(pretrained, "SHIPPED", shipped)
    assert "fitted on fsdd alone, here digits)" in planned(write(tmp_path, "auto")).stdout
    content["card"]["leave_one_out"] = {"made-up": {"accuracy_1d": 0.3}}  # how far it carries over is known
    (shipped / "model.json.gz").write_bytes(gzip.compress(json.dumps(content).encode()))
    assert "fitted on made-up (40); of other tasks than this one" in planned(write(tmp_path, "auto")).stdout


def test_shipped_models_are_of_the_records_here_and_auto_takes_that_of_the_task(tmp_path: Path) -> None:
    records = {
        hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (ROOT / "scripts/reproduce/collections").glob("*.csv.gz")
    }
    shipped = [read_pretrained(path) for path in sorted(pretrained.SHIPPED.glob("*.json.gz"))]
    fitted_on = {model.path.name: [table["sha256"] for table in model.card["tables"]] for model in shipped}
    assert set(fitted_on) == {"cifar10.json.gz", "digits.json.gz", "fsdd.json.gz", "three-tasks.json.gz"}
    assert {digest for digests in fitted_on.values() for digest in digests} == records
    assert "pretrained: digits, fitted on digits-records (600)" in planned(write(tmp_path, "auto")).stdout
    x, y = np.random.default_rng(0).random((60, 8, 8)), np.arange(60) % 3
    parts = {"train": slice(0, 30), "val": slice(30, 45), "test": slice(45, 60)}
    np.savez(
        tmp_path / "other.npz",
        **{
            f"{name}_{part}": values[rows]
            for part, rows in parts.items()
            for name, values in (("x", x), ("y", y))
        },
    )
    config = write(tmp_path, "auto")
    config.write_text(config.read_text().replace("{kind: digits}", "{kind: arrays, path: other.npz}"))
    other = planned(config).stdout
    assert "pretrained: three-tasks, fitted on" in other and "of other tasks than this one" in other


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"bounds": "{parameters: null, macs: 1 M}"}, "which needs a bound on parameters"),
        ({"more": ", scale: raw"}, "`pretrained` needs `scale: ranks`, got raw"),
        ({"model": "nothing.json"}, "nothing.json: no such file"),
        ({"model": "null"}, "must be one of 'auto' or 'none', or a path, got nothing"),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(model: Path, tmp_path: Path, changes: dict, told: str) -> None:
    done = planned(write(tmp_path, **{"model": model, **changes}))
    assert done.returncode == 2
    assert told in done.stderr and done.stderr.count("\n") == 1
    assert "search.yaml:12" in done.stderr or "search.strategy.pretrained" in done.stderr


def test_hardware_without_features_is_told_in_one_line(model: Path, tmp_path: Path, monkeypatch) -> None:
    def refuse(problem: object, population: object) -> None:
        raise ValueError("`hardware.device` must hold finite weights")

    monkeypatch.setattr(pretrained, "problem_features", refuse)
    done = planned(write(tmp_path, model))
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "search.yaml:11" in done.stderr and "`hardware.device` must hold finite weights" in done.stderr


def test_a_model_of_another_target_is_refused(model: Path, tmp_path: Path) -> None:
    fit_pretrained([model.parent / "records.csv.gz"], tmp_path / "avm.json", targets=["avm"])
    done = planned(write(tmp_path, tmp_path / "avm.json"))
    assert "predicts avm and not the objective accuracy_1d" in done.stderr


def test_a_model_without_records_is_an_error_of_its_own() -> None:
    with pytest.raises(UserError, match="at least one file of records"):
        fit_pretrained([], Path("model.json"))
