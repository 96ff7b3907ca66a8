"""The compiled fixed-point unit: its modes for the kernels, and its pass over counts where stages are not compiled."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any, Final

import torch

from hwsim.kernels import library as kernels
from hwsim.near_memory.rounding import SIGNED
from hwsim.near_memory.spec import FixedPointSpec, Rounding
from hwsim.near_memory.words import Words

ROUNDINGS: Final[Mapping[Rounding | None, int]] = {
    None: kernels.TOWARD_ZERO,
    "floor": kernels.FLOOR,
    "half-up": kernels.HALF_UP,
    "half-even": kernels.HALF_EVEN,
    "half-away": kernels.HALF_AWAY,
}


def set_modes(struct: Any, spec: FixedPointSpec, *, relu: bool, is_last: bool) -> None:
    """Write the modes of a unit into the structure of a row block."""
    struct.product_rounding = ROUNDINGS[SIGNED[spec.product_rounding]]
    struct.rounding = ROUNDINGS[spec.rounding]
    struct.requantises = is_last or spec.partial_sums == "output-width"
    struct.wraps = spec.overflow == "wrap"
    struct.to_output, struct.from_output = 2.0**-spec.product_fraction, 2.0**spec.product_fraction
    struct.least = 0.0 if relu and is_last else -spec.largest_output - 1.0
    struct.most = float(spec.largest_output)


def post_process(
    counts: Sequence[torch.Tensor],
    words: Words,
    spec: FixedPointSpec,
    step: torch.Tensor,
    channel_dim: int,
    *,
    relu: bool,
    wide: bool,
) -> tuple[torch.Tensor, list[torch.Tensor | None]]:
    """Return output words times `step`, and for each row block, channels last, which of its words are bounds.

    Args:
        counts: for each row block, signed counts, integers of float32 on the CPU.
        words: of the layer.
        spec: formats and modes.
        step: 0-dim, output for one step of the output word.
        channel_dim: dimension that counts columns.
        relu: whether a ReLU is fused.
        wide: sums need float64.
    """
    loaded = kernels.library()
    assert loaded is not None
    factors, offset = words.factor.contiguous(), words.shift.contiguous()
    scale = step.detach().repeat(factors.shape[1])
    before: torch.Tensor | None = None
    bounded: list[torch.Tensor | None] = []
    for block, count in enumerate(counts):
        is_last = block == len(counts) - 1
        rows = count.movedim(channel_dim, -1).contiguous()
        # no view, which a network could not change in place: the order of `rows` in memory, that of torch in sizes
        result = torch.empty_like(rows.movedim(-1, channel_dim)) if is_last else None
        outputs = None if result is None else result.movedim(channel_dim, -1)
        sums = None if is_last else torch.empty(rows.shape, dtype=torch.float64 if wide else torch.float32)
        struct = kernels.Stage(images=len(rows), channels=rows.shape[-1], wide=wide)
        set_modes(struct, spec, relu=relu, is_last=is_last)
        struct.pixels = rows[0].numel() // rows.shape[-1]
        struct.current, struct.factor, struct.scale = (t.data_ptr() for t in (rows, factors[block], scale))
        struct.offset = offset.data_ptr() if is_last else None
        struct.sums = None if before is None else before.data_ptr()
        struct.sum = None if sums is None else sums.data_ptr()
        struct.out = None if outputs is None else outputs.data_ptr()
        at_bound = torch.empty(rows.shape, dtype=torch.uint8) if struct.requantises else None
        pointer = None if at_bound is None else at_bound.data_ptr()
        if loaded.hwsim_fixed_point(ctypes.byref(struct), pointer, torch.get_num_threads()) != 0:
            raise MemoryError("the fixed-point unit ran out of memory")
        bounded.append(at_bound)
        before = sums
    assert result is not None
    return result, bounded
