"""What fixed point makes of a network: exponents, columns with few significant bits, offsets beyond their word."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, final

import torch
from torch import nn

from hwsim.conversion import require_analog
from hwsim.modules import AnalogLayer
from hwsim.near_memory.layer_unit import LayerUnit
from hwsim.optional_library import needs
from hwsim.text_table import ShownAsTable, Table
from hwsim.tracer import BATCH_NORMS

if TYPE_CHECKING:
    import pandas as pd

FEW_BITS: Final = 4
"""Significant bits of a scale word below which a column counts as coarse: its error may exceed 3 %."""


@dataclass(frozen=True)
class FixedPointLayer:
    """The words of one layer, at programming: drift compensation changes scales at each reading.

    Attributes:
        name: as in `named_modules`.
        columns: columns of all its tiles, a column once for each row block.
        exponents: least and largest of its tiles.
        least_significant_bits: of the coarsest scale word, those of columns without a weight apart.
        coarse_columns: how many of `columns` keep fewer than `FEW_BITS` significant bits.
        saturated_offsets: offsets beyond their word, which holds its bound.
        largest_offset: magnitude of the largest offset, in steps of the output word.
        product_bits: width of count times scale, a magnitude.
        sum_bits: width of the widest sum with its sign, before it becomes an output word.
        output_range: the output that fills the output word.
        fused: the activation that the unit computes.
    """

    name: str
    columns: int
    exponents: tuple[int, int]
    least_significant_bits: int
    coarse_columns: int
    saturated_offsets: int
    largest_offset: float
    product_bits: int
    sum_bits: int
    output_range: float
    fused: str


@final
@dataclass(frozen=True, repr=False)
class FixedPointReport(ShownAsTable):
    """Every layer of a network with a fixed-point unit.

    Attributes:
        layers: in order of registration.
        batch_norms: names of the batch norms that are left, in floating point.
    """

    layers: tuple[FixedPointLayer, ...]
    batch_norms: tuple[str, ...]

    @property
    def coarse_columns(self) -> int:
        """Columns of all tiles with fewer than `FEW_BITS` significant bits of scale."""
        return sum(layer.coarse_columns for layer in self.layers)

    @property
    def saturated_offsets(self) -> int:
        """Offsets of all layers beyond their word."""
        return sum(layer.saturated_offsets for layer in self.layers)

    def to_frame(self) -> pd.DataFrame:
        """Return a row a layer, with the attributes of `FixedPointLayer` as columns."""
        needs("pandas", "a data frame")
        import pandas as pd

        return pd.DataFrame([asdict(layer) for layer in self.layers])

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON-able dictionaries."""
        layers = [{**asdict(layer), "exponents": list(layer.exponents)} for layer in self.layers]
        return {"layers": layers, "batch_norms": list(self.batch_norms)}

    def __repr__(self) -> str:
        """Return the sums."""
        return f"FixedPointReport({self._foot()})"

    def _table(self) -> Table:
        head = (
            "layer",
            "fused",
            "columns",
            "exponents",
            "least bits",
            "coarse",
            "saturated offsets",
            "sum bits",
        )
        rows = [
            (
                layer.name or "(the network)",
                layer.fused,
                f"{layer.columns:,}",
                " to ".join(map(str, dict.fromkeys(layer.exponents))),
                str(layer.least_significant_bits),
                str(layer.coarse_columns),
                str(layer.saturated_offsets),
                str(layer.sum_bits),
            )
            for layer in self.layers
        ]
        return Table(head, rows, n_left=2, foot=self._foot())

    def _foot(self) -> str:
        columns = sum(layer.columns for layer in self.layers)
        parts = [
            f"{self.coarse_columns:,} of {columns:,} columns with fewer than {FEW_BITS} significant bits",
            f"{self.saturated_offsets:,} saturated offsets",
        ]
        if self.batch_norms:
            parts.append(f"in floating point: {', '.join(self.batch_norms)}")
        return ", ".join(parts)


@torch.no_grad()
def fixed_point_report(net: nn.Module) -> FixedPointReport:
    """Return what fixed point makes of the scales and offsets of an analog network.

    Args:
        net: a calibrated analog network with fixed-point units.

    Raises:
        ValueError: for a network without analog layers or fixed-point units, or one that is not calibrated.
        TypeError: for anything but a torch module.

    Example:
        >>> from hwsim import calibrate, preset, to_analog
        >>> net = to_analog(nn.Linear(4, 2), preset("pcm-analognas").replace({"digital.kind": "fixed-point"}))
        >>> calibrate(net, torch.ones(8, 4))
        >>> fixed_point_report(net).saturated_offsets
        0
    """
    layers = []
    for name, layer in require_analog(net).items():
        if layer.unit is not None:
            layer.require_input_range(name)
            layers.append(_described(name, layer, layer.unit))
    if not layers:
        raise ValueError(
            "`net` must have a layer with a fixed-point unit, got none: give hardware with `digital.kind` fixed-point "
            "to hwsim.to_analog"
        )
    left = [name for name, module in net.named_modules() if isinstance(module, BATCH_NORMS)]
    return FixedPointReport(tuple(layers), tuple(left))


def _described(name: str, layer: AnalogLayer, unit: LayerUnit) -> FixedPointLayer:
    assert layer.output_range is not None
    words, spec = layer.fixed_point_words(), unit.arithmetic.spec
    bits = words.significant_bits[layer.column_scales() > 0]
    step = float(unit.output_step(layer.output_range))
    offsets = (
        layer.weight.new_zeros(1) if layer.bias is None else layer.bias / step * 2.0**spec.offset_fraction
    )
    outside = (offsets.round() > spec.largest_offset) | (offsets.round() < -spec.largest_offset - 1)
    fraction = max(spec.product_fraction, spec.offset_fraction)
    largest = unit.arithmetic.largest_sum(words) * 2 ** (fraction - spec.product_fraction)
    return FixedPointLayer(
        name=name,
        columns=words.scale.numel(),
        exponents=(int(words.exponent.min()), int(words.exponent.max())),
        least_significant_bits=int(bits.min()) if bits.numel() else 0,
        coarse_columns=int((bits < FEW_BITS).sum()),
        saturated_offsets=int(outside.sum()),
        largest_offset=float(offsets.abs().max()) / 2**spec.offset_fraction,
        product_bits=unit.arithmetic.product_bits,
        sum_bits=int(largest).bit_length() + 1,
        output_range=float(layer.output_range),
        fused=layer.fused,
    )
