"""What is known of a published network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PublishedNetwork:
    """A network of the literature.

    Attributes:
        name: under which `published` builds it.
        source: the publication.
        input_shape: `(channels, height, width)` it was published for.
        n_classes: number of classes it was published for.
        parameters: trainable parameters of our network at that shape.
        parameter_limit: the most it may have according to the publication, where that sets a limit.
        reading: how we read what the publication leaves open or contradicts.
        architecture: in the symbols of `ResNetSpace`, where it belongs to that space; `parse` makes a
            genotype of it.
        bottleneck: the `bottleneck` of that space.
        counterpart: for a network outside `ResNetSpace`, the architecture of that space with the same convolutions and
            linear layers, in shape and place, on inputs no longer than 64 along an axis. It differs as the space does:
            its convolutions have no biases, and a batch norm follows the 1 x 1 convolution of a skip.
        staged_counterpart: the same of `StagedSpace`.
    """

    name: str
    source: str
    input_shape: tuple[int, int, int]
    n_classes: int
    parameters: int
    parameter_limit: int | None
    reading: str
    architecture: Mapping[str, Any] | None = None
    bottleneck: str = "full"
    counterpart: Mapping[str, Any] | None = None
    staged_counterpart: Mapping[str, Any] | None = None

    @property
    def candidates(self) -> tuple[Mapping[str, Any], ...]:
        """The architectures that stand for it in a space that has one of them."""
        known = (self.architecture, self.counterpart, self.staged_counterpart)
        return tuple(architecture for architecture in known if architecture is not None)
