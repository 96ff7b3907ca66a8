"""Which trials of other runs a search begins with, and which runs it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analognas.compose import load_task_and_space
from analognas.config.loader import dump_config, load_config
from analognas.config.sections import SearchConfig
from analognas.config.warm_start import WarmStart, read_warm_start
from analognas.errors import MisfitError, UserError
from analognas.executors.attempts import WORKER_DIED
from analognas.record.directory import RunDirectory, create_run
from analognas.record.earlier_trial import EarlierTrial, read_earlier_trials, written
from analognas.record.trial import Failure
from analognas.runs.begun import earlier_trials
from analognas.strategies.problem import SearchProblem
from search_spaces import genotypes
from tests.analognas.record.builders import a_trial
from tests.analognas.small_search import write_small


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    config = load_config(write_small(tmp_path_factory.mktemp("data")))[0]
    return load_task_and_space(config)[0]


def a_run(folder: Path, data, *changes: str, name: str = "first", **facts) -> RunDirectory:
    """Return a run of four completed trials, one that failed and one whose worker died."""
    config = load_config(write_small(folder), changes)[0]
    run = create_run(folder / name, dump_config(config), {"data_sha256": data.fingerprint, **facts})
    space = config.space.build(data.input_shape, data.n_classes)
    rows = genotypes(np.unique(space.canonical(space.sample(40, np.random.default_rng(0))), axis=0))
    small = [row for row in rows if space.parameters(np.array([row]))[0] <= 20_000]
    small = small[:: len(small) // 6][:6]
    trials = [
        a_trial(n, genotype=row, architecture=space.describe(row), failed=n > 4)
        for n, row in enumerate(small, start=1)
    ]
    trials[5] = replace(trials[5], failure=Failure(f"{WORKER_DIED} once, no retries", ""))
    run.journal.write_text("".join(f"{trial.to_json()}\n" for trial in trials))
    return run


def warm(
    folder: Path, data, *changes: str, runs: tuple[str, ...] = ("first",)
) -> tuple[SearchConfig, WarmStart]:
    config = load_config(write_small(folder), (f"search.warm_start=[{', '.join(runs)}]", *changes))[0]
    space = config.space.build(data.input_shape, data.n_classes)
    problem = SearchProblem(space, config.objectives[0], config.constraints.upper_bounds())
    return config, read_warm_start(config, data, problem)


def test_what_fits_is_taken_with_its_origin(tmp_path: Path, data) -> None:
    run = a_run(tmp_path, data)
    config, known = warm(tmp_path, data, "seed=9", "search.strategy.kind=random", "objective=accuracy_1s")
    assert config.search.warm_start == (run.path,)
    trials = run.trials()
    assert [(trial.run, trial.number, trial.genotype) for trial in known.trials] == [
        (str(run.path), trial.number, trial.genotype) for trial in trials[:5]
    ]
    assert known.trials[0].metrics == trials[0].metrics
    assert known.trials[4].metrics == {}
    (source,) = known.runs
    assert (source.completed, source.failed) == (4, 1)
    assert source.left_out == {"crashed, hung or ran out of memory": 1}
    assert f"4 trials and 1 that failed of {run.path}" in source.told()


def test_the_record_alone_gives_it_again(tmp_path: Path, data) -> None:
    a_run(tmp_path, data)
    config, known = warm(tmp_path, data)
    run = create_run(tmp_path / "run", dump_config(config), {}, written(known.trials))
    assert tuple(earlier_trials(run, config)) == known.trials
    recorded = WarmStart.recorded(read_earlier_trials(run.warm_start))
    assert recorded.trials == known.trials
    assert [(source.path, source.completed, source.failed) for source in recorded.runs] == [
        (source.path, source.completed, source.failed) for source in known.runs
    ]


def test_a_candidate_of_two_runs_counts_once(tmp_path: Path, data) -> None:
    a_run(tmp_path, data)
    a_run(tmp_path, data, name="second")
    _, known = warm(tmp_path, data, runs=("second", "first"))
    assert {trial.run for trial in known.trials} == {str(tmp_path / "second")}
    assert known.runs[1].left_out["known from an earlier trial"] == 5


def test_other_ranges_and_bounds_leave_out_what_does_not_fit(tmp_path: Path, data) -> None:
    run = a_run(tmp_path, data)
    widths = [trial.architecture["OC0"] for trial in run.trials()[:5]]
    _, known = warm(tmp_path, data, "space.oc0=[8, 9]")
    assert len(known.trials) == sum(width <= 9 for width in widths)
    assert known.runs[0].left_out["no candidates of this space"] == sum(width > 9 for width in widths) > 0
    _, known = warm(tmp_path, data, "constraints.parameters=3000")
    assert 0 < known.runs[0].left_out["against a hard constraint"] < 5


def test_a_first_trial_of_halving_is_not_one_in_full(tmp_path: Path, data) -> None:
    run = a_run(tmp_path, data)
    halving = ("search.halving={eta: 2, rungs: 2}", "evaluation.chips=6", "training.digital.epochs=4")
    with pytest.raises(MisfitError, match=r"training\.digital\.epochs"):
        warm(tmp_path, data, *halving)
    again = a_run(tmp_path, data, *halving, name="rungs")
    with pytest.raises(MisfitError, match=r"had 1 of the full budget, a first trial here has 0\.5"):
        warm(tmp_path, data, *halving, runs=("rungs",))
    part = [replace(trial, budget=0.5) for trial in run.trials()]
    again.journal.write_text("".join(f"{trial.to_json()}\n" for trial in part))
    _, known = warm(tmp_path, data, *halving, runs=("rungs",))
    assert len(known.trials) == 5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["training.digital.epochs=3"], "training.digital.epochs: 2 in the run, now 3"),
        (["hardware.tile.rows=64", "evaluation.chips=4"], "hardware.tile.rows: .*evaluation.chips: 3 in"),
        (["space={kind: nasbench201}", "constraints.parameters=null"], "another space: space.kind resnet there"),
        (["space.oc0=[40, 41]", "constraints.parameters=null"], "none of its 6 trials can be used: .*5 no candidates"),
    ],
)  # fmt: skip
def test_what_was_measured_in_another_way_is_refused(changes, message: str, tmp_path: Path, data) -> None:
    a_run(tmp_path, data)
    with pytest.raises(MisfitError, match=message) as caught:
        warm(tmp_path, data, *changes)
    assert caught.value.paths == (("search", "warm_start", 0),)
    assert "\n" not in str(caught.value)


def test_other_data_are_refused(tmp_path: Path, data) -> None:
    a_run(tmp_path, data, name="first")
    environment = tmp_path / "first" / "environment.json"
    environment.write_text(json.dumps({"data_sha256": "0" * 64}))
    with pytest.raises(MisfitError, match="other data"):
        warm(tmp_path, data)
    environment.unlink()  # then the section `task` says what it was
    assert len(warm(tmp_path, data)[1].trials) == 5


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        (("nowhere",), "no such directory; a relative path starts at the folder of the configuration"),
        (("small.yaml",), "not a run directory"),
        (("first", "first/../first"), r"is `search.warm_start\[0\]`, too"),
        (("empty",), "it has no trial yet"),
        (("failed",), "none of its 6 trials can be used: .*1 failed"),
        (("damaged",), r"trials.jsonl:2: damaged record"),
    ],
)
def test_what_is_no_run_with_trials(runs, message: str, tmp_path: Path, data) -> None:
    for name in ("first", "empty", "failed", "damaged"):
        a_run(tmp_path, data, name=name)
    lines = (tmp_path / "failed" / "trials.jsonl").read_text().splitlines()
    (tmp_path / "empty" / "trials.jsonl").write_text("")
    broken = [line.replace(f'"budget":{1.0}', '"budget":0.5') for line in lines[:4]]
    (tmp_path / "failed" / "trials.jsonl").write_text("\n".join([*broken, *lines[4:]]) + "\n")
    (tmp_path / "damaged" / "trials.jsonl").write_text(f"{lines[0]}\n{{}}\n")
    with pytest.raises(MisfitError, match=message) as caught:
        warm(tmp_path, data, runs=runs)
    assert "\n" not in str(caught.value)


def test_a_run_does_not_begin_with_itself(tmp_path: Path, data) -> None:
    run = a_run(tmp_path, data)
    config, _ = warm(tmp_path, data)
    with pytest.raises(UserError, match="a run cannot begin with its own trials"):
        earlier_trials(run, config)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "Invalid JSON"),
        ('{"run":"a","number":0,"genotype":[1],"metrics":{}}', "number"),
        ('{"run":"a","number":1,"genotype":[],"metrics":{}}', "genotype"),
        ('{"run":"a","number":1,"genotype":[1],"metrics":{"avm":0.1}}', "metrics"),
        ('{"run":"a","number":1,"genotype":[1],"metrics":{},"more":1}', "more: unknown key"),
    ],
)
def test_a_damaged_copy_names_its_line(line: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "warm_start.jsonl"
    path.write_text(EarlierTrial("a", 1, (1,), {}).to_json() + "\n" + line + "\n")
    with pytest.raises(UserError, match=rf"warm_start.jsonl:2: damaged record \(.*{message}"):
        read_earlier_trials(path)
    path.unlink()
    with pytest.raises(UserError, match="is missing"):
        read_earlier_trials(path)
