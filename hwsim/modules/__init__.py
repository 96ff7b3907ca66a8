"""Analog layers: torch modules whose products run on crossbar tiles."""

from hwsim.modules.attention import AnalogMultiheadAttention
from hwsim.modules.composite import AnalogComposite
from hwsim.modules.convolution import AnalogConv1d, AnalogConv2d, AnalogConv3d
from hwsim.modules.execution import NOMINAL, Activation, Execution
from hwsim.modules.layer import AnalogLayer
from hwsim.modules.linear import AnalogLinear
from hwsim.modules.parameter_product import ParameterProduct
from hwsim.modules.recurrent import AnalogGRU, AnalogLSTM, AnalogRecurrent, AnalogRNN
from hwsim.modules.recurrent_cells import AnalogGRUCell, AnalogLSTMCell, AnalogRNNCell
from hwsim.modules.transposed_convolution import AnalogConvTranspose1d, AnalogConvTranspose2d

__all__ = [
    "NOMINAL",
    "Activation",
    "AnalogComposite",
    "AnalogConv1d",
    "AnalogConv2d",
    "AnalogConv3d",
    "AnalogConvTranspose1d",
    "AnalogConvTranspose2d",
    "AnalogGRU",
    "AnalogGRUCell",
    "AnalogLSTM",
    "AnalogLSTMCell",
    "AnalogLayer",
    "AnalogLinear",
    "AnalogMultiheadAttention",
    "AnalogRNN",
    "AnalogRNNCell",
    "AnalogRecurrent",
    "Execution",
    "ParameterProduct",
]
