"""AGAD: analog gradient accumulation with a dynamic reference, which the reads of the fast array give themselves.

    m <- (1 - μ) m + μ A_read,      at a flip of c: r <- m,      ω = c (A_read - r)

Each column is compared with its own mean before its sign last flipped, so that the offset of a reference plays no part,
and none has to be stored. No pulses go to the slow array before the first flip.

References:
    Rasch et al., Fast and robust analog in-memory deep neural network training, Nat. Commun. 15:7133, 2024.
"""

from __future__ import annotations

from typing import final

import torch
from torch.optim.optimizer import ParamsT

from hwsim.arguments import number
from hwsim.learning.algorithms.buffered import BufferedOptimizer
from hwsim.learning.algorithms.chopped_ttv2 import check_chopper, next_signs
from hwsim.learning.algorithms.choppers import Chopper, period
from hwsim.learning.algorithms.optimizer import Group, State, preset_of
from hwsim.learning.algorithms.transfer import Reference
from hwsim.learning.fabrication import AnyDevice
from hwsim.learning.periphery import Periphery
from hwsim.learning.update import Gradient


@final
class AGAD(BufferedOptimizer):
    """Two arrays, with choppers and a reference that follows the reads.

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
        tail: reads at the end of a period that count in its mean: μ = tail / period, at most 1; None for that of the
            preset.
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
        chopper: Chopper = "regular",
        tail: float | None = None,
        reference: Reference = "zero",
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
                "buffer_states": published.agad_buffer_states if buffer_states is None else buffer_states,
                "transfer_every": transfer_every,
                "transfer_columns": transfer_columns,
                "most_pulses": most_pulses,
                "momentum": momentum,
                "chop_probability": (
                    published.agad_chop_probability if chop_probability is None else chop_probability
                ),
                "chopper": chopper,
                "tail": published.agad_tail if tail is None else tail,
            },
        )

    def _check(self, group: Group) -> None:
        super()._check(group)
        check_chopper(group)
        number(
            "chop_probability", group["chop_probability"], above=0, remedy="AGAD finds its reference at flips"
        )
        number("tail", group["tail"], above=0)

    def _prepare(self, w: torch.Tensor, group: Group, state: State) -> None:
        super()._prepare(w, group, state)
        state["columns_sign"] = torch.ones_like(w[0])
        state["reads"], state["flips"] = torch.zeros_like(w[0]), torch.zeros_like(w[0])
        state["mean"], state["before"] = torch.zeros_like(w), torch.zeros_like(w)

    def _modulated(self, gradient: Gradient, state: State) -> Gradient:
        return gradient.times(state["columns_sign"], None)

    def _demodulated(self, values: torch.Tensor, columns: slice, group: Group, state: State) -> torch.Tensor:
        mean, before = state["mean"][:, columns], state["before"][:, columns]
        known = state["flips"][columns] > 0
        signal: torch.Tensor = (values - before) * (state["columns_sign"][columns] * known)
        weight = min(group["tail"] / period(group["chop_probability"]), 1.0)
        mean.mul_(1 - weight).add_(values * weight)
        flipped = next_signs(columns, group, state, self._seed_of(state, "chopper"))
        before.copy_(mean.where(flipped, before))
        state["flips"][columns] += flipped.float()
        return signal
