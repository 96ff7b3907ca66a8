"""Collections of real, tiny trainings: run, killed, continued, packed and read again."""

import gzip
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest

import analognas
from analognas.errors import UserError
from analognas.record.journal import read_trials
from analognas.record.records_file import holds_records, read_records
from analognas.tasks.digits import load_digits
from tests.analognas.small_search import analognas as run_command
from tests.analognas.small_search import command, environment

CONFIG = """\
name: tiny
task: {kind: digits}
space: {kind: staged, width: [8, 16], stem_width: [8, 8], stages: 1, depth: 1}
constraints: {parameters: 6000}
training: {digital: {epochs: 1, learning_rate: 0.01}, hardware_aware: {epochs: 0}}
evaluation: {chips: 2, times: [1 s, 1 day, 1 month]}
search: {trials: 5, batch: 2, strategy: {kind: collection, equal_size: 2, stratified: 4}}
references: []
executor: {kind: serial}
"""


@pytest.fixture(scope="module")
def collected(tmp_path_factory) -> Path:
    """A collection that was killed while candidates were trained a second time, and then continued."""
    folder = tmp_path_factory.mktemp("collection")
    (folder / "tiny.yaml").write_text(CONFIG)
    words = ("collect", folder / "tiny.yaml", "--out", folder / "out", "--trainings", "2", "--again", "3")
    process = subprocess.Popen(command(*words), stderr=subprocess.DEVNULL, env=environment())
    second = folder / "out" / "training-2" / "trials.jsonl"
    deadline = time.monotonic() + 120
    while not (second.exists() and second.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    kept = second.read_bytes()
    done = run_command(*words)
    assert done.returncode == 0, done.stderr
    assert "training-1: 5 candidates measured\ntraining-2: 3 candidates measured" in done.stdout
    assert second.read_bytes().startswith(kept)
    return folder


def test_the_first_are_trained_again_with_other_seeds_and_chips(collected) -> None:
    first, again = (read_trials(collected / "out" / f"training-{n}" / "trials.jsonl") for n in (1, 2))
    assert [trial.genotype for trial in again] == [trial.genotype for trial in first[:3]]
    assert [trial.origin for trial in first] == ["equal-size"] * 2 + ["filling-design"] * 3
    for one, other in zip(first, again, strict=False):
        assert one.seed != other.seed
        assert (
            one.metrics["digital_accuracy"] != other.metrics["digital_accuracy"] or one.curve != other.curve
        )


def test_a_collection_that_has_ended_is_left_alone_and_may_grow(collected) -> None:
    before = (collected / "out" / "training-1" / "trials.jsonl").read_bytes()
    more = analognas.collect(
        collected / "tiny.yaml", out=collected / "out", trainings=2, again=3, overrides=["search.trials=6"]
    )
    after = (collected / "out" / "training-1" / "trials.jsonl").read_bytes()
    assert after.startswith(before)
    assert more.counts() == {"training-1": 6, "training-2": 3}
    given = {"out": collected / "out", "trainings": 2, "overrides": ["search.trials=6"]}
    assert analognas.collect(collected / "tiny.yaml", **given).counts() == more.counts()
    with pytest.raises(UserError, match="must be the 3 that this collection began with, got 5"):
        analognas.collect(collected / "tiny.yaml", again=5, **given)


def test_one_file_has_all_rows_and_what_they_are(collected, tmp_path) -> None:
    out = tmp_path / "records.csv.gz"
    done = run_command("pack", collected / "out", "--out", out, "--json")
    told = json.loads(done.stdout)
    assert told["rows"] == told["candidates"] + 3
    records = read_records(out)
    first = read_trials(collected / "out" / "training-1" / "trials.jsonl")
    assert [tuple(row) for row in records.population[: len(first)].tolist()] == [
        trial.genotype for trial in first
    ]
    assert records.numbers("accuracy_1d")[: len(first)] == pytest.approx(
        [trial.metrics["accuracy_1d"] for trial in first]
    )
    assert records.numbers("mean_86400s") == pytest.approx(records.numbers("accuracy_1d"))
    assert records.config["space"]["kind"] == "staged"
    assert records.header["input_shape"] == [1, 8, 8]
    assert [run["strategy"] for run in records.header["runs"]] == ["collection", "random"]
    assert "node" not in records.frame.columns
    assert first[0].node not in str(records.header["runs"])
    again = tmp_path / "again.csv.gz"
    analognas.pack(collected / "out", out=again)
    assert again.read_bytes() == out.read_bytes()


def test_a_file_grows_by_the_runs_of_another_day(collected: Path, tmp_path: Path) -> None:
    first, second = (collected / "out" / f"training-{n}" for n in (1, 2))
    before, grown, whole = (tmp_path / f"{name}.csv.gz" for name in ("before", "grown", "whole"))
    analognas.pack(first, out=before)
    told = analognas.pack([before, second], out=grown)
    assert told["runs"] == 2
    analognas.pack([first, second], out=whole)
    found, expected = read_records(grown), read_records(whole)
    assert found.header["runs"] == expected.header["runs"]
    pd.testing.assert_frame_equal(found.frame, expected.frame)
    with pytest.raises(UserError, match="3 trainings are there already"):
        analognas.pack([grown, second], out=tmp_path / "twice.csv.gz")


def test_records_of_another_kind_are_refused(collected, tmp_path) -> None:
    (tmp_path / "other.yaml").write_text(
        CONFIG.replace("chips: 2", "chips: 3").replace("trials: 5", "trials: 1")
    )
    analognas.collect(
        tmp_path / "other.yaml", out=tmp_path / "other", trainings=1, overrides=["search.batch=1"]
    )
    with pytest.raises(UserError, match=r"evaluation\.chips: 2 in .*, 3 here"):
        analognas.pack([collected / "out", tmp_path / "other"], out=tmp_path / "x.csv.gz")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda data: data[: len(data) // 2], "cannot be read"),
        (lambda data: data[:12] + bytes(255 - byte for byte in data[12:40]) + data[40:], "cannot be read"),
        (lambda data: b"a,b\n1,2\n", "no file of records"),
        (lambda data: gzip.decompress(data).replace(b'"schema": 1', b'"schema": 9'), "newer than 1"),
        (lambda data: gzip.decompress(data).replace(b"genotype", b"genes"), "'genotype' is missing"),
        (
            lambda data: gzip.decompress(data).replace(b'"input_shape"', b'"shape"'),
            "input_shape: Field required",
        ),
    ],
)
def test_a_damaged_file_is_told_in_one_line(damage, told, collected, tmp_path) -> None:
    path = tmp_path / "records.csv.gz"
    analognas.pack(collected / "out", out=path)
    assert holds_records(path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError, match=told) as error:
        read_records(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (["search.patience=3"], "search.patience"),
        (["search.minutes=3"], "search.minutes"),
        (["further_objectives=[parameters]"], "further_objectives"),
    ],
)
def test_what_a_collection_cannot_be_is_told(change, told, tmp_path) -> None:
    (tmp_path / "tiny.yaml").write_text(CONFIG)
    with pytest.raises(UserError, match=told):
        analognas.collect(tmp_path / "tiny.yaml", out=tmp_path / "out", overrides=change)
    with pytest.raises(UserError, match="task: a collection is described by its configuration alone"):
        analognas.collect(tmp_path / "tiny.yaml", out=tmp_path / "out", task=load_digits())
    with pytest.raises(UserError, match="from 0 to the 5 candidates"):
        analognas.collect(tmp_path / "tiny.yaml", out=tmp_path / "out", again=9)
    with pytest.raises(UserError, match="needs at least two `trainings`, got 3 and 1 training"):
        analognas.collect(tmp_path / "tiny.yaml", out=tmp_path / "out", trainings=1, again=3)
    assert not (tmp_path / "out").exists()
