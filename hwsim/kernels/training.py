"""The compiled converters of training: one pass forward and one back, on dense float32 tensors on the CPU."""

from __future__ import annotations

import ctypes
from typing import Any

import torch

from hwsim.disturbance import Disturbance
from hwsim.kernels import library as kernels
from hwsim.noise import POOL_SIZE, NoiseStream, segment_pixels


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
    outputs, clipped = torch.empty_like(rows), torch.empty(rows.shape, dtype=torch.uint8)
    # without a disturbance one factor does both: to fully-on products, and to grid points
    gain = (gain if disturbance is not None else gain * (n / bound)).flatten().contiguous()
    scale = scale.flatten().contiguous()
    channels = rows.shape[-1]
    struct = kernels.Stage(
        images=rows.shape[0],
        pixels=rows[0].numel() // channels,
        channels=channels,
        current=rows.data_ptr(),
        stride=channels,
        gain=gain.data_ptr(),
        scale=scale.data_ptr(),
        levels=float(n),
        segment=segment_pixels(channels),
        pool_mask=POOL_SIZE - 1,
        out=outputs.data_ptr(),
    )
    if noise is not None:
        struct.pool, struct.first_image = noise.pool.values.data_ptr(), noise.first_image
        struct.noise_key, struct.noise_std = noise.key, noise_std * n / bound
    held: list[torch.Tensor] = []
    if disturbance is not None:
        struct.to_code = n / bound
        _disturb(struct, disturbance, gain, channel_dim, held)
    if _library().hwsim_adc(ctypes.byref(struct), clipped.data_ptr(), torch.get_num_threads()) != 0:
        raise MemoryError("the ADC ran out of memory")
    return outputs.movedim(-1, channel_dim), clipped


def _disturb(
    struct: Any, disturbance: Disturbance, gain: torch.Tensor, channel_dim: int, held: list[torch.Tensor]
) -> None:
    """Point the kernel at the further products; `held` keeps what it points at."""
    noise = disturbance.noise
    if disturbance.load is not None and disturbance.drop is not None:
        load, drop = _pixels(disturbance.load, channel_dim), _pixels(disturbance.drop, channel_dim)
        if load.stride() != drop.stride() or load.stride(1) != 1:
            load, drop = load.contiguous(), drop.contiguous()
        held += [load, drop, disturbance.load_gain.flatten().contiguous()]
        struct.load, struct.drop, struct.load_gain = (tensor.data_ptr() for tensor in held)
        struct.stride = load.stride(0)
    if disturbance.variance is not None and noise is not None:
        assert isinstance(noise, NoiseStream)
        held.append(_rows(disturbance.variance, channel_dim))
        struct.variance, struct.variance_gain = held[-1].data_ptr(), gain.data_ptr()
        struct.pool, struct.first_image = noise.pool.values.data_ptr(), noise.first_image
        struct.read_key, struct.read_std = noise.key, disturbance.read_std


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


def _pixels(tensor: torch.Tensor, channel_dim: int) -> torch.Tensor:
    """Return `tensor` as `(pixels, channels)`, a view where pixels lie at equal distances."""
    return tensor.movedim(channel_dim, -1).flatten(0, -2)


def _is_dense(tensor: torch.Tensor) -> bool:
    return tensor.is_contiguous() or (
        tensor.ndim == 4 and tensor.is_contiguous(memory_format=torch.channels_last)
    )


def _library() -> kernels.Kernels:
    loaded = kernels.library()
    assert loaded is not None
    return loaded
