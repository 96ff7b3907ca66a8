"""The end of a run: the chosen network at full budget, next to the references, on the test split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn

from analognas.compose import Composition, final_task
from analognas.config.sections import SearchConfig
from analognas.errors import UserError
from analognas.evaluation.prepared import PreparedTask
from analognas.evaluation.training import on_tiles
from analognas.final.expected_time import expected_time
from analognas.final.finalists import Race, name_of
from analognas.final.references import BEST, trial_of_reference
from analognas.final.training import Entrant, FullTraining, FullyTrained, train_in_full, with_weights
from analognas.progress.observer import Observer
from analognas.record.trial import Trial
from analognas.record.validation import ValidatedNetwork
from analognas.seeds import derive_seed
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


def validate_best_and_references(
    config: SearchConfig, composition: Composition, race: Race, trials: Sequence[Trial], observer: Observer
) -> tuple[FinalNetwork, tuple[ValidatedNetwork, ...]]:
    """Measure what was chosen and the references on the test split, wherever evaluations run.

    What the race has trained is taken as it is; what it has not, and everything where the validation split trains as
    well, is trained first.

    Args:
        config: of the run.
        composition: its parts.
        race: the winner, and the networks of the race.
        trials: of the search, which tell how long a training takes.
        observer: is told of each network.

    Returns:
        The chosen network, and the measurements of the references that could be trained.

    Raises:
        UserError: when the training of the chosen network diverges.
    """
    task = final_task(composition.prepared, config.final)
    entrants = [race.winner, *(name for name in config.references if name != race.winner)]
    trainings = [_training(config, race, entrant, task) for entrant in entrants]
    stages = [
        _announced(config, composition, entrant, training, trials, is_winner=entrant is race.winner)
        for entrant, training in zip(entrants, trainings, strict=True)
    ]
    evaluator = composition.evaluator  # the same one where it can be: a cluster has its data already
    if task is not composition.prepared:
        evaluator = replace(evaluator, task=task)
    results = composition.place().map(train_in_full, evaluator, trainings)
    trained = list[tuple[FullTraining, FullyTrained]]()
    for stage, training in zip(stages, trainings, strict=True):
        observer.stage(stage)
        result = next(results)
        if isinstance(result, FullyTrained):
            trained.append((training, result))
        elif not trained:
            raise UserError(f"{training.name}: the training at full budget failed: {result}")
        else:
            observer.stage(f"{training.name} is left out: its training at full budget failed: {result}")
    torch.set_num_threads(config.executor.threads)
    network = with_weights(trainings[0].untrained(evaluator), trained[0][1].weights)
    validated = [training.validated(result) for training, result in trained]
    by_name = {record.name: record for record in validated}
    final = FinalNetwork(
        genotype=trainings[0].genotype,
        network=network,
        analog=on_tiles(network, task, evaluator.hardware),
        task=task,
        validated=validated[0],
    )
    return final, tuple(by_name[name] for name in config.references if name in by_name)


def _training(config: SearchConfig, race: Race, entrant: Entrant, task: PreparedTask) -> FullTraining:
    trained = None if task.trains_on_validation else race.trained.get(name_of(entrant))
    again = trained is None and not task.trains_on_validation
    seed = derive_seed(config.seed, "final", entrant if isinstance(entrant, str) else BEST)
    return FullTraining.of(config, entrant, seed, ("validation", "test") if again else ("test",), trained)


def _announced(
    config: SearchConfig,
    composition: Composition,
    entrant: Entrant,
    training: FullTraining,
    trials: Sequence[Trial],
    *,
    is_winner: bool,
) -> str:
    if isinstance(entrant, str):
        known = trial_of_reference(entrant, composition.problem, trials)
        what = f"the reference {entrant}{', the best on validation,' if is_winner else ''}"
    else:
        known = entrant
        what = f"the {'knee of the front' if config.choice == 'knee' else 'best candidate'} (trial {entrant.number})"
    if training.trained is not None:
        return f"validating {what} on the test split, {config.final.chips} chips"
    inputs = len(composition.prepared.train) + (
        len(composition.prepared.validation) if config.final.train_on == "train-and-validation" else 0
    )
    expected = expected_time(known, composition.evaluator, training.budget, inputs)
    return f"training {what} at full budget, {config.final.chips} chips{expected}"
