"""What the compiled stage of a layer with a fixed-point unit needs: its words, and the sums between row blocks."""

from __future__ import annotations

from typing import Any, final

import torch

from hwsim.kernels.fixed_point import set_modes
from hwsim.modules import AnalogLayer
from hwsim.near_memory.layer_unit import LayerUnit


@final
class FixedPointStage:
    """The words of one layer on one chip at one time, for one thread."""

    def __init__(self, layer: AnalogLayer, unit: LayerUnit) -> None:
        self._layer, self._unit = layer, unit
        self._relu = layer.fused != "identity"
        self._sums: torch.Tensor | None = None

    def load(self, compensation: torch.Tensor | None) -> None:
        """Take the words of one chip at one time, with `(blocks, columns)` drift compensation if there is any."""
        words = self._layer.fixed_point_words(compensation)
        self._factor, self._offset = words.factor.contiguous(), words.shift.contiguous()
        self._wide = self._unit.arithmetic.is_wide(words)

    def output_scale(self) -> torch.Tensor:
        """Return the outputs for one step of the output word, `(columns,)`."""
        assert self._layer.output_range is not None
        step = self._unit.output_step(self._layer.output_range.detach())
        return step.repeat(self._layer.mapping.columns)

    def fill(self, struct: Any, *, is_last: bool) -> None:
        """Write the modes of the unit into the structure of a row block."""
        set_modes(struct, self._unit.arithmetic.spec, relu=self._relu, is_last=is_last)

    def point(self, struct: Any, block: int, n_outputs: int) -> None:
        """Point the structure of a row block at its words, at the sums so far, and at room for `n_outputs` new ones."""
        is_last = block == len(self._factor) - 1
        struct.wide = self._wide
        struct.factor = self._factor[block].data_ptr()
        struct.offset = self._offset.data_ptr() if is_last else None
        self._before = self._sums if block else None  # held until the kernel has run
        self._sums = (
            None if is_last else torch.empty(n_outputs, dtype=torch.float64 if self._wide else torch.float32)
        )
        struct.sums = None if self._before is None else self._before.data_ptr()
        struct.sum = None if self._sums is None else self._sums.data_ptr()
