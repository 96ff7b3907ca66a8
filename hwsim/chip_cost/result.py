"""What one network costs on one chip, with every number's unit, and what the numbers leave out.

Three efficiencies, never mixed: *peak*, all tiles fully used, multiplication alone; *macro*, the network as it lies on
tiles, multiplication alone; *sustained*, everything that is counted. One multiply-accumulate is two operations.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from hwsim.chip_cost.energy import FEMTO, PARTS, static_energy, tile_energy_fj
from hwsim.chip_cost.layout import Piece
from hwsim.chip_cost.network_costs import NetworkCosts
from hwsim.chip_cost.rows import Row
from hwsim.chip_cost.timing import PICO
from hwsim.optional_library import needs
from hwsim.text_table import ShownAsTable, Table, significant

if TYPE_CHECKING:
    import pandas as pd

    from hwsim.chip_cost.digital_layers import DigitalLayer

MICRO: Final = FEMTO / 1e6
"""Femtojoules in a microjoule; picoseconds in a microsecond are a thousandth of it."""

POWER: Final = "(static and idle power)"
"""The row of the table that is no layer."""


@final
@dataclass(frozen=True, eq=False, repr=False)
class ChipCost(ShownAsTable):
    """Energy, latency, area and tiles of a network on a chip.

    Attributes:
        names: of the nodes.
        costs: of the one network.
        digital: layers that are not on tiles, norms apart.
        excluded: what the numbers leave out.
        notes: what was assumed of the network.
    """

    names: tuple[str, ...]
    costs: NetworkCosts
    digital: tuple[DigitalLayer, ...]
    excluded: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def chip(self) -> str:
        """Name of the chip."""
        return self.costs.use.chip.name

    @property
    def mode(self) -> str:
        """How the chip reads."""
        return self.costs.use.mode

    @property
    def tiles_used(self) -> int:
        """Tiles in use, replicas included."""
        return int(self.costs.tiles_in_use[0])

    @property
    def tiles_packed(self) -> int:
        """Tiles in use if small layers share them."""
        return int(self.costs.tiles_packed[0])

    @property
    def tiles_lower_bound(self) -> int:
        """Tiles that all weights would fill if matrices had no shape."""
        tile = self.costs.use.chip.tile
        return -(-int(self.costs.weights[0]) // (tile.rows * tile.columns))

    @property
    def tiles_available(self) -> int | None:
        """Tiles of the chip; None where the description has no number."""
        return self.costs.use.chip.tiles

    @property
    def utilisation(self) -> float:
        """Weights over what the tiles in use could hold, 0 to 1."""
        return float(self.costs.utilisation[0])

    @property
    def utilisation_of_chip(self) -> float | None:
        """Weights over what all tiles of the chip could hold, 0 to 1; None where their number is not known."""
        available = self.tiles_available
        return None if available is None else self.utilisation * self.tiles_used / available

    @property
    def mvms(self) -> int:
        """Matrix-vector multiplications of layers in one inference: output positions, not layers."""
        return sum(row.positions for row in self.rows if row.tiles)

    @property
    def tile_mvms(self) -> int:
        """Multiplications of single tiles in one inference."""
        layers = self.costs.layers
        return int((layers.positions * layers.copies * self.costs.counts.tiles).sum())

    @property
    def dac_conversions(self) -> int:
        """Digital-to-analog conversions of rows in use."""
        return sum(row.dac_conversions for row in self.rows)

    @property
    def adc_conversions(self) -> int:
        """Analog-to-digital conversions of columns in use."""
        return sum(row.adc_conversions for row in self.rows)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference on tiles."""
        layers = self.costs.layers
        return int((self.costs.counts.weights * layers.positions * layers.copies).sum())

    @property
    def digital_macs(self) -> dict[str, int]:
        """Multiply-accumulates off the tiles, of each layer that has any."""
        return {layer.name: layer.macs for layer in self.digital if layer.macs}

    @cached_property
    def energy_fj(self) -> dict[str, int]:
        """Energy of one inference by part, fJ: the sum over the rows."""
        parts = (*PARTS, "static")
        return {part: sum(row.energy_fj.get(part, 0) for row in self.rows) for part in parts}

    @property
    def energy_uj(self) -> float:
        """Energy of one inference, µJ."""
        return sum(self.energy_fj.values()) / MICRO

    @property
    def latency_us(self) -> float:
        """From the input to the last output, µs."""
        return float(self.costs.latency_us[0])

    @property
    def throughput_per_s(self) -> float:
        """Inferences a second."""
        return float(self.costs.throughput_per_s[0])

    @property
    def inferences_per_j(self) -> float:
        """Inferences for a joule."""
        total = sum(self.energy_fj.values())
        return FEMTO / total if total else float("inf")

    @property
    def area_mm2(self) -> dict[str, float | None]:
        """`mvm`: arrays and converters of the tiles in use; `core`: with their digital units; `chip`: everything."""
        area, used = self.costs.use.chip.area, self.tiles_used
        return {
            "mvm": None if area.mvm is None else used * (area.mvm.si * 1e6),
            "core": None if area.core is None else used * (area.core.si * 1e6),
            "chip": None if area.chip is None else area.chip.si * 1e6,
        }

    @property
    def tops_per_w(self) -> dict[str, float]:
        """Efficiencies in 10^12 operations a joule: `peak`, `macro`, `sustained`; static power counts in each."""
        chip, mode = self.costs.use.chip, self.mode
        tiles, watts = chip.tiles or max(1, self.tiles_used), 0.0 if chip.static is None else chip.static.si
        mvm_ps = round(chip.mvm_s(mode) * PICO)
        peak_fj = tiles * tile_energy_fj(chip, mode) + int(static_energy(watts, mvm_ps))
        each = self.costs.times.multiplying * self.costs.layers.copies
        multiplying = each.sum() if self.costs.use.schedule == "layer-serial" else each.max(initial=0)
        macro_fj = sum(self.energy_fj[part] for part in ("crossbar", "dac", "adc"))
        macro_fj += int(static_energy(watts, multiplying))
        return {
            "peak": _tops_per_w(tiles * chip.tile.rows * chip.tile.columns, peak_fj),
            "macro": _tops_per_w(self.macs, macro_fj),
            "sustained": _tops_per_w(self.macs, sum(self.energy_fj.values())),
        }

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """A row for each node, and for what belongs to none; their energies sum to the whole exactly."""
        costs, work = self.costs, self.costs.work
        spread = costs.layers.spread
        energies = {part: spread(values)[0] for part, values in costs.layer_energies_fj.items()}
        energies["digital"] = energies["digital"] + costs.step_energies_fj[0]
        parts = {part: values.tolist() for part, values in energies.items()}
        counts = {name: spread(values)[0].tolist() for name, values in vars(costs.counts).items()}
        tile = costs.use.chip.tile
        shape = np.stack([work.rows, work.columns, work.groups, work.positions, work.copies], axis=-1)[
            0
        ].tolist()
        busy, replicas = (spread(values)[0].tolist() for values in (costs.times.busy, costs.replicas))
        found = []
        for node, (name, (rows, columns, groups, positions, copies)) in enumerate(
            zip(self.names, shape, strict=True)
        ):
            tiles, times = counts["tiles"][node], positions * copies * (rows > 0)
            found.append(
                Row(
                    name=name,
                    matrix=f"{rows} × {columns}{f', {groups} groups' * (groups > 1)}" if rows else "",
                    copies=copies,
                    replicas=max(1, replicas[node]),
                    positions=positions * copies,
                    tiles=tiles * copies * replicas[node],
                    utilisation=counts["weights"][node] / (tiles * tile.rows * tile.columns)
                    if tiles
                    else None,
                    dac_conversions=times * counts["rows"][node],
                    adc_conversions=times * counts["columns"][node],
                    busy_ps=busy[node],
                    energy_fj={part: values[node] for part, values in parts.items()},
                )
            )
        left = {layer.name: layer for layer in self.digital}
        found = [self._with_digital(row, left.pop(row.name, None)) for row in found]
        found += [self._with_digital(_row(layer.name, {}), layer) for layer in left.values()]
        found.append(_row(POWER, {"static": int(costs.static_fj[0])}))
        return tuple(found)

    @cached_property
    def pieces(self) -> list[Piece]:
        """Which part of which layer lies where; replicas besides the first are left out."""
        return self.costs.pieces(0, self.costs.use.mapping)

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each layer and digital step; energies in µJ, the sums of whole femtojoules."""
        needs("pandas", "a data frame")
        import pandas as pd

        return pd.DataFrame([self._record(row) for row in self.rows])

    def to_json(self) -> dict[str, Any]:
        """Return everything, JSON-able; numbers that a description does not have are None."""
        costs = self.costs
        parts = {part: value / MICRO for part, value in self.energy_fj.items()}
        return {
            "chip": self.chip,
            "mode": self.mode,
            "mapping": costs.use.mapping,
            "schedule": costs.use.schedule,
            "tiles": {
                "used": self.tiles_used,
                "packed": self.tiles_packed,
                "lower_bound": self.tiles_lower_bound,
                "available": self.tiles_available,
            },
            "utilisation": self.utilisation,
            "utilisation_of_chip": self.utilisation_of_chip,
            "weights": int(costs.weights[0]),
            "macs": self.macs,
            "mvms": self.mvms,
            "tile_mvms": self.tile_mvms,
            "conversions": {"dac": self.dac_conversions, "adc": self.adc_conversions},
            "energy_uj": {"total": self.energy_uj, **parts},
            "latency_us": self.latency_us,
            "throughput_per_s": _finite(self.throughput_per_s),
            "area_mm2": self.area_mm2,
            "tops_per_w": self.tops_per_w,
            "inferences_per_j": _finite(self.inferences_per_j),
            "digital_macs": self.digital_macs,
            "digital_layers": [layer._asdict() for layer in self.digital],
            "layers": [self._record(row) for row in self.rows],
            "tile": costs.use.chip.tile.model_dump(),
            "placement": [piece.to_json() for piece in self.pieces],
            "excluded": list(self.excluded),
            "notes": list(self.notes),
        }

    def plot(self) -> Any:
        """Return a plotly figure: energy of each layer by part, and which layer lies where on which tile."""
        from hwsim.chip_cost.figure import cost_figure

        return cost_figure(self.to_json())

    def __repr__(self) -> str:
        """Return the sums."""
        return (
            f"ChipCost({self.chip}, {self.mode}: {significant(self.energy_uj)} µJ, {significant(self.latency_us)} µs, "
            f"{self.tiles_used} tiles)"
        )

    def _with_digital(self, row: Row, layer: DigitalLayer | None) -> Row:
        """Return a row with what a layer takes that is not on tiles."""
        if layer is None:
            return row
        mac = self.costs.use.chip.digital.mac
        own = 0 if mac is None else round(layer.macs * mac.si * FEMTO)
        return row._replace(
            matrix="digital",
            digital_weights=layer.weights,
            digital_macs=layer.macs,
            energy_fj={**row.energy_fj, "digital": row.energy_fj.get("digital", 0) + own},
        )

    def _record(self, row: Row) -> dict[str, Any]:
        return {
            "layer": row.name,
            "matrix": row.matrix,
            "copies": row.copies,
            "replicas": row.replicas,
            "positions": row.positions,
            "tiles": row.tiles,
            "utilisation": row.utilisation,
            "dac_conversions": row.dac_conversions,
            "adc_conversions": row.adc_conversions,
            "digital_weights": row.digital_weights,
            "digital_macs": row.digital_macs,
            "busy_us": row.busy_ps / (PICO / 1e6),
            "energy_uj": row.total_fj / MICRO,
            **{f"{part}_uj": row.energy_fj.get(part, 0) / MICRO for part in (*PARTS, "static")},
        }

    def _table(self) -> Table:
        total = max(1, sum(self.energy_fj.values()))
        rows = [
            (
                row.name,
                row.matrix,
                f"{row.positions:,}" if row.positions else "",
                f"{row.tiles:,}" if row.tiles else "",
                "" if row.utilisation is None else f"{100 * row.utilisation:.1f} %",
                f"{row.busy_ps / 1e6:,.2f}" if row.tiles else "",
                f"{row.total_fj / MICRO:,.4f}",
                f"{100 * row.total_fj / total:.1f} %",
            )
            for row in self.rows
        ]
        head = ("layer", "matrix", "positions", "tiles", "utilisation", "busy, µs", "energy, µJ", "share")
        return Table(head, rows, n_left=2, foot="\n".join(self._sums()))

    def _sums(self) -> list[str]:
        tops, area, packed = self.tops_per_w, self.area_mm2, self.tiles_packed
        available = "" if self.tiles_available is None else f" of {self.tiles_available}"
        parts = ", ".join(
            f"{part} {significant(value / MICRO)}" for part, value in self.energy_fj.items() if value
        )
        areas = ", ".join(f"{name} {significant(value)}" for name, value in area.items() if value is not None)
        lines = [
            f"{self.chip}, {self.mode}, {self.costs.use.schedule}, {self.costs.use.mapping}",
            f"tiles    {self.tiles_used}{available} (packed {packed}, at least {self.tiles_lower_bound}), "
            f"utilisation {100 * self.utilisation:.1f} %",
            f"MVMs     {self.mvms:,} of layers, {self.tile_mvms:,} of tiles; {self.dac_conversions:,} DAC and "
            f"{self.adc_conversions:,} ADC conversions",
            f"energy   {significant(self.energy_uj)} µJ an inference: {parts} µJ",
            f"time     latency {significant(self.latency_us)} µs, {significant(self.throughput_per_s)} inferences/s",
            f"TOPS/W   {', '.join(f'{kind} {significant(tops[kind])}' for kind in ('peak', 'macro', 'sustained'))}; "
            f"{significant(self.inferences_per_j)} inferences/J",
        ]
        lines += [f"area     {areas} mm²"] if areas else []
        if self.digital:
            weights, macs = (sum(getattr(one, what) for one in self.digital) for what in ("weights", "macs"))
            each = "; ".join(
                f"{one.name} ({one.type}, {one.why}): {one.weights:,} and {one.macs:,}"
                for one in self.digital
            )
            lines.append(f"digital  {weights:,} weights and {macs:,} MACs stay digital: {each}")
        return [*lines, *self.notes, f"without  {'; '.join(self.excluded)}"]


def _row(name: str, energy_fj: dict[str, int]) -> Row:
    return Row(name, "", 1, 1, 0, 0, None, 0, 0, 0, energy_fj)


def _tops_per_w(macs: int, energy_fj: int) -> float:
    return 2 * macs / energy_fj * 1e3 if energy_fj else 0.0


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
