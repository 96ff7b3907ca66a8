"""The compiled converters of training: one pass forward and one back, on dense float32 tensors on the CPU."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from typing import Any, Final

import torch

from hwsim.disturbance import Disturbance
from hwsim.kernels import library as kernels
from hwsim.noise import POOL_SIZE, NoiseStream, segment_pixels

PART_ELEMENTS: Final = 1 << 19
"""Further products that a thread makes before the ADC reads them, 2 MiB."""


def serves(tensor: torch.Tensor) -> bool:
    """Whether the compiled converters can work on `tensor`."""
    return (
        tensor.dtype == torch.float32
        and tensor.device.type == "cpu"
        and tensor.numel() > 0
        and kernels.library() is not None
    )


def same_layout(first: torch.Tensor, second: torch.Tensor) -> bool:
    """Whether two tensors are dense with equal strides."""
    return first.stride() == second.stride() and _is_dense(first)


def dac(x: torch.Tensor, input_range: torch.Tensor, n: int) -> torch.Tensor:
    """Return the quantised inputs, -1 to 1, with the strides of `x` where it is dense."""
    if not _is_dense(x):
        x = x.contiguous()
    u = torch.empty_like(x)
    _library().hwsim_dac(
        x.data_ptr(),
        u.data_ptr(),
        x.numel(),
        float(n / input_range),
        float(n),
        1 / n,
        torch.get_num_threads(),
    )
    return u


def dac_gradient(grad: torch.Tensor, x: torch.Tensor, input_range: torch.Tensor) -> torch.Tensor:
    """Return the gradient inside the input range, 0 outside; `grad` and `x` have the same layout."""
    out = torch.empty_like(x)
    _library().hwsim_dac_gradient(
        grad.data_ptr(), x.data_ptr(), out.data_ptr(), x.numel(), float(input_range), torch.get_num_threads()
    )
    return out


def adc(
    current: torch.Tensor,
    gain: torch.Tensor,
    scale: torch.Tensor,
    noise: NoiseStream | None,
    noise_std: float,
    n: int,
    bound: float,
    channel_dim: int,
    disturbance: Disturbance | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the outputs, and as uint8 in channels-last order which of them were clipped.

    Args:
        current: summed products.
        gain: one number a column, what makes a fully-on product one.
        scale: one number a column, from grid points to digital outputs.
        noise: where output noise is drawn from; None for none.
        noise_std: in units of a fully-on product.
        n: grid points on each side of zero.
        bound: output that reaches the last grid point.
        channel_dim: dimension that counts columns.
        disturbance: IR drop and read noise, added before the output noise; None for none.
    """
    rows = _rows(current, channel_dim)
    # no view, which a network could not change in place: the order of `rows` in memory, that of torch in sizes
    result = torch.empty_like(rows.movedim(-1, channel_dim))
    outputs, clipped = result.movedim(channel_dim, -1), torch.empty(rows.shape, dtype=torch.uint8)
    images, channels = len(rows), rows.shape[-1]
    threads, at_once = torch.get_num_threads(), images
    # without a disturbance one factor does both: to fully-on products, and to grid points
    gain = (gain if disturbance is not None else gain * (n / bound)).flatten().contiguous()
    scale = scale.flatten().contiguous()
    struct = kernels.Stage(
        pixels=rows[0].numel() // channels,
        channels=channels,
        gain=gain.data_ptr(),
        scale=scale.data_ptr(),
        levels=float(n),
        segment=segment_pixels(channels),
        pool_mask=POOL_SIZE - 1,
    )
    if noise is not None:
        struct.pool, struct.noise_key, struct.noise_std = _pool(noise), noise.key, noise_std * n / bound
    further: _FurtherProducts | None = None
    if disturbance is not None:
        struct.to_code = n / bound
        further = _FurtherProducts(struct, disturbance, gain, channel_dim)
        at_once = max(1, threads * PART_ELEMENTS // (further.n_products * rows[0].numel()))
    source = noise if disturbance is None or disturbance.noise is None else disturbance.noise
    first_image = source.first_image if isinstance(source, NoiseStream) else 0
    for start in range(0, images, at_once):
        part = slice(start, start + at_once)
        struct.images, struct.first_image = len(rows[part]), first_image + start
        struct.current, struct.out = rows[part].data_ptr(), outputs[part].data_ptr()
        held = None if further is None else further.make(struct, part)
        if _library().hwsim_adc(ctypes.byref(struct), clipped[part].data_ptr(), threads) != 0:
            raise MemoryError("the ADC ran out of memory")
        del held
    return result, clipped


class _FurtherProducts:
    """The products of IR drop and read noise, for some images at a time."""

    def __init__(self, struct: Any, disturbance: Disturbance, gain: torch.Tensor, channel_dim: int) -> None:
        self._channel_dim = channel_dim
        dropped, noise = disturbance.dropped, disturbance.noise
        magnitudes = _like(disturbance.magnitudes, disturbance.voltages)
        self._disturbance = replace(disturbance, magnitudes=magnitudes)
        self.n_products = 2 * (dropped is not None) + (noise is not None)
        self._stacked: torch.Tensor | None = None
        self._gains = [gain]  # what the structure points at
        if dropped is not None:
            self._gains.append(disturbance.load_gain.flatten().contiguous())
            struct.load_gain = self._gains[-1].data_ptr()
            if disturbance.voltages.shape[channel_dim] == magnitudes.shape[1]:  # one group
                self._stacked = _like(torch.cat([dropped, magnitudes]), disturbance.voltages)
        if noise is not None:
            assert isinstance(noise, NoiseStream)
            struct.pool, struct.read_key, struct.read_std = _pool(noise), noise.key, disturbance.read_std

    def make(self, struct: Any, part: slice) -> list[torch.Tensor]:
        """Point the kernel at the products of the images of `part`; return what must live until it has run."""
        given, held = self._disturbance, list[torch.Tensor]()
        u, magnitudes = given.voltages[part], given.magnitudes
        squares: torch.Tensor | None = None
        if given.noise is not None:
            squares, signed = _squares(u)
            held.append(_rows(given.product(squares, magnitudes), self._channel_dim))
            struct.variance = held[-1].data_ptr()
        else:
            signed = bool(u.amin() < 0)
        if given.dropped is None:
            return held
        if self._stacked is not None and not signed:  # |u| is u: both products as one, with stacked columns
            both = _rows(given.product(u, self._stacked), self._channel_dim)
            held.append(both)
            struct.stride = both.shape[-1]
            struct.drop = both.data_ptr()
            struct.load = both.data_ptr() + both.element_size() * len(magnitudes)
            return held
        held += [
            _rows(given.product(inputs, weights), self._channel_dim)
            for inputs, weights in ((u, given.dropped), (u.abs(), magnitudes))
        ]
        struct.stride = len(magnitudes)
        struct.drop, struct.load = (tensor.data_ptr() for tensor in held[-2:])
        return held


def _like(weights: torch.Tensor, voltages: torch.Tensor) -> torch.Tensor:
    """Return `weights` in the layout that a convolution of `voltages` would bring them to in every call."""
    if weights.ndim == 4 and voltages.is_contiguous(memory_format=torch.channels_last):
        return weights.contiguous(memory_format=torch.channels_last)
    return weights


def _pool(noise: NoiseStream) -> int:
    pointer: int = noise.pool.values.data_ptr()
    return pointer


def _squares(u: torch.Tensor) -> tuple[torch.Tensor, bool]:
    """Return u², and whether any of `u` is negative."""
    if not _is_dense(u):
        u = u.contiguous()
    squares = torch.empty_like(u)
    signed = _library().hwsim_square(u.data_ptr(), squares.data_ptr(), u.numel(), torch.get_num_threads())
    return squares, bool(signed)


def adc_gradient(
    grad: torch.Tensor, clipped: torch.Tensor, factor: torch.Tensor, channel_dim: int
) -> torch.Tensor:
    """Return ``grad * factor`` where nothing was clipped, 0 elsewhere."""
    rows = _rows(grad, channel_dim)
    out = torch.empty_like(rows)
    factor = factor.flatten().contiguous()
    channels = rows.shape[-1]
    code = _library().hwsim_adc_gradient(
        rows.data_ptr(),
        clipped.data_ptr(),
        factor.data_ptr(),
        out.data_ptr(),
        rows.numel() // channels,
        channels,
        torch.get_num_threads(),
    )
    if code != 0:
        raise MemoryError("the gradient of the ADC ran out of memory")
    return out.movedim(-1, channel_dim)


def _rows(tensor: torch.Tensor, channel_dim: int) -> torch.Tensor:
    """Return `tensor` with its channels last and side by side in memory."""
    return tensor.movedim(channel_dim, -1).contiguous()


def _is_dense(tensor: torch.Tensor) -> bool:
    return tensor.is_contiguous() or (
        tensor.ndim == 4 and tensor.is_contiguous(memory_format=torch.channels_last)
    )


def _library() -> kernels.Kernels:
    loaded = kernels.library()
    assert loaded is not None
    return loaded
