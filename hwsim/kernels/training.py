"""The compiled converters of training: one pass forward and one back, on dense float32 tensors on the CPU."""

from __future__ import annotations

import ctypes

import torch

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
    channel_dim: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the outputs, and as uint8 in channels-last order which of them were clipped.

    Args:
        current: summed products.
        gain: one number a column, to grid points.
        scale: one number a column, from grid points to digital outputs.
        noise: where output noise is drawn from; None for none.
        noise_std: in grid points.
        n: grid points on each side of zero.
        channel_dim: dimension that counts columns.
    """
    rows = current.movedim(channel_dim, -1).contiguous()
    outputs, clipped = torch.empty_like(rows), torch.empty(rows.shape, dtype=torch.uint8)
    gain, scale = gain.flatten().contiguous(), scale.flatten().contiguous()
    channels = rows.shape[-1]
    struct = kernels.Stage(
        images=rows.shape[0],
        pixels=rows[0].numel() // channels,
        channels=channels,
        current=rows.data_ptr(),
        gain=gain.data_ptr(),
        scale=scale.data_ptr(),
        levels=float(n),
        segment=segment_pixels(channels),
        out=outputs.data_ptr(),
    )
    if noise is not None:
        struct.pool, struct.noise_key, struct.first_image = (
            noise.pool.values.data_ptr(),
            noise.key,
            noise.first_image,
        )
        struct.pool_mask, struct.noise_std = POOL_SIZE - 1, noise_std
    if _library().hwsim_adc(ctypes.byref(struct), clipped.data_ptr(), torch.get_num_threads()) != 0:
        raise MemoryError("the ADC ran out of memory")
    return outputs.movedim(-1, channel_dim), clipped


def adc_gradient(
    grad: torch.Tensor, clipped: torch.Tensor, factor: torch.Tensor, channel_dim: int
) -> torch.Tensor:
    """Return ``grad * factor`` where nothing was clipped, 0 elsewhere."""
    rows = grad.movedim(channel_dim, -1).contiguous()
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


def _is_dense(tensor: torch.Tensor) -> bool:
    return tensor.is_contiguous() or (
        tensor.ndim == 4 and tensor.is_contiguous(memory_format=torch.channels_last)
    )


def _library() -> kernels.Kernels:
    loaded = kernels.library()
    assert loaded is not None
    return loaded
