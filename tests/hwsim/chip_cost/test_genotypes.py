"""What candidates cost follows from their genotypes: bit for bit what their built networks cost."""

from typing import Any

import numpy as np
import pytest

from hwsim.chip_cost.chip_files import chip_of
from hwsim.chip_cost.network_costs import ChipUse, NetworkCosts
from hwsim.chip_cost.network_nodes import network_nodes
from hwsim.chip_cost.workload import Workload
from search_spaces import (
    NasBench201Space,
    ResNetSpace,
    SequenceRanges,
    SequenceSpace,
    StagedRanges,
    StagedSpace,
    genotypes,
)

CHIP = chip_of(
    {
        "chip": "hermes-64core",
        "digital": {"operation": "3 pJ", "addition": "2 pJ"},
        "buffer": {"read": "1 fJ/bit", "write": "2 fJ/bit"},
        "link": {"hop": "6.3 fJ/bit"},
    }
)
USES = [
    ChipUse(CHIP, "one-phase", mapping, schedule, budget)  # type: ignore[arg-type]
    for mapping, schedule, budget in (
        ("one-layer", "pipelined", None),
        ("one-layer", "pipelined", 300),
        ("one-layer", "layer-serial", None),
        ("packed", "pipelined", None),
    )
]
METRICS = ("energy_fj", "latency_ps", "interval_ps", "tiles", "tiles_packed", "weights", "utilisation")


@pytest.mark.parametrize(
    ("space", "shape", "n"),
    [
        (ResNetSpace((3, 32, 32), oc0=(8, 24), m=(1, 4), r=(1, 4), b=(1, 3), wf=(1, 2)), (3, 32, 32), 12),
        (ResNetSpace((1, 49, 10), oc0=(4, 8), r=(1, 3), b=(1, 3), wf=(1, 2)), (1, 49, 10), 12),
        (ResNetSpace((1, 2, 1), oc0=(4, 8), r=(1, 2), b=(1, 2), wf=(1, 2)), (1, 2, 1), 6),
        (NasBench201Space((3, 32, 32), channels=4, cells_per_stage=2), (3, 32, 32), 12),
        (NasBench201Space((1, 7, 3), channels=4, cells_per_stage=1), (1, 7, 3), 12),
        (StagedSpace(StagedRanges((3, 16, 16), 10)), (3, 16, 16), 12),
        (
            StagedSpace(StagedRanges((1, 49, 10), 10, types="BDESW", kernels=((3, 3), (9, 3)))),
            (1, 49, 10),
            12,
        ),
        (SequenceSpace(SequenceRanges((1, 49, 10), 12)), (1, 49, 10), 24),
        (SequenceSpace(SequenceRanges((1, 1, 32), 20, symbols=True, strides=(1,))), (1, 1, 32), 24),
    ],
    ids=[
        "resnet",
        "spectrograms",
        "tiny inputs",
        "cells",
        "odd cells",
        "staged",
        "staged spectrograms",
        "frames",
        "symbols",
    ],
)
def test_a_genotype_costs_what_its_network_costs(space: Any, shape: tuple[int, ...], n: int) -> None:
    population = space.sample(n, np.random.default_rng(0))
    population = population[[problem == "" for problem in space.problems(population)]]
    graph = Workload(**vars(space.layer_graph(population)))
    together = [NetworkCosts(graph, use) for use in USES]
    for row, genotype in enumerate(genotypes(population)):
        nodes = network_nodes(space.build(genotype), None, shape, CHIP.tile).nodes
        for use, many in zip(USES, together, strict=True):
            one = NetworkCosts(Workload.of([nodes]), use)
            found = {metric: getattr(many, metric)[row] for metric in METRICS}
            assert found == {metric: getattr(one, metric)[0] for metric in METRICS}, (genotype, use)
