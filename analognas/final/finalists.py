"""The race of the finalists: trained at full budget and judged again on the validation split.

A trial is short, and the largest of many noisy figures is too large. The best trials are trained anew, as long as the
final training, and the references with them: a search that found nothing better than a published network says so and
exports that. A network is worth here what it is among the trials (`analognas.strategies.worth`). The very network that
wins is exported: trainings of one architecture differ by points, and another one would be another draw. The figures
that it won by are of the validation split, and too good; those that are reported are of the test split, which no choice
has looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from analognas.compose import Composition, final_budget
from analognas.config.sections import SearchConfig
from analognas.driver.selection import choose, rank
from analognas.final.expected_time import expected_time
from analognas.final.references import broken_by, trial_of_reference
from analognas.final.training import Entrant, FullTraining, FullyTrained, Measured, train_in_full
from analognas.progress.observer import Observer
from analognas.record.trial import Trial
from analognas.record.validation import Finalist
from analognas.seeds import derive_seed
from analognas.strategies.problem import SearchProblem


@dataclass(frozen=True)
class Race:
    """How a race ended.

    Attributes:
        winner: whose network is exported.
        finalists: what was measured of each, for the record.
        trained: the networks at full budget; those that could not be trained are not there.
    """

    winner: Entrant
    finalists: tuple[Finalist, ...]
    trained: Mapping[str, FullyTrained]


def name_of(entrant: Entrant) -> str:
    """Return the name of a reference, or the number of a trial, as a key."""
    return entrant if isinstance(entrant, str) else str(entrant.number)


def choose_finalist(
    config: SearchConfig, composition: Composition, trials: Sequence[Trial], best: Trial, observer: Observer
) -> Race:
    """Train the finalists at full budget and return who is best on the validation split.

    Finalists that cannot be trained are left out; where none is left, or there is nobody to race with, `best` stays
    the choice. The knee of the front is chosen among trials alone, since it is a point of their front.

    Args:
        config: of the run.
        composition: its parts.
        trials: of the search.
        best: the one that is best at the budget of a trial.
        observer: is told of each finalist.
    """
    leaders = _leaders(config, composition.problem, trials)
    references = [] if config.choice == "knee" else _admitted(config, composition, observer)
    entrants: list[Entrant] = [*leaders, *references]
    if len(entrants) < 2:
        return Race(best, (), {})
    budget = final_budget(config.training, config.final)
    trainings = [
        FullTraining.of(
            config, entrant, derive_seed(config.seed, "finalist", name_of(entrant)), ("validation",)
        )
        for entrant in entrants
    ]
    results = composition.place().map(train_in_full, composition.evaluator, trainings)
    judged, finalists, trained = list[tuple[Entrant, Measured]](), list[Finalist](), dict[str, FullyTrained]()
    for number, entrant in enumerate(entrants, start=1):
        known = (
            trial_of_reference(entrant, composition.problem, trials) if isinstance(entrant, str) else entrant
        )
        expected = expected_time(known, composition.evaluator, budget, len(composition.prepared.train))
        observer.stage(_announced(entrant, f"{number} of {len(entrants)}", expected))
        result = next(results)
        if isinstance(result, FullyTrained):
            judged.append((entrant, result.measured["validation"]))
            trained[name_of(entrant)] = result
        finalists.append(_finalist(entrant, result))
        observer.stage(_said(finalists[-1]))
    torch.set_num_threads(config.executor.threads)
    return Race(_winner(config, composition.problem, judged, best), tuple(finalists), trained)


def _leaders(config: SearchConfig, problem: SearchProblem, trials: Sequence[Trial]) -> list[Trial]:
    """Return the `final.finalists` best trials, the best one first."""
    rest, leaders = list(trials), list[Trial]()
    while len(leaders) < config.final.finalists:
        leader = choose(config.objectives, problem.upper_bounds, rest, config.choice)
        if leader is None:
            break
        leaders.append(leader)
        rest.remove(leader)
    return leaders


def _admitted(config: SearchConfig, composition: Composition, observer: Observer) -> list[str]:
    """Return the references that keep every hard constraint."""
    admitted = []
    for name in config.references:
        broken = broken_by(name, composition.problem, composition.task)
        if broken:
            observer.stage(f"the reference {name} is reported and cannot win: it breaks {broken}")
        else:
            admitted.append(name)
    return admitted


def _winner(
    config: SearchConfig, problem: SearchProblem, judged: Sequence[tuple[Entrant, Measured]], best: Trial
) -> Entrant:
    if config.choice == "knee":
        trials = {entrant.number: entrant for entrant, _ in judged if not isinstance(entrant, str)}
        at_full_budget = [
            replace(entrant, metrics=result.metrics, curve=result.curve)
            for entrant, result in judged
            if not isinstance(entrant, str)
        ]
        knee = choose(config.objectives, problem.upper_bounds, at_full_budget, "knee")
        return best if knee is None else trials[knee.number]
    first = max(judged, key=lambda entry: rank(problem, entry[1].metrics), default=None)
    return best if first is None else first[0]


def _finalist(entrant: Entrant, result: FullyTrained | str) -> Finalist:
    metrics, failure = (
        ({}, result) if isinstance(result, str) else (result.measured["validation"].metrics, "")
    )
    if isinstance(entrant, str):
        return Finalist(None, metrics, failure, reference=entrant)
    return Finalist(entrant.number, metrics, failure)


def _announced(entrant: Entrant, place: str, expected: str) -> str:
    if isinstance(entrant, str):
        return f"training the reference {entrant} at full budget, as finalist {place}{expected}"
    return f"training finalist {place} (trial {entrant.number}){expected}"


def _said(finalist: Finalist) -> str:
    name = f"the reference {finalist.reference}" if finalist.reference else f"trial {finalist.trial}"
    if finalist.failure:
        return f"{name} at full budget: failed: {finalist.failure}"
    metrics = finalist.metrics
    return (
        f"{name} at full budget, validation: 1-day accuracy {100 * metrics['accuracy_1d']:.2f} "
        f"± {100 * metrics['std_1d']:.2f} %, AVM {100 * metrics['avm']:.2f}"
    )
