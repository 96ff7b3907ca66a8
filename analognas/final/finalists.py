"""The race of the finalists: trained at full budget and judged again on the validation split.

A trial is short, and the largest of many noisy figures is too large. The best trials are trained anew, as long as the
final training, and the references with them: a search that found nothing better than a published network says so and
exports that. A reference that is one of these trials, layer by layer, is trained once for both. A network is worth here
what it is among the trials (`analognas.strategies.worth`). The very network that wins is exported: trainings of one
architecture differ by points, and another one would be another draw. The figures that it won by are of the validation
split, and too good; those that are reported are of the test split, which no choice has looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from analognas.driver.selection import choose, rank
from analognas.evaluation.full_training import FullTraining, FullyTrained, Measured
from analognas.executors.executor import Executor
from analognas.executors.in_order import outcomes_in_order
from analognas.final.ending import Ending, Entrant, name_of
from analognas.final.expected_time import expected_time
from analognas.final.references import broken_by, trial_of_reference, trial_of_same_network
from analognas.progress.observer import Observer
from analognas.record.trial import Failure, Trial
from analognas.record.validation import Finalist


@dataclass(frozen=True)
class Race:
    """How a race ended.

    Attributes:
        winner: whose network is exported.
        finalists: what was measured of each, for the record.
        trained: the networks at full budget; those that could not be trained are not there.
        same: the references whose network is that of a finalist, which is trained once for both: its trial.
    """

    winner: Entrant
    finalists: tuple[Finalist, ...]
    trained: Mapping[str, FullyTrained]
    same: Mapping[str, Trial] = field(default_factory=dict)


def choose_finalist(
    ending: Ending,
    executor: Executor[FullTraining, FullyTrained],
    trials: Sequence[Trial],
    best: Trial,
    observer: Observer,
) -> Race:
    """Train the finalists at full budget and return who is best on the validation split.

    Finalists that cannot be trained are left out; where none is left, or there is nobody to race with, `best` stays
    the choice. The knee of the front is chosen among trials alone, since it is a point of their front.

    Args:
        ending: of the search.
        executor: where full trainings run.
        trials: of the search.
        best: the one that is best at the budget of a trial.
        observer: is told of each finalist.
    """
    leaders = _leaders(ending, trials)
    references = [] if ending.choice == "knee" else _admitted(ending, observer)
    same = _same(ending, references, leaders)
    entrants: list[Entrant] = [*leaders, *(name for name in references if name not in same)]
    if len(entrants) < 2:
        return Race(best, (), {}, same)
    outcomes = outcomes_in_order(executor, [ending.in_the_race(entrant) for entrant in entrants])
    judged, finalists, trained = list[tuple[Entrant, Measured]](), list[Finalist](), dict[str, FullyTrained]()
    for number, entrant in enumerate(entrants, start=1):
        known = trial_of_reference(entrant, ending.problem, trials) if isinstance(entrant, str) else entrant
        inputs = len(ending.evaluator.task.train)
        expected = expected_time(known, ending.evaluator, ending.budget, inputs)
        observer.stage(_announced(entrant, f"{number} of {len(entrants)}", expected))
        result = next(outcomes).result
        if isinstance(result, FullyTrained):
            judged.append((entrant, result.measured["validation"]))
            trained[name_of(entrant)] = result
        finalists.append(_finalist(entrant, result))
        observer.stage(_said(finalists[-1]))
    of_trial = {finalist.trial: finalist for finalist in finalists}
    for name, trial in same.items():
        observer.stage(f"the reference {name} is trial {trial.number}: its training counts for both")
        finalists.append(replace(of_trial[trial.number], trial=None, reference=name))
        if name_of(trial) in trained:
            trained[name] = trained[name_of(trial)]
    return Race(_winner(ending, judged, best), tuple(finalists), trained, same)


def _same(ending: Ending, references: Sequence[str], leaders: Sequence[Trial]) -> dict[str, Trial]:
    """Return the references whose network is that of a leader, with its trial."""
    source = ending.evaluator.task.source
    found = {name: trial_of_same_network(name, ending.problem, source, leaders) for name in references}
    return {name: trial for name, trial in found.items() if trial is not None}


def _leaders(ending: Ending, trials: Sequence[Trial]) -> list[Trial]:
    """Return the `final.finalists` best trials, the best one first."""
    rest, leaders = list(trials), list[Trial]()
    problem = ending.problem
    while len(leaders) < ending.n_finalists:
        leader = choose(problem.objectives, problem.upper_bounds, rest, ending.choice)
        if leader is None:
            break
        leaders.append(leader)
        rest.remove(leader)
    return leaders


def _admitted(ending: Ending, observer: Observer) -> list[str]:
    """Return the references that keep every hard constraint."""
    admitted = []
    for name in ending.references:
        broken = broken_by(name, ending.problem, ending.evaluator.task.source)
        if broken:
            observer.stage(f"the reference {name} is reported and cannot win: it breaks {broken}")
        else:
            admitted.append(name)
    return admitted


def _winner(ending: Ending, judged: Sequence[tuple[Entrant, Measured]], best: Trial) -> Entrant:
    problem = ending.problem
    if ending.choice == "knee":
        trials = {entrant.number: entrant for entrant, _ in judged if not isinstance(entrant, str)}
        at_full_budget = [
            replace(entrant, metrics=result.metrics, curve=result.curve)
            for entrant, result in judged
            if not isinstance(entrant, str)
        ]
        knee = choose(problem.objectives, problem.upper_bounds, at_full_budget, "knee")
        return best if knee is None else trials[knee.number]
    first = max(judged, key=lambda entry: rank(problem, entry[1].metrics), default=None)
    return best if first is None else first[0]


def _finalist(entrant: Entrant, result: FullyTrained | Failure) -> Finalist:
    if isinstance(result, Failure):
        metrics, failure = {}, result.reason
    else:
        metrics, failure = dict(result.measured["validation"].metrics), ""
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
