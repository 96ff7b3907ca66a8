"""The conformance suite of strategies: what every strategy, a user's own one included, must do.

`check_strategy` plays short searches on a problem whose measurements a function supplies, and compares what
comes back with the contract in `analognas.strategies.strategy`. The first breach ends the check with an error
that names the rule and what was found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from analognas.strategies import History, Proposal, SearchProblem, Strategy
from search_spaces import Population

if TYPE_CHECKING:
    import pandas as pd

TRIALS: Final = 32
"""Trials of a short search: beyond the first design of most strategies."""


class BrokenStrategyError(ValueError):
    """A strategy breaks its contract; the message names the rule and what was wrong."""


def check_strategy(
    make: Callable[[int], Strategy],
    problem: SearchProblem,
    measure: Callable[[Population], pd.DataFrame],
    batch: int = 4,
) -> None:
    """Check that a strategy keeps its contract.

    Args:
        make: returns the strategy with a seed.
        problem: a space with at least a hundred admissible candidates, and what to improve.
        measure: returns the `(n, metrics)` measurements of `(n, genes)` candidates.
        batch: candidates asked for at a time.

    Raises:
        BrokenStrategyError: at the first breach.
    """
    history = _empty(problem, measure)
    while len(history) < TRIALS:
        history = _finished(history, _check_ask(make, problem, history, batch), measure)
    _check_ask(make, problem, _with_failures(history), batch)
    proposals = _check_ask(make, problem, history, batch)
    waiting = np.array([proposal.genotype for proposal in proposals], dtype=np.int64)
    _check_ask(make, problem, replace(history, pending=waiting), batch)
    nothing = replace(problem, upper_bounds={**problem.upper_bounds, "parameters": 0})
    found = make(0).ask(nothing, _empty(nothing, measure), batch, np.random.default_rng(0))
    _require(not found, "no candidate is proposed where none is admissible", found)


def _check_ask(
    make: Callable[[int], Strategy], problem: SearchProblem, history: History, n: int
) -> list[Proposal]:
    strategy = make(0)
    population, pending = history.population.copy(), history.pending.copy()
    metrics = history.metrics.copy()
    proposals = strategy.ask(problem, history, n, np.random.default_rng(len(history)))
    unchanged = (
        np.array_equal(population, history.population)
        and np.array_equal(pending, history.pending)
        and metrics.equals(history.metrics)
    )
    _require(unchanged, "the history is left alone", "a changed history")
    _require(len(proposals) == n, f"{n} candidates are proposed while there are more", len(proposals))
    chosen = [proposal.genotype for proposal in proposals]
    _require(len(set(chosen)) == n, "the candidates of a call are different", chosen)
    again = sorted(set(chosen) & history.seen())
    _require(not again, "no candidate is proposed twice in a search", again)
    rows = np.array(chosen, dtype=np.int64)
    inadmissible = rows[~problem.admissible(rows)].tolist()
    _require(not inadmissible, "every candidate is admissible", inadmissible)
    uncanonical = rows[(problem.space.canonical(rows) != rows).any(axis=1)].tolist()
    _require(not uncanonical, "every candidate is canonical", uncanonical)
    for other, rule in (
        (strategy, "a second call with the same history and generator proposes the same"),
        (make(0), "a new strategy with the same seed, history and generator proposes the same"),
    ):
        repeated = other.ask(problem, history, n, np.random.default_rng(len(history)))
        _require(repeated == proposals, rule, [proposal.genotype for proposal in repeated])
    return proposals


def _empty(problem: SearchProblem, measure: Callable[[Population], pd.DataFrame]) -> History:
    # Two rows that are measured and left out again give the names and types of the metrics.
    rows = problem.space.sample(2, np.random.default_rng(0))
    return History(population=rows[:0], metrics=measure(rows).iloc[:0], pending=rows[:0])


def _finished(
    history: History, proposals: list[Proposal], measure: Callable[[Population], pd.DataFrame]
) -> History:
    import pandas as pd

    new = np.array([proposal.genotype for proposal in proposals], dtype=np.int64)
    metrics = measure(new)
    if len(history):
        metrics = pd.concat([history.metrics, metrics], ignore_index=True)
    return replace(history, population=np.concatenate([history.population, new]), metrics=metrics)


def _with_failures(history: History) -> History:
    metrics = history.metrics.astype(float)
    metrics.iloc[::3] = np.nan
    return replace(history, metrics=metrics)


def _require(kept: bool, rule: str, found: object) -> None:
    if not kept:
        raise BrokenStrategyError(f"the strategy breaks a rule: {rule}; found {found}")
