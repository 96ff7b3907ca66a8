"""A value of another simulator's configuration, as an object there and as source text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from importlib import import_module
from typing import Any, TypeAlias, final


@final
@dataclass(frozen=True)
class Peer:
    """A member of an enumeration, or a call.

    Attributes:
        module: where the name is imported from.
        name: of a class, or `CLASS.MEMBER`.
        arguments: of the call by name; None for a member.
    """

    module: str
    name: str
    arguments: Mapping[str, Any] | None = field(default=None)

    def build(self) -> Any:
        """Return the object; imports the simulator."""
        found: Any = reduce(getattr, self.name.split("."), import_module(self.module))
        return found if self.arguments is None else found(**self.arguments)

    def __str__(self) -> str:
        """Return the source."""
        if self.arguments is None:
            return self.name
        return f"{self.name}({', '.join(f'{name}={value!r}' for name, value in self.arguments.items())})"


Settings: TypeAlias = "dict[str, bool | int | float | Peer | None]"
"""Values by their dotted path in a configuration."""


def applied(config: Any, settings: Settings) -> Any:
    """Set every value in a configuration object, and return it."""
    for path, value in settings.items():
        *owners, leaf = path.split(".")
        setattr(reduce(getattr, owners, config), leaf, value.build() if isinstance(value, Peer) else value)
    return config
