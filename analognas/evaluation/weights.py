"""The weights of a network as a safetensors file in memory."""

from __future__ import annotations

from safetensors.torch import load, save
from torch import nn

from analognas.training.channels_last import to_channels_last


def weights_of(network: nn.Module) -> bytes:
    """Return a safetensors file of the state dict of `network`."""
    return save({name: tensor.cpu().contiguous() for name, tensor in network.state_dict().items()})


def with_weights(network: nn.Module, weights: bytes) -> nn.Module:
    """Return `network` with the weights of a safetensors file, channels last, in evaluation mode."""
    network.load_state_dict(load(weights))
    to_channels_last(network)
    return network.eval()
