"""The `constraints` section: bounds by metric, as numbers or as what a published network takes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Discriminator, Field, GetJsonSchemaHandler, Tag, create_model
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from analognas.metrics import COST_BOUNDS, HARD_METRICS, SOFT_METRICS, TABLE, Metric
from analognas.specs.base import Spec
from analognas.specs.problems import nearest
from analognas.specs.quantity import Amounts, Count, Share
from search_spaces import published_names


class _Bounds(Spec):
    def upper_bounds(self) -> dict[str, float]:
        """Return the bounds that are numbers, by metric name."""
        values = self.model_dump().items()
        return {name: float(value) for name, value in values if isinstance(value, int | float)}

    @property
    def written(self) -> list[str]:
        """The metrics with a bound, as a number or by the name of a network."""
        return [name for name, value in self.model_dump().items() if value is not None]

    @property
    def says_size(self) -> bool:
        """Whether a bound on a cost is written, `null` included."""
        return bool(set(COST_BOUNDS) & self.model_fields_set)


_WHEN: Final = {"hard": "checked before training", "soft": "measured"}


def _bound(metric: Metric) -> Any:
    """Return type and default of the bound on a metric."""
    description = f"{metric.bounded} ({metric.bound}: {_WHEN[metric.bound or 'soft']})"
    if metric.bound == "soft":
        return Share | None, Field(default=None, description=description)
    quantity = Share if metric.is_share else Amounts.get(metric.unit, Count)
    number: Any = Annotated[quantity, Tag("number")]
    network: Any = Annotated[str, BeforeValidator(partial(_like_a_network, metric.relation)), Tag("network")]
    either = Annotated[network | number, Discriminator(_names_a_network), _AnyOf()]
    return either | None, Field(default=None, description=f"{description}; or `{metric.relation} resnet8`")


class _AnyOf:
    """In the JSON schema, a text may fit more than one of a union's members: `40 k` is no network, and still a text."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        found = handler(core)
        found["anyOf"] = found.pop("oneOf")
        return found


def _names_a_network(value: Any) -> Literal["network", "number"]:
    return "network" if isinstance(value, str) and value.strip().startswith(("<=", ">=")) else "number"


def _like_a_network(relation: str, value: str) -> str:
    """Return the text of a bound that names a published network, such as `<= resnet8`."""
    text = value.strip()
    if not text.startswith(relation):
        raise ValueError(
            f"is a bound with `{relation}`, got {value!r}: write `{relation} {text[2:].strip()}`"
        )
    name, known = text.removeprefix(relation).strip(), published_names()
    if name[:1].isdigit():
        raise ValueError(f"must be a number alone or name a published network: write `{name}`, got {value!r}")
    if name not in known:
        raise ValueError(
            f"must name a published network after `{relation}`, got {name!r}{nearest(name, known)}"
        )
    return f"{relation} {name}"


if TYPE_CHECKING:
    ConstraintsSpec = _Bounds
else:
    ConstraintsSpec = create_model(
        "ConstraintsSpec",
        __base__=_Bounds,
        __module__=__name__,
        __doc__="How bad a metric may be; an absent bound is free. Without one on a cost, the largest reference bounds "
        "the size.",
        **{name: _bound(TABLE[name]) for name in (*HARD_METRICS, *SOFT_METRICS)},
    )
