"""Latency and throughput, against figures reckoned by hand and an event by event simulation."""

import numpy as np
import pytest

from hwsim.chip_cost.description import Chip
from hwsim.chip_cost.network_costs import ChipUse, NetworkCosts
from hwsim.chip_cost.workload import INPUT, Node, Workload
from tests.hwsim.chip_cost.own_chip import VALUES, own_chip


def costs(nodes: list[Node], chip: Chip | None = None, **use: object) -> NetworkCosts:
    chip = chip or own_chip()
    options = {"mapping": "one-layer", "schedule": "pipelined", **use}
    return NetworkCosts(Workload.of([nodes]), ChipUse(chip, chip.mode, **options))  # type: ignore[arg-type]


def by_events(nodes: list[Node], times: NetworkCosts) -> int:
    """Return when the last output of all is there: every output waits for those of the sources that it needs."""
    first, interval = (
        times.layers.spread(values)[0].tolist() for values in (times.times.first, times.times.interval)
    )
    done: list[list[float]] = []
    for place, node in enumerate(nodes):
        outputs: list[float] = []
        for position in range(node.positions):
            ready = 0.0
            for source, need in zip(node.sources, node.needs, strict=True):
                given, last = done[source], node.positions - 1
                step = (len(given) - need) / last if last else 0.0
                ready = max(ready, given[min(len(given) - 1, need - 1 + int(np.ceil(position * step)))])
            ready += first[place]
            outputs.append(max(ready, outputs[-1] + interval[place]) if outputs else ready)
        done.append(outputs)
    return int(max(max(outputs) for outputs in done))


def test_one_layer_multiplies_scales_and_adds_up() -> None:
    # 16 rows on two tiles of 8; 4 columns, two a cycle, and 2 tiles of 3 cycles: 8 ns after 20 ns
    alone = costs([Node(16, 4, 1, 10)])
    assert alone.times.first.tolist() == [28_000]
    assert alone.times.interval.tolist() == [20_000]
    assert alone.latency_ps.tolist() == [28_000 + 9 * 20_000]
    assert alone.interval_ps.tolist() == [28_000 + 9 * 20_000]
    single = own_chip(digital={**VALUES["digital"], "buffering": "single"})
    assert costs([Node(16, 4, 1, 10)], single).latency_ps.tolist() == [10 * 28_000]


def test_what_takes_longest_sets_the_pace() -> None:
    slow = own_chip(digital={**VALUES["digital"], "cycles": 50})
    assert costs([Node(8, 4, 1, 3)], slow).times.interval.tolist() == [55_000]
    link = own_chip(link={"bits_per_cycle": 1}, digital={"clock": "200 MHz"})
    assert costs([Node(8, 4, 1, 3)], link).times.interval.tolist() == [4 * 5 * 5_000]


def test_layers_one_after_the_other_are_summed() -> None:
    nodes = [Node(8, 4, 1, 10), Node(8, 4, 1, 5, copies=3, sources=(0,), needs=(2,))]
    one = 25_000 + 20_000 * 9
    other = 25_000 + 20_000 * 4
    assert costs(nodes, schedule="layer-serial").latency_ps.tolist() == [one + 3 * other]
    serial = costs(nodes, schedule="layer-serial")
    assert serial.throughput_per_s[0] == pytest.approx(1e12 / serial.latency_ps[0])


def test_layers_at_once_start_when_their_sources_have_given_enough() -> None:
    chain = [
        Node(8, 4, 1, 16),
        Node(8, 4, 1, 16, sources=(0,), needs=(6,)),
        Node(8, 4, 1, 1, sources=(1,), needs=(16,)),
    ]
    pipelined = costs(chain)
    first = 25_000 + 5 * 20_000  # the sixth output of the first layer
    second = first + 25_000 + 15 * 20_000
    assert pipelined.latency_ps.tolist() == [second + 25_000]
    assert pipelined.latency_ps[0] == by_events(chain, pipelined)
    assert pipelined.throughput_per_s[0] == pytest.approx(1e12 / (25_000 + 15 * 20_000))


@pytest.mark.parametrize("seed", range(30))
def test_latency_of_any_network_is_near_an_event_by_event_simulation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    nodes: list[Node] = []
    for place in range(int(rng.integers(2, 8))):
        n_sources = min(place, int(rng.integers(1, 3)))
        sources = tuple(sorted(rng.choice(place, size=n_sources, replace=False).tolist())) if place else ()
        positions = int(rng.integers(2, 30))
        needs = tuple(int(rng.integers(1, nodes[source].positions + 1)) for source in sources)
        rows = int(rng.choice([0, 8, 24]))
        nodes.append(Node(rows if place else 8, 4, 1, positions, sources=sources, needs=needs))
    found = costs(nodes)
    assert found.latency_ps[0] == pytest.approx(by_events(nodes, found), rel=0.25)


def test_branches_wait_for_the_longest_and_not_for_the_sum() -> None:
    stem = Node(8, 4, 1, 9)
    short = Node(8, 4, 1, 9, sources=(0,), needs=(1,))
    long = Node(24, 4, 1, 9, sources=(0,), needs=(9,))
    both = Node(0, 4, 1, 9, 36, sources=(1, 2), needs=(1, 1))
    alone = costs([stem, long._replace(sources=(0,)), both._replace(sources=(1,), needs=(1,))])
    assert costs([stem, short, long, both]).latency_ps.tolist() == alone.latency_ps.tolist()


def test_twice_the_time_of_a_multiplication_doubles_what_it_bounds() -> None:
    nodes = [Node(8, 4, 1, 16), Node(8, 4, 1, 16, sources=(0,), needs=(6,))]
    mode = VALUES["modes"]["only"]
    free = own_chip(digital={})
    double = own_chip(digital={}, modes={"only": {**mode, "pulse": "2 ns", "overhead": "4 ns"}})
    for schedule in ("pipelined", "layer-serial"):
        ratio = (
            costs(nodes, double, schedule=schedule).latency_ps
            / costs(nodes, free, schedule=schedule).latency_ps
        )
        assert ratio.tolist() == [2.0]


def test_copies_of_a_busy_layer_share_its_positions() -> None:
    nodes = [Node(8, 4, 1, 64), Node(16, 4, 1, 16, sources=(0,), needs=(9,))]
    once, more = costs(nodes), costs(nodes, tile_budget=6)
    assert once.tiles.tolist() == [3]
    assert more.replicas.tolist() == [4, 1]
    assert more.tiles.tolist() == [6]
    assert more.throughput_per_s[0] > 3.5 * once.throughput_per_s[0]
    assert more.latency_ps[0] < once.latency_ps[0]
    energies = [sum(part.sum() for part in found.layer_energies_fj.values()) for found in (once, more)]
    assert energies[0] == energies[1], "copies multiply no more often"


@pytest.mark.parametrize("schedule", ["pipelined", "layer-serial"])
def test_parts_of_a_layer_that_share_a_tile_take_turns(schedule: str) -> None:
    whole, halves = (
        Node(8, 2, 1, 10),
        Node(16, 2, 1, 10),
    )  # 16 rows: two parts of 8 × 2, side by side on one tile
    once, twice = (
        costs([node], own_chip(digital={}), mapping="packed", schedule=schedule) for node in (whole, halves)
    )
    assert (int(once.tiles_packed[0]), int(twice.tiles_packed[0])) == (1, 1)
    assert twice.latency_ps[0] == 2 * once.latency_ps[0] == 2 * 10 * 20_000
    assert twice.interval_ps[0] == 2 * once.interval_ps[0]
    apart = costs([halves], own_chip(digital={}), schedule=schedule)
    assert apart.latency_ps[0] == once.latency_ps[0]


def test_layers_that_share_a_tile_take_turns() -> None:
    nodes = [Node(2, 2, 1, 16), Node(2, 2, 1, 16, sources=(0,), needs=(1,))]
    apart, together = costs(nodes), costs(nodes, mapping="packed")
    assert (int(apart.tiles_in_use[0]), int(together.tiles_in_use[0])) == (2, 1)
    assert together.interval_ps[0] == 2 * apart.interval_ps[0]
    assert together.latency_ps[0] > apart.latency_ps[0]
    serial = [costs(nodes, mapping=mapping, schedule="layer-serial") for mapping in ("one-layer", "packed")]
    assert serial[0].latency_ps.tolist() == serial[1].latency_ps.tolist()


def test_a_population_is_its_networks() -> None:
    networks = [
        [Node(8, 4, 1, 16), Node(40, 9, 1, 4, sources=(0,), needs=(6,))],
        [Node(30, 7, 1, 9)],
        [
            Node(8, 8, 8, 9),
            Node(0, 8, 1, 9, 72, sources=(0,), needs=(1,)),
            Node(8, 3, 1, 1, sources=(1,), needs=(9,)),
        ],
    ]
    chip = own_chip()
    for mapping in ("one-layer", "packed"):
        for schedule in ("pipelined", "layer-serial"):
            use = ChipUse(chip, "only", mapping, schedule)  # type: ignore[arg-type]
            many = NetworkCosts(Workload.of(networks), use)
            for row, nodes in enumerate(networks):
                one = NetworkCosts(Workload.of([nodes]), use)
                for name in (
                    "energy_fj",
                    "latency_ps",
                    "interval_ps",
                    "tiles",
                    "tiles_packed",
                    "utilisation",
                ):
                    assert getattr(many, name)[row] == getattr(one, name)[0], (name, row)
    assert Workload.of(networks).sources[1].tolist() == [[INPUT]] * 3
