"""The search loop with the trials of other runs, on an evaluator that costs nothing."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analognas.driver.replay import replay
from analognas.progress.observer import Silent
from analognas.record.earlier_trial import EarlierTrial
from analognas.record.journal import read_trials
from analognas.record.trial import Trial
from analognas.strategies.recovery import fallen_behind
from analognas.strategies.specs import STRATEGIES, OptunaQMCSpec, RandomSpec
from analognas.strategies.strategy import History
from tests.analognas.driver.test_loop import loop, problem, run

SHORT = {"population": 4, "tournament": 2, "initial": 4, "iterations": 2, "size": 4}
KINDS = [
    kind for kind in STRATEGIES if kind != "optuna-gp"
]  # seconds, and rebuilt from the history like optuna-tpe


def strategy(kind: str):
    spec = STRATEGIES[kind]
    return spec(**{key: value for key, value in SHORT.items() if key in spec.model_fields}).build(seed=1)


@pytest.fixture(scope="module")
def earlier(tmp_path_factory) -> tuple[EarlierTrial, ...]:
    """Half of all candidates that matter were tried elsewhere."""
    search = loop(20, strategy=RandomSpec().build(0), seed=9)
    trials = run(tmp_path_factory.mktemp("other"), search)
    return tuple(
        EarlierTrial("runs/other", trial.number, trial.genotype, dict(trial.metrics)) for trial in trials
    )


@pytest.mark.parametrize(("kind", "in_order"), [(kind, n % 2 == 0) for n, kind in enumerate(KINDS)])
def test_no_strategy_repeats_them_and_a_stopped_search_goes_on_the_same(
    kind: str, in_order: bool, earlier, tmp_path: Path
) -> None:
    search = loop(6, strategy=strategy(kind), earlier=earlier, in_order=in_order)
    (tmp_path / "whole").mkdir()
    whole = run(tmp_path / "whole", search)
    assert [trial.number for trial in whole] == list(range(1, 7))
    assert not {trial.genotype for trial in whole} & {trial.genotype for trial in earlier}

    class Stop(Silent):
        def trial(self, trial: Trial, n_trials: int, best: Trial | None) -> None:
            assert best is None or best.genotype == trial.genotype or best.number < trial.number
            if trial.number == 3:
                raise KeyboardInterrupt

    (tmp_path / "stopped").mkdir()
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "stopped", search, Stop())
    assert len(read_trials(tmp_path / "stopped" / "trials.jsonl")) == 3
    assert run(tmp_path / "stopped", search) == whole
    assert replay(search, whole) >= 1


@pytest.mark.parametrize(
    ("kind", "first"),
    [
        ("surrogate-guided", {"surrogate-guided", "exploration"}),
        ("analognas", {"algorithm-1", "random"}),
        ("regularized-evolution", {"mutation"}),
        ("nsga2", {"nsga2"}),
        ("local-search", {"neighbour"}),
        ("optuna-tpe", {"optuna-tpe", "optuna-tpe-neighbour"}),
    ],
)
def test_strategies_learn_from_them_at_once(kind: str, first: set[str], earlier, tmp_path: Path) -> None:
    trials = run(tmp_path, loop(4, strategy=strategy(kind), earlier=earlier))
    assert {trial.origin for trial in trials} <= first


def test_they_are_neither_the_best_nor_trials_of_the_search(earlier) -> None:
    search = loop(4, earlier=earlier)
    ledger = search.ledger()
    assert (ledger.trials, ledger.best, ledger.n_begun, ledger.n_failed) == ([], None, 0, 0)
    history = ledger.history()
    assert history.earlier == len(history) == 20
    assert all(ledger.knows(trial.genotype) for trial in earlier)
    assert search.why_ended([]) == ""
    assert loop(4, earlier=earlier, patience=1).why_ended([]) == ""


def test_trials_of_other_runs_do_not_make_a_search_fall_behind() -> None:
    problem_here = problem()
    population = problem_here.space.sample(9, np.random.default_rng(0))
    metrics = pd.DataFrame({"accuracy_1d": [0.9, 0.9, 0.9, 0.9, 0.8, 0.1, 0.1, 0.1, 0.1]})
    own = History(population, metrics, population[:0])
    assert fallen_behind(problem_here, own, design=4)
    assert not fallen_behind(problem_here, History(population, metrics, population[:0], earlier=7), design=4)
    assert fallen_behind(problem_here, History(population, metrics, population[:0], earlier=6), design=4)


def test_a_sequence_begins_at_its_beginning(tmp_path: Path, earlier) -> None:
    firsts = set()
    for n in (10, 15, 20):
        (tmp_path / str(n)).mkdir()
        search = loop(1, strategy=OptunaQMCSpec().build(seed=1), earlier=earlier[:n])
        firsts.add(run(tmp_path / str(n), search)[0].genotype)
    assert len(firsts) == 1
