"""A run is continued as the search it began as; each key that differs has a line."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import analognas
from analognas.compose import compose
from analognas.config.document import parse_document
from analognas.config.loader import dump_config, load_config, validate_document
from analognas.errors import UserError
from analognas.progress.observer import Silent
from analognas.record.directory import RunDirectory, create_run
from analognas.record.environment import package_versions
from analognas.record.trial import Ask, Trial
from analognas.runs.lifecycle import new_run
from analognas.runs.resume_checks import (
    check_same_measurement,
    check_same_search,
    check_same_trials,
    other_versions,
)
from analognas.strategies.strategy import Proposal
from search_spaces import genotypes
from tests.analognas.executors.drive import search_loop
from tests.analognas.record.builders import a_trial
from tests.analognas.small_search import write_small


def told(folder: Path, *changes: str) -> list[str]:
    path = write_small(folder)
    run = create_run(folder / "run", dump_config(load_config(path)[0]), {})
    with pytest.raises(UserError) as caught:
        check_same_search(run, load_config(path, changes)[0])
    first, *lines, last = str(caught.value).splitlines()
    assert first == f"{run.path}: this run began as another search:"
    assert last == "continue it as it began, or start a new search in another directory"
    return lines


def test_the_same_file_and_another_executor_are_the_same_search(tmp_path) -> None:
    path = write_small(tmp_path)
    run = create_run(tmp_path / "run", dump_config(load_config(path)[0]), {})
    check_same_search(run, load_config(path, (), "processes")[0])


def test_every_difference_has_its_line(tmp_path) -> None:
    changes = ("search.trials=9", "constraints.avm=0.1", "hardware.tile.rows=64", "executor.threads=2")
    assert told(tmp_path, *changes, "evaluation.times=[1 s, 1 day, 1 month, 2 month]") == [
        "hardware.tile.rows: 128 in the run, now 64",
        "constraints.avm: null in the run, now 0.1",
        "evaluation.times: [1.0, 86400.0, 2592000.0] in the run, now [1.0, 86400.0, 2592000.0, 5184000.0]",
        "executor.threads: 1 in the run, now 2",
    ]


def test_of_another_kind_the_kind_alone_is_told(tmp_path) -> None:
    assert told(tmp_path, "search.strategy.kind=random") == [
        "search.strategy.kind: surrogate-guided in the run, now random"
    ]


def test_long_values_are_not_cut_in_their_middle(tmp_path) -> None:
    times = ", ".join(f"{day} day" for day in range(1, 20))
    (line,) = told(tmp_path, f"evaluation.times=[1 s, 1 month, {times}]")
    assert line == "evaluation.times: [1.0, 86400.0, 2592000.0] in the run, now a list of 21 entries"


def test_a_run_records_the_hash_of_its_data_and_is_not_continued_on_others(tmp_path) -> None:
    x, y = np.arange(30.0 * 16).reshape(30, 4, 4), np.arange(30) % 3
    np.savez(tmp_path / "my.npz", x=x, y=y)
    document = parse_document("task: {kind: arrays, path: my.npz}\n", str(tmp_path / "search.yaml"))
    config = validate_document(document, tmp_path)
    parts = compose(config)
    run = new_run(parts, tmp_path / "run")
    assert run.read_environment()["data_sha256"] == config.task.build().fingerprint
    x[3, 1, 1] += 1
    np.savez(tmp_path / "my.npz", x=x, y=y)
    with pytest.raises(
        UserError, match=r"run: the data have changed since this run began \(SHA-256 .*restore"
    ):
        analognas.resume(run.path, observer=Silent())


def test_trials_of_another_seed_and_trials_that_are_there_twice_are_named(tmp_path) -> None:
    loop, run = search_loop(3), RunDirectory(tmp_path)
    genotype = genotypes(loop.problem.space.sample(1, np.random.default_rng(0)))[0]
    trial = a_trial(1, genotype=genotype, seed=loop.seed_of(genotype))
    check_same_trials(run, loop, [trial, replace(trial, number=2, rung=1)])
    with pytest.raises(UserError, match=r"trials.jsonl:2: the candidate of trial 1 again; restore"):
        check_same_trials(run, loop, [trial, replace(trial, number=2)])
    with pytest.raises(UserError, match=r"trials.jsonl:1: a trial of a search with another seed; restore"):
        check_same_trials(run, search_loop(3, seed=6), [trial])


def test_candidates_of_another_space_are_named_before_they_are_built(tmp_path) -> None:
    loop, run = search_loop(3), RunDirectory(tmp_path)
    first, second = genotypes(loop.problem.space.sample(2, np.random.default_rng(0)))
    trial = a_trial(1, genotype=first, seed=loop.seed_of(first))

    def proposed(genotype: tuple[int, ...]) -> Trial:
        return replace(trial, ask=Ask(2, (Proposal(first, "random", {}), Proposal(genotype, "random", {}))))

    check_same_trials(run, loop, [proposed(second)])
    with pytest.raises(UserError, match=r"config.yaml: .*13 genes, trial 1 has 2: the space has changed"):
        check_same_trials(run, loop, [proposed((1, 2))])
    unlike = (second[0], 99, *second[2:])
    told = r"trials.jsonl:1: a candidate that is not of `space` \(KS0 must lie within 3 to 7, got 99\).*restore it"
    with pytest.raises(UserError, match=told):
        check_same_trials(run, loop, [proposed(unlike)])
    with pytest.raises(UserError, match=told):
        check_same_trials(run, loop, [replace(trial, genotype=unlike, seed=loop.seed_of(unlike))])
    with pytest.raises(UserError, match=r"describes no network of this space: OC0 must lie within"):
        check_same_trials(run, loop, [proposed((1, *second[1:]))])


def test_an_edited_configuration_does_not_mix_trials_that_were_measured_in_other_ways(tmp_path) -> None:
    path = write_small(tmp_path)
    config = load_config(path)[0]
    run = new_run(compose(config), tmp_path / "run")
    check_same_measurement(
        run, load_config(path, ["search.trials=9", "final.chips=2", "constraints.avm=0.1"])[0]
    )
    other = ["training.digital.epochs=9", "hardware.tile.rows=64", "evaluation.chips=4", "executor.threads=2"]
    text = run.config.read_text()
    run.config.write_text(dump_config(load_config(path, other)[0]))
    with pytest.raises(UserError) as caught:
        analognas.resume(run.path, observer=Silent())
    first, *lines, last = str(caught.value).splitlines()
    assert first == f"{run.config}: trials of this run were measured in another way:"
    assert sorted(lines) == [
        "evaluation.chips: 3 in the run, now 4",
        "executor.threads: 1 in the run, now 2",
        "hardware.tile.rows: 128 in the run, now 64",
        "training.digital.epochs: 2 in the run, now 9",
    ]
    assert last == "put these values back, or start a new search in another directory"
    run.config.write_text(text)
    check_same_measurement(run, config)


def test_what_an_earlier_version_did_not_record_is_no_difference(tmp_path) -> None:
    config = load_config(write_small(tmp_path))[0]
    for number, known in enumerate(({}, {"training": {"digital": {"epochs": 2}}}, None)):
        facts = {} if known is None else {"measured_with": known}
        check_same_measurement(create_run(tmp_path / f"run{number}", dump_config(config), facts), config)


def test_packages_that_were_upgraded_meanwhile_are_told() -> None:
    torch = package_versions()["torch"]
    before = a_trial(1, versions={"torch": torch, "gone": "1"})
    assert other_versions([]) == other_versions([before, a_trial(2, failed=True, versions={})]) == ""
    told = other_versions([a_trial(1, versions={"torch": "1.0", "numpy": package_versions()["numpy"]})])
    assert (
        told == f"not the packages that the last trial ran with: torch 1.0 is {torch} now; results may differ"
    )
