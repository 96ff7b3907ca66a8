"""Which analog layer stands for which layer of torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from torch import nn

from hwsim.hardware import Hardware
from hwsim.modules.attention import AnalogMultiheadAttention
from hwsim.modules.composite import AnalogComposite
from hwsim.modules.convolution import AnalogConv1d, AnalogConv2d, AnalogConv3d
from hwsim.modules.layer import AnalogLayer
from hwsim.modules.linear import AnalogLinear
from hwsim.modules.recurrent import AnalogGRU, AnalogLSTM, AnalogRNN
from hwsim.modules.recurrent_cells import AnalogGRUCell, AnalogLSTMCell, AnalogRNNCell
from hwsim.modules.transposed_convolution import AnalogConvTranspose1d, AnalogConvTranspose2d

Analog: TypeAlias = AnalogLayer | AnalogComposite

COUNTERPARTS: Final[Mapping[type[nn.Module], Callable[[Any, Hardware], Analog]]] = {
    nn.Linear: AnalogLinear,
    nn.Conv1d: AnalogConv1d,
    nn.Conv2d: AnalogConv2d,
    nn.Conv3d: AnalogConv3d,
    nn.ConvTranspose1d: AnalogConvTranspose1d,
    nn.ConvTranspose2d: AnalogConvTranspose2d,
    nn.LSTM: AnalogLSTM,
    nn.GRU: AnalogGRU,
    nn.RNN: AnalogRNN,
    nn.LSTMCell: AnalogLSTMCell,
    nn.GRUCell: AnalogGRUCell,
    nn.RNNCell: AnalogRNNCell,
    nn.MultiheadAttention: AnalogMultiheadAttention,
}
"""By the class in torch; a subclass counts as its class if it has its `forward`."""

UNSUPPORTED: Final = (nn.ConvTranspose3d, nn.Bilinear)
"""Layers that multiply by a weight matrix and have no analog counterpart."""

LAYERS: Final = (*COUNTERPARTS, *UNSUPPORTED)
"""What is one layer of a digital network, with all that is in it."""

PLAIN_FORWARDS: Final = tuple(kind.forward for kind in COUNTERPARTS)
"""What tiles compute; a subclass may add to a layer, but not change this."""


def counterpart_of(layer: nn.Module, hardware: Hardware) -> Analog:
    """Return the analog layer of a layer that has one."""
    (found,) = (analog for kind, analog in COUNTERPARTS.items() if isinstance(layer, kind))
    return found(layer, hardware)
