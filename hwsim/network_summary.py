"""What of a network is analog: every layer with its weights, multiply-accumulates and tiles.

Layers that hold weights or multiply are listed, those of several arrays array by array, and a digital one says why it
is; what is silently digital, such as a parameter of a module's own that does more than multiply its inputs, counts in
the shares of the last line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, final

from torch import nn

from hwsim.arguments import require
from hwsim.assignment import AnyHardware, ByLayer
from hwsim.conversion import analog_layers, as_analog_as_possible
from hwsim.modules import AnalogLayer
from hwsim.modules.counterparts import UNSUPPORTED
from hwsim.multiplications import example_of, multiply_accumulates
from hwsim.optional_library import needs
from hwsim.presets import label
from hwsim.sharing import capacity, tiles_in_use
from hwsim.text_table import ShownAsTable, Table
from hwsim.weight_rows import WeightRow, weight_rows

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class LayerSummary:
    """One layer.

    Attributes:
        name: as in `named_modules`; empty for a network that is one layer.
        type: name of its class.
        shape: of its largest weight; empty for a layer that multiplies without weights.
        is_analog: whether it lies on tiles.
        weights: how many, biases apart.
        share_of_weights: of those of the network, 0 to 1.
        macs: multiply-accumulates for one input; None without an example.
        share_of_macs: of those of the network, 0 to 1; None without an example.
        tiles: how many; 0 for a digital layer.
        utilisation: its weights over those that the tiles could hold; None for a digital layer.
        why_digital: in a few words; empty for an analog layer.
        hardware: of an analog layer, as `hwsim.label` has it; empty for a digital layer.
    """

    name: str
    type: str
    shape: tuple[int, ...]
    is_analog: bool
    weights: int
    share_of_weights: float
    macs: int | None
    share_of_macs: float | None
    tiles: int
    utilisation: float | None
    why_digital: str
    hardware: str = ""


@final
@dataclass(frozen=True, repr=False)
class Summary(ShownAsTable):
    """Every layer of a network that holds weights or multiplies.

    Attributes:
        layers: in order of registration, those around others first.
        capacity: weights that the tiles of all analog layers could hold.
        n_tiles: that all analog layers take together.
    """

    layers: tuple[LayerSummary, ...]
    capacity: int
    n_tiles: int

    @property
    def n_weights(self) -> int:
        """Weights of the whole network, biases apart."""
        return sum(layer.weights for layer in self.layers)

    @property
    def analog_share(self) -> float:
        """Share of the weights that lie on tiles, 0 to 1."""
        return sum(layer.weights for layer in self.layers if layer.is_analog) / max(1, self.n_weights)

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates of the whole network for one input; None without an example."""
        return None if any(layer.macs is None for layer in self.layers) else sum(map(_macs, self.layers))

    @property
    def analog_share_of_macs(self) -> float | None:
        """Share of the multiply-accumulates that tiles do, 0 to 1; None without an example."""
        if self.macs is None:
            return None
        return sum(map(_macs, filter(lambda layer: layer.is_analog, self.layers))) / max(1, self.macs)

    @property
    def utilisation(self) -> float:
        """Programmed weights over the weights that the tiles could hold, 0 to 1."""
        analog = sum(layer.weights for layer in self.layers if layer.is_analog)
        return analog / self.capacity if self.capacity else 0.0

    def to_frame(self) -> pd.DataFrame:
        """Return a row a layer, with the attributes of `LayerSummary` as columns."""
        needs("pandas", "a data frame")
        import pandas as pd

        return pd.DataFrame([asdict(layer) for layer in self.layers])

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON-able dictionaries."""
        return {
            "weights": self.n_weights,
            "analog_share": self.analog_share,
            "macs": self.macs,
            "analog_share_of_macs": self.analog_share_of_macs,
            "tiles": self.n_tiles,
            "utilisation": self.utilisation,
            "layers": [{**asdict(layer), "shape": list(layer.shape)} for layer in self.layers],
        }

    def __repr__(self) -> str:
        """Return what is analog of all."""
        return f"Summary({self._foot()})"

    def _table(self) -> Table:
        head = (
            "layer",
            "type",
            "shape",
            "computes",
            "weights",
            "share",
            "MACs",
            "share",
            "tiles",
            "utilisation",
            "hardware",
        )
        one_chip = len({layer.hardware for layer in self.layers if layer.is_analog}) < 2
        skipped = (() if self.macs is not None else (6, 7)) + ((10,) if one_chip else ())
        rows = [_cells(layer) for layer in self.layers]
        kept = [[cell for place, cell in enumerate(row) if place not in skipped] for row in (head, *rows)]
        return Table(kept[0], kept[1:], n_left=4, foot=self._foot())

    def _foot(self) -> str:
        parts = [f"analog: {_percent(self.analog_share)} of {self.n_weights:,} weights"]
        if self.analog_share_of_macs is not None:
            parts.append(f"{_percent(self.analog_share_of_macs)} of {self.macs:,} MACs")
        tiles = f"{self.n_tiles:,} tile{'' if self.n_tiles == 1 else 's'}"
        parts += [tiles, f"utilisation {_percent(self.utilisation)}"]
        digital: Counter[str] = Counter()
        for layer in self.layers:
            digital[layer.type] += 0 if layer.is_analog else layer.weights
        most = [f"{kind} {_percent(n / self.n_weights)}" for kind, n in digital.most_common() if n]
        return ", ".join(parts) + (f"; digital weights: {', '.join(most)}" if most else "")


def summary(
    net: nn.Module,
    example: object = None,
    *,
    input_shape: Sequence[int] | None = None,
    hardware: AnyHardware | None = None,
    digital_layers: Collection[str | type[nn.Module]] | str | type[nn.Module] = (),
    layers: ByLayer | None = None,
) -> Summary:
    """Return every layer of a network that holds weights or multiplies, and what of it is analog.

    Args:
        net: an analog network; or a digital one, which is all digital without `hardware`.
        example: inputs that the network runs on once for its multiply-accumulates, `(1 or more, ...)`; a tuple of
            several, a mapping of named ones. Without example and `input_shape` they are left out.
        input_shape: in place of an example, the shape of one input of floating-point numbers.
        hardware: what a digital network would be on: layers that `to_analog` refuses count as digital, with the reason.
        digital_layers: as in `to_analog`.
        layers: as in `to_analog`.

    Raises:
        ValueError: for hardware of a network that is analog already, an example that does not fit, names of layers that
            do not exist, or weights that are not initialised.
        TypeError: for an argument of another type.

    Example:
        >>> found = summary(nn.Sequential(nn.Embedding(7, 4), nn.Linear(4, 3)), hardware="pcm-rasch2023")
        >>> found.analog_share, found.layers[0].why_digital
        (0.3, 'look-up')
    """
    require(
        net,
        nn.Module,
        "`net` must be a torch module",
        "pass chips.net" if type(net).__name__ == "Chips" else "",
    )
    if hardware is None:
        for name, value in (("digital_layers", digital_layers), ("layers", layers)):
            if value:
                raise ValueError(
                    f"`{name}` must be left out without `hardware`: the layers are what they are"
                )
        rows = list(weight_rows(net))
    elif any(analog_layers(net)):
        raise ValueError("`hardware` must be left out for a network with analog layers, which have theirs")
    else:
        net, by_name = as_analog_as_possible(net, hardware, digital_layers, layers)
        refused = {net.get_submodule(name): why for name, why in by_name.items()}
        problems = {module: "" if isinstance(module, UNSUPPORTED) else why for module, why in refused.items()}
        rows = list(weight_rows(net, problems))
    example = example_of(example, input_shape)
    macs = None if example is None else multiply_accumulates(net, example)
    return _summary(rows, macs)


def _summary(rows: list[WeightRow], macs: Counter[nn.Module] | None) -> Summary:
    n_weights = max(1, sum(row.weights for row in rows))
    by_row = None if macs is None else [row.macs(macs) for row in rows]
    n_macs = max(1, sum(by_row or ()))
    found = []
    for place, row in enumerate(rows):
        own = None if by_row is None else by_row[place]
        if not row.shape and not own:
            continue  # an activation, or what only holds others
        found.append(
            LayerSummary(
                name=row.name,
                type=type(row.module).__name__,
                shape=row.shape,
                is_analog=row.mapping is not None,
                weights=row.weights,
                share_of_weights=row.weights / n_weights,
                macs=own,
                share_of_macs=None if own is None else own / n_macs,
                tiles=0 if row.mapping is None else len(row.mapping.tiles),
                utilisation=None if row.mapping is None else row.mapping.utilisation,
                why_digital=row.why_digital,
                hardware=label(row.module.hardware) if isinstance(row.module, AnalogLayer) else "",
            )
        )
    mappings = [row.mapping for row in rows if row.mapping is not None]
    return Summary(tuple(found), capacity(mappings), tiles_in_use(mappings))


def _macs(layer: LayerSummary) -> int:
    return layer.macs or 0


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _cells(layer: LayerSummary) -> tuple[str, ...]:
    return (
        layer.name or "(the network)",
        layer.type,
        " × ".join(map(str, layer.shape)),
        "analog" if layer.is_analog else f"digital: {layer.why_digital}",
        f"{layer.weights:,}",
        _percent(layer.share_of_weights),
        "" if layer.macs is None else f"{layer.macs:,}",
        "" if layer.share_of_macs is None else _percent(layer.share_of_macs),
        str(layer.tiles) if layer.is_analog else "",
        "" if layer.utilisation is None else _percent(layer.utilisation),
        layer.hardware,
    )
