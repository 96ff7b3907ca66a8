"""Every analog layer of a network on tiles: how many there are, and how full."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from hwsim.arguments import nearest
from hwsim.mapping import LayerMapping
from hwsim.optional_library import needs
from hwsim.sharing import capacity, tiles_in_use
from hwsim.text_table import ShownAsTable, Table

if TYPE_CHECKING:
    import pandas as pd


@final
@dataclass(frozen=True, repr=False)
class TileMap(ShownAsTable):
    """Every analog layer of a network on tiles, each layer on tiles of its own hardware.

    Attributes:
        layers: mapping of each analog layer, by its name.
    """

    layers: Mapping[str, LayerMapping]

    @property
    def tile_rows(self) -> int | None:
        """Rows of every tile; None where layers have tiles of different sizes."""
        return self._common("tile_rows")

    @property
    def tile_columns(self) -> int | None:
        """Columns of every tile; None where layers have tiles of different sizes."""
        return self._common("tile_columns")

    @property
    def n_tiles(self) -> int:
        """Tiles of all layers, each of those that layers share once."""
        return tiles_in_use(self.layers.values())

    @property
    def n_weights(self) -> int:
        """Weights of all analog layers, each a pair of devices."""
        return sum(layer.n_weights for layer in self.layers.values())

    @property
    def utilisation(self) -> float:
        """Programmed weights over the weights that the tiles could hold, 0 to 1."""
        room = capacity(self.layers.values())
        return self.n_weights / room if room else 0.0

    def utilisation_of(self, layer: str) -> float:
        """Return the same of one layer, by its name: 1 / columns at most for a depthwise one.

        Raises:
            KeyError: for a name that is no analog layer.
        """
        if layer not in self.layers:
            raise KeyError(f"`{layer}` is no analog layer of the map{nearest(layer, self.layers)}")
        return self.layers[layer].utilisation

    def to_frame(self) -> pd.DataFrame:
        """Return a row a layer: matrix, groups, tiles with their size, weights, utilisation."""
        needs("pandas", "a data frame")
        import pandas as pd

        rows = [
            {
                "layer": name,
                "rows": layer.rows,
                "columns": layer.columns,
                "groups": layer.groups,
                "weights": layer.n_weights,
                "tiles": len(layer.tiles),
                "tile_rows": layer.tile_rows,
                "tile_columns": layer.tile_columns,
                "utilisation": layer.utilisation,
            }
            for name, layer in self.layers.items()
        ]
        return pd.DataFrame(rows)

    def to_json(self) -> dict[str, Any]:
        """Return the map as JSON-able dictionaries."""
        return {
            "tile_rows": self.tile_rows,
            "tile_columns": self.tile_columns,
            "n_tiles": self.n_tiles,
            "n_weights": self.n_weights,
            "utilisation": self.utilisation,
            "layers": {
                name: {
                    "rows": layer.rows,
                    "columns": layer.columns,
                    "groups": layer.groups,
                    "tile_rows": layer.tile_rows,
                    "tile_columns": layer.tile_columns,
                    "utilisation": layer.utilisation,
                    "tiles": [list(tile) for tile in layer.tiles],
                    **({} if layer.places is None else {"places": [list(place) for place in layer.places]}),
                }
                for name, layer in self.layers.items()
            },
        }

    def __repr__(self) -> str:
        """Return the sums, without the tiles."""
        return f"TileMap({len(self.layers)} layers, tiles={self.n_tiles}, utilisation={self.utilisation:.3f})"

    def _common(self, side: str) -> int | None:
        sizes = {int(getattr(layer, side)) for layer in self.layers.values()}
        return sizes.pop() if len(sizes) == 1 else None

    def _table(self) -> Table:
        rows = [
            (
                name or "(the network)",
                f"{layer.rows} × {layer.columns}",
                str(layer.groups),
                f"{layer.n_weights:,}",
                str(len(layer.tiles)),
                f"{layer.tile_rows} × {layer.tile_columns}",
                f"{100 * layer.utilisation:.1f} %",
            )
            for name, layer in self.layers.items()
        ]
        head = ("layer", "matrix", "groups", "weights", "tiles", "tile size", "utilisation")
        foot = f"{self.n_weights:,} weights on {self.n_tiles:,} tiles, utilisation {100 * self.utilisation:.1f} %"
        return Table(head, rows, foot=foot)
