"""What a search will be about: the size of its candidates, and the time that it takes, before it begins."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from analognas.compose import Composition, final_budget
from analognas.config.sections import SearchConfig
from analognas.errors import EvaluationError, MisfitError, UserError
from analognas.evaluation.memory_need import MemoryNeed, too_large
from analognas.evaluation.timed_trial import TrialTime, time_trial
from analognas.executors.device import resolve_device
from analognas.metrics import COST_BOUNDS, TABLE
from analognas.report.wording import amount
from analognas.seeds import numpy_generator
from analognas.specs.durations import duration
from analognas.strategies.probe import bred, quantiles
from search_spaces import Population, count_network, genotypes, published

MOST_BATCH_MACS: Final = 1e8
"""Of a batch, in the trial that is timed: a tenth of a second an update on one processor."""

_FEWEST: Final = 3
"""Trials below which a search is none."""

MARGIN: Final = 2.0
"""How much too long the time from one short trial may be, on a machine that has other work."""

LOOKED_AT: Final = 512
"""Candidates whose costs are shown: a space of a user's own may have to build each of them."""


@dataclass(frozen=True)
class ExpectedTime:
    """What a search takes by one timed trial, seconds.

    Attributes:
        trial_s: a trial of a candidate of median size, at the full budget of trials.
        search_s: all trials, by the workers together.
        final_s: the trainings at full budget after them.
        workers: evaluations at a time.
        timed_parameters: of the candidate that was timed.
        timed_macs: of the same.
    """

    trial_s: float
    search_s: float
    final_s: float
    workers: int
    timed_parameters: int
    timed_macs: int


@dataclass(frozen=True)
class Outlook:
    """What is known of a search before it begins.

    Attributes:
        sizes: 5 % quantile, median and 95 % quantile over admissible candidates, by metric.
        time: what it takes, or why that is not known.
        too_large: share of admissible candidates that cannot fit into memory.
    """

    sizes: Mapping[str, tuple[float, float, float]]
    time: ExpectedTime | str
    too_large: float = 0.0

    def size_text(self) -> str:
        """Return the quantiles in a line."""
        parts = [
            f"{TABLE[metric].label} {', '.join(amount(metric, value) for value in values)}"
            for metric, values in self.sizes.items()
        ]
        told = (
            f"; {100 * self.too_large:.0f} % of them cannot fit into memory and would fail: bound "
            "`constraints.parameters`"
        )
        too_large = told if round(100 * self.too_large) else ""
        return f"{'; '.join(parts)} (5 %, median, 95 % of admissible candidates){too_large}"

    def time_text(self, config: SearchConfig) -> str:
        """Return the expected time of a search in a line."""
        time = self.time
        if isinstance(time, str):
            return f"not known: {time}"
        workers = f"{time.workers} at a time" if time.workers > 1 else "one at a time"
        trials = config.search.n_evaluations
        fitting = self._fitting(config)
        if fitting is not None and fitting < trials:
            return (
                f"`search.minutes: {config.search.minutes:g}`, in which about {fitting} trials fit, "
                f"{_rounded(time.trial_s)} for one of median size at full length, {workers}, and "
                f"{_rounded(time.final_s)} for the final trainings"
            )
        then = f"; then {_rounded(time.final_s)} for the final trainings" if config.final.train else ""
        return (
            f"about {_rounded(time.search_s + time.final_s)}: {trials:,} trials, {_rounded(time.trial_s)} for one of "
            f"median size at full length, {workers}{then}"
        )

    def _fitting(self, config: SearchConfig, margin: float = 1.0) -> int | None:
        """Return how many trials fit into `margin` times `search.minutes`; None where nothing is known of it."""
        if config.search.minutes is None or isinstance(self.time, str):
            return None
        left_s = margin * 60 * config.search.minutes - (self.time.final_s if config.final.train else 0.0)
        return max(0, int(left_s * self.time.workers / self.time.trial_s))

    def check_minutes(self, config: SearchConfig) -> None:
        """Check that `search.minutes` leave time for three trials, even where the estimate is `MARGIN` times too long.

        Raises:
            MisfitError: when they do not; the message has what would do.
        """
        fitting = self._fitting(config, MARGIN)
        if fitting is None or fitting >= _FEWEST or isinstance(self.time, str):
            return
        final_s = self.time.final_s if config.final.train else 0.0
        least = math.ceil((final_s + _FEWEST * self.time.trial_s / self.time.workers) / 60)
        raise MisfitError(
            f"`search.minutes` must be enough for {_FEWEST} trials and the final trainings, about {least}, got "
            f"{config.search.minutes:g}; raise it, or lower the epochs of `training` and `final`",
            ("search", "minutes"),
        )

    def sizes_json(self) -> dict[str, dict[str, float]]:
        """Return the quantiles, JSON-able."""
        names = ("q05", "median", "q95")
        return {metric: dict(zip(names, values, strict=True)) for metric, values in self.sizes.items()}

    def time_json(self) -> dict[str, Any] | None:
        """Return the expected time, JSON-able; None where it is not known."""
        return None if isinstance(self.time, str) else asdict(self.time)


def _rounded(seconds: float) -> str:
    """Return a time to two digits."""
    rounded = float(f"{seconds:.2g}")
    return f"{rounded:g} s" if rounded < 60 else duration(rounded)


def outlook(composition: Composition) -> Outlook:
    """Return the outlook of a search: quantiles from a sample of its space, the time from one short trial."""
    problem = composition.problem
    population = looked_at(composition)
    sizes = {
        name: quantiles(problem.costs[name](population)) for name in COST_BOUNDS if name in problem.costs
    }
    evaluator = composition.evaluator
    need = MemoryNeed(evaluator.budget, evaluator.chips, len(composition.task.train))
    parameters = problem.space.parameters(population)
    return Outlook(
        sizes,
        _expected_time(composition, population, sizes["macs"][1]),
        too_large(parameters, need, resolve_device(evaluator.device)),
    )


def _expected_time(
    composition: Composition, population: Population, median_macs: float
) -> ExpectedTime | str:
    """Return the expected time by a trial of a candidate of median size, or of the largest that is quickly timed.

    Small networks take as long as they have layers, large ones as long as they have multiply-accumulates: the timed one
    is close to the median in both.
    """
    found = timed_candidate(composition, population, median_macs)
    if isinstance(found, str):
        return found
    timed, parameters, macs = found
    per_mac = 1 / max(1.0, float(macs))
    trial_s, search_s = _search_s(composition, timed, median_macs * per_mac)
    return ExpectedTime(
        trial_s=trial_s,
        search_s=search_s,
        final_s=_final_s(composition, timed, median_macs, per_mac),
        workers=composition.site.workers,
        timed_parameters=parameters,
        timed_macs=macs,
    )


def looked_at(composition: Composition) -> Population:
    """Return admissible candidates, bred from those that are known, `(<= 512, genes)`."""
    rng = numpy_generator(composition.config.seed, "outlook")
    return bred(composition.problem, composition.probe.admissible, rng)[:LOOKED_AT]


def timed_candidate(
    composition: Composition, population: Population, median_macs: float
) -> tuple[TrialTime, int, int] | str:
    """Return the times of a candidate near the median, its parameters and its MACs; why not, where that fails."""
    space = composition.problem.space
    macs, layers = space.macs(population), space.matrices(population).layers.sum(axis=1)
    budget = composition.evaluator.budget
    batch = max(budget.digital.batch_size, budget.hardware_aware.batch_size)
    quick = MOST_BATCH_MACS / batch
    away = np.abs(np.log(np.maximum(macs, 1) / min(median_macs, quick))) + np.abs(
        np.log(np.maximum(layers, 1) / max(1.0, float(np.median(layers))))
    )
    row = int(np.argmin(away))
    if macs[row] > 4 * quick:
        return f"the smallest candidate found has {macs[row]:,} MACs, too many for a short trial"
    try:
        timed = time_trial(composition.evaluator, genotypes(population[[row]])[0])
    except (EvaluationError, UserError, ValueError, RuntimeError, MemoryError) as error:
        return f"a short trial failed: {str(error).partition(chr(10))[0]}"
    return timed, int(space.parameters(population[[row]])[0]), int(macs[row])


def _search_s(composition: Composition, timed: TrialTime, size: float) -> tuple[float, float]:
    """Return what a trial takes and what all do, of candidates `size` times as large as the timed one."""
    evaluator, task = composition.evaluator, composition.task
    trial_s = search_s = 0.0
    for rung in composition.config.rungs:
        budget = evaluator.budget.stage(rung.share, rung.goes_on_from, len(task.train))
        trial_s = size * timed.seconds(
            budget, len(task.train), len(task.validation), rung.chips, len(evaluator.times_s)
        )
        search_s += trial_s * rung.candidates / min(composition.site.workers, rung.candidates)
    return trial_s, search_s


def _final_s(composition: Composition, timed: TrialTime, median_macs: float, per_mac: float) -> float:
    """Return what the race and the test split take: finalists of median size, and the references."""
    config, task = composition.config, composition.task
    if not config.final.train:
        return 0.0
    shape = task.input_shape
    sizes = [median_macs] * config.final.finalists
    for name in config.references:
        try:
            sizes.append(float(count_network(published(name, shape, task.n_classes), shape)[1]))
        except (ValueError, RuntimeError):  # told where it is trained
            continue
    further = (config.final.seeds - 1) * (
        min(config.final.shortlist, config.final.finalists) * median_macs
        + sum(sizes[config.final.finalists :])
    )
    again = 2 if config.final.train_on == "train-and-validation" else 1
    one_s = timed.seconds(
        final_budget(config.training, config.final),
        len(task.train),
        len(task.validation) + len(task.test),
        config.final.chips,
        len(composition.evaluator.times_s),
    )
    return again * one_s * (sum(sizes) + further) * per_mac / min(composition.site.workers, len(sizes))
