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
