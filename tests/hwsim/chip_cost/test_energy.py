"""Energy, part by part, against figures reckoned by hand."""

from typing import Any

import numpy as np
import pytest

from hwsim.chip_cost.network_costs import ChipUse, NetworkCosts
from hwsim.chip_cost.workload import Node, Workload
from tests.hwsim.chip_cost.own_chip import own_chip

LAYER = Node(12, 6, 1, 10, copies=2)
"""On tiles of 8 × 4: two row blocks of 6, two column blocks of 3, 4 tiles."""


def parts(nodes: list[Node], conductance: float = 1.0, **changes: Any) -> dict[str, int]:
    use = ChipUse(own_chip(**changes), "only", "one-layer", "pipelined", conductance=conductance)
    costs = NetworkCosts(Workload.of([nodes]), use)
    found = {part: int(values.sum()) for part, values in costs.layer_energies_fj.items()}
    return {**found, "digital": found["digital"] + int(costs.step_energies_fj.sum())}


def test_each_part_is_counted() -> None:
    times = 10 * 2
    assert parts([LAYER]) == {
        "crossbar": times * 72 * 7,  # 12 × 6 cells in use
        "dac": times * 24 * 3_000,  # 12 rows, on two tiles each
        "adc": times * 12 * 5_000,  # 6 columns, on two tiles each
        "digital": times * (12 * 11 + 6 * 13),
        "buffers": times * (12 * 4 * 1 + 6 * 5 * 2),
        "interconnect": times * 6 * 5 * (2 + 1),  # two hops, and one for the second partial sum
    }


@pytest.mark.parametrize(
    ("gating", "rows", "columns", "cells"),
    [("none", 32, 16, 128), ("rows", 24, 16, 96), ("columns", 32, 12, 96), ("both", 24, 12, 72)],
)
def test_a_tile_takes_its_whole_energy_unless_unused_parts_are_off(
    gating: str, rows: int, columns: int, cells: int
) -> None:
    found = parts([LAYER], gating=gating)
    assert (found["dac"], found["adc"], found["crossbar"]) == (
        20 * rows * 3_000,
        20 * columns * 5_000,
        20 * cells * 7,
    )


def test_digital_steps_count_their_operations() -> None:
    found = parts([Node(0, 6, 1, 10, 60)])
    assert found.pop("digital") == 60 * 17
    assert set(found.values()) == {0}


def test_the_array_alone_follows_the_conductance() -> None:
    fresh, old = parts([LAYER]), parts([LAYER], conductance=0.5)
    assert old.pop("crossbar") * 2 == fresh.pop("crossbar")
    assert old == fresh


def test_static_and_idle_power_last_as_long_as_an_inference() -> None:
    costs = NetworkCosts(Workload.of([[LAYER]]), ChipUse(own_chip(), "only", "one-layer", "pipelined"))
    watts = 2e-3 + 8 * 1e-3  # of the chip, and of 2 × 4 tiles
    assert costs.static_fj.tolist() == [round(watts * int(costs.interval_ps[0]) * 1e3)]
    assert costs.energy_fj[0] == sum(parts([LAYER]).values()) + costs.static_fj[0]


def test_whole_numbers_sum_exactly_in_any_order() -> None:
    rng = np.random.default_rng(0)
    nodes = [
        Node(int(rows), int(columns), 1, int(positions))
        for rows, columns, positions in rng.integers(1, 500, size=(40, 3))
    ]
    use = ChipUse(own_chip(), "only", "one-layer", "layer-serial")
    found = {
        int(NetworkCosts(Workload.of([[nodes[place] for place in rng.permutation(40)]]), use).energy_fj[0])
        for _ in range(5)
    }
    assert len(found) == 1
