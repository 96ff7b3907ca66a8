"""The composition root: the one place that turns a configuration into the parts of a search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import hwsim
from analognas.config.budgets import DigitalTrainingSpec, FinalSpec, HardwareAwareTrainingSpec, TrainingSpec
from analognas.config.labelled_steps import check_steps
from analognas.config.named_bounds import with_named_bounds
from analognas.config.pretrained import Informed, informed, with_prior
from analognas.config.sections import SearchConfig
from analognas.config.size_bounds import with_size_bounds
from analognas.config.warm_start import WarmStart, read_warm_start
from analognas.driver.loop import SearchLoop, no_reserve
from analognas.errors import MisfitError, UserError
from analognas.evaluation.evaluator import Evaluator, chip_seed
from analognas.evaluation.full_training import FullTraining, FullyTrained
from analognas.evaluation.in_memory import InMemory
from analognas.evaluation.prepared import PreparedTask, prepare
from analognas.evaluation.training import Distillation, EarlyStop, TrainingBudget
from analognas.executors.device import NoSuchDeviceError
from analognas.executors.executor import Executor, Job, Measurement
from analognas.executors.site import Site, open_site
from analognas.executors.specs import IN_ORDER
from analognas.final.ending import Ending
from analognas.final.surrogate import SurrogateRecipe
from analognas.final.time_needed import TimeNeeded
from analognas.seeds import derive_seed, numpy_generator
from analognas.specs.given import OBJECT
from analognas.strategies.probe import Probe, probe
from analognas.strategies.problem import SearchProblem
from analognas.strategies.rejections import explain_rejections
from analognas.strategies.start_from import StartFrom, given_candidate, known_first
from analognas.strategies.strategy import Strategy
from analognas.strategies.transfer import Prior
from analognas.tasks import Task
from analognas.training.in_memory_spec import InMemorySpec
from analognas.training.loop import Schedule
from hwsim.chip_cost.network_costs import ChipUse
from search_spaces import ArchitectureSpace


@dataclass(frozen=True)
class Composition:
    """The parts of a search.

    Attributes:
        config: the search, with the bounds on size that it takes.
        prepared: the data.
        problem: space, objective, constraints.
        loop: the search loop with its strategy.
        ending: what happens after the last trial.
        evaluator: what an executor runs.
        site: where evaluations run.
        probe: which candidates are admissible.
        size_note: where bounds on size come from that nobody wrote; empty where somebody did.
        named_bounds: where other bounds come from that nobody wrote as a number, by metric.
        warm_start: the trials of other runs that the search begins with.
        informed: the model of other searches that the search begins with.
    """

    config: SearchConfig
    prepared: PreparedTask
    problem: SearchProblem
    loop: SearchLoop
    ending: Ending
    evaluator: Evaluator
    site: Site
    probe: Probe
    size_note: str
    named_bounds: Mapping[str, str]
    warm_start: WarmStart
    informed: Informed

    @property
    def task(self) -> Task:
        """The task as it was loaded."""
        return self.prepared.source

    @property
    def notes(self) -> tuple[str, ...]:
        """What somebody should know before this search begins."""
        size = (self.size_note,) if self.size_note else ()
        known = (run.told() for run in self.warm_start.runs)
        return (
            *(f"data: {note}" for note in self.task.notes),
            *size,
            *self.named_bounds.values(),
            *known,
            *filter(None, (self.informed.note,)),
            *self.site.notes(),
        )

    def executor(self, logs: Path | None) -> Executor[Job, Measurement]:
        """Return a new executor of trials; `logs` is the folder for the output of its workers."""
        return self.site.executor(self.evaluator.evaluate, logs)

    def executor_in_full(self, logs: Path | None, at_most: int) -> Executor[FullTraining, FullyTrained]:
        """Return a new executor of trainings at full budget, `at_most` so many together, held to the same limits."""
        return self.site.executor(self.evaluator.evaluate_in_full, logs, at_most)


def load_task_and_space(config: SearchConfig) -> tuple[Task, ArchitectureSpace]:
    """Load the data and make the space for them.

    Raises:
        MisfitError: at the section that is wrong.
    """
    try:
        task = config.task.build()
    except UserError as error:
        raise MisfitError(str(error), ("task",)) from None
    check_steps(config, task)
    try:
        return task, config.space.build(task.input_shape, task.n_classes)
    except ValueError as error:
        raise MisfitError(str(error), ("space",)) from None
    except UserError as error:
        named = ("name",) if config.space.kind == "entry-point" else ()
        raise MisfitError(str(error), ("space", *named)) from None


def compose(config: SearchConfig, warm_start: WarmStart | None = None) -> Composition:
    """Load the data, check that the search can succeed, and put its parts together.

    Args:
        config: the search; everybody after this uses that of the composition, which has its bounds on size.
        warm_start: what a run that has begun knows from other runs; None reads the runs of `search.warm_start`.

    Raises:
        MisfitError: when the data do not fit, or no candidate can meet the hard constraints.
    """
    task, space = load_task_and_space(config)
    try:
        hwsim.check_times(config.hardware, config.evaluation.times)
    except ValueError as error:
        message = (
            f"this hardware cannot be simulated at every one of `evaluation.times`: {error}; choose another"
        )
        raise MisfitError(message, ("hardware",)) from None
    use = None if config.chip is None else ChipUse.of(config.chip)
    config, size_note = with_size_bounds(config, task, space)
    config, named_bounds = with_named_bounds(config, task, use)
    problem = SearchProblem(
        space=space,
        objective=config.objectives[0],
        upper_bounds=config.constraints.upper_bounds(),
        further=config.objectives[1:],
        hardware=config.hardware,
        use=use,
        fidelity=config.fidelity,
    )
    found = _probe(problem, config.seed)
    begins_with = informed(config, problem, found.admissible)
    strategy = _strategy(config, problem, begins_with.prior)
    if warm_start is None:
        warm_start = read_warm_start(config, task, problem)
    try:
        prepared = prepare(task, config.training.augmentation.augmentation())
    except ValueError as error:
        raise MisfitError(str(error), ("training", "augmentation")) from None
    evaluator = Evaluator(
        task=prepared,
        space=space,
        hardware=config.hardware,
        budget=trial_budget(config.training),
        chips=config.evaluation.chips,
        times_s=config.evaluation.times,
        chip_seed=chip_seed(config.seed),
        threads=config.executor.threads,
        device=config.executor.device,
        use=use,
        goes_on_from=config.rungs[-1].goes_on_from,
    )
    ending = _ending(config, problem, evaluator, strategy)
    site = _site(config)  # last, because only a composition can close it again
    return Composition(
        config=config,
        prepared=prepared,
        problem=problem,
        loop=SearchLoop(
            problem=problem,
            strategy=strategy,
            n_trials=config.search.trials,
            batch=config.search.batch,
            seed=config.seed,
            halving=None if config.search.halving is None else config.search.halving.schedule,
            in_order=isinstance(config.executor, IN_ORDER),
            patience=config.search.patience,
            minutes=config.search.minutes,
            reserve=TimeNeeded(ending, site.workers, _continues(config))
            if config.final.train
            else no_reserve,
            workers=site.workers,
            earlier=warm_start.trials,
        ),
        ending=ending,
        evaluator=evaluator,
        site=site,
        probe=found,
        size_note=size_note,
        named_bounds=named_bounds,
        warm_start=warm_start,
        informed=begins_with,
    )


def _site(config: SearchConfig) -> Site:
    try:
        return open_site(config.executor, min(config.search.batch, config.search.trials))
    except MisfitError:
        raise
    except NoSuchDeviceError as error:
        raise MisfitError(str(error), ("executor", "device")) from None
    except UserError as error:
        raise MisfitError(str(error), ("executor",)) from None


def _ending(config: SearchConfig, problem: SearchProblem, evaluator: Evaluator, strategy: Strategy) -> Ending:
    return Ending(
        problem=problem,
        evaluator=evaluator,
        choice=config.choice,
        strategy=strategy,
        n_finalists=config.final.finalists,
        n_seeds=config.final.seeds,
        n_shortlisted=config.final.shortlist,
        references=config.references,
        budget=final_budget(config.training, config.final),
        chips=config.final.chips,
        trains_on_validation=config.final.train_on == "train-and-validation",
        seed=config.seed,
        surrogate=surrogate_recipe(config),
    )


def _continues(config: SearchConfig) -> bool:
    return config.search.halving is not None and config.search.halving.continues


def surrogate_recipe(config: SearchConfig) -> SurrogateRecipe | None:
    """Return the surrogate that the strategy searches on; None for a strategy without."""
    spec = config.search.strategy.surrogate_spec
    return None if spec is None else SurrogateRecipe(spec.kind, spec.build(), config.seed)


def _strategy(config: SearchConfig, problem: SearchProblem, prior: Prior | None) -> Strategy:
    spec, seed = config.search.strategy, derive_seed(config.seed, "strategy")
    try:
        strategy = with_prior(spec, seed, prior)
    except UserError as error:
        kind = config.search.strategy.kind
        named = {"entry-point": ("name",), OBJECT: ()}.get(kind, ("surrogate", "name"))
        raise MisfitError(str(error), ("search", "strategy", *named)) from None
    candidates = []
    for index, entry in enumerate(config.search.start_from):
        try:
            candidates.append(given_candidate(problem, entry))
        except ValueError as error:
            raise MisfitError(str(error), ("search", "start_from", index)) from None
    known = known_first(problem, candidates, config.references)
    return StartFrom(known, strategy) if known else strategy


def trial_budget(training: TrainingSpec) -> TrainingBudget:
    """Return the budget of a trial."""
    budget = training_budget(training)
    stop = training.early_stop
    return budget if stop is None else replace(budget, early_stop=EarlyStop(stop.epoch, stop.accuracy))


def training_budget(training: TrainingSpec) -> TrainingBudget:
    """Return the budget that a section describes, to its end."""
    hardware_aware, distillation = training.hardware_aware, training.hardware_aware.distillation
    learning = training.in_memory
    return TrainingBudget(
        digital=_schedule(training.digital),
        hardware_aware=_schedule(hardware_aware),
        weight_noise=hardware_aware.weight_noise,
        noise_ramp=hardware_aware.noise_ramp,
        clip_sigma=hardware_aware.clip_sigma,
        modifier=hardware_aware.modifier,
        clip_value=hardware_aware.clip_value,
        learn_scales=hardware_aware.learn_scales,
        learn_ranges=hardware_aware.learn_ranges,
        range_decay=hardware_aware.range_decay,
        freeze_scales=hardware_aware.freeze_scales,
        digital_clip_sigma=training.digital.clip_sigma,
        distillation=None if distillation is None else Distillation(**distillation.model_dump()),
        mixed_precision=training.mixed_precision,
        in_memory=None if learning is None else _in_memory(learning),
    )


def _in_memory(spec: InMemorySpec) -> InMemory:
    return InMemory(
        algorithm=spec.algorithm,
        device=spec.device,
        learning_rate=spec.rate(),
        digital_learning_rate=spec.digital_learning_rate,
        weight_range=spec.weight_range,
        periphery=spec.periphery,
        options=spec.options(),
    )


def final_budget(training: TrainingSpec, final: FinalSpec) -> TrainingBudget:
    """Return the budget of the best candidate and the references."""
    budget = training_budget(training)
    digital = replace(budget.digital, epochs=final.digital_epochs, updates=final.digital_updates)
    if budget.in_memory is not None:
        return replace(budget, digital=digital)
    return replace(
        budget,
        digital=digital,
        hardware_aware=replace(
            budget.hardware_aware, epochs=final.hardware_aware_epochs, updates=final.hardware_aware_updates
        ),
    )


def final_task(task: PreparedTask, final: FinalSpec) -> PreparedTask:
    """Return the data of the trainings after the search."""
    return task.with_validation() if final.train_on == "train-and-validation" else task


def _schedule(spec: DigitalTrainingSpec | HardwareAwareTrainingSpec) -> Schedule:
    return Schedule(
        epochs=spec.epochs,
        batch_size=spec.batch_size,
        optimizer=spec.optimizer,
        learning_rate=spec.learning_rate,
        warmup=spec.warmup,
        weight_decay=spec.weight_decay,
        updates=spec.updates,
        epoch_size=spec.epoch_size,
        label_smoothing=spec.label_smoothing,
        average_last=spec.average_last if isinstance(spec, DigitalTrainingSpec) else 0.0,
        clip_gradient=spec.clip_gradient,
    )


def _probe(problem: SearchProblem, seed: int) -> Probe:
    """Return what a sample of the space holds; nothing admissible at all, nor a smaller one near by, is an error."""
    rng = numpy_generator(seed, "probe")
    found = probe(problem, rng)
    if len(found.admissible):
        return found
    broken = [reason for reason in problem.space.problems(found.smallest) if reason]
    if len(broken) == len(found.smallest):
        message = f"no candidate of the space can be built for these inputs: {broken[0]}"
        raise MisfitError(message, ("space",))
    message = (
        f"{explain_rejections(problem, rng, found.smallest)}; no mutant of the smallest meets them either; "
        "raise a bound or widen `space`"
    )
    raise MisfitError(message, ("constraints",))
