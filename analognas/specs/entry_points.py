"""Parts that other packages bring: spaces, strategies and tasks behind entry points.

In the other package's pyproject.toml:

    [project.entry-points."analognas.spaces"]
    my-space = "my_package.spaces:MySpace"

and in a configuration `{kind: entry-point, name: my-space, options: {...}}`. No other code is ever run from a
configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from analognas.errors import UserError
from analognas.specs.problems import nearest


def make_from_entry_point(group: str, what: str, name: str, arguments: Mapping[str, Any]) -> tuple[Any, str]:
    """Return what the entry point `name` of `group` makes of `arguments`, and where its code is.

    Args:
        group: such as `analognas.spaces`.
        what: such as `space`, for errors.
        name: of the entry point.
        arguments: of the class or function behind it.

    Raises:
        UserError: when there is no such entry point, or it fails.
    """
    found = {point.name: point for point in entry_points(group=group)}
    if name not in found:
        raise UserError(
            f"no installed package offers the {what} {name!r} in the group `{group}`{nearest(name, found)}"
        )
    place = found[name].value
    try:
        return found[name].load()(**arguments), place
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"the {what} {name!r} ({place}) failed: {type(error).__name__}: {error}") from error
