"""TTv2: a digital buffer filters what is read of the fast array, so that small gradients are not lost in its noise.

It needs a good reference: a column whose reference is off its symmetry points reads a gradient that is not there.

References:
    Gokmen, Enabling training of neural networks on noisy hardware, Front. Artif. Intell. 4:699148, 2021.
"""

from __future__ import annotations

from typing import final

import torch
from torch.optim.optimizer import ParamsT

from hwsim.learning.algorithms.buffered import BufferedOptimizer
from hwsim.learning.algorithms.optimizer import Group, State, preset_of
from hwsim.learning.algorithms.transfer import Reference
from hwsim.learning.fabrication import AnyDevice
from hwsim.learning.periphery import Periphery


@final
class TTv2(BufferedOptimizer):
    """Two arrays with a buffer between them.

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
            },
        )

    def _demodulated(self, values: torch.Tensor, columns: slice, group: Group, state: State) -> torch.Tensor:
        return values
