"""Searches that begin with a model of other searches: right, wrong, and out of its depth."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analognas.bench import open_table
from analognas.bench.records_table import problem_of
from analognas.errors import UserError
from analognas.pretraining import fit_pretrained
from analognas.record.records_file import read_records
from analognas.strategies import History, Objective, SearchProblem, Strategy
from analognas.strategies.guide import fit_guide
from analognas.strategies.ranking_weight import ranking_weight
from analognas.strategies.refit import RefitPolicy
from analognas.strategies.surrogate_guided import SurrogateGuidedSpec
from analognas.strategies.transfer import Combination, Prior, PriorTrend
from analognas.testing import check_strategy
from search_spaces import Population
from surrogates import kendall_tau
from surrogates.gaussian_process import GaussianProcessSpec
from tests.analognas.pretraining_records import made_up_records

FAST = {"initial": 8, "population": 20, "iterations": 3, "surrogate": GaussianProcessSpec()}


@pytest.fixture(scope="module")
def problem(tmp_path_factory) -> SearchProblem:
    path = made_up_records(tmp_path_factory.mktemp("here") / "here.csv.gz", n=30, size=16)
    return problem_of(read_records(path))


def prior_of(folder: Path, sign: float) -> Prior:
    records = made_up_records(folder / "records.csv.gz", n=60, seed=3, size=16, sign=sign)
    return Prior(fit_pretrained([records], folder / "model.json", targets=["accuracy_1d"]))


@pytest.fixture(scope="module")
def right(tmp_path_factory) -> Prior:
    return prior_of(tmp_path_factory.mktemp("right"), 1.0)


@pytest.fixture(scope="module")
def wrong(tmp_path_factory) -> Prior:
    return prior_of(tmp_path_factory.mktemp("wrong"), -1.0)


def truth(problem: SearchProblem, population: Population) -> np.ndarray:
    """What `made_up_records` measures, without noise."""
    depth = problem.space.encode(population)["depth"].to_numpy(dtype=np.float64)
    return 0.3 + 0.05 * np.log(problem.space.parameters(population)) - 0.004 * depth


def measure(problem: SearchProblem, population: Population) -> pd.DataFrame:
    return pd.DataFrame({"accuracy_1d": truth(problem, population), "std_1d": 0.01, "avm": 0.01})


def candidates(problem: SearchProblem, n: int, seed: int) -> Population:
    rng = np.random.default_rng(seed)
    drawn = rng.permutation(np.unique(problem.space.sample(4 * n, rng), axis=0))
    return drawn[problem.admissible(drawn)][:n]


def scores(problem: SearchProblem, rows: Population) -> np.ndarray:
    value = truth(problem, rows)
    return (value - value.mean()) / value.std()


def test_a_right_model_is_heeded_and_a_wrong_one_is_not(problem, right, wrong) -> None:
    rows = candidates(problem, 20, 0)
    score = scores(problem, rows)
    found = PriorTrend.fit(right, problem, rows, score)
    assert found is not None and 0.6 < found.slope < 2
    expected = right.expected(problem, rows)
    assert np.corrcoef(expected.score, score)[0, 1] > 0.8
    assert (expected.unknown < 0.2).mean() > 0.8  # those inside of what it has seen
    assert PriorTrend.fit(wrong, problem, rows, score) is None
    few = PriorTrend.fit(wrong, problem, rows[:5], score[:5])  # too few to tell
    assert few is not None and few.slope < 0.8


def test_only_the_first_trials_say_whether_it_is_of_use(problem, right) -> None:
    rows = candidates(problem, 30, 1)
    score = scores(problem, rows)
    score[:10] = -score[:10]
    assert PriorTrend.fit(right, problem, rows, score) is None


def search(problem: SearchProblem, prior: Prior | None, seed: int, budget: int = 12) -> History:
    strategy = SurrogateGuidedSpec(**FAST).build_informed(seed, prior)
    empty = candidates(problem, 1, seed)[:0]
    history = History(population=empty, metrics=measure(problem, empty), pending=empty)
    while len(history) < budget:
        rng = np.random.default_rng([seed, len(history)])
        found = strategy.ask(problem, history, 4, rng)
        rows = np.concatenate([history.population, [proposal.genotype for proposal in found]])
        history = History(population=rows, metrics=measure(problem, rows), pending=empty)
    return history


def test_a_right_model_outweighs_a_young_surrogate_and_a_wrong_one_has_no_weight(
    problem: SearchProblem, right: Prior, wrong: Prior
) -> None:
    rows = candidates(problem, 14, 2)
    history = History(rows, measure(problem, rows), rows[:0])

    def weight(prior: Prior) -> float | None:
        surrogate, rng = GaussianProcessSpec().build(), np.random.default_rng(0)
        guide = fit_guide(surrogate, problem, history, "ranks", rng, RefitPolicy(), 8, prior=prior)
        mean = guide.predict(rows).mean["accuracy_1d"]
        assert np.corrcoef(mean, truth(problem, rows))[0, 1] > 0.8
        return guide.weight

    heeded = weight(right)
    assert heeded is not None and 0 < heeded <= 1
    assert weight(replace(right, weight=0.5)) == heeded / 2
    assert weight(wrong) is None  # its order of the first trials is wrong, and it is dropped


def test_a_run_that_wrote_its_defaults_down_is_read_when_they_have_changed() -> None:
    assert SurrogateGuidedSpec(transfer="residual", pretrained="none").transfer == "residual"


def test_a_model_without_an_order_has_no_weight() -> None:
    rng = np.random.default_rng(0)
    score = rng.normal(size=24)
    own = score + 0.3 * rng.normal(size=24)
    assert ranking_weight(score, rng.normal(size=24), own, rng) == 0
    assert ranking_weight(score, score, rng.normal(size=24), rng) == 1
    assert 0.3 < ranking_weight(score, own, own, rng) < 0.7


@pytest.mark.parametrize("combination", ["ranking-weighted", "residual"])
def test_an_informed_search_keeps_the_contract(
    problem: SearchProblem, right: Prior, combination: Combination
) -> None:
    def make(seed: int) -> Strategy:
        of_file = right.pretrained.path
        return SurrogateGuidedSpec(**FAST, pretrained=of_file, transfer=combination).build(seed)

    check_strategy(make, problem, lambda population: measure(problem, population))


def test_it_begins_well_and_takes_turns_with_a_design_that_knows_nothing(problem, right) -> None:
    first = search(problem, right, 0, budget=8)
    asked = SurrogateGuidedSpec(**FAST).build_informed(0, right)
    found = asked.ask(
        problem,
        History(first.population[:0], first.metrics.iloc[:0], first.pending),
        8,
        np.random.default_rng(0),
    )
    assert [proposal.origin for proposal in found] == ["pretrained", "filling-design"] * 4
    value = truth(problem, np.array([proposal.genotype for proposal in found]))
    assert value[::2].mean() > value[1::2].mean()
    assert value[0] > np.quantile(truth(problem, candidates(problem, 200, 7)), 0.9)


def test_the_first_batch_is_better_than_that_of_a_blind_search_and_a_wrong_model_does_no_lasting_harm(
    problem, right, wrong
) -> None:
    seeds = range(4)
    best = {
        name: np.array([truth(problem, search(problem, prior, seed).population) for seed in seeds])
        for name, prior in {"right": right, "wrong": wrong, "blind": None}.items()
    }
    assert best["right"][:, :4].max(axis=1).mean() > best["blind"][:, :4].max(axis=1).mean()
    everything = truth(problem, candidates(problem, 400, 9))
    assert best["wrong"].max(axis=1).mean() > np.quantile(everything, 0.9)


def test_a_replay_of_records_takes_the_model_that_is_named(right, tmp_path) -> None:
    from analognas.bench import open_table, run_benchmark

    table = open_table(str(made_up_records(tmp_path / "here.csv.gz", n=60, size=16)), "accuracy_1d")
    assert table.problem.hard_bounds == {"parameters": 60_000.0}
    spec = SurrogateGuidedSpec(**FAST, pretrained=right.pretrained.path)
    found = run_benchmark(table, {"informed": spec, "blind": SurrogateGuidedSpec(**FAST)}, budget=9, seeds=2)
    first = {name: curves[:, 0].mean() for name, curves in found.curves.items()}
    assert first["informed"] < first["blind"]
    with pytest.raises(UserError, match="chooses a model for a whole search"):
        SurrogateGuidedSpec(pretrained="auto").build(0)
    with pytest.raises(UserError, match="no such file"):
        SurrogateGuidedSpec(pretrained=tmp_path / "none.json").build(0)


def test_a_replay_of_what_is_to_be_lowered_begins_with_low_values(tmp_path: Path) -> None:
    """A table of a benchmark holds negatives, a model the values that were measured."""
    path = made_up_records(tmp_path / "records.csv.gz", n=60)
    prior = Prior(fit_pretrained([path], tmp_path / "model.json", targets=["avm"]))
    table = open_table(str(path), "avm")
    expected = prior.expected(table.problem, table.population).score
    assert kendall_tau(expected, table.values) > 0.5


def test_a_model_of_another_objective_is_refused_and_not_ignored(
    problem: SearchProblem, right: Prior
) -> None:
    of_avm = replace(problem, objective=Objective("avm", -1))
    with pytest.raises(UserError, match="predicts accuracy_1d and not the objective avm"):
        right.expected(of_avm, problem.space.sample(3, np.random.default_rng(0)))
