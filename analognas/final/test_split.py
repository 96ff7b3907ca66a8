"""The end of a run: the chosen network at full budget, next to the references, on the test split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from torch import nn

from analognas.errors import UserError
from analognas.evaluation.evaluator import build_network
from analognas.evaluation.full_training import FullTraining, FullyTrained
from analognas.evaluation.prepared import PreparedTask
from analognas.evaluation.training import on_tiles
from analognas.evaluation.weights import with_weights
from analognas.executors.executor import Executor
from analognas.executors.in_order import outcomes_in_order
from analognas.final.ending import Ending, Entrant, name_of
from analognas.final.expected_time import expected_time
from analognas.final.finalists import Race
from analognas.final.references import trial_of_reference
from analognas.progress.observer import Observer
from analognas.record.trial import Failure, Trial
from analognas.record.validation import BEST, RUNNER_UP, RunnerUp, ValidatedNetwork
from search_spaces import Genotype


@dataclass(frozen=True)
class FinalNetwork:
    """The chosen network at full budget.

    Attributes:
        genotype: of a trial's candidate; None for a reference.
        network: plain torch, in evaluation mode.
        analog: the same on crossbar tiles, input ranges calibrated.
        task: the data it was trained on.
        validated: its measurements.
    """

    genotype: Genotype | None
    network: nn.Module
    analog: nn.Module
    task: PreparedTask
    validated: ValidatedNetwork


@dataclass(frozen=True)
class OnTest:
    """What was measured on the test split at the end of a run.

    Attributes:
        final: the chosen network.
        references: those that could be trained.
        further: trainings of the chosen network and of the references with other seeds.
        runner_up: the best trial where a reference won.
    """

    final: FinalNetwork
    references: tuple[ValidatedNetwork, ...]
    further: tuple[ValidatedNetwork, ...]
    runner_up: RunnerUp | None


def validate_best_and_references(
    ending: Ending,
    executor: Executor[FullTraining, FullyTrained],
    race: Race,
    trials: Sequence[Trial],
    observer: Observer,
) -> OnTest:
    """Measure what was chosen and the references on the test split, and the best trial where a reference was chosen.

    What the race has trained is taken as it is; what it has not, and everything where the validation split trains as
    well, is trained first.

    Args:
        ending: of the search.
        executor: where full trainings run.
        race: the winner, and the networks of the race.
        trials: of the search, which tell how long a training takes.
        observer: hears of each network.

    Raises:
        UserError: when the training of the chosen network fails.
    """
    same = [name for name, trial in race.same.items() if trial is race.winner]
    entrants = [race.winner, *(name for name in ending.references if name not in (race.winner, *same))]
    if race.runner_up is not None:
        entrants.append(race.runner_up)
    numbers = [race.exported, *(number for number in range(ending.n_seeds) if number != race.exported)]
    planned = [(entrant, number) for number in numbers for entrant in entrants]
    trainings = [
        ending.on_test(entrant, race.trained.get(name_of(entrant), {}).get(number), number)
        for entrant, number in planned
    ]
    outcomes = outcomes_in_order(executor, trainings)
    validated: dict[tuple[str, int], ValidatedNetwork] = {}
    exported: FullyTrained | None = None
    for (entrant, number), training in zip(planned, trainings, strict=True):
        name = entrant if isinstance(entrant, str) else BEST if entrant is race.winner else RUNNER_UP
        is_exported = entrant is race.winner and number == race.exported
        said = _announced(ending, entrant, training, trials, is_winner=entrant is race.winner)
        observer.stage(said + (f", seed {number + 1}" if ending.n_seeds > 1 else ""))
        result = next(outcomes).result
        if isinstance(result, Failure):
            if is_exported:
                raise UserError(f"{_who(entrant)}: {_failed(result)}")
            observer.stage(f"{name} is left out: its training at full budget failed: {result.reason}")
            continue
        exported = result if is_exported else exported
        validated[name, number] = _record(name, training, result, number)
    for (name, number), network in list(validated.items()):
        if name == (race.winner if isinstance(race.winner, str) else BEST):
            validated |= {
                (other, number): replace(network, name=other, architecture={"name": other}) for other in same
            }
    chosen = next(iter(validated.values()))
    assert exported is not None
    final = _final_network(ending, trainings[0], exported, chosen)
    shown = {name: _first_of(validated, name, numbers) for name in ending.references}
    references = tuple(network for network in shown.values() if network is not None)
    own = tuple(
        validated[RUNNER_UP, number] for number in sorted(numbers) if (RUNNER_UP, number) in validated
    )
    further = tuple(network for network in validated.values() if network not in (chosen, *references, *own))
    runner_up = RunnerUp(race.runner_up.number, own) if race.runner_up is not None and own else None
    return OnTest(final, references, further, runner_up)


def _first_of(
    validated: Mapping[tuple[str, int], ValidatedNetwork], name: str, numbers: Sequence[int]
) -> ValidatedNetwork | None:
    """Return the training of a reference that is shown: that with the number of the exported one, or another."""
    return next((validated[name, number] for number in numbers if (name, number) in validated), None)


def validate_trial(
    ending: Ending, executor: Executor[FullTraining, FullyTrained], trial: Trial, observer: Observer
) -> FinalNetwork:
    """Train the candidate of any trial at full budget and measure it on the test split.

    Raises:
        UserError: when the training fails.
    """
    training = ending.of_trial(trial)
    expected = expected_time(trial, ending.evaluator, training.budget, len(ending.final_task.train))
    observer.stage(f"training trial {trial.number} at full budget, {training.chips} chips{expected}")
    (outcome,) = outcomes_in_order(executor, [training])
    if isinstance(outcome.result, Failure):
        raise UserError(f"{_who(trial)}: {_failed(outcome.result)}")
    record = _record(BEST, training, outcome.result)
    return _final_network(ending, training, outcome.result, record)


def _who(entrant: Entrant) -> str:
    return f"the reference {entrant}" if isinstance(entrant, str) else f"trial {entrant.number}"


def _failed(failure: Failure) -> str:
    return (
        f"the training at full budget failed: {failure.reason.rstrip(': ')}; every trial is kept: mend the cause, or "
        "raise the limit in `executor`, and give `analognas resume` or this command again"
    )


def _final_network(
    ending: Ending, training: FullTraining, found: FullyTrained, validated: ValidatedNetwork
) -> FinalNetwork:
    task, source = ending.final_task, ending.evaluator.task.source
    network = build_network(
        ending.problem.space, training.genotype, training.architecture, source.input_shape, source.n_classes
    )
    network = with_weights(network, found.weights)
    analog = on_tiles(network, task, ending.evaluator.hardware, ranges=found.ranges)
    return FinalNetwork(training.genotype, network, analog, task, validated)


def _record(name: str, training: FullTraining, result: FullyTrained, repeat: int = 0) -> ValidatedNetwork:
    """Return the record of a result that was measured on the test split."""
    test = result.measured["test"]
    return ValidatedNetwork(
        name=name,
        architecture=training.architecture,
        metrics=test.metrics,
        digital_accuracy={name: split.metrics["digital_accuracy"] for name, split in result.measured.items()},
        curves={name: split.curve for name, split in result.measured.items()},
        training=result.training,
        correct_1d=test.correct_1d,
        repeat=repeat,
    )


def _announced(
    ending: Ending, entrant: Entrant, training: FullTraining, trials: Sequence[Trial], *, is_winner: bool
) -> str:
    if isinstance(entrant, str):
        known = trial_of_reference(entrant, ending.problem, trials)
        what = f"the reference {entrant}{', the best on validation,' if is_winner else ''}"
    else:
        known = entrant
        what = f"the {'knee of the front' if ending.choice == 'knee' else 'best candidate'} (trial {entrant.number})"
    if training.trained is not None:
        return f"validating {what} on the test split, {training.chips} chips"
    expected = expected_time(known, ending.evaluator, training.budget, len(ending.final_task.train))
    return f"training {what} at full budget, {training.chips} chips{expected}"
