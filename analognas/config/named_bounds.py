"""Bounds that name a network: `energy_uj: <= resnet8` is what ResNet-8 takes on the same chip, and not more.

A described chip bounds its tiles by itself: a network that needs more of them than there are cannot be built.
"""

from __future__ import annotations

from collections.abc import Iterator

from analognas.config.sections import SearchConfig
from analognas.errors import MisfitError
from analognas.metrics import TABLE
from analognas.report.wording import amount
from analognas.strategies.costs import network_costs
from analognas.tasks import Task
from hwsim.chip_cost.network_costs import ChipUse
from search_spaces import published


def with_named_bounds(
    config: SearchConfig, task: Task, use: ChipUse | None
) -> tuple[SearchConfig, dict[str, str]]:
    """Return the configuration with numbers for bounds that name a network, and a sentence on each by its metric.

    Raises:
        MisfitError: for a network that takes no such inputs.
    """
    numbers: dict[str, float] = {}
    notes: dict[str, str] = {}
    for metric, name in _named(config):
        if task.every_step:
            raise MisfitError(
                f"{name} has one label for an input, {task.name} has one at every step: write a number",
                ("constraints", metric),
            )
        try:
            network = published(name, task.input_shape, task.n_classes)
            value = network_costs(network, task.input_shape, config.hardware, use)[metric]
        except (ValueError, RuntimeError) as error:
            raise MisfitError(f"{name} takes no such inputs: {error}", ("constraints", metric)) from None
        numbers[metric] = value if TABLE[metric].unit else int(value)
        written = f"{metric} {TABLE[metric].relation} {amount(metric, numbers[metric])}"
        notes[metric] = f"constraints: `{written}`, that of {name}"
    available = None if use is None else use.chip.tiles
    if use is not None and available is not None:
        metric = "tiles_packed" if use.mapping == "packed" else "tiles"
        bound = numbers.get(metric, config.constraints.upper_bounds().get(metric))
        if bound is None or bound > available:
            numbers[metric] = available
            notes[metric] = f"constraints: `{metric} <= {available:,}`, those of {use.chip.name}"
    return config.with_bounds(numbers), notes


def _named(config: SearchConfig) -> Iterator[tuple[str, str]]:
    """Yield metric and network of each bound that names one."""
    for metric, value in config.constraints.model_dump().items():
        if isinstance(value, str):
            yield metric, value.removeprefix(TABLE[metric].relation).strip()
