"""Chips of which one layer alone has programming error and drift, made of whole chips.

Of each chip there are as many variants as there are layers, and two more: first the chip with no such layer, last the
chip as it is. All share its random streams, so that differences are those of the layer.
"""

from __future__ import annotations

import threading
from typing import Final, final

import torch

from hwsim.arguments import whole
from hwsim.chips import Chips, Reading

KEPT_READINGS: Final = 2
"""Chips whose weights are kept: threads that run variants one after the other are at two chips at most."""


@final
class OneLayerChips:
    """The variants of `chips`, those of the first chip first.

    Args:
        chips: programmed chips.
    """

    def __init__(self, chips: Chips) -> None:
        self._chips = chips
        self._names = list(chips.layers)
        self._ideal = {name: layer.normalised_weight() for name, layer in chips.layers.items()}
        self._kept: dict[tuple[float, int], Reading] = {}
        self._keeping = threading.Lock()

    @property
    def n_variants(self) -> int:
        """Variants of each chip: none of the layers, each of them, all of them."""
        return len(self._names) + 2

    def __len__(self) -> int:
        return len(self._chips) * self.n_variants

    def at(self, t_s: float, chip: int) -> Reading:
        """Return a variant at a time, with the programmed weights of its layer and the ideal ones of the others."""
        of, variant = divmod(whole("chip", chip, least=0, most=len(self) - 1), self.n_variants)
        reading = self._reading(t_s, of)
        if variant == self.n_variants - 1:
            return reading
        kept = self._names[variant - 1] if variant else None
        weights = {name: reading.weights[name] if name == kept else self._ideal[name] for name in self._names}
        curvature = {name: powers for name, powers in reading.curvature.items() if name == kept}
        if reading.compensation is None:
            return Reading(weights, None, curvature)
        factors = {
            name: factor if name == kept else torch.ones_like(factor)
            for name, factor in reading.compensation.items()
        }
        return Reading(weights, factors, curvature)

    def hold(self, chips: range) -> None:
        """Keep the states of the chips that these variants are made of."""
        self._chips.hold(range(chips.start // self.n_variants, -(-chips.stop // self.n_variants)))

    def mvm_key(self, t_s: float, chip: int) -> int:
        """Return the key of the noise of its chip: all variants of a chip have the same."""
        return self._chips.mvm_key(t_s, chip // self.n_variants)

    def _reading(self, t_s: float, chip: int) -> Reading:
        with self._keeping:
            if (t_s, chip) not in self._kept:
                while len(self._kept) >= KEPT_READINGS:
                    del self._kept[next(iter(self._kept))]
                self._kept[t_s, chip] = self._chips.at(t_s, chip)
            return self._kept[t_s, chip]
