"""Runs of a linear array on a chip, as two compiled passes around its product: DAC, then ADC, scale, bias and a sum.

A recurrent layer runs its array once a step, on few numbers: what a step needs besides is made ready once. Numbers are
those of the layer run one by one, but for sums in another order.
"""

from __future__ import annotations

import ctypes
from typing import Any, final

import torch
from torch.nn import functional as F

from hwsim.kernels import library as kernels
from hwsim.kernels import training
from hwsim.modules.common import Common
from hwsim.modules.execution import Execution
from hwsim.mvm import OUTPUT_NOISE, Crossbar
from hwsim.noise import POOL_SIZE, NoiseStream, child_key, segment_pixels


@final
class CompiledRuns:
    """What runs of one array have ready.

    Args:
        crossbar: converters and noise of its tiles.
        common: its weights and scales.
        bounds: first and last row of each block.
        bias: `(columns,)` or None.
        noise: where noise is drawn from; None for none.
    """

    def __init__(
        self,
        crossbar: Crossbar,
        common: Common,
        bounds: tuple[tuple[int, int], ...],
        bias: torch.Tensor | None,
        noise: NoiseStream | None,
    ) -> None:
        assert crossbar.adc_levels is not None and crossbar.dac_levels is not None
        loaded = kernels.library()
        assert loaded is not None
        self._dac, self._stage = loaded.hwsim_dac, loaded.hwsim_stage
        self._levels, self._bounds, self._noise = crossbar.dac_levels, bounds, noise
        self._weights = [block.weights.contiguous() for block in common.blocks]
        self._to_code = [float(crossbar.dac_levels / block.input_range) for block in common.blocks]
        self._held = [(block.scale.flatten() * crossbar.count_step).contiguous() for block in common.blocks]
        self._columns = common.weights.shape[0]
        self._structs: list[Any] = []
        for number, scale in enumerate(self._held[: len(bounds)]):
            struct = kernels.Stage(
                channels=self._columns,
                stride=self._columns,
                converts=1,
                levels=float(crossbar.adc_levels),
                to_code=1 / crossbar.count_step,
                noise_std=crossbar.output_noise / crossbar.count_step,
                pool_mask=POOL_SIZE - 1,
                segment=segment_pixels(self._columns),
                scale=scale.data_ptr(),
            )
            if noise is not None:
                struct.pool, struct.first_image = noise.pool.values.data_ptr(), noise.first_image
            if bias is not None and number == len(bounds) - 1:
                self._held.append(bias.detach().contiguous())
                struct.shift = self._held[-1].data_ptr()
            self._structs.append(struct)

    def __call__(self, inputs: torch.Tensor, run: int, before: torch.Tensor | None = None) -> torch.Tensor:
        """Return ``before`` plus the array's outputs.

        Args:
            inputs: `(batch, ..., rows)`.
            run: how many runs there were since the execution began.
            before: `(batch, ..., columns)`; None for zeros.
        """
        inputs = inputs.float()  # the kernels read memory as it is
        total = None if before is None else _rows(before.float())
        for number, struct in enumerate(self._structs):
            row0, row1 = self._bounds[number]
            part = inputs[..., row0:row1].contiguous()
            u = torch.empty_like(part)
            levels = self._levels
            self._dac(
                part.data_ptr(), u.data_ptr(), part.numel(), self._to_code[number], levels, 1 / levels, 1
            )
            current = F.linear(u, self._weights[number])
            struct.images = len(current)
            struct.pixels = current.numel() // (len(current) * self._columns)
            struct.current = struct.out = (
                current.data_ptr()
            )  # the kernel reads each run of numbers before it writes
            assert total is None or total.shape == current.shape
            struct.before = None if total is None else total.data_ptr()
            struct.before_stride = 0 if total is None else total.stride(0)
            if self._noise is not None:
                struct.noise_key = self._key(run, number)
            if self._stage(ctypes.byref(struct), 1) != 0:
                raise MemoryError("a step of an array ran out of memory")
            total = current
        assert total is not None
        return total

    def _key(self, run: int, block: int) -> int:
        """Return the key of the output noise of one run and row block, as `AnalogLayer` has it."""
        assert self._noise is not None
        key = child_key(self._noise.key, -1 - run) if run else self._noise.key
        return child_key(child_key(key, block), OUTPUT_NOISE)


def _rows(values: torch.Tensor) -> torch.Tensor:
    """Return values of which those of each item lie side by side in memory, as the steps of a sequence do."""
    return values if values.ndim == 2 and values.stride(1) == 1 else values.contiguous()


def compiled_runs(
    crossbar: Crossbar,
    common: Common,
    execution: Execution,
    bounds: tuple[tuple[int, int], ...],
    bias: torch.Tensor | None,
) -> CompiledRuns | None:
    """Return compiled runs of a linear array with a static range and no fixed-point unit; None where there are none."""
    noise = execution.noise
    is_plain = (
        crossbar.adc_levels is not None
        and crossbar.dac_levels is not None
        and crossbar.input_noise == crossbar.read_noise == crossbar.ir_drop == crossbar.s_shape == 0
    )
    if not is_plain or execution.programmed is None or execution.curvature or torch.is_grad_enabled():
        return None
    if (
        not isinstance(noise, NoiseStream | None)
        or execution.many_chips
        or not training.serves(common.weights)
    ):
        return None
    return CompiledRuns(crossbar, common, bounds, bias, noise)
