"""What a composed search does after its last trial, and the full trainings that this takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from analognas.evaluation.evaluator import Evaluator
from analognas.evaluation.full_training import FullTraining, FullyTrained, SplitName
from analognas.evaluation.prepared import PreparedTask
from analognas.evaluation.training import TrainingBudget
from analognas.final.expected_time import shown
from analognas.final.surrogate import SurrogateRecipe
from analognas.record.trial import Trial
from analognas.record.validation import BEST
from analognas.seeds import derive_seed
from analognas.strategies.problem import Choice, SearchProblem
from analognas.strategies.strategy import Strategy

Entrant: TypeAlias = Trial | str
"""Who takes part in the race, and who wins it: a trial's candidate, or a reference by its name."""


def name_of(entrant: Entrant) -> str:
    """Return the name of a reference, or the number of a trial, as a key."""
    return entrant if isinstance(entrant, str) else str(entrant.number)


@dataclass(frozen=True)
class Ending:
    """What happens after the last trial.

    Attributes:
        problem: of the search.
        evaluator: of the trials, and of the trainings at full budget.
        choice: how the network that is exported is chosen.
        strategy: of the search; what it believes of the trials decides which of them race.
        n_finalists: trials in the race.
        n_seeds: trainings of each network of the second round, and of each reference; with 1 there is no such round.
        n_shortlisted: trials in the second round.
        references: published networks to compare with, by name; those that keep the hard constraints race, too.
        budget: of a training at full budget.
        chips: programmed for each split.
        trains_on_validation: whether the network is trained once more on training and validation images together.
        seed: of the run.
        surrogate: fitted on all trials at the end; None for a strategy without.
    """

    problem: SearchProblem
    evaluator: Evaluator
    choice: Choice
    strategy: Strategy
    n_finalists: int
    n_seeds: int
    n_shortlisted: int
    references: tuple[str, ...]
    budget: TrainingBudget
    chips: int
    trains_on_validation: bool
    seed: int
    surrogate: SurrogateRecipe | None

    @property
    def final_task(self) -> PreparedTask:
        """The data of the network that is exported."""
        return self.evaluator.task_with_validation if self.trains_on_validation else self.evaluator.task

    @property
    def most_trainings(self) -> int:
        """How many full trainings can be under way together at most."""
        n_references = len(self.references)
        second_round = (self.n_seeds - 1) * (min(self.n_shortlisted, self.n_finalists) + n_references)
        return max(self.n_finalists + n_references, second_round, self.n_seeds * (1 + n_references))

    def in_the_race(self, entrant: Entrant, repeat: int = 0) -> FullTraining:
        """Return a training of a finalist, measured on the validation split."""
        name = name_of(entrant)
        seed = derive_seed(self.seed, "finalist", name, *_further(repeat))
        key = f"finalist-{name}{_suffix(repeat)}"
        return self._training(key, entrant, seed, ("validation",), self.evaluator.task)

    def of_trial(self, trial: Trial) -> FullTraining:
        """Return the training of any trial, with the seed of a finalist, measured as the exported network is."""
        if self.trains_on_validation:
            return self.on_test(trial, None)
        seed = derive_seed(self.seed, "finalist", name_of(trial))
        splits: tuple[SplitName, ...] = ("validation", "test")
        return self._training(f"trial-{trial.number}", trial, seed, splits, self.evaluator.task)

    def on_test(self, entrant: Entrant, raced: FullyTrained | None, repeat: int = 0) -> FullTraining:
        """Return the measurement on the test split of what was trained in the race, after a training where it was not.

        Args:
            entrant: the winner or a reference.
            raced: its network of the race; None without one. It is trained again where validation images train.
            repeat: which of its trainings it is.
        """
        name = entrant if isinstance(entrant, str) else BEST
        known = None if self.trains_on_validation else raced
        also_validation = known is None and not self.trains_on_validation
        splits: tuple[SplitName, ...] = ("validation", "test") if also_validation else ("test",)
        seed = derive_seed(self.seed, "final", name, *_further(repeat))
        return self._training(f"final-{name}{_suffix(repeat)}", entrant, seed, splits, self.final_task, known)

    def _training(
        self,
        key: str,
        entrant: Entrant,
        seed: int,
        splits: tuple[SplitName, ...],
        task: PreparedTask,
        trained: FullyTrained | None = None,
    ) -> FullTraining:
        return FullTraining(
            key=key,
            genotype=None if isinstance(entrant, str) else entrant.genotype,
            architecture={"name": entrant} if isinstance(entrant, str) else entrant.architecture,
            budget=self.budget,
            chips=self.chips,
            seed=seed,
            splits=splits,
            trains_on_validation=task.trains_on_validation,
            allowance=self._allowance,
            trained=trained,
        )

    @cached_property
    def _allowance(self) -> float:
        """How many times as much a full training is shown, in training and on chips, as a trial."""
        evaluator, task = self.evaluator, self.final_task
        trained = shown(self.budget, len(task.train)) / shown(
            evaluator.trained_in_full, len(evaluator.task.train)
        )
        images = len(task.source.validation) + len(task.source.test)
        on_chips = self.chips * images / (evaluator.chips * len(evaluator.task.validation))
        return max(1.0, trained + on_chips)


def _further(repeat: int) -> tuple[str, ...]:
    """Return what tells the seeds of further trainings apart; the first has none, as where there is one alone."""
    return (str(repeat),) if repeat else ()


def _suffix(repeat: int) -> str:
    return f"-seed-{repeat + 1}" if repeat else ""
