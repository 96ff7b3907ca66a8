"""One fused stage at run time: the products of its row blocks, and the compiled pass over each."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx

from hwsim.chips import Reading
from hwsim.disturbance import CELL_US, WIRE_OHM
from hwsim.fused.fixed_point import FixedPointStage
from hwsim.fused.graph import Affine, StagePlan, TapPlan
from hwsim.fused.tracing import shape
from hwsim.kernels import library as kernels
from hwsim.modules import AnalogLayer
from hwsim.mvm import OUTPUT_NOISE, READ_NOISE
from hwsim.noise import POOL_SIZE, NoiseStream, segment_pixels


@dataclass(frozen=True)
class _Block:
    """One row block of a layer, with the weights of one chip at one time."""

    weights: torch.Tensor
    dropped: torch.Tensor | None
    magnitudes: torch.Tensor | None
    load_gain: torch.Tensor | None
    scale: torch.Tensor
    noise_key: int
    read_key: int


class DacInputs(dict[tuple[str, int], torch.Tensor]):
    """Quantised inputs that wait for their layer: (layer, block) → tensor in torch's dimension order."""


class StageRunner:
    """Runs a stage on one thread; not to be shared between threads."""

    def __init__(self, stage: StagePlan, layers: dict[str, AnalogLayer]) -> None:
        self._stage = stage
        self._layer = None if stage.layer is None else layers[stage.layer]
        unit = None if self._layer is None else self._layer.unit
        self._unit = None if self._layer is None or unit is None else FixedPointStage(self._layer, unit)
        self._keep: list[torch.Tensor] = []  # what the structures point at
        self._blocks: list[_Block] = []
        self._pool: torch.Tensor | None = None
        self._signed = True
        self._taps = (kernels.Tap * max(1, len(stage.taps)))()
        for struct, tap in zip(self._taps, stage.taps, strict=False):
            self._fill_tap(struct, tap, layers[tap.layer])
        self._partial = self._base_struct(is_last=False)
        self._struct = self._base_struct(is_last=True)
        self._struct.first_activation = stage.first_activation
        self._struct.second_activation = stage.second_activation
        self._struct.shift = self._pointer(self._shift(stage.first, self._layer))
        if self._layer is None and stage.first is not None:
            self._struct.scale = self._pointer(stage.first.scale)
        if stage.second is not None:
            self._struct.scale2 = self._pointer(stage.second.scale)
            self._struct.shift2 = self._pointer(stage.second.shift)
        loaded = kernels.library()
        assert loaded is not None
        self._run_stage = loaded.hwsim_stage
        self._struct.n_taps = len(stage.taps)
        self._struct.taps = ctypes.addressof(self._taps)

    @property
    def layer_name(self) -> str | None:
        """Name of the analog layer, None for a digital stage."""
        return self._stage.layer

    def load(self, index: int, reading: Reading, noise: NoiseStream, signed_inputs: bool) -> None:
        """Take the weights of one chip at one time.

        Args:
            index: number of the layer among the analog layers.
            reading: the chip.
            noise: stream of the whole network.
            signed_inputs: whether the layer's inputs can be negative.
        """
        layer, name = self._layer, self._stage.layer
        if layer is None or name is None:
            return
        self._pool = noise.pool.values
        self._partial.pool = self._struct.pool = self._pool.data_ptr()
        self._signed = signed_inputs
        stream = noise.child(index)
        scales = layer.digital_scales()
        if reading.compensation is not None:
            scales = scales * reading.compensation[name]
        if self._unit is not None:
            self._unit.load(None if reading.compensation is None else reading.compensation[name])
        self._blocks = [
            self._block(layer, reading.weights[name], scales[block], block, stream.child(block))
            for block in range(len(layer.mapping.blocks))
        ]

    def unload(self) -> None:
        """Let go of the weights."""
        self._blocks = []

    def run(self, values: dict[fx.Node, Any], inputs: DacInputs, first_image: int) -> None:
        """Run the stage on a chunk of images: take its operands, leave its result and its taps' inputs."""
        stage = self._stage
        before = None if stage.before is None else _channels_inner(values[stage.before], stage.channel_dim)
        after = None if stage.after is None else _channels_inner(values[stage.after], stage.channel_dim)
        if self._layer is None:
            current = _channels_inner(values[stage.anchor], stage.channel_dim)
            self._make_room(values, inputs, tuple(current.shape))
            self._launch(self._struct, current, current.shape[stage.channel_dim], before, after)
            return
        columns = self._layer.mapping.columns
        for number, block in enumerate(self._blocks):
            u = inputs.pop((str(stage.layer), number))
            current = self._product(u, block.weights)
            is_last = number == len(self._blocks) - 1
            struct = self._struct if is_last else self._partial
            struct.scale = block.scale.data_ptr()
            struct.noise_key, struct.read_key = block.noise_key, block.read_key
            struct.first_image = first_image
            held = self._disturb(struct, block, u, current, columns)
            if self._unit is not None:
                channels = current.shape[stage.channel_dim]
                self._unit.point(struct, number, current.numel() // channels * columns)
            if is_last:
                self._make_room(values, inputs, (len(u), *(shape(stage.anchor) or ())[1:]))
                self._launch(struct, current, columns, before, after)
            elif self._unit is not None:
                self._launch(struct, current, columns, None, None)
            else:
                total = _empty(tuple(current.shape), columns, stage.channel_dim)
                struct.out = total.data_ptr()
                self._launch(struct, current, columns, before, None)
                before = total
            del held

    def _make_room(self, values: dict[fx.Node, Any], inputs: DacInputs, size: tuple[int, ...]) -> None:
        """Let the kernel write to new tensors: the result, where anybody reads it, and the taps' inputs."""
        stage = self._stage
        self._struct.out = None
        if stage.wants_result:
            values[stage.result] = result = _empty(size, size[stage.channel_dim], stage.channel_dim)
            self._struct.out = result.data_ptr()
        for tap, plan in zip(self._taps, stage.taps, strict=False):
            inputs[plan.layer, plan.block] = u = _empty(size, tap.last - tap.first, stage.channel_dim)
            tap.out = u.data_ptr()

    def _disturb(
        self, struct: Any, block: _Block, u: torch.Tensor, current: torch.Tensor, columns: int
    ) -> list[torch.Tensor]:
        """Point the kernel at what IR drop and read noise need; return what must live until it has run."""
        layer = self._layer
        assert layer is not None
        held: list[torch.Tensor] = []
        if block.magnitudes is None:
            return held
        if block.load_gain is not None:
            struct.load_gain = block.load_gain.data_ptr()
            magnitudes = block.magnitudes
            if block.dropped is not None:
                held += [self._product(u, block.dropped), self._product(u.abs(), magnitudes)]
                struct.drop, struct.load = (tensor.data_ptr() for tensor in held)
            else:
                struct.drop = current.data_ptr() + columns * current.element_size()
                struct.load = current.data_ptr() + 2 * columns * current.element_size()
                if self._signed:  # the third stacked part holds |W| u, and the load is |W| |u|
                    load = current.narrow(self._stage.channel_dim, 2 * columns, columns)
                    load.copy_(self._product(u.abs(), magnitudes))
        if layer.crossbar.read_noise > 0:
            held.append(self._product(u.square(), block.magnitudes))
            struct.variance = held[-1].data_ptr()
        return held

    def _product(self, u: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        assert self._layer is not None
        return _channels_inner(self._layer.product(u, weights), self._stage.channel_dim)

    def _launch(
        self,
        struct: Any,
        current: torch.Tensor,
        columns: int,
        before: torch.Tensor | None,
        after: torch.Tensor | None,
    ) -> None:
        struct.images = len(current)
        struct.stride = current.shape[self._stage.channel_dim]
        struct.pixels = current.numel() // (struct.images * struct.stride)
        struct.channels = columns
        size = struct.images * struct.pixels * columns  # what the kernel reads of each operand, unchecked
        for operand in (before, after):
            assert operand is None or (operand.numel() == size and operand.dtype == torch.float32)
        assert current.dtype == torch.float32
        assert current.numel() == struct.images * struct.pixels * struct.stride
        struct.current = current.data_ptr()
        struct.before = None if before is None else before.data_ptr()
        struct.after = None if after is None else after.data_ptr()
        if self._run_stage(ctypes.byref(struct), 1) != 0:
            raise MemoryError("a fused stage ran out of memory")

    def _block(
        self, layer: AnalogLayer, weights: torch.Tensor, scales: torch.Tensor, block: int, stream: NoiseStream
    ) -> _Block:
        crossbar = layer.crossbar
        weights = layer.block_weight(weights, block)
        magnitudes = weights.abs() if crossbar.read_noise > 0 or crossbar.ir_drop > 0 else None
        dropped = load_gain = None
        if crossbar.ir_drop > 0 and magnitudes is not None:
            load_gain = layer.rows_in_use[block].flatten() * (crossbar.ir_drop * WIRE_OHM * CELL_US * 1e-6)
            position = layer.block_weight(layer.row_position[block], block)
            dropped = weights * (1 - (1 - position).square())
            if layer.mapping.groups == 1:  # the three products as one, with stacked columns
                weights, dropped = _channels_last(torch.cat([weights, dropped, magnitudes])), None
                magnitudes = weights[-len(magnitudes) :]
        scale = scales * layer.input_range[block]
        if self._unit is not None:
            scale = self._unit.output_scale()
        elif crossbar.adc_levels is not None:
            scale = scale * crossbar.count_step
        if self._stage.first is not None:
            scale = scale * self._stage.first.scale
        return _Block(
            weights=_channels_last(weights),
            dropped=None if dropped is None else _channels_last(dropped),
            magnitudes=None if magnitudes is None else _channels_last(magnitudes),
            load_gain=load_gain,
            scale=scale.contiguous(),
            noise_key=stream.child(OUTPUT_NOISE).key,
            read_key=stream.child(READ_NOISE).key,
        )

    def _base_struct(self, *, is_last: bool) -> Any:
        struct = kernels.Stage()
        if self._layer is None:
            struct.segment = 1 << 40
            return struct
        crossbar = self._layer.crossbar
        struct.converts = 1
        struct.levels = float(crossbar.adc_levels or 0)
        struct.to_code = (
            crossbar.adc_levels / crossbar.out_bound if crossbar.adc_levels and crossbar.out_bound else 1.0
        )
        struct.noise_std = crossbar.output_noise * struct.to_code
        struct.read_std = crossbar.read_noise
        struct.s_shape = crossbar.s_shape
        struct.pool_mask = POOL_SIZE - 1
        struct.segment = segment_pixels(self._layer.mapping.columns)
        if self._unit is not None:
            self._unit.fill(struct, is_last=is_last)
        return struct

    def _fill_tap(self, struct: Any, tap: TapPlan, layer: AnalogLayer) -> None:
        levels = layer.crossbar.dac_levels
        struct.first, struct.last = layer.block_channels(tap.block)
        struct.activation = tap.activation
        struct.levels = float(levels or 0)
        struct.to_code = float((levels or 1) / layer.input_range[tap.block])
        struct.from_code = 1 / (levels or 1)
        if tap.affine is not None:
            struct.scale = self._pointer(tap.affine.scale)
            struct.shift = self._pointer(tap.affine.shift)

    def _pointer(self, tensor: torch.Tensor | None) -> int | None:
        if tensor is None:
            return None
        tensor = tensor.detach().float().contiguous()
        self._keep.append(tensor)
        return tensor.data_ptr()

    @staticmethod
    def _shift(affine: Affine | None, layer: AnalogLayer | None) -> torch.Tensor | None:
        if layer is None or layer.bias is None or layer.unit is not None:  # a unit adds the bias itself
            return None if affine is None else affine.shift
        return layer.bias if affine is None else layer.bias * affine.scale + affine.shift


def _channels_inner(tensor: torch.Tensor, channel_dim: int) -> torch.Tensor:
    """Return `tensor` in its order of dimensions, the channels side by side in memory."""
    if channel_dim == -1:
        return tensor.contiguous()
    if tensor.ndim == 4:
        return tensor.contiguous(memory_format=torch.channels_last)
    return tensor.movedim(channel_dim, -1).contiguous().movedim(-1, channel_dim)


def _empty(size: tuple[int, ...], channels: int, channel_dim: int) -> torch.Tensor:
    """Return room like that of a tensor of `size` with `channels`, the channels side by side in memory."""
    if channel_dim == -1:
        return torch.empty(*size[:-1], channels, dtype=torch.float32)
    if len(size) == 4:
        return torch.empty(
            size[0], channels, *size[2:], dtype=torch.float32, memory_format=torch.channels_last
        )
    return torch.empty(size[0], *size[2:], channels, dtype=torch.float32).movedim(-1, channel_dim)


def _channels_last(weights: torch.Tensor) -> torch.Tensor:
    if weights.ndim == 4:
        return weights.contiguous(memory_format=torch.channels_last)
    return weights.contiguous()
