"""The published networks and where each is written down."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol, cast

if TYPE_CHECKING:
    from torch import nn


class _Module(Protocol):
    """A file of this folder."""

    def build(self, input_shape: tuple[int, int, int], n_classes: int) -> nn.Module: ...


# Modules by name rather than functions: they import torch, which listing the names must not.
NETWORKS: Final = {
    "resnet8": "search_spaces.published.resnet8",
}


def published_names() -> list[str]:
    """Return the names that `published` knows."""
    return list(NETWORKS)


def published(name: str, input_shape: tuple[int, int, int], n_classes: int) -> nn.Module:
    """Return a published network, fitted to the input and the classes, its weights drawn with seed 0.

    Args:
        name: one of `published_names()`.
        input_shape: `(channels, height, width)` of one example.
        n_classes: outputs of the network.

    Raises:
        ValueError: for an unknown name, or a shape or number of classes below 1.
    """
    if name not in NETWORKS:
        raise ValueError(f"`name` must be one of {', '.join(NETWORKS)}, got {name!r}")
    if len(input_shape) != 3 or min(input_shape) < 1:
        raise ValueError(
            f"`input_shape` must be (channels, height, width), each at least 1, got {input_shape}"
        )
    if n_classes < 1:
        raise ValueError(f"`n_classes >= 1` must hold, got {n_classes}")
    return cast(_Module, import_module(NETWORKS[name])).build(input_shape, n_classes)
