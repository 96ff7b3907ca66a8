"""`torch.nn.LSTM`, `GRU` and `RNN` on crossbar tiles.

Every layer and direction has arrays of its own, `l0`, `l0_reverse`, `l1` and so on, and so has the projection of an
LSTM. States, functions and dropout are digital. Called as in torch, with the same results but for the hardware;
dropout draws its numbers in another order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, TypeAlias, cast, final

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence

from hwsim.arguments import require
from hwsim.hardware import Hardware
from hwsim.modules.composite import AnalogComposite
from hwsim.modules.gru_arrays import GruArrays
from hwsim.modules.input_types import require_like
from hwsim.modules.lstm_arrays import LstmArrays
from hwsim.modules.recurrence import Layout, Packed, Padded, run
from hwsim.modules.recurrent_arrays import CellWeights, RecurrentArrays, State
from hwsim.modules.rnn_arrays import RnnArrays

States: TypeAlias = "torch.Tensor | tuple[torch.Tensor, torch.Tensor]"


class AnalogRecurrent(AnalogComposite, ABC):
    """What the recurrent layers share; sizes go by the names they have in torch.

    Args:
        layer: of torch.
        hardware: of all its arrays.
    """

    def __init__(self, layer: nn.RNNBase, hardware: Hardware) -> None:
        super().__init__()
        require(hardware, Hardware, "`hardware` must be hwsim.Hardware", "hwsim.preset(name) gives one")
        self.input_size, self.hidden_size = layer.input_size, layer.hidden_size
        self.num_layers, self.bidirectional = layer.num_layers, layer.bidirectional
        self.bias, self.batch_first = layer.bias, layer.batch_first
        self.dropout, self.proj_size = layer.dropout, layer.proj_size
        for name in self._suffixes():
            self.add_module(name, self._arrays(layer, _cell_weights(layer, name), hardware))

    @abstractmethod
    def _arrays(self, layer: nn.RNNBase, weights: CellWeights, hardware: Hardware) -> RecurrentArrays:
        """Return the arrays of one layer and direction."""

    @abstractmethod
    def _torch_layer(self, **options: Any) -> nn.RNNBase:
        """Return torch's layer with these options."""

    @abstractmethod
    def _state_of(self, given: Any) -> State:
        """Return states as a caller gives them, each `(layers · directions, batch, size)`."""

    @abstractmethod
    def _returned(self, state: State) -> States:
        """Return states as a caller gets them."""

    @property
    def output_size(self) -> int:
        """Numbers of the output of one direction."""
        return self.proj_size or self.hidden_size

    def forward(
        self,
        input: torch.Tensor | PackedSequence,  # noqa: A002  # as in torch
        hx: States | None = None,
    ) -> tuple[torch.Tensor | PackedSequence, States]:
        """Return outputs of all steps and the last states, as torch's layer does.

        Args:
            input: `(batch, time, inputs)` with `batch_first`, else `(time, batch, inputs)`, without a batch
                `(time, inputs)`, or a packed sequence.
            hx: first states; None for zeros.

        Raises:
            ValueError: for sequences without a step, packed sequences out of order, states of another shape.
            TypeError: for numbers of another type than the weights.
        """
        if isinstance(input, PackedSequence):
            return self._of_packed(input, hx)
        self._check_inputs(input)
        is_batch = input.ndim == 3
        inputs = input if is_batch else input.unsqueeze(0)
        if is_batch and not self.batch_first:
            inputs = inputs.transpose(0, 1)
        first = self._first(hx, inputs, inputs.shape[0], is_batch)
        outputs, last = self._run(inputs, Padded(), first)
        if not is_batch:
            return outputs.squeeze(0), self._returned(tuple(part.squeeze(1) for part in last))
        return outputs if self.batch_first else outputs.transpose(0, 1), self._returned(last)

    def flatten_parameters(self) -> None:
        """Do nothing, where torch's layer lays its weights out for cuDNN."""

    def digital(self) -> nn.Module:
        """Return torch's layer with the same parameters."""
        layer = self._torch_layer(
            num_layers=self.num_layers,
            bias=self.bias,
            batch_first=self.batch_first,
            dropout=self.dropout,
            bidirectional=self.bidirectional,
        )
        for name in self._suffixes():
            for key, value in zip(_names(name), self._arrays_of(name).torch_weights(), strict=True):
                if value is not None:
                    setattr(layer, key, value)
        return layer.train(self.training)

    def extra_repr(self) -> str:
        """Return the layer's size for `print`."""
        options = ("num_layers", "bias", "batch_first", "dropout", "bidirectional", "proj_size")
        plain = {"num_layers": 1, "bias": True}
        said = [f"{name}={getattr(self, name)}" for name in options]
        different = [
            text
            for name, text in zip(options, said, strict=True)
            if getattr(self, name) != plain.get(name, 0)
        ]
        return ", ".join([str(self.input_size), str(self.hidden_size), *different])

    def _of_packed(self, packed: PackedSequence, hx: States | None) -> tuple[PackedSequence, States]:
        sizes = packed.batch_sizes.tolist()
        if (
            sizes != sorted(sizes, reverse=True)
            or min(sizes, default=0) < 1
            or sum(sizes) != len(packed.data)
        ):
            raise ValueError(
                "`batch_sizes` of a packed sequence must not rise from step to step, be at least 1 and sum to its "
                f"rows, got {sizes} for {len(packed.data)} rows: "
                "torch.nn.utils.rnn.pack_padded_sequence(..., enforce_sorted=False) sorts sequences"
            )
        if packed.data.ndim != 2 or packed.data.shape[1] != self.input_size:
            raise ValueError(
                f"a packed sequence must have rows of {self.input_size} numbers, got {tuple(packed.data.shape)}"
            )
        for order in (packed.sorted_indices, packed.unsorted_indices):
            if order is not None and len(order) != sizes[0]:
                raise ValueError(
                    f"indices of a packed sequence must be one for each of its {sizes[0]} sequences, got {len(order)}"
                )
        rule = "rows of a packed sequence must be a tensor"
        require_like(next(self.parameters()), "rows of a packed sequence", packed.data, rule)
        first = self._first(hx, packed.data, sizes[0], is_batch=True)
        if packed.sorted_indices is not None:
            first = tuple(part.index_select(1, packed.sorted_indices) for part in first)
        outputs, last = self._run(packed.data, Packed(sizes), first)
        if packed.unsorted_indices is not None:
            last = tuple(part.index_select(1, packed.unsorted_indices) for part in last)
        found = PackedSequence(outputs, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
        return found, self._returned(last)

    def _run(self, inputs: torch.Tensor, layout: Layout, first: State) -> tuple[torch.Tensor, State]:
        """Run all layers and directions; states are `(layers · directions, batch, size)` each."""
        directions = 2 if self.bidirectional else 1
        last: list[State] = []
        for layer in range(self.num_layers):
            outputs = []
            for direction in range(directions):
                number = layer * directions + direction
                arrays = self._arrays_of(self._suffixes()[number])
                begins = tuple(part[number] for part in first)
                found, state = run(arrays, inputs, layout, begins, reverse=direction == 1)
                outputs.append(found)
                last.append(state)
            inputs = outputs[0] if directions == 1 else torch.cat(outputs, -1)
            if self.dropout and layer < self.num_layers - 1:
                inputs = F.dropout(inputs, self.dropout, self.training)
        return inputs, tuple(torch.stack(parts) for parts in zip(*last, strict=True))

    def _first(self, hx: States | None, inputs: torch.Tensor, n: int, is_batch: bool) -> State:
        """Return the first states, `(layers · directions, batch, size)` each."""
        count = self.num_layers * (2 if self.bidirectional else 1)
        sizes = self._sizes()
        if hx is None:
            return tuple(inputs.new_zeros(count, n, size) for size in sizes)
        given = self._state_of(hx)
        for part, size in zip(given, sizes, strict=True):
            wanted = (count, n, size) if is_batch else (count, size)
            require_like(inputs, "states", part, "states must be tensors, or `hx` None for zeros")
            if tuple(part.shape) != wanted:
                raise ValueError(f"states must be {wanted} for these inputs, got {tuple(part.shape)}")
        return given if is_batch else tuple(part.unsqueeze(1) for part in given)

    def _sizes(self) -> tuple[int, ...]:
        return (self.output_size,)

    def _check_inputs(self, inputs: Any) -> None:
        rule = "inputs must be a tensor or a packed sequence"
        require_like(next(self.parameters()), "inputs", inputs, rule)
        if inputs.ndim not in (2, 3) or inputs.shape[-1] != self.input_size:
            time = "batch, time" if self.batch_first else "time, batch"
            raise ValueError(
                f"inputs must be `({time}, {self.input_size})` or `(time, {self.input_size})`, got "
                f"{tuple(inputs.shape)}"
            )
        if inputs.numel() == 0:
            raise ValueError(
                f"there must be at least one sequence of at least one step, got inputs of {tuple(inputs.shape)}"
            )

    def _suffixes(self) -> list[str]:
        ends = ("", "_reverse") if self.bidirectional else ("",)
        return [f"l{layer}{end}" for layer in range(self.num_layers) for end in ends]

    def _arrays_of(self, name: str) -> RecurrentArrays:
        return cast(RecurrentArrays, self.get_submodule(name))


@final
class AnalogLSTM(AnalogRecurrent):
    """`torch.nn.LSTM` on crossbar tiles."""

    def __init__(self, layer: nn.LSTM, hardware: Hardware) -> None:
        require(layer, nn.LSTM, "`layer` must be a torch.nn.LSTM")
        super().__init__(layer, hardware)

    def _arrays(self, layer: nn.RNNBase, weights: CellWeights, hardware: Hardware) -> RecurrentArrays:
        return LstmArrays(weights, hardware, self.hidden_size)

    def _torch_layer(self, **options: Any) -> nn.RNNBase:
        return nn.LSTM(self.input_size, self.hidden_size, proj_size=self.proj_size, **options)

    def _sizes(self) -> tuple[int, ...]:
        return self.output_size, self.hidden_size

    def _state_of(self, given: Any) -> State:
        if not isinstance(given, tuple | list) or len(given) != 2:
            raise ValueError(f"the states of an LSTM must be a pair (h, c), got {type(given).__name__}")
        return tuple(given)

    def _returned(self, state: State) -> States:
        return state[0], state[1]


class _OfOneState(AnalogRecurrent, ABC):
    def _state_of(self, given: Any) -> State:
        require(given, torch.Tensor, "the state must be a tensor")
        return (given,)

    def _returned(self, state: State) -> States:
        return state[0]


@final
class AnalogGRU(_OfOneState):
    """`torch.nn.GRU` on crossbar tiles."""

    def __init__(self, layer: nn.GRU, hardware: Hardware) -> None:
        require(layer, nn.GRU, "`layer` must be a torch.nn.GRU")
        super().__init__(layer, hardware)

    def _arrays(self, layer: nn.RNNBase, weights: CellWeights, hardware: Hardware) -> RecurrentArrays:
        return GruArrays(weights, hardware, self.hidden_size)

    def _torch_layer(self, **options: Any) -> nn.RNNBase:
        return nn.GRU(self.input_size, self.hidden_size, **options)


@final
class AnalogRNN(_OfOneState):
    """`torch.nn.RNN` on crossbar tiles."""

    def __init__(self, layer: nn.RNN, hardware: Hardware) -> None:
        require(layer, nn.RNN, "`layer` must be a torch.nn.RNN")
        self.nonlinearity = layer.nonlinearity
        super().__init__(layer, hardware)

    def _arrays(self, layer: nn.RNNBase, weights: CellWeights, hardware: Hardware) -> RecurrentArrays:
        return RnnArrays(weights, hardware, self.hidden_size, cast(nn.RNN, layer).nonlinearity)

    def _torch_layer(self, **options: Any) -> nn.RNNBase:
        return nn.RNN(self.input_size, self.hidden_size, nonlinearity=self.nonlinearity, **options)


def _names(suffix: str) -> tuple[str, str, str, str, str]:
    """Return torch's names of the parameters of one layer and direction."""
    return (
        f"weight_ih_{suffix}",
        f"weight_hh_{suffix}",
        f"bias_ih_{suffix}",
        f"bias_hh_{suffix}",
        f"weight_hr_{suffix}",
    )


def _cell_weights(layer: nn.RNNBase, suffix: str) -> CellWeights:
    present = (True, True, layer.bias, layer.bias, layer.proj_size > 0)
    values: list[Any] = [
        getattr(layer, name) if has else None for name, has in zip(_names(suffix), present, strict=True)
    ]
    return CellWeights(*values)
