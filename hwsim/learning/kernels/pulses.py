"""Pulses in an array: by the compiled kernel where there is one for the device, else on torch's operations.

Both give the same weights, bit by bit; the kernel serves devices whose steps are linear or exponential in the weight,
in the memory of the CPU.
"""

from __future__ import annotations

import ctypes
import functools
from typing import Any, Final

import torch

from hwsim.kernels.library import Kernels, compiled, header_of, switched_off
from hwsim.learning.devices.affine import AffineDevice
from hwsim.learning.devices.device import Cells, PulsedDevice
from hwsim.learning.devices.exponential import ExponentialStep
from hwsim.learning.kernels import plain
from hwsim.learning.kernels.plain import Select
from hwsim.learning.kernels.random_numbers import POOL_SIZE, pool

_HEADER: Final = header_of(__package__, "pulses.h")
_ARRAY: Final[Any] = _HEADER.structures["Array"]
_LINES: Final[Any] = _HEADER.structures["Lines"]
_SELECT: Final = {
    "both": _HEADER.constants["BOTH"],
    "up": _HEADER.constants["ONLY_UP"],
    "down-as-up": _HEADER.constants["ONLY_DOWN"],
}
_MOST_CHUNKS: Final = 1 << 14
"""Words whose events are numbered apart."""


@functools.cache
def _built() -> Kernels | None:
    return compiled(__package__, "pulses.c", _HEADER)


def library() -> Kernels | None:
    """Return the compiled kernel, or None where it is switched off or cannot be built."""
    return None if switched_off() else _built()


def serves_trains(x: torch.Tensor, d: torch.Tensor) -> bool:
    """Whether the compiled kernel can make the pulse trains of a batch."""
    return library() is not None and all(v.device.type == "cpu" and v.dtype == torch.float32 for v in (x, d))


def trains(
    x: torch.Tensor, d: torch.Tensor, lr: float, granularity: float, most_slots: int, key: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return words of pulse trains with both managements, as `pulse_trains.trains` does."""
    loaded = library()
    assert loaded is not None
    x, d = x.contiguous(), d.contiguous()
    room = len(x) * -(-most_slots // plain.SLOTS)
    first_chunk = torch.empty(len(x) + 1, dtype=torch.int32)
    words = [torch.empty(room, values.shape[1], dtype=torch.int32) for values in (x, d)]
    struct = _LINES(samples=len(x), columns=x.shape[1], rows=d.shape[1], most_slots=most_slots, key=key)
    struct.x, struct.d, struct.first_chunk = x.data_ptr(), d.data_ptr(), first_chunk.data_ptr()
    struct.lr, struct.granularity, struct.ratio = lr, granularity, lr / granularity
    pointers = (tensor.data_ptr() for tensor in words)
    chunks = loaded.hwsim_trains(ctypes.byref(struct), *pointers, torch.get_num_threads())
    return words[0][:chunks], words[1][:chunks]


def coincide(
    device: PulsedDevice,
    cells: Cells,
    w: torch.Tensor,
    visible: torch.Tensor | None,
    x_words: torch.Tensor,
    d_words: torch.Tensor,
    select: Select,
    key: int,
) -> None:
    """Apply every coincidence to `w` in place, sample by sample, and draw the write noise of `visible`.

    Args:
        device: its law of steps.
        cells: of the array.
        w: `(rows, columns)` float32, the weights that pulses move.
        visible: of the same shape, the weights that are read; None without write noise.
        x_words: `(chunks, columns)` int32.
        d_words: `(chunks, rows)` int32.
        select: which pulses the array takes.
        key: unsigned 64-bit seed of the noise.
    """
    if len(x_words) > _MOST_CHUNKS:
        raise ValueError(f"at most {_MOST_CHUNKS} pulse trains go into one update, got {len(x_words)}")
    loaded = library()
    if loaded is None or not _serves(device, w):
        plain.coincide(device, cells, w, visible, x_words, d_words, select, key)
        return
    struct = _structure(device, cells, w, visible, select, key)
    x_words, d_words = x_words.contiguous(), d_words.contiguous()
    code = loaded.hwsim_coincide(
        ctypes.byref(struct), x_words.data_ptr(), d_words.data_ptr(), len(x_words), torch.get_num_threads()
    )
    if code != 0:
        raise MemoryError("the pulsed update ran out of memory")


def pulse(
    device: PulsedDevice,
    cells: Cells,
    w: torch.Tensor,
    visible: torch.Tensor | None,
    counts: torch.Tensor,
    select: Select,
    key: int,
) -> None:
    """Apply as many pulses as `counts` says (`(rows, columns)` int32), up where it is positive; see `coincide`."""
    loaded = library()
    if loaded is None or not _serves(device, w):
        plain.pulse(device, cells, w, visible, counts, select, key)
        return
    struct = _structure(device, cells, w, visible, select, key)
    counts = counts.contiguous()
    if loaded.hwsim_pulse(ctypes.byref(struct), counts.data_ptr(), torch.get_num_threads()) != 0:
        raise MemoryError("the pulses ran out of memory")


def _serves(device: PulsedDevice, w: torch.Tensor) -> bool:
    return w.device.type == "cpu" and isinstance(device, AffineDevice | ExponentialStep)


def _structure(
    device: PulsedDevice,
    cells: Cells,
    w: torch.Tensor,
    visible: torch.Tensor | None,
    select: Select,
    key: int,
) -> Any:
    rows, columns = w.shape
    struct = _ARRAY(rows=rows, columns=columns, key=key, pool_mask=POOL_SIZE - 1, select=_SELECT[select])
    struct.w, struct.visible = w.data_ptr(), None if visible is None else visible.data_ptr()
    struct.pool = pool(columns).data_ptr()
    struct.cycle_noise, struct.write_noise = device.cycle_noise, device.write_noise * device.step
    for name, tensor in cells.items():
        if name not in ("decay", "diffusion", "reset"):
            setattr(struct, name, tensor.data_ptr())
    if isinstance(device, ExponentialStep):
        struct.law = _HEADER.constants["EXPONENTIAL"]
        struct.offset = device.b
        for name in ("a_up", "a_down", "gamma_up", "gamma_down", "noise_add", "noise_slope"):
            setattr(struct, name, getattr(device, name))
    return struct
