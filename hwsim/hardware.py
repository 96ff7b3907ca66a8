"""The frozen description of a chip: tiles, converters, crossbar noise, device, drift compensation, digital unit.

Validation only, no torch: a search configuration can hold and check hardware without loading the simulator.
Every field's docstring is its documentation with its unit; `explain` lists them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from hwsim.arguments import nearest, require
from hwsim.devices import DEVICES, AnyDevice, Device, PcmSpec
from hwsim.devices.unpublished import why_unpublished
from hwsim.faults import FaultSpec
from hwsim.near_memory import DIGITAL_UNITS, AnyDigitalUnit, FixedPointSpec, FloatingPointSpec
from hwsim.near_memory.spec import WIDEST_SUM
from hwsim.spec import Noise, Spec
from hwsim.text_table import ShownAsTable, Table


class TileSpec(Spec):
    """One crossbar array with its converters."""

    rows: int = Field(default=512, ge=1, le=65_536)
    """Inputs of one tile (word lines)."""
    columns: int = Field(default=512, ge=1, le=65_536)
    """Outputs of one tile (pairs of bit lines)."""
    mapping: Literal["one-layer", "packed"] = "one-layer"
    """`one-layer`: a tile holds one layer; `packed`: small layers share tiles, and long bit lines drop more voltage."""
    recurrent: Literal["separate", "joined"] = "separate"
    """Recurrent layers: `separate`: inputs and states have arrays of their own, whose outputs are added digitally;
    `joined`: one array multiplies both."""
    reads: Literal["one-side", "both"] = "one-side"
    """`one-side`: rows are inputs; `both`: columns can be, too, for products with the transpose."""

    def __str__(self) -> str:
        """Return size and mapping for a message."""
        return f"{self.rows} × {self.columns}{' packed' * (self.mapping == 'packed')}"


class ConverterSpec(Spec):
    """Digital-to-analog and analog-to-digital converters on symmetric grids of 2^bits - 2 steps."""

    dac_bits: int | None = Field(default=8, ge=2, le=24)
    """Input resolution in bits; null leaves inputs continuous and unbounded."""
    adc_bits: int | None = Field(default=8, ge=2, le=24)
    """Output resolution in bits over +-out_bound; null leaves outputs continuous."""
    input_scaling: Literal["static", "dynamic"] = "static"
    """`static`: a calibrated input range for each row block of a layer; `dynamic`: each input vector by its
    largest magnitude."""
    out_bound: float | None = Field(default=10.0, ge=1e-6, le=1e6)
    """Largest output of a tile, in fully-on inputs times fully-on weights; null, without an ADC, for none."""
    adc_gain: Literal["fixed", "shared", "layer"] = "fixed"
    """`fixed`: ADCs span +-out_bound; `shared`: one bound for all layers, calibrated and trained, where out_bound is
    what it starts from; `layer`: each layer has a bound of its own."""
    weight_scaling: Literal["column", "layer"] = "column"
    """What g_max stands for: the largest weight of each column of each tile, or of the whole layer."""

    @model_validator(mode="after")
    def _adc_needs_a_bound(self) -> ConverterSpec:
        if self.adc_bits is not None and self.out_bound is None:
            raise ValueError(f"`out_bound` must be a number with an ADC (`adc_bits` {self.adc_bits})")
        return self

    @model_validator(mode="after")
    def _gains_are_of_an_adc(self) -> ConverterSpec:
        if self.adc_gain == "fixed":
            return self
        if self.adc_bits is None:
            raise ValueError(f"`adc_bits` must be a number with `adc_gain` {self.adc_gain}, got null")
        if self.input_scaling == "dynamic":
            raise ValueError(
                f"`input_scaling` must be static with `adc_gain` {self.adc_gain}, which is calibrated with input ranges"
            )
        return self


class MvmSpec(Spec):
    """Non-idealities of one matrix-vector multiplication; 1 is a fully-on input times a fully-on weight."""

    input_noise: Noise = 0.0
    """Standard deviation added to each input after the DAC (1 = input range)."""
    output_noise: Noise = 0.04
    """Standard deviation added to each output before the ADC (1 = a fully-on input times a fully-on weight)."""
    read_noise: Noise = 0.0
    """Short-term read noise: standard deviation for one fully-on device read with one fully-on input (1 = their
    product); it grows with the root of the sum over a column."""
    ir_drop: Noise = 0.0
    """Voltage drop along the columns, as a multiple of 0.35 Ohm a cell at 5 uS a device."""
    s_shape: Noise = 0.0
    """Saturation n of the outputs, y / (1 + n |y|), for one fully-on product; 0 for none."""


class CompensationSpec(Spec):
    """Digital correction of drift by one factor, measured before each inference."""

    kind: Literal["none", "global", "column"] = "global"
    """`global`: one factor a tile; `column`: one a column of each tile; `none`: outputs as they are."""
    readout: Literal["exact", "mvm"] = "exact"
    """`exact`: summed conductances; `mvm`: one-hot inputs read through noise and ADC, as hardware must."""


class Hardware(ShownAsTable, Spec):
    """Analog hardware: everything that decides how a network's layers compute.

    Example:
        >>> Hardware().replace({"compensation.kind": "none", "tile.rows": 256}).tile.rows
        256
    """

    name: str = "custom"
    """Name of the preset, or `custom`."""
    citation: str = ""
    """Where the values come from."""
    tile: TileSpec = TileSpec()
    converters: ConverterSpec = ConverterSpec()
    mvm: MvmSpec = MvmSpec()
    device: AnyDevice = PcmSpec()
    pairs: Literal["both", "collapsed"] = "both"
    """`both`: each device of a pair lives on its own; `collapsed`: their difference is put on one of them
    after programming, as aihwkit does, for comparisons with it."""
    faults: FaultSpec = FaultSpec()
    compensation: CompensationSpec = CompensationSpec()
    digital: AnyDigitalUnit = FloatingPointSpec()

    @model_validator(mode="after")
    def _fixed_point_needs_counts(self) -> Hardware:
        if isinstance(self.digital, FixedPointSpec):
            converters, bits = self.converters, self.converters.adc_bits
            if bits is None:
                raise ValueError(
                    "`converters.adc_bits` must be a number with `digital.kind` fixed-point, which computes with the "
                    "counts of the ADC"
                )
            if converters.input_scaling == "dynamic":
                raise ValueError(
                    "`converters.input_scaling` must be static with `digital.kind` fixed-point, whose scales are set "
                    "once for all inputs"
                )
            if self.digital.sum_bits(bits) > WIDEST_SUM:
                raise ValueError(
                    f"the product of a tile must have at most {WIDEST_SUM} bits, got {self.digital.sum_bits(bits)} of "
                    "`converters.adc_bits`, `digital.scale_integer`, `digital.exponent_bits` and "
                    "`digital.product_fraction`"
                )
        return self

    def replace(self, changes: Mapping[str, Any]) -> Hardware:
        """Return a validated copy with `changes`, whose keys are dotted paths; nested mappings are merged.

        Raises:
            ValueError: for a key that does not exist or a value out of range; all of them in one line.
            TypeError: for anything but a mapping from strings.
        """
        return replaced(self, changes)

    def build_device(self) -> Device:
        """Return the model of the memory device, with the faults of this hardware."""
        return self.faults.build(self.device.build())

    def _table(self) -> Table:
        rows = [
            (path, _value_text(value), meaning)
            for path, value, meaning in explain(self)
            if path not in ("name", "citation")
        ]
        return Table(("value", self.name, "meaning"), rows, n_left=3, foot=self.citation)

    @property
    def needs_input_range(self) -> bool:
        """Whether a calibrated input range changes outputs: it is static, and a converter, bound or noise is on."""
        return self.converters.input_scaling == "static" and (
            self.converters.dac_bits is not None
            or self.converters.out_bound is not None
            or any(value > 0 for value in self.mvm.model_dump().values())
        )


def replaced(hardware: Hardware, changes: Mapping[str, Any], section: str = "") -> Hardware:
    """Return a validated copy of hardware with `changes`, as `Hardware.replace` does.

    Args:
        hardware: to begin with.
        changes: dotted paths or nested mappings.
        section: where the hardware is written, before the paths in messages, such as `hardware.`; empty for nothing.

    Raises:
        ValueError: for a key that does not exist or a value out of range; all of them in one line.
        TypeError: for anything but a mapping from strings.
    """
    flat = dict(_dotted(changes))
    tree = hardware.model_dump()
    for part, spec in (("device", hardware.device), ("digital", hardware.digital)):
        if flat.get(f"{part}.kind", spec.kind) != spec.kind:
            tree[part] = {}  # another kind has other values
    of_a_kind = tuple(f"{part}." for part in _KINDS)
    for path, value in flat.items():
        *parents, leaf = path.split(".")
        node = tree
        for parent in parents:
            child = node.setdefault(parent, {}) if path.startswith(of_a_kind) else node.get(parent)
            if not isinstance(child, dict):
                hint = nearest(path, (known for known, *_ in explain(hardware)))
                parts = ", ".join(name for name in tree if isinstance(tree[name], dict))
                raise ValueError(f"`{section}{path}` is no field of hardware, whose parts are {parts}{hint}")
            node = child
        node[leaf] = value
    try:
        return Hardware.model_validate(tree)
    except ValidationError as error:
        raise ValueError("; ".join(_one_line(problem, section) for problem in error.errors())) from None


_KINDS: Final[Mapping[str, Mapping[str, type[Spec]]]] = {"device": DEVICES, "digital": DIGITAL_UNITS}
"""The parts that are of one of several kinds, each with its own values."""


def _value_text(value: object) -> str:
    if value is None:
        return "none"
    return ", ".join(f"{one:g}" for one in value) if isinstance(value, tuple) else str(value)


def _dotted(changes: object, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every change as (dotted path, value)."""
    require(changes, Mapping, '`changes` must be a mapping like {"tile.rows": 256}')
    assert isinstance(changes, Mapping)
    for key, value in changes.items():
        require(key, str, "keys of `changes` must be strings like 'tile.rows'")
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _one_line(problem: ErrorDetails, section: str) -> str:
    location = [str(part) for part in problem["loc"]]
    part = location[0] if location and location[0] in _KINDS else ""
    kinds = _KINDS.get(part, {})
    path = ".".join(name for place, name in enumerate(location) if place != 1 or name not in kinds)
    if problem["type"] == "extra_forbidden":
        return f"`{section}{path}` is no field of hardware{_meant(path, part, location[1] if part else '')}"
    got = "" if isinstance(problem["input"], dict) else f", got {problem['input']!r}"
    match problem["type"]:
        case "value_error":
            place = f"`{section}{path}`" if path else f"`{section.rstrip('.')}`" if section else ""
            return f"{place}: {problem['ctx']['error']}{got}" if place else str(problem["ctx"]["error"])
        case "missing":
            return f"`{section}{path}`: must be given"
        case "union_tag_invalid":
            unpublished = why_unpublished(problem["ctx"]["tag"]) if part == "device" else ""
            if unpublished:
                return f"`{section}{path}.kind`: {unpublished}"
            return f"`{section}{path}.kind`: must be one of {', '.join(kinds)}, got {problem['ctx']['tag']!r}"
        case "tuple_type":
            return f"`{section}{path}`: must be a list of numbers{got}"
        case "model_type" | "model_attributes_type":
            return f"`{section}{path}`: must be a mapping of its values{got}"
    return f"`{section}{path}`: {re.sub('^(Input|Tuple) should', 'must', problem['msg'])}{got}"


def _meant(path: str, part: str, kind: str) -> str:
    """Return what helps with a key that no specification has; `part` has a kind, like the device, or is empty."""
    known = {path for path, *_ in explain(Hardware()) if path.partition(".")[0] not in _KINDS}
    if part:
        known.update(f"{part}.{name}" for name in _KINDS[part][kind].model_fields)
        owners = [name for name, spec in _KINDS[part].items() if path.partition(".")[2] in spec.model_fields]
        hint = f", it belongs to kind {', '.join(owners)}" if owners else nearest(path, known)
        what = "a device" if part == "device" else "a digital unit"
        return f" with {what} of kind {kind}{hint}"
    known.update(f"device.{name}" for name in DEVICES["pcm"].model_fields)
    for other, kinds in _KINDS.items():
        owners = [name for name, spec in kinds.items() if path in spec.model_fields]
        if owners:
            return f", did you mean {other}.{path} of kind {' or '.join(owners)}?"
    return nearest(path, known)


def explain(spec: BaseModel, prefix: str = "") -> Iterator[tuple[str, Any, str]]:
    """Yield every value of a specification as (dotted path, value, what it is with its unit)."""
    require(spec, BaseModel, "`spec` must be hwsim.Hardware or a part of it")
    for name, field in type(spec).model_fields.items():
        value = getattr(spec, name)
        if isinstance(value, BaseModel):
            yield from explain(value, f"{prefix}{name}.")
        else:
            meaning = field.description or (type(spec).__doc__ if name == "kind" else "") or ""
            yield f"{prefix}{name}", value, " ".join(meaning.split())
