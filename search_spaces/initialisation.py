"""Initial weights from an explicit generator.

torch draws initial weights from one global generator. `initialise` draws them again from the generator it is
given, so that a network's start depends on a trial's seed and on nothing else: Kaiming normal for
convolutions (fan in, ReLU), normal with variance 1 / fan-in for linear layers, biases 0, normalisation layers
scale 1 and shift 0 with fresh statistics, embeddings standard normal, and recurrent layers uniform within
1 / sqrt(hidden units), as torch has them.

References:
    He et al., "Delving Deep into Rectifiers", ICCV 2015, arXiv 1502.01852.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch
    from torch import nn


def initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Draw all weights of `network` from `generator`, in place; equal generators give equal networks.

    Args:
        network: its parameters must belong to convolutions, linear, recurrent and normalisation layers and embeddings.
        generator: on the device of the parameters.

    Raises:
        ValueError: for a parameter of any other module; nothing has been changed then.
    """
    from torch import nn

    convolutions = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
    norms = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.GroupNorm, nn.LayerNorm)
    known = (*convolutions, *norms, nn.Linear, nn.RNNBase, nn.Embedding)
    for name, module in network.named_modules():
        if not isinstance(module, known) and list(module.parameters(recurse=False)):
            raise ValueError(
                "`initialise` knows convolutions, linear, recurrent and normalisation layers and embeddings only, got "
                f"`{name}` of type {type(module).__name__}: give it an initialisation of its own"
            )
    for module in network.modules():
        if isinstance(module, norms):
            module.reset_parameters()
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, generator=generator)
        elif isinstance(module, nn.RNNBase):
            for values in module.parameters():
                nn.init.uniform_(
                    values, -(module.hidden_size**-0.5), module.hidden_size**-0.5, generator=generator
                )
        elif isinstance(module, (*convolutions, nn.Linear)):
            followed_by: Literal["linear", "relu"] = "linear" if isinstance(module, nn.Linear) else "relu"
            nn.init.kaiming_normal_(module.weight, nonlinearity=followed_by, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def initialised(make: Callable[[], nn.Module]) -> nn.Module:
    """Return the network that `make` makes, its weights drawn with seed 0.

    Its layers are made on the meta device, where they draw no weights: the global generator stays as it is.
    """
    import torch

    with torch.device("meta"):
        network = make()
    network.to_empty(device="cpu")
    initialise(network, torch.Generator().manual_seed(0))
    return network
