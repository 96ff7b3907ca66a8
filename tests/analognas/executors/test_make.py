"""From the `executor` section to where evaluations run: how many workers, which process, in which order."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from analognas.compose import compose
from analognas.config.document import parse_document
from analognas.config.loader import load_config, validate_document
from analognas.errors import UserError
from analognas.executors import site as make
from analognas.executors.processes import ProcessExecutor
from analognas.executors.serial import SerialExecutor
from analognas.executors.site import ThisMachine, open_site
from analognas.executors.specs import AutoSpec, ProcessesSpec, SerialSpec
from tests.analognas.executors import evaluations
from tests.analognas.parse import parse_config
from tests.analognas.small_search import ROOT, SMALL

TASK = "task: {kind: digits}\n"


@pytest.fixture
def eight_processors(monkeypatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(8)))


@pytest.mark.usefixtures("eight_processors")
@pytest.mark.parametrize(
    ("values", "at_a_time", "workers", "idle"),
    [
        ({}, None, 8, 0),
        ({}, 6, 6, 2),
        ({"threads": 2}, 6, 4, 0),
        ({"threads": 3}, 6, 2, 0),
        ({"threads": 16}, 6, 1, 0),
        ({"workers": 3}, 6, 3, 0),
        ({"workers": 30}, 6, 6, 24),
        ({}, 1, 1, 7),
    ],
)
def test_every_processor_works_but_none_without_a_candidate(values, at_a_time, workers, idle) -> None:
    site = open_site(AutoSpec(**values), at_a_time)
    assert isinstance(site, ThisMachine)
    assert (site.workers, site.idle) == (workers, idle)
    told = " ".join(site.notes())
    assert ("search.batch" in told) == (idle > 0)


@pytest.mark.usefixtures("eight_processors")
def test_a_gpu_has_one_worker_unless_more_are_asked_for(monkeypatch) -> None:
    monkeypatch.setattr(make, "resolve_device", lambda name: torch.device("cuda", 0))
    for values, workers in (({}, 1), ({"workers": 4}, 4)):
        site = open_site(AutoSpec(device="cuda", **values), 6)
        assert isinstance(site, ThisMachine)
        assert site.workers == workers


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        (SerialSpec(), SerialExecutor),
        (AutoSpec(workers=1), SerialExecutor),
        (AutoSpec(workers=1, trial_timeout=60), ProcessExecutor),
        (AutoSpec(workers=1, memory_gb=4), ProcessExecutor),
        (AutoSpec(workers=2), ProcessExecutor),
        (ProcessesSpec(workers=1), ProcessExecutor),
    ],
)
def test_one_worker_without_bounds_is_this_process(spec, kind) -> None:
    executor = open_site(spec).executor(evaluations.instant, None)
    try:
        assert type(executor) is kind
        assert executor.state.capacity == (spec.workers if isinstance(executor, ProcessExecutor) else 1)
    finally:
        executor.close()


@pytest.mark.parametrize(
    ("at_most", "kind"), [(1, SerialExecutor), (2, ProcessExecutor), (9, ProcessExecutor)]
)
def test_no_worker_is_started_that_would_have_nothing_to_do(at_most, kind) -> None:
    executor = open_site(AutoSpec(workers=3)).executor(evaluations.instant, None, at_most)
    try:
        assert type(executor) is kind
        assert executor.state.capacity == min(at_most, 3)
    finally:
        executor.close()


@pytest.mark.parametrize("section", ["", "executor: {}\n", "executor: {threads: 1}\n"])
def test_auto_is_the_default(section) -> None:
    assert parse_config(TASK + section, Path()).executor == AutoSpec()


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_ready_made_searches_use_every_processor(path) -> None:
    assert isinstance(load_config(path)[0].executor, AutoSpec)


@pytest.mark.parametrize(("kind", "in_order"), [("auto", True), ("serial", True), ("processes", False)])
def test_which_executors_wait_for_the_order(kind, in_order) -> None:
    document = parse_document(SMALL.replace("kind: serial", f"kind: {kind}"), "config")
    composition = compose(validate_document(document, Path()))
    assert composition.loop.in_order == in_order


@pytest.mark.parametrize(
    ("executor", "told"),
    [
        ("{workers: 0}", "executor.workers: must be >= 1, got 0"),
        ("{kind: auto, threads: 0}", "executor.threads: must be >= 1, got 0"),
        ("{kind: auto, workers: 2000}", "executor.workers: must be <= 1024, got 2000"),
        ("{kind: auto, max_in_flight: 3}", "executor.max_in_flight: unknown key"),
        ("{kind: auto, memory_gb: -1}", "executor.memory_gb: must be > 0, got -1"),
        ("{kind: serial, workers: 2}", "executor.workers: unknown key"),
        ("{num_gpus: 1}", "executor.num_gpus: unknown key"),
    ],
)
def test_each_mistake_is_one_line_with_its_place(executor: str, told: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_config(f"{TASK}executor: {executor}\n", Path())
    (line,) = str(caught.value).splitlines()
    assert line.startswith("config:2:")
    assert told in line


def test_the_values_of_auto_fit_other_kinds() -> None:
    section: dict[str, Any] = AutoSpec(threads=2, trial_timeout=60, memory_gb=1, max_retries=1).model_dump()
    kept = ProcessesSpec(**{**section, "kind": "processes"})
    assert (kept.threads, kept.trial_timeout, kept.memory_gb, kept.max_retries) == (2, 60, 1, 1)
