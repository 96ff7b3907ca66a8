"""Parts that other packages bring: spaces, strategies, surrogates and tasks behind entry points.

In the other package's pyproject.toml:

    [project.entry-points."analognas.spaces"]
    my-space = "my_package.spaces:MySpace"

and in a configuration `{kind: entry-point, name: my-space, options: {...}}`. No other code is ever run from a
configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, ParamSpec, TypeVar

from analognas.errors import UserError
from analognas.specs.problems import nearest

P = ParamSpec("P")
T = TypeVar("T")


def make_from_entry_point(
    group: str, what: str, name: str, arguments: Mapping[str, Any], method: str | None = None
) -> tuple[Any, str]:
    """Return what the entry point `name` of `group` makes of `arguments`, and where its code is.

    Args:
        group: such as `analognas.spaces`.
        what: such as `space`, for errors.
        name: of the entry point.
        arguments: of the class or function behind it.
        method: that it must have, for a first look; None for none.

    Raises:
        UserError: when there is no such entry point, it fails, or what it made lacks the method.
    """
    found = {point.name: point for point in entry_points(group=group)}
    if name not in found:
        raise UserError(
            f"no installed package offers the {what} {name!r} in the group `{group}`{nearest(name, found)}"
        )
    place = found[name].value
    try:
        made = found[name].load()(**arguments)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"the {what} {name!r} ({place}) failed: {type(error).__name__}: {error}") from error
    if method is not None and not callable(getattr(made, method, None)):
        raise UserError(f"the {what} {name!r} ({place}) must have a method `{method}`, got {made!r:.200}")
    return made, place


@dataclass(frozen=True)
class Guard:
    """Calls the methods of such a part; what breaks its contract is an error that names the part and the method.

    Attributes:
        what: such as `space`.
        name: of the entry point.
    """

    what: str
    name: str

    def call(self, method: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what a method returns.

        Raises:
            UserError: when it fails.
        """
        try:
            return function(*args, **kwargs)
        except UserError:
            raise
        except Exception as error:
            raise self.breach(method, f"failed: {type(error).__name__}: {error}") from error

    def breach(self, method: str, how: str) -> UserError:
        """Return the error for a method that failed or returned what it must not."""
        return UserError(f"`{method}` of the {self.what} {self.name!r} {how}")
