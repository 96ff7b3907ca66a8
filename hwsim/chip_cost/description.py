"""The description of a chip: what its tiles, converters, digital units, memories and links take.

Every constant is a text with its unit, its source and a tag (`hwsim.chip_cost.quantity`). What a description leaves
out is not modelled, and every result says so. A description and the `Hardware` of the simulator are tied: the tiles of
one are those of the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

from pydantic import Field, model_validator

from hwsim.chip_cost.quantity import Area, Constant, Energy, EnergyPerBit, Frequency, Memory, Power, Time
from hwsim.durations import DAY_S
from hwsim.hardware import Hardware, TileSpec, replaced
from hwsim.presets import preset
from hwsim.spec import Seconds, Spec
from hwsim.text_table import ShownAsTable, Table


class MvmEnergy(Spec):
    """What one matrix-vector multiplication of one tile takes, all phases included."""

    row: Energy
    """A row that is driven: digital-to-analog conversion and its driver."""
    column: Energy
    """A column that is converted: analog-to-digital conversion."""
    cell: Energy
    """A cell that conducts, the mean over cells and inputs."""
    cell_age: Seconds = DAY_S
    """Time since programming that `cell` belongs to, s: conductances drift, and the energy of the array with them."""


class ReadMode(Spec):
    """One way of reading the tiles: converters, phases, duration and energy."""

    input_bits: int = Field(default=8, ge=2, le=24)
    """Resolution of the inputs, sign included."""
    output_bits: int = Field(default=8, ge=2, le=24)
    """Resolution of the outputs that leave a tile's digital unit."""
    phases: int = Field(default=1, ge=1, le=64)
    """Reads of the array for one multiplication: 4 where signs of inputs and weights are read apart."""
    input_coding: Literal["pulse-width", "bit-serial"] = "pulse-width"
    """`pulse-width`: an input takes 2^(bits - 1) pulses; `bit-serial`: it takes one a bit."""
    pulse: Time
    """Duration of one pulse."""
    overhead: Time
    """Time of a phase besides its pulses: settling, conversion."""
    energy: MvmEnergy

    @property
    def pulses(self) -> int:
        """Pulses of one phase."""
        return 2 ** (self.input_bits - 1) if self.input_coding == "pulse-width" else self.input_bits

    @property
    def phase_s(self) -> float:
        """Duration of one phase, s."""
        return self.pulses * self.pulse.si + self.overhead.si


class DigitalSpec(Spec):
    """The digital unit of each tile: scale and offset of outputs, partial sums, activation."""

    clock: Frequency | None = None
    """Clock of the digital units and of the links; without one they take no time."""
    outputs_per_cycle: int = Field(default=1, ge=1, le=65_536)
    """Columns that a tile's unit works on at once."""
    cycles_per_hop: int = Field(default=0, ge=0, le=1_000_000)
    """Cycles for each tile in a cascade of partial sums."""
    cycles: int = Field(default=0, ge=0, le=1_000_000)
    """Cycles besides, such as the depth of a pipeline."""
    buffering: Literal["double", "single"] = "double"
    """`double`: a tile multiplies the next vector while its unit works on the last one; `single`: it waits."""
    output: Energy | None = None
    """Scale and offset of one column's output."""
    addition: Energy | None = None
    """Addition of two partial sums."""
    operation: Energy | None = None
    """An operation on activations outside tiles: an addition of two branches, a value of a pooling window."""
    mac: Energy | None = None
    """A multiply-accumulate of a layer that stays digital."""
    idle: Power | None = None
    """Power of the digital unit of each tile in use."""


class BufferSpec(Spec):
    """Memory for activations."""

    read: EnergyPerBit | None = None
    """A bit of an input that is read for a multiplication."""
    write: EnergyPerBit | None = None
    """A bit of an output that is written."""
    capacity: Memory | None = None
    """Of the whole chip; a network whose largest activations do not fit is refused."""


class LinkSpec(Spec):
    """What connects tiles."""

    hop: EnergyPerBit | None = None
    """A bit that travels one hop."""
    hops: float = Field(default=1.0, ge=0, le=1e6)
    """Mean number of hops from a layer to the next; partial sums travel one."""
    bits_per_cycle: int | None = Field(default=None, ge=1, le=1_000_000)
    """Bits that a tile sends in a cycle of the digital clock; without it links take no time."""


class AreaSpec(Spec):
    """Areas: three definitions that must not be mixed."""

    mvm: Area | None = None
    """Array and converters of one tile: what densities of publications often count alone."""
    core: Area | None = None
    """One tile with its digital unit."""
    chip: Area | None = None
    """The whole chip."""


class Chip(ShownAsTable, Spec):
    """A chip: its tiles, how they are read, and what everything takes.

    Example:
        >>> from hwsim.chip_cost.chip_files import chip
        >>> chip("hermes-64core").tile.rows, chip("hermes-64core").mode
        (256, 'four-phase')
    """

    name: str = "custom"
    """Name of the description."""
    citation: str = ""
    """Where it comes from."""
    hardware: Hardware | None = None
    """What the simulator computes with, or the name of a preset; its tile is the chip's."""
    tile: TileSpec
    """Rows, columns and mapping of a tile; those of `hardware` where it is given. `mapping` alone is short for that."""
    tiles: int | None = Field(default=None, ge=1, le=10_000_000)
    """How many tiles there are; without it any network fits."""
    columns_per_adc: int = Field(default=1, ge=1, le=65_536)
    """Columns that share a converter: a multiplication drives its rows as often."""
    gating: Literal["none", "rows", "columns", "both"] = "none"
    """What is switched off where a layer leaves it unused; `none`: every multiplication takes a whole tile's energy."""
    mode: str
    """The mode that counts unless another is asked for: the one that accuracies belong to."""
    modes: Mapping[str, ReadMode]
    """Ways of reading, by name."""
    digital: DigitalSpec = DigitalSpec()
    buffer: BufferSpec = BufferSpec()
    link: LinkSpec = LinkSpec()
    area: AreaSpec = AreaSpec()
    static: Power | None = None
    """Power of the chip while it is on, whatever it does."""
    schedule: Literal["pipelined", "layer-serial"] = "pipelined"
    """`pipelined`: all layers work at once, on different inputs; `layer-serial`: one after the other."""
    tile_budget: int | None = Field(default=None, ge=1, le=10_000_000)
    """Tiles that copies of busy layers may fill, so that throughput rises; without it there are no copies."""
    excluded: tuple[str, ...] = ()
    """What the constants leave out, for every output."""

    @model_validator(mode="before")
    @classmethod
    def _tied(cls, given: Any) -> Any:
        """Take tile and hardware from each other, and the one mode where there is one."""
        if not isinstance(given, Mapping):
            return given
        values = dict(given)
        hardware = values.get("hardware")
        if isinstance(hardware, str):
            values["hardware"] = preset(hardware)
        elif isinstance(hardware, Mapping):
            base = preset(hardware["preset"]) if "preset" in hardware else Hardware()
            changes = {key: value for key, value in hardware.items() if key != "preset"}
            values["hardware"] = replaced(base, changes, "hardware.")
        modes = values.get("modes")
        if "mode" not in values and isinstance(modes, Mapping) and len(modes) == 1:
            values["mode"] = next(iter(modes))
        mapping = values.pop("mapping", None)
        if isinstance(values.get("hardware"), Hardware):
            if mapping is not None:
                values["hardware"] = values["hardware"].replace({"tile.mapping": mapping})
            values.setdefault("tile", values["hardware"].tile)
        if mapping is not None and isinstance(values.get("tile"), Mapping):
            values["tile"] = {**values["tile"], "mapping": mapping}
        return values

    @model_validator(mode="after")
    def _consistent(self) -> Chip:
        if not self.modes:
            raise ValueError("`modes` must have at least one way of reading")
        if self.mode not in self.modes:
            raise ValueError(f"`mode` must be one of {', '.join(self.modes)}, got {self.mode!r}")
        if self.hardware is not None and self.hardware.tile != self.tile:
            theirs = self.hardware.tile
            raise ValueError(f"`tile` must be that of `hardware`, {theirs}, got {self.tile}: leave it out")
        if self.columns_per_adc > self.tile.columns:
            raise ValueError(
                f"`columns_per_adc` must not be above the {self.tile.columns} columns of a tile, got "
                f"{self.columns_per_adc}"
            )
        return self

    def variables(self) -> Iterator[Variable]:
        """Yield every variable of the description, those of `hardware` left out."""
        yield from _variables(self, "", skip=("name", "citation", "hardware"))

    def _table(self) -> Table:
        rows = [
            (
                one.path,
                one.value,
                one.tag,
                " ".join(part for part in (one.meaning, one.source and f"[{one.source}]") if part),
            )
            for one in self.variables()
        ]
        return Table(("variable", self.name, "tag", "meaning [source]"), rows, n_left=4, foot=self.citation)

    @property
    def mapping(self) -> Literal["one-layer", "packed"]:
        """Whether small layers share tiles, in the simulator and in costs."""
        return self.tile.mapping

    def mvm_s(self, mode: str | None = None) -> float:
        """Return the duration of one multiplication of a tile, s."""
        found = self.modes[mode or self.mode]
        return found.phases * found.phase_s * self.columns_per_adc


class Variable(NamedTuple):
    """A variable of a description: dotted path, value with its unit, tag and source of a constant, meaning."""

    path: str
    value: str
    tag: str
    source: str
    meaning: str


def _variables(section: Spec, prefix: str, skip: Collection[str] = ()) -> Iterator[Variable]:
    for name, field in type(section).model_fields.items():
        if name in skip:
            continue
        value, path = getattr(section, name), f"{prefix}{name}"
        meaning = " ".join((field.description or "").split())
        if isinstance(value, Constant):
            yield Variable(path, value.value, value.tag, value.source, meaning)
        elif isinstance(value, Spec):
            yield from _variables(value, f"{path}.")
        elif isinstance(value, Mapping):
            for key, inner in value.items():
                yield from _variables(inner, f"{path}.{key}.")
        elif isinstance(value, tuple):
            yield Variable(path, "; ".join(map(str, value)), "", "", meaning)
        else:
            yield Variable(path, "none" if value is None else str(value), "", "", meaning)


SECTIONS: Final[tuple[type[Spec], ...]] = (
    Chip,
    ReadMode,
    MvmEnergy,
    DigitalSpec,
    BufferSpec,
    LinkSpec,
    AreaSpec,
)
"""Everything that has variables."""
