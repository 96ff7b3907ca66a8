"""The choice among the best trials: trained at full budget and judged again on the validation split.

A trial is short, and the largest of many noisy figures is too large. The finalists are trained anew, as long as the
final training; the winner is then trained once more, with a seed of its own, so that neither its weights nor its
figures come from the training that it won by. The test split is not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from analognas.compose import Composition, final_budget
from analognas.config.sections import SearchConfig
from analognas.errors import EvaluationError
from analognas.evaluation.evaluator import Evaluator
from analognas.evaluation.training import TrainingBudget
from analognas.executors.executor import Job, Measurement
from analognas.expected_time import expected_time
from analognas.observer import Observer
from analognas.record.trial import Trial
from analognas.record.validation import Finalist
from analognas.seeds import derive_seed
from analognas.selection import choose
from analognas.strategies.strategy import Proposal


@dataclass(frozen=True)
class FinalistTraining:
    """The training of one finalist.

    Attributes:
        trial: whose candidate is trained.
        seed: of the training.
        budget: of the training.
        chips: programmed to judge it.
    """

    trial: Trial
    seed: int
    budget: TrainingBudget
    chips: int


def choose_finalist(
    config: SearchConfig, composition: Composition, trials: Sequence[Trial], best: Trial, observer: Observer
) -> tuple[Trial, tuple[Finalist, ...]]:
    """Return the trial whose candidate is best at full budget on the validation split, and what was measured.

    Finalists that no longer meet the constraints are left out; where none is left, `best` stays the choice.

    Args:
        config: of the run.
        composition: its parts.
        trials: of the search.
        best: the one that is best at the budget of a trial.
        observer: is told of each finalist.
    """
    objectives, bounds = config.objectives, composition.problem.upper_bounds
    rest, candidates = list(trials), list[Trial]()
    while len(candidates) < config.final.finalists:
        leader = choose(objectives, bounds, rest, config.choice)
        if leader is None:
            break
        candidates.append(leader)
        rest.remove(leader)
    budget = final_budget(config.training, config.final)
    trainings = [
        FinalistTraining(
            trial, derive_seed(config.seed, "finalist", str(trial.number)), budget, config.final.chips
        )
        for trial in candidates
    ]
    results = composition.place().map(judge, composition.evaluator, trainings)
    judged, finalists = list[Trial](), list[Finalist]()
    for trial in candidates:
        expected = expected_time(trial, composition.evaluator, budget, len(composition.prepared.train))
        observer.stage(
            f"training finalist {len(finalists) + 1} of {len(candidates)} (trial {trial.number}){expected}"
        )
        result = next(results)
        if isinstance(result, Measurement):
            judged.append(replace(trial, metrics=result.metrics, curve=result.curve))
            finalists.append(Finalist(trial.number, result.metrics, ""))
        else:
            finalists.append(Finalist(trial.number, {}, result))
        observer.stage(_said(finalists[-1]))
    torch.set_num_threads(config.executor.threads)
    winner = choose(objectives, bounds, judged, config.choice)
    number = best.number if winner is None else winner.number
    return next(trial for trial in candidates if trial.number == number), tuple(finalists)


def judge(evaluator: Evaluator, training: FinalistTraining) -> Measurement | str:
    """Train a finalist and measure it on the validation split; a text tells why that was not possible."""
    torch.set_num_threads(evaluator.threads)
    in_full = replace(evaluator, task=evaluator.data, budget=training.budget, chips=training.chips)
    proposal = Proposal(training.trial.genotype, "finalist", {})
    try:
        return in_full.measure(Job(proposal, 0, 0, training.seed))
    except EvaluationError as error:
        return str(error)


def _said(finalist: Finalist) -> str:
    if finalist.failure:
        return f"trial {finalist.trial} at full budget: failed: {finalist.failure}"
    metrics = finalist.metrics
    return (
        f"trial {finalist.trial} at full budget, validation: 1-day accuracy {100 * metrics['accuracy_1d']:.2f} "
        f"± {100 * metrics['std_1d']:.2f} %, AVM {100 * metrics['avm']:.2f}"
    )
