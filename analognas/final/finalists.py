"""The race of the finalists: trained at full budget, with one seed or several, and judged on the validation split.

A trial is short, and the largest of many noisy figures is too large. The best trials are trained again, as long as the
final training, and the references with them: a search that found nothing better than a published network says so and
exports that. A reference that is one of these trials, layer by layer, is trained once for both. Soft bounds count in
full here, and in part among the trials (`analognas.strategies.worth`). The very network that wins is exported:
trainings of one architecture differ by points, and another one would be another draw. The figures that it won by are of
the validation split, and too good; those that are reported are of the test split, which no choice has looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from analognas.driver.selection import choose
from analognas.evaluation.full_training import FullTraining, FullyTrained
from analognas.executors.executor import Executor
from analognas.final.ending import Ending, Entrant
from analognas.final.leaders import leading_trials
from analognas.final.references import broken_by, trial_of_same_network
from analognas.final.rounds import Rounds
from analognas.progress.observer import Observer
from analognas.record.trial import Trial
from analognas.record.validation import Finalist


@dataclass(frozen=True)
class Race:
    """How a race ended.

    Attributes:
        winner: whose network is exported.
        finalists: what was measured of each training, for the record.
        trained: the networks at full budget, by entrant and number of the training; those that failed are not there.
        same: the references whose network is that of a finalist, which is trained once for both: its trial.
        exported: which of the winner's trainings is exported.
        runner_up: the best trial where a reference won; None where a trial did, or none could be trained.
    """

    winner: Entrant
    finalists: tuple[Finalist, ...]
    trained: Mapping[str, Mapping[int, FullyTrained]]
    same: Mapping[str, Trial] = field(default_factory=dict)
    exported: int = 0
    runner_up: Trial | None = None


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

    With several seeds there is a second round: the best trials of the first one and every reference are trained again
    with the other seeds. What a network is worth in the mean of its trainings decides then, and the best training of
    the winner is exported.

    Args:
        ending: of the search.
        executor: where full trainings run.
        trials: of the search.
        best: the one that is best at the budget of a trial.
        observer: hears of each finalist.
    """
    leaders = leading_trials(ending, trials)
    references = [] if ending.choice == "knee" else _admitted(ending, observer)
    same = _same(ending, references, leaders)
    entrants: list[Entrant] = [*leaders, *(name for name in references if name not in same)]
    if len(entrants) < 2:
        return Race(best, (), {}, same)
    rounds = Rounds(ending, executor, trials, observer)
    rounds.run([(entrant, 0) for entrant in entrants])
    if ending.n_seeds > 1 and ending.choice == "best":
        shortlist = rounds.shortlist(entrants)
        rounds.run([(entrant, repeat) for repeat in range(1, ending.n_seeds) for entrant in shortlist])
        entrants = shortlist
    for name, trial in same.items():
        observer.stage(f"the reference {name} is trial {trial.number}: its training counts for both")
        rounds.count_for(name, trial)
    winner = _winner(rounds, entrants, best)
    return Race(
        winner,
        tuple(rounds.finalists),
        rounds.trained,
        same,
        rounds.best_repeat(winner),
        _best_trial(rounds, entrants) if isinstance(winner, str) else None,
    )


def _best_trial(rounds: Rounds, entrants: Sequence[Entrant]) -> Trial | None:
    """Return the trial that is worth most in the mean of its trainings, None where none was trained."""
    trials = [entrant for entrant in entrants if isinstance(entrant, Trial) and rounds.measured(entrant)]
    return max(trials, key=rounds.rank, default=None)


def _same(ending: Ending, references: Sequence[str], leaders: Sequence[Trial]) -> dict[str, Trial]:
    """Return the references whose network is that of a leader, with its trial."""
    source = ending.evaluator.task.source
    found = {name: trial_of_same_network(name, ending.problem, source, leaders) for name in references}
    return {name: trial for name, trial in found.items() if trial is not None}


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


def _winner(rounds: Rounds, entrants: Sequence[Entrant], best: Trial) -> Entrant:
    """Return who is worth most in the mean of all trainings; the first of equals, `best` where nobody was trained."""
    ending = rounds.ending
    judged = [entrant for entrant in entrants if rounds.measured(entrant)]
    if ending.choice == "knee":
        trials = {entrant.number: entrant for entrant in judged if not isinstance(entrant, str)}
        first = {number: rounds.measured(trial)[0] for number, trial in trials.items()}
        at_full_budget = [
            replace(trials[number], metrics=result.metrics, curve=result.curve)
            for number, result in first.items()
        ]
        problem = rounds.judged_by
        knee = choose(problem.objectives, problem.upper_bounds, at_full_budget, "knee", problem.fidelity)
        return best if knee is None else trials[knee.number]
    return max(judged, key=rounds.rank, default=best)
