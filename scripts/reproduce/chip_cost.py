"""Compares `hwsim.cost` with published figures: counts, silicon and system papers, each with the error of ours.

    python scripts/reproduce/chip_cost.py [--json]

*exact*: a count that must be equal. *fixed*: a constant of the description was fixed on this row, so that a small error
says nothing. *check*: it follows from constants that were fixed elsewhere. *compare*: assumptions differ, or the layer
list is not public; the error says how much, and nothing was fitted to make it small.

What to expect of rows that nobody here has seen:

- Other layers of the HERMES chip: multiplication alone within 5 %. With everything, within 15 % for layers on about
  eight cores, and 20 to 40 % low or high for layers on few or on all of them: the energy of an output holds links and
  the global unit of one layer of eight cores, and idle power was fixed on the difference of two modes of that layer.
- Other chips with a published array: peaks within 10 % where array, pulse and energy are given, within a factor of two
  where the energy is split by the shares of another chip.
- Whole networks on any of them: a factor of two to three. Digital units, buffers and links dominate, and are public
  for none of them as a whole.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from torch import Tensor, nn

import hwsim
from search_spaces import published

SHAPE = (3, 32, 32)


class Row(NamedTuple):
    """A published figure and ours."""

    what: str
    kind: str
    published: float
    ours: float
    unit: str
    note: str = ""
    highest: float | None = None

    @property
    def error(self) -> float:
        """Relative error of ours; 0 within a published range, which ends at `highest`."""
        nearest = min(max(self.ours, self.published), self.highest) if self.highest else self.published
        return self.ours / nearest - 1


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Compare hwsim.cost with published figures.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    rows = [*counts(), *hermes(), *analog_arrays(), *analognas(), *drift()]
    if parser.parse_args().json:
        print(json.dumps([{**row._asdict(), "error": row.error} for row in rows], ensure_ascii=False))
        return
    print(f"{'figure':58} {'kind':8} {'published':>12} {'ours':>12} {'error':>9}")
    for row in rows:
        shown = (f"{value:,}" if isinstance(value, int) else f"{value:,.6g}" for value in row[2:4])
        error = "within" if row.highest and not row.error else f"{100 * row.error:+.1f} %"
        values = " ".join(f"{value:>12}" for value in shown)
        print(f"{row.what + ', ' + row.unit:58} {row.kind:8} {values} {error:>9}  {row.note}".rstrip())


def counts() -> Iterator[Row]:
    """Counts that must be equal."""
    resnet32 = published("resnet32", SHAPE, 10)
    large = hwsim.cost(resnet32, "analognas-2dmesh", input_shape=SHAPE)
    small = hwsim.cost(resnet32, "hermes-64core", input_shape=SHAPE)
    matrices = [row for row in large.rows if row.tiles]
    skips = sum(row.positions for row in matrices if ".skip" in row.name)
    for what, theirs, ours in (
        ("ResNet-32, weights", 464_432, int(large.costs.weights[0])),
        ("ResNet-32, tiles of 512 × 512", 43, large.tiles_used),
        ("ResNet-32, tiles of 256 × 256", 62, small.tiles_used),
        ("ResNet-32, matrices", 34, len(matrices)),
        ("ResNet-32, multiply-accumulates", 69_124_736, large.macs),
        ("ResNet-32, MVMs of layers", 14_785, large.mvms),
        ("ResNet-32, MVMs of layers without shortcuts", 14_465, large.mvms - skips),
        ("ResNet-32, MVMs of tiles", 15_361, large.tile_mvms),
        ("ResNet-32, ADC conversions", 352_266, large.adc_conversions),
        ("ResNet-32, DAC conversions", 2_559_040, large.dac_conversions),
    ):
        yield Row(what, "exact", theirs, ours, "count")
    t500 = hwsim.cost(T500(), "analognas-2dmesh", input_shape=SHAPE)
    yield Row("AnalogNAS T500 (a reading of it), tiles", "exact", 27, t500.tiles_used, "count")
    yield Row("AnalogNAS T500, layers in all but its shortcut", "exact", 17, _layers(t500) - 1, "count")


def _layers(cost: hwsim.ChipCost) -> int:
    return sum(row.copies for row in cost.rows if row.tiles)


def hermes() -> Iterator[Row]:
    """Table I of the 64-core chip, and the core alone."""
    layer = [{"name": "layer", "rows": 2016, "columns": 224, "positions": 1}]
    full = [{"name": f"core {core}", "rows": 256, "columns": 256, "positions": 1} for core in range(64)]
    table = {
        "one-phase": (63.1, 9.76, 0.86, 133, 6.79, 6.88, 0.97, 1131),
        "four-phase": (16.1, 2.48, 3.38, 520, 1.74, 1.74, 1.51, 1518),
    }
    for mode, (
        tops,
        efficiency,
        energy,
        time,
        layer_tops,
        layer_efficiency,
        layer_energy,
        layer_time,
    ) in table.items():
        name = f"HERMES, {mode}, "
        chip = hwsim.chip("hermes-64core")
        everything = hwsim.cost(full, chip, mode=mode)
        mvm_ns = chip.mvm_s(mode) * 1e9
        mvm_uj = 2 * 64 * 256 * 256 / everything.tops_per_w["peak"] * 1e-6
        yield Row(f"{name}64 cores, time of an MVM", "fixed", time, mvm_ns, "ns")
        yield Row(f"{name}64 cores", "fixed", tops, 64 * 2 * 256 * 256 / mvm_ns / 1e3, "TOPS")
        yield Row(f"{name}64 cores, MVM alone", "fixed", energy, mvm_uj, "µJ")
        yield Row(f"{name}64 cores, MVM alone", "fixed", efficiency, everything.tops_per_w["peak"], "TOPS/W")
        one = hwsim.cost(layer, chip, mode=mode)
        yield Row(
            f"{name}ResNet-9 layer, MVM alone", "fixed", layer_tops, 2 * one.macs / mvm_ns / 1e3, "TOPS"
        )
        yield Row(
            f"{name}ResNet-9 layer, MVM alone", "fixed", layer_efficiency, one.tops_per_w["macro"], "TOPS/W"
        )
        yield Row(f"{name}ResNet-9 layer, everything", "fixed", layer_energy, one.energy_uj, "µJ")
        yield Row(f"{name}ResNet-9 layer, latency", "fixed", layer_time, one.latency_us * 1e3, "ns")
    core = {"chip": "hermes-64core", "tiles": 1, "static": "0 W"}
    alone = hwsim.cost(full[:1], core, mode="one-phase")
    area = hwsim.chip("hermes-64core").area.mvm
    assert area is not None
    mvm_s = hwsim.chip("hermes-64core").mvm_s("one-phase")
    yield Row("HERMES core (JSSC 2022), MVM alone", "check", 10.5, alone.tops_per_w["peak"], "TOPS/W")
    yield Row("HERMES core (JSSC 2022)", "check", 1.008, 2 * 256 * 256 / mvm_s / 1e12, "TOPS")
    yield Row(
        "HERMES core (JSSC 2022)", "check", 1.59, 2 * 256 * 256 / mvm_s / 1e12 / (area.si * 1e6), "TOPS/mm²"
    )


def analog_arrays() -> Iterator[Row]:
    """Peaks of other arrays, and whole networks on AON-CiM with layer lists that are assumed."""
    for bits, theirs in (("8-bit", 13.5), ("4-bit", 112.0)):
        peak = hwsim.cost(_full("aon-cim"), "aon-cim", mode=bits).tops_per_w["peak"]
        yield Row(f"AON-CiM, {bits}, peak", "fixed", theirs, peak, "TOPS/W")
    seconds = hwsim.chip("aon-cim").mvm_s()
    yield Row(
        "AON-CiM, 8-bit, peak", "check", 2.0, 2 * 1024 * 512 / seconds / 1e12, "TOPS", "4 columns an ADC"
    )
    yield Row("AON-CiM, 8-bit, peak", "check", 0.63, 2 * 1024 * 512 / seconds / 1e12 / 3.2, "TOPS/mm²")
    networks = {"KWS": (keyword_network(), (1, 49, 10)), "VWW": (visual_network(), (3, 96, 96))}
    table = {"KWS": (8.58, 26.55, 57.39), "VWW": (4.37, 12.64, 25.69)}
    for task, (network, shape) in networks.items():
        for mode, theirs in zip(("8-bit", "6-bit", "4-bit"), table[task], strict=True):
            chip = {"chip": "aon-cim", "tiles": 8}  # the assumed lists need not fit into one array
            found = hwsim.cost(network, chip, input_shape=shape, mode=mode)
            arrays = "the array" if found.tiles_used == 1 else f"{found.tiles_used} arrays"
            note = f"layers assumed, {100 * found.utilisation:.0f} % of {arrays} used"
            yield Row(
                f"AnalogNet-{task}, {mode}", "compare", theirs, found.tops_per_w["sustained"], "TOPS/W", note
            )
    tile = hwsim.cost(_full("ibm-34tile"), {"chip": "ibm-34tile", "static": "0 W"}).tops_per_w["peak"]
    yield Row("34-tile chip, tile alone", "fixed", 20.0, tile, "TOPS/W")
    mapped = [
        {"name": f"half tile {number}", "rows": 512, "columns": 512, "positions": 1} for number in range(66)
    ]
    speech = hwsim.cost(mapped, {"chip": "ibm-34tile", "tiles": 66}, schedule="pipelined")
    mvm_fj = sum(speech.energy_fj[part] for part in ("crossbar", "dac", "adc"))
    watts = 0.506 + mvm_fj * 1e-15 / 2.1e-6
    yield Row(
        "34-tile chip, chip 4 of the RNN-T",
        "fixed",
        12.40,
        2 * speech.macs / (watts * 2.1e-6) / 1e12,
        "TOPS/W",
    )
    yield Row(
        "3D AIMC, tier",
        "fixed",
        52.4,
        hwsim.cost(_full("3d-aimc"), {"chip": "3d-aimc", "static": "0 W"}).tops_per_w["macro"],
        "TOPS/W",
    )


def _full(name: str) -> list[dict[str, Any]]:
    tile = hwsim.chip(name).tile
    return [{"name": "full", "rows": tile.rows, "columns": tile.columns, "positions": 1}]


def analognas() -> Iterator[Row]:
    """Energy and latency of Table IV of AnalogNAS, whose constants are not public: nothing is fitted."""
    for name, network, joules, seconds in (
        ("ResNet-32", published("resnet32", SHAPE, 10), 1 / 43_956.7, 0.434e-3),
        ("T500", T500(), 1 / 54_502, 0.108e-3),
    ):
        serial = hwsim.cost(network, "analognas-2dmesh", input_shape=SHAPE, schedule="layer-serial")
        pipelined = hwsim.cost(network, "analognas-2dmesh", input_shape=SHAPE)
        yield Row(f"AnalogNAS, {name}, energy", "compare", joules * 1e6, serial.energy_uj, "µJ")
        yield Row(
            f"AnalogNAS, {name}, latency, layer-serial", "compare", seconds * 1e6, serial.latency_us, "µs"
        )
        yield Row(
            f"AnalogNAS, {name}, latency, pipelined", "compare", seconds * 1e6, pipelined.latency_us, "µs"
        )


def drift() -> Iterator[Row]:
    """Peak efficiency from a day to ten years."""
    layer, core = _full("hermes-64core"), {"chip": "hermes-64core", "static": "0 W"}
    day, decade = (hwsim.cost(layer, core, age=age).tops_per_w["macro"] for age in ("1 day", "10 years"))
    what = "PCM, efficiency after 10 years over that of a day"
    yield Row(what, "check", 1.03, decade / day, "ratio", "published: 1.03 to 1.15", highest=1.15)


class T500(nn.Module):
    """A reading of AnalogNAS' T500 with 27 tiles, 17 layers, and 0.15 % fewer weights than published."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 64, 5, padding=2, bias=False)
        self.first = nn.ModuleList(nn.Conv2d(width, 64, 1, bias=False) for width in (64, 192, 192))
        self.middle = nn.ModuleList(
            nn.ModuleList(nn.Conv2d(64, 64, 3, padding=1, bias=False) for _ in range(3)) for _ in range(3)
        )
        self.last = nn.ModuleList(nn.Conv2d(64, 192, 1, bias=False) for _ in range(3))
        self.shortcut = nn.Conv2d(64, 192, 1, bias=False)
        self.classifier = nn.Linear(192, 10, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map `(batch, 3, height, width)` to `(batch, 10)` logits."""
        x = self.stem(x).relu()
        for place, (first, middle, last) in enumerate(zip(self.first, self.middle, self.last, strict=True)):
            inside = first(x).relu()
            total = sum((branch(inside) for branch in middle[1:]), middle[0](inside))
            x = (last(total.relu()) + (self.shortcut(x) if place == 0 else x)).relu()
        logits: Tensor = self.classifier(x.mean(dim=(2, 3)))
        return logits


def keyword_network() -> nn.Module:
    """DS-CNN with dense 3 × 3 convolutions in place of its separable ones: an assumption, the list is not public."""
    layers: list[nn.Module] = [nn.Conv2d(1, 64, (10, 4), stride=2, padding=(5, 1), bias=False), nn.ReLU()]
    for _ in range(4):
        layers += [nn.Conv2d(64, 64, 3, padding=1, bias=False), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 12))


def visual_network() -> nn.Module:
    """The network in the manner of AnalogNet-VWW of `search_spaces`, whose widths are our own."""
    return published("analognet-vww-like", (3, 96, 96), 2)


if __name__ == "__main__":
    main()
