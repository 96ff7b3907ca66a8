"""A metric by its name in a configuration."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, WithJsonSchema

from analognas.metrics import METRICS
from analognas.specs.problems import nearest


def _known(name: str) -> str:
    if name not in METRICS:
        raise ValueError(f"must be a metric, got {name!r}{nearest(name, METRICS)}")
    return name


MetricName: TypeAlias = Annotated[
    str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(METRICS)})
]
"""The name of a metric of `analognas.metrics`."""
