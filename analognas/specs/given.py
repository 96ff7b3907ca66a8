"""Objects that a caller gives in place of a section: a space, a strategy, a surrogate or a task of his own.

A configuration keeps what an object is called and how it describes itself; the object itself lives in the process that
was given it, and is never written to a file. Whoever continues the run gives it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from analognas.errors import UserError
from analognas.specs.base import Spec

OBJECT: Final = "object"
"""The kind of a section that is an object."""

LONGEST: Final = 300
"""Characters of an object's description that are kept."""


class Part(NamedTuple):
    """A part of a search that may be an object.

    Attributes:
        argument: by which Python takes it.
        path: where its section is in a configuration.
    """

    argument: str
    path: tuple[str, ...]


PARTS: Final = (
    Part("task", ("task",)),
    Part("space", ("space",)),
    Part("strategy", ("search", "strategy")),
    Part("surrogate", ("search", "strategy", "surrogate")),
)
"""In the order in which a search needs them."""


class GivenObject(Spec):
    """What a configuration keeps of an object of the caller's."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    type: str = Field(min_length=1, description="module and name of its class")
    says: str = Field(default="", description="how it describes itself")
    value: Any = Field(default=None, exclude=True, repr=False)

    @classmethod
    def of(cls, value: object) -> Self:
        """Return what is kept of `value`, with the object itself.

        >>> GivenObject.of(range(3))
        GivenObject(type='builtins.range', says='range(0, 3)')
        """
        kind = type(value)
        plain = kind.__repr__ is object.__repr__  # an address in memory, different each time
        says = "" if plain else " ".join(repr(value).split())[:LONGEST]
        return cls(type=f"{kind.__module__}.{kind.__qualname__}", says=says, value=value)

    @model_validator(mode="before")
    @classmethod
    def _comes_from_python(cls, values: Any) -> Any:
        if isinstance(values, dict) and isinstance(
            values.get("value"), str | int | float | list | dict | bool
        ):
            raise ValueError(
                "`value` cannot be written in a file: pass the object to a function of analognas"
            )
        return values

    def __eq__(self, other: object) -> bool:
        """Whether `other` is kept of the same object, or of one that this process was not given."""
        if not isinstance(other, GivenObject):
            return NotImplemented
        return (self.type, self.says) == (other.type, other.says) and self.value is other.value

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        """Return the same: copies of a configuration share the object."""
        return self

    def needed(self, part: str) -> Any:
        """Return the object.

        Args:
            part: the argument by which Python takes it.

        Raises:
            UserError: when this process was not given it.
        """
        if self.value is None:
            raise UserError(
                f"`{part}` is a Python object ({self.type}), which no file holds: pass it, as in "
                f"analognas.resume(DIR, {part}=…)"
            )
        return self.value

    def __str__(self) -> str:
        """Return what the object is called, and how it describes itself."""
        return f"{self.type} {self.says}" if self.says else self.type


GivenObjects: TypeAlias = Mapping[str, GivenObject]
"""Objects by the argument that Python takes them by."""


def objects_in(config: BaseModel) -> dict[str, GivenObject]:
    """Return the objects that a configuration holds."""
    found = {}
    for part in PARTS:
        section: Any = config
        for name in part.path:
            section = getattr(section, name, None)
        value = getattr(section, "object", None)
        if isinstance(value, GivenObject):
            found[part.argument] = value
    return found


def require_objects(config: BaseModel, place: object) -> None:
    """Check that every object that a configuration names is there.

    Args:
        config: of the run.
        place: the run directory.

    Raises:
        UserError: naming those that are not.
    """
    missing = {name: given for name, given in objects_in(config).items() if given.value is None}
    if missing:
        named = ", ".join(f"{name} ({given})" for name, given in missing.items())
        arguments = "".join(f", {name}=…" for name in missing)
        raise UserError(
            f"{place}: began with Python objects, which no file holds: {named}; go on from Python: "
            f"analognas.resume({str(place)!r}{arguments})"
        )


def put_objects(values: dict[str, Any], objects: GivenObjects) -> None:
    """Put objects where the values of a file, or of a part of one, keep their descriptions, in place.

    Raises:
        UserError: for an object where the file has none, or has another one.
    """
    for part in PARTS:
        if part.argument not in objects:
            continue
        given, section = objects[part.argument], values
        for key in part.path:
            section = section.get(key, {}) if isinstance(section, dict) else {}
        recorded = section.get("object") if isinstance(section, dict) else None
        where = ".".join(part.path)
        if not isinstance(recorded, Mapping):
            kind = section.get("kind") if isinstance(section, dict) else None
            raise UserError(
                f"`{part.argument}`: the run has no Python object there (`{where}.kind: {kind}`); leave it out"
            )
        before = GivenObject.model_construct(type=recorded.get("type"), says=recorded.get("says", ""))
        if (before.type, before.says) != (given.type, given.says):
            raise UserError(
                f"`{part.argument}`: the run began with {before}, got {given}; pass the same object"
            )
        section["object"] = given
