"""What a search will be about: the size of its candidates, and the time that it takes, before it begins."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from analognas.compose import Composition
from analognas.config.sections import SearchConfig
from analognas.errors import MisfitError
from analognas.evaluation.memory_need import MemoryNeed, too_large
from analognas.executors.device import resolve_device
from analognas.metrics import COST_BOUNDS, TABLE
from analognas.report.wording import amount
from analognas.runs.search_time import ExpectedTime, looked_at, rounded, search_time, timed_candidate
from analognas.strategies.probe import quantiles

_FEWEST: Final = 3
"""Trials below which a search is none."""

MARGIN: Final = 2.0
"""How much too long the time from one short trial may be, on a machine that has other work."""


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
                f"{rounded(time.trial_s)} for a large one at full length, {workers}, and "
                f"{rounded(time.final_s)} for the final trainings"
            )
        then = f"; then {rounded(time.final_s)} for the final trainings" if config.final.train else ""
        return (
            f"about {rounded(time.total_s)}: {trials:,} trials, {rounded(time.trial_s)} for a "
            f"large one at full length, {workers}{then}"
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
    timed = timed_candidate(composition, population)
    return Outlook(
        sizes,
        timed if isinstance(timed, str) else search_time(composition, composition.config, timed),
        too_large(parameters, need, resolve_device(evaluator.device)),
    )
