"""Sizes of candidates and expected time, before a search begins."""

from dataclasses import replace
from pathlib import Path

import pytest

from analognas.compose import Composition
from analognas.errors import MisfitError
from analognas.evaluation.timed_trial import TrialTime
from analognas.runs import search_time as module
from analognas.runs.lifecycle import new_run
from analognas.runs.outlook import outlook
from analognas.runs.search_time import ExpectedTime
from tests.analognas.evaluation.test_memory_need import Unbuildable
from tests.analognas.evaluation.test_training_of_candidates import composition
from tests.analognas.small_search import SMALL

NOTHING = TrialTime(0, 0, 0, 0, 0, 0, 0, 0)


@pytest.fixture
def a_second_an_update(monkeypatch: pytest.MonkeyPatch) -> None:
    times = replace(NOTHING, digital_update_s=1, hardware_aware_update_s=1)
    monkeypatch.setattr(module, "time_trial", lambda *_: times)


def test_a_search_shows_quantiles_and_the_time_of_a_short_trial() -> None:
    parts = composition()
    known = outlook(parts)
    sizes = known.sizes_json()
    assert list(sizes) == ["parameters", "macs", "tiles"]
    for figures in sizes.values():
        assert 0 < figures["q05"] <= figures["median"] <= figures["q95"]
    assert sizes["parameters"]["q95"] <= 20_000
    told = known.time_json()
    assert told is not None
    assert 0 < told["trial_s"] < told["search_s"]
    assert told["search_s"] == pytest.approx(8 * told["trial_s"])
    assert told["timed_parameters"] <= 20_000
    assert known.time_text(parts.config).startswith("about ")


def test_time_is_shared_by_the_workers_and_counts_rungs(a_second_an_update: None) -> None:
    one = outlook(composition()).time_json()
    assert one is not None
    ratio = one["trial_s"] / 102  # 68 digital and 34 hardware-aware updates, of a size near the timed one
    assert ratio == pytest.approx(1, abs=0.3)
    executor = "executor: {kind: processes, workers: 4, threads: 1}"
    four = outlook(composition(SMALL.replace("executor: {kind: serial, threads: 1}", executor))).time_json()
    assert four is not None
    assert four["workers"] == 4
    assert four["search_s"] == pytest.approx(one["search_s"] / 4)
    rungs = "search:\n  halving: {eta: 2, rungs: 2}\n"
    text = SMALL.replace("search:\n", rungs).replace("chips: 3, times", "chips: 6, times")
    halved = outlook(composition(text)).time_json()
    assert halved is not None
    # eight with one epoch of each training, four with all
    assert halved["search_s"] == pytest.approx(ratio * (8 * 68 + 4 * 102))


def test_minutes_are_refused_where_they_are_far_too_few_and_nothing_is_created(
    a_second_an_update: None, tmp_path: Path
) -> None:
    def with_minutes(minutes: float) -> Composition:
        return composition(SMALL.replace("search:\n", f"search:\n  minutes: {minutes}\n"))

    known = outlook(composition())
    assert isinstance(known.time, ExpectedTime)
    least = (known.time.final_s + 3 * known.time.trial_s) / 60
    with pytest.raises(
        MisfitError, match=r"`search.minutes` must be enough for 3 trials and the final trainings"
    ):
        new_run(with_minutes(0.4 * least), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    assert new_run(with_minutes(0.6 * least), tmp_path / "run").path.exists(), "one short trial is not exact"


def test_what_cannot_be_timed_is_told_and_stops_nothing(a_second_an_update: None) -> None:
    parts = composition()
    huge = Unbuildable(parts.problem.space, 10**13, macs=10**13)
    known = outlook(replace(parts, problem=replace(parts.problem, space=huge, upper_bounds={})))
    assert known.time_json() is None
    assert "too many for a short trial" in known.time_text(parts.config)
    assert "tiles" in known.sizes_json()
    assert "100 % of them cannot fit into memory" in known.size_text()
    assert "memory" not in outlook(parts).size_text()


def test_a_trial_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> TrialTime:
        raise RuntimeError("no such kernel\nand a trace")

    monkeypatch.setattr(module, "time_trial", broken)
    parts = composition()
    assert outlook(parts).time_text(parts.config) == "not known: a short trial failed: no such kernel"
