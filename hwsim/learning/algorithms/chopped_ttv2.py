"""Chopped TTv2: the sign of every column of the fast array flips now and then, and is undone after the read.

    A gathers the gradient with columns times c_j (and rows times c_i), ω = c_i c_j (A_read - r)

What the gradient writes changes its sign with c, an offset of the reference r does not: it averages out in the buffer.

References:
    Rasch et al., Fast and robust analog in-memory deep neural network training, Nat. Commun. 15:7133, 2024.
"""

from __future__ import annotations

from typing import Any, final

import torch
from torch.optim.optimizer import ParamsT

from hwsim.arguments import number
from hwsim.learning.algorithms.buffered import BufferedOptimizer
from hwsim.learning.algorithms.choppers import Chopper, flips
from hwsim.learning.algorithms.optimizer import Group, State, preset_of
from hwsim.learning.algorithms.transfer import Reference
from hwsim.learning.fabrication import AnyDevice
from hwsim.learning.periphery import Periphery
from hwsim.learning.update import Gradient
from hwsim.streams import stream


@final
class ChoppedTTv2(BufferedOptimizer):
    """TTv2 with choppers.

    Args:
        params: parameters, or groups of them.
        device: of both arrays: a preset's name, or a device.
        lr: learning rate of the buffer.
        digital_lr: of vectors and digital groups; None for `lr`.
        fast_device: of the fast array; None for `device`.
        fast_lr: η0, part of the slots that the largest product takes; None for that of the preset.
        gradient_slots: BL, slots of the longest pulse train of the fast array; None for that of the preset.
        buffer_states: γ0, how many steps of the fast array are one of the slow one; None for that of the preset.
        transfer_every: mini-batches between two reads.
        transfer_columns: columns that are read then.
        most_pulses: that one cell of the slow array gets in one transfer.
        momentum: part of the buffer that is left after a pulse.
        chop_probability: of a flip of a column's sign after its read; None for that of the preset.
        chopper: whether signs flip at random, or regularly.
        out_chop_probability: of a flip of a row's sign after each sweep over all columns.
        reference: what is subtracted from the fast array.
        reference_spread: error of the stored reference, in units of the weight.
        weight_range: place of a matrix's largest initial weight in the range of a cell.
        periphery: converters and noise of the reads of the fast array.
        seed: of everything random.
    """

    def __init__(
        self,
        params: ParamsT,
        device: str | AnyDevice = "reram-sb",
        *,
        lr: float = 0.1,
        digital_lr: float | None = None,
        fast_device: str | AnyDevice | None = None,
        fast_lr: float | None = None,
        gradient_slots: int | None = None,
        buffer_states: float | None = None,
        transfer_every: int = 1,
        transfer_columns: int = 1,
        most_pulses: int = 5,
        momentum: float = 0.1,
        chop_probability: float | None = None,
        chopper: Chopper = "random",
        out_chop_probability: float = 0.0,
        reference: Reference = "exact",
        reference_spread: float = 0.0,
        weight_range: float = 0.4,
        periphery: Periphery | str = "preset",
        seed: int = 0,
    ) -> None:
        published = preset_of(device if fast_device is None else fast_device)
        super().__init__(
            params,
            device,
            fast_device=fast_device,
            lr=lr,
            digital_lr=digital_lr,
            weight_range=weight_range,
            periphery=periphery,
            seed=seed,
            reference=reference,
            reference_spread=reference_spread,
            values={
                "fast_lr": published.fast_lr if fast_lr is None else fast_lr,
                "gradient_slots": published.gradient_slots if gradient_slots is None else gradient_slots,
                "buffer_states": published.buffer_states if buffer_states is None else buffer_states,
                "transfer_every": transfer_every,
                "transfer_columns": transfer_columns,
                "most_pulses": most_pulses,
                "momentum": momentum,
                "chop_probability": published.chop_probability
                if chop_probability is None
                else chop_probability,
                "chopper": chopper,
                "out_chop_probability": out_chop_probability,
            },
        )

    def _check(self, group: Group) -> None:
        super()._check(group)
        check_chopper(group)
        number("out_chop_probability", group["out_chop_probability"], least=0, most=1)

    def _prepare(self, w: torch.Tensor, group: Group, state: State) -> None:
        super()._prepare(w, group, state)
        state["columns_sign"], state["rows_sign"] = torch.ones_like(w[0]), torch.ones_like(w[:, 0])
        state["reads"] = torch.zeros_like(w[0])

    def _modulated(self, gradient: Gradient, state: State) -> Gradient:
        return gradient.times(state["columns_sign"], state["rows_sign"])

    def _demodulated(self, values: torch.Tensor, columns: slice, group: Group, state: State) -> torch.Tensor:
        sign, rows_sign = state["columns_sign"], state["rows_sign"]
        signal: torch.Tensor = values * sign[columns] * rows_sign[:, None]
        next_signs(columns, group, state, self._seed_of(state, "chopper"))
        if group["out_chop_probability"] > 0 and columns.stop == len(sign):
            drawn = torch.rand(rows_sign.shape, generator=stream(self._seed_of(state, "rows"))).to(
                sign.device
            )
            state["rows_sign"] = rows_sign.where(drawn >= group["out_chop_probability"], -rows_sign)
        return signal


def next_signs(columns: slice, group: Group, state: State, seed: int) -> torch.Tensor:
    """Count a read of columns and flip the signs whose turn it is; return which, `(columns,)` bool."""
    reads: torch.Tensor = state["reads"][columns]
    sign: torch.Tensor = state["columns_sign"][columns]
    flipped = flips(group["chopper"], group["chop_probability"], reads.add_(1), seed)
    sign.mul_(1 - 2 * flipped.float())
    return flipped


def check_chopper(group: dict[str, Any]) -> None:
    """Raise for a chopper that is none."""
    number("chop_probability", group["chop_probability"], least=0, most=1)
    if group["chopper"] not in ("random", "regular"):
        raise ValueError(f"`chopper` must be random or regular, got {group['chopper']!r}")
