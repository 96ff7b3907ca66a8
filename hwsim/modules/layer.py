"""Analog layers: torch modules whose products run on crossbar tiles.

`weight` and `bias` are the digital layer's own float parameters, so that a network can be trained, saved,
loaded and turned back to digital as it is. The tiles hold `weight / γ` with γ the largest magnitude of each
column in each tile; γ, the input range and the bias are digital. Tiles that share their rows share their
input range. A layer may have one γ, and a bound of its ADCs that is calibrated and trained.

References:
    Rasch et al., Nat. Commun. 14:5282, 2023 (columnwise scales, one static input range a tile).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import reduce
from typing import Any, Final, NoReturn

import torch
from torch import nn

from hwsim.arguments import require
from hwsim.hardware import Hardware
from hwsim.mapping import LayerMapping, map_layer
from hwsim.modules.calibrated import require_ranges, shares_inside
from hwsim.modules.column_scales import largest_weights, reciprocal, times_columns
from hwsim.modules.common import Block, Common
from hwsim.modules.compiled_runs import CompiledRuns, compiled_runs
from hwsim.modules.dynamic_scaling import dynamic_product
from hwsim.modules.execution import NOMINAL, Activation, Execution
from hwsim.modules.exporting import refuse_export, refuse_when_exported
from hwsim.modules.input_types import require_like
from hwsim.modules.own_parameter import own_parameter
from hwsim.mvm import Crossbar
from hwsim.near_memory.layer_unit import LayerUnit, layer_unit
from hwsim.near_memory.words import Words

SMALLEST_SCALE: Final = 1e-20
"""γ of a column of zeros outside of a chip: no output, but the gradient of the digital weights, so that it learns."""


class AnalogLayer(nn.Module, ABC):
    """What the analog layers share: parameters, mapping, and the sum over row blocks.

    Attributes:
        weight: `(columns, ...)` float32, the digital weights.
        bias: `(columns,)` float32 or None, added digitally.
        input_range: `(blocks,)` float32, the input that drives the DAC fully; 0 until calibrated.
        output_scale: `(blocks, columns)` float32, factor on the column scales: learned, or the gain of a folded batch
            norm; else 1.
        output_range: 0-dim float32, the output that fills the output word of a fixed-point unit, 0 until calibrated;
            None in floating point.
        out_bound: 0-dim float32, the output that fills the ADC, in fully-on products, where `converters.adc_gain` is
            not fixed; one tensor for all layers where it is shared. None where the hardware says it.
        weight_range: 0-dim float32, the weight that g_max stands for, where `converters.weight_scaling` is layer; 0
            while it is the largest weight. None where columns have scales of their own.
        unit: the fixed-point unit behind the tiles; None in floating point.
        fused: the activation that the unit computes, too; the network may compute it again.
        has_folded_norm: whether scale and bias hold a batch norm that followed the layer.
        unclipped: `(blocks,)` share of a step's inputs inside the input range, the least of all runs, while
            ranges are learned; with a fixed-point unit one more, of outputs inside the output range.
        mapping: the layer's tiles.
    """

    bias: nn.Parameter | None
    output_range: nn.Parameter | None
    out_bound: nn.Parameter | None
    weight_range: nn.Parameter | None
    rows_in_use: torch.Tensor
    row_position: torch.Tensor
    unclipped: torch.Tensor

    def __init__(
        self, weight: torch.Tensor, bias: torch.Tensor | None, hardware: Hardware, groups: int = 1
    ) -> None:
        super().__init__()
        require(hardware, Hardware, "`hardware` must be hwsim.Hardware", "hwsim.preset(name) gives one")
        self.weight = own_parameter(weight)
        self.bias = None if bias is None else own_parameter(bias)
        self.hardware = hardware
        self._crossbar = Crossbar.from_hardware(hardware)
        self.mapping: LayerMapping = map_layer(
            rows=weight[0].numel() * groups,
            columns=weight.shape[0],
            groups=groups,
            tile_rows=hardware.tile.rows,
            tile_columns=hardware.tile.columns,
        )
        initial = 0.0 if hardware.needs_input_range else 1.0
        n_blocks, device = len(self.mapping.blocks), weight.device
        self.input_range = nn.Parameter(self.weight.new_full((n_blocks,), initial), requires_grad=False)
        self.output_scale = nn.Parameter(self.weight.new_ones(n_blocks, weight.shape[0]), requires_grad=False)
        converters = hardware.converters
        self.unit: LayerUnit | None = layer_unit(hardware, self._crossbar, self.mapping, device)
        for name, is_there, value in (
            ("out_bound", converters.adc_gain != "fixed", converters.out_bound),
            ("weight_range", converters.weight_scaling == "layer", 0.0),
            ("output_range", self.unit is not None, 0.0),
        ):
            single = nn.Parameter(self.weight.new_tensor(value), False) if is_there else None
            self.register_parameter(name, single)
        self.fused: Activation = "identity"
        self.has_folded_norm = False
        self._execution, self._runs = NOMINAL, 0
        self._common: Common | None = None  # while held
        self._compiled: CompiledRuns | None = None
        self._digital_weight: torch.Tensor | None = None
        shares = self.weight.new_ones(n_blocks + (self.unit is not None))
        self.register_buffer("unclipped", shares, persistent=False)
        self._column_shape = (-1,) + (1,) * (-self.channel_dim - 1)
        self.lay_out(self.mapping)

    def lay_out(self, mapping: LayerMapping) -> None:
        """Take the places of the layer's parts on tiles, which decide how far from the converters its rows are."""
        self.mapping, weight = mapping, self.weight
        in_use = torch.from_numpy(mapping.rows_in_use()).float()
        first = torch.from_numpy(mapping.first_row()).float()
        blocks = torch.tensor([row0 for row0, _ in mapping.blocks])
        row = torch.arange(weight[0].numel()) - blocks[:, None]
        # without groups or other layers on the tile, every column of a block starts at the same row
        like = slice(1 if mapping.groups == 1 and mapping.places is None else None)
        position = (first[:, like, None] + row[:, None, :]) / in_use[:, like, None]
        in_use = in_use.view(len(mapping.blocks), *self._column_shape)
        position = position.view(*position.shape[:2], *weight.shape[1:])
        for name, values in (("rows_in_use", in_use), ("row_position", position)):
            self.register_buffer(name, values.to(weight.device), persistent=False)

    @property
    def crossbar(self) -> Crossbar:
        """Converters and non-idealities of the tiles, with the bound of the ADC as it is now."""
        if self.out_bound is None:
            return self._crossbar
        return replace(self._crossbar, out_bound=float(self.out_bound.detach()))

    @property
    def execution(self) -> Execution:
        """What the layer computes with at the moment; a run after the first since it was set has other noise."""
        return self._execution

    @execution.setter
    def execution(self, execution: Execution) -> None:
        self._execution, self._runs = execution, 0

    def __prepare_scriptable__(self) -> NoReturn:
        """Refuse `torch.jit.script`, which asks here before it reads any code."""
        refuse_export()

    def __getstate__(self) -> dict[str, Any]:
        """Return what copies and files of the layer hold: no noise of the moment."""
        held = dict.fromkeys(("_common", "_compiled", "_digital_weight"))
        return {**self.__dict__, **held, "_execution": NOMINAL, "_runs": 0}

    @property
    @abstractmethod
    def channel_dim(self) -> int:
        """Dimension of inputs and outputs that counts rows and columns, negative."""

    @abstractmethod
    def product(self, inputs: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Return the linear operation without bias."""

    @abstractmethod
    def block_input(self, inputs: torch.Tensor, block: int) -> torch.Tensor:
        """Return the inputs that reach a row block."""

    @abstractmethod
    def block_weight(self, weights: torch.Tensor, block: int) -> torch.Tensor:
        """Return the weights of a row block, matching `block_input`."""

    @abstractmethod
    def vectors(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the input vector of every MVM, `(batch, ..., groups, rows of a group)`."""

    @abstractmethod
    def fold(self, outputs: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
        """Return outputs of every MVM, `(batch, ..., columns)`, in the layer's own shape."""

    @abstractmethod
    def laid_out(self, outputs: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
        """Return outputs in the order in memory that `inputs` and `execution` ask for."""

    @abstractmethod
    def digital(self) -> nn.Module:
        """Return the plain torch layer with the same parameters."""

    @abstractmethod
    def check_input(self, inputs: torch.Tensor) -> None:
        """Raise ValueError for inputs of the wrong shape."""

    @property
    def is_dynamic(self) -> bool:
        """Whether each input vector is scaled by its own largest magnitude."""
        return self.hardware.converters.input_scaling == "dynamic"

    @property
    def is_fusible(self) -> bool:
        """Whether a compiled stage can do this layer's arithmetic."""
        bounded_without_adc = self.crossbar.adc_levels is None and self.crossbar.out_bound is not None
        if self.is_dynamic or self.crossbar.input_noise > 0 or bounded_without_adc:
            return False
        if self._forward_hooks or self._forward_pre_hooks:  # no kernel would call them
            return False
        return len(self.mapping.blocks) == 1 or self.mapping.groups == 1

    def block_channels(self, block: int) -> tuple[int, int]:
        """Return the range of input channels that a row block touches."""
        row0, row1 = self.mapping.blocks[block]
        kernel = self.weight[0, 0].numel()
        return row0 // kernel * self.mapping.groups, -(-row1 // kernel) * self.mapping.groups

    @torch.no_grad()
    def column_scales(self) -> torch.Tensor:
        """Return γ, `(blocks, columns)`: the weight that takes g_max; 0 for an all-zero column."""
        if self.weight_range is not None:
            largest = torch.where(self.weight_range > 0, self.weight_range, self.weight.abs().amax())
            return largest * torch.ones_like(self.output_scale)
        return largest_weights(self.weight, self.mapping.blocks)

    def normalised_weight(self) -> torch.Tensor:
        """Return the weights in units of g_max, -1 to 1, detached, in the shape of `weight`."""
        return times_columns(self.weight, reciprocal(self.column_scales()), self.mapping.blocks)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the layer's outputs as `execution` says.

        Raises:
            ValueError: for inputs of the wrong shape, none where noise is drawn, or an input range that is not
                calibrated.
            TypeError: for inputs that are no tensor of the weights' type.
        """
        refuse_when_exported()
        if torch.compiler.is_dynamo_compiling():  # it could trace neither kernels nor noise
            apart: torch.Tensor = torch.compiler.disable(self.forward)(inputs)  # type: ignore[no-untyped-call]
            return apart
        require_like(self.weight, "inputs", inputs, "inputs must be a tensor")
        self.check_input(inputs)
        digital = self.execution.digital
        if self._compiled is not None:
            self._runs += 1
            return self._compiled(inputs, self._runs - 1)
        if digital:
            weight = self.digital_weight() if self._digital_weight is None else self._digital_weight
            outputs = self.product(inputs, weight)
        else:
            outputs = self._analog(inputs, self.execution)
        if self.bias is not None and (digital or self.unit is None):  # else the bias is an offset of the unit
            outputs = outputs + self.bias.view(self._column_shape)
        return self.laid_out(outputs, inputs)

    def digital_scales(self) -> torch.Tensor:
        """Return what each column's ADC output is multiplied by, `(blocks, columns)`."""
        return self.column_scales() * self.output_scale

    def fixed_point_words(self, compensation: torch.Tensor | None = None) -> Words:
        """Return scales and offsets of the fixed-point unit, with `(blocks, columns)` drift compensation if given."""
        assert self.unit is not None and self.output_range is not None
        scales = self.digital_scales() if compensation is None else self.digital_scales() * compensation
        scales = scales * self.input_range.unsqueeze(1)
        return self.unit.words(scales, self.bias, self.output_range, self.crossbar.count_step)

    def digital_weight(self) -> torch.Tensor:
        """Return the weights with the learned scales, detached, in the shape of `weight`."""
        return times_columns(self.weight, self.output_scale, self.mapping.blocks)

    def require_input_range(self, name: str = "") -> None:
        """Raise ValueError unless input and output range are calibrated; `name` names the layer in the message."""
        require_ranges(self.input_range, self.output_range, name)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Compute once what runs have in common, while weights and execution stay as they are.

        Raises:
            ValueError: unless input and output range are calibrated.
        """
        execution = self.execution
        if execution.digital:
            self._digital_weight = self.digital_weight()
        else:
            self._common = self._common_of(execution)
            if self.channel_dim == -1 and self.unit is None and not self.is_dynamic:
                parts = self.crossbar, self._common, execution, self.mapping.blocks, self.bias
                self._compiled = compiled_runs(*parts)
        try:
            yield
        finally:
            self._digital_weight = self._common = self._compiled = None

    @property
    def runs_compiled(self) -> bool:
        """Whether runs are those of compiled kernels, while held on a chip."""
        return self._compiled is not None

    def added_to(self, others: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
        """Return ``others + self(inputs)``, `(batch, columns)`, in one pass while held on a chip."""
        if self._compiled is None or self._forward_hooks or self._forward_pre_hooks:
            return torch.add(others, self(inputs))
        self._runs += 1
        return self._compiled(inputs, self._runs - 1, others)

    def _common_of(self, execution: Execution) -> Common:
        self.require_input_range()
        scales = self.column_scales()
        if execution.programmed is not None:
            weights, gains = execution.programmed, torch.ones_like(scales)
        else:
            weights = self.weight if execution.weight_noise is None else self.weight + execution.weight_noise
            scales = scales.clamp(min=SMALLEST_SCALE)
            gains = 1 / scales
        scales = scales * self.output_scale
        scales = scales if execution.compensation is None else scales * execution.compensation
        blocks, shape = range(0 if self.is_dynamic else len(self.mapping.blocks)), self._column_shape
        return Common(
            weights,
            execution.curvature,
            gains,
            scales,
            tuple(
                Block(
                    weights=self.block_weight(weights, block),
                    curvature=tuple(self.block_weight(power, block) for power in execution.curvature),
                    gain=gains[block].view(shape),
                    input_range=self.input_range[block],
                    scale=(scales[block] * self.input_range[block]).view(shape),
                    rows_in_use=self.rows_in_use[block],
                    row_position=self.block_weight(self.row_position[block], block),
                )
                for block in blocks
            ),
        )

    def _analog(self, inputs: torch.Tensor, execution: Execution) -> torch.Tensor:
        common = self._common or self._common_of(execution)
        noise = execution.noise
        if noise is not None and len(inputs) == 0:
            raise ValueError(f"inputs must have at least one image, got {tuple(inputs.shape)}")
        if noise is not None and self._runs > 0:
            noise = noise.child(-1 - self._runs)
        self._runs += 1
        if self.is_dynamic:
            outputs = dynamic_product(
                self.vectors(inputs),
                common,
                mapping=self.mapping,
                crossbar=self.crossbar,
                rows_in_use=self.rows_in_use,
                row_position=self.row_position,
                noise=noise,
            )
            return self.fold(outputs, inputs)
        crossbar, learned_bound = self.crossbar, None
        if self.out_bound is not None and self.out_bound.requires_grad and torch.is_grad_enabled():
            learned_bound = self.out_bound
        learns_ranges = self.input_range.requires_grad and noise is not None  # not outside a step
        if learns_ranges and self.unit is None:
            self._note_clipping(inputs)

        def tiles(index: int, block: Block, scale: torch.Tensor | None) -> torch.Tensor:
            return crossbar.multiply(
                self.block_input(inputs, index),
                block.weights,
                product=self.product,
                channel_dim=self.channel_dim,
                input_range=block.input_range,
                gain=block.gain,
                scale=scale,
                rows_in_use=block.rows_in_use,
                row_position=block.row_position,
                noise=None if noise is None else noise.child(index),
                curvature=block.curvature,
                learned_bound=learned_bound,
            )

        if self.unit is not None:
            assert self.output_range is not None and crossbar.adc_levels is not None
            step = crossbar.count_step if learned_bound is None else learned_bound / crossbar.adc_levels
            outputs = self.unit.post_process(
                [tiles(index, block, None) for index, block in enumerate(common.blocks)],
                column_scales=common.scales * self.input_range.unsqueeze(1),
                bias=self.bias,
                output_range=self.output_range,
                count_step=step,
                channel_dim=self.channel_dim,
                relu=self.fused != "identity",
                many_chips=execution.many_chips,
            )
            if learns_ranges:
                self._note_clipping(inputs, self.unit.unbounded_share(outputs, self.output_range))
            return outputs
        return reduce(
            torch.add, (tiles(index, block, block.scale) for index, block in enumerate(common.blocks))
        )

    @torch.no_grad()
    def _note_clipping(self, inputs: torch.Tensor, *of_outputs: torch.Tensor) -> None:
        parts = (self.block_input(inputs, block) for block in range(len(self.mapping.blocks)))
        new = torch.stack([*shares_inside(parts, self.input_range), *of_outputs])
        self.unclipped = new if self._runs == 1 else torch.minimum(self.unclipped, new)
