"""A family of specifications: its dictionary by kind, and the section of a configuration that follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field

S = TypeVar("S", bound=BaseModel)


def by_kind(*specs: type[S]) -> dict[str, type[S]]:
    """Return specifications by the name that each has in a configuration, the default of its field `kind`."""
    return {spec.model_fields["kind"].default: spec for spec in specs}


def section(family: Mapping[str, type[BaseModel]]) -> Any:
    """Return the type of a section that is of one kind of a family of two or more."""
    return Annotated[reduce(or_, family.values()), Field(discriminator="kind")]
