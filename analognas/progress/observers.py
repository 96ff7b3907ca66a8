"""From what a user calls observers to one that a run tells."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing
from importlib.metadata import entry_points
from typing import Final, TypeAlias

from pydantic import ValidationError

from analognas.errors import Argument, UserError
from analognas.progress.audience import Audience
from analognas.progress.base_spec import ObserverSpec
from analognas.progress.observer import Observer
from analognas.progress.observer_text import ObserverText, parse_observer
from analognas.progress.specs import DISPLAYS, GROUP, OBSERVERS
from analognas.specs.entry_points import make_from_entry_point
from analognas.specs.problems import nearest
from analognas.specs.strict import first_problem

AUTO: Final = "auto"
"""`live` on a terminal, `lines` elsewhere."""

OBSERVER: Final = Argument("observer")
PROGRESS: Final = Argument("observer", "progress")

Observers: TypeAlias = Observer | str | Sequence[Observer | str] | None
"""What watches a run: an object, a text such as `csv(path=all.csv)`, a list of them; None: `auto`."""


def opened(observers: Observers) -> AbstractContextManager[Observer]:
    """Return one observer for all of them, to be opened for as long as it is told anything.

    Raises:
        UserError: when there is no such observer, an option does not fit, or an object is no observer.
    """
    if observers is None:
        return opened(AUTO)
    several = observers if isinstance(observers, list | tuple) else [observers]
    return closing(Audience([_made(one) for one in several]))


def named_on_command_line(
    progress: str | None, observers: Sequence[str], *, as_json: bool = False
) -> list[Observer | str]:
    """Return who watches as `opened` takes it: `--progress` first, then every `--observer`.

    Args:
        progress: one of `DISPLAYS`, or `auto`, which None is as well.
        observers: texts such as `csv(path=all.csv)`.
        as_json: somebody reads the output, so that `auto` is `lines` on a terminal, too.

    Raises:
        UserError: when nothing of that name can be shown.
    """
    name = AUTO if progress is None else progress
    if name not in (AUTO, *DISPLAYS):
        raise UserError(PROGRESS, f": unknown observer {name!r}{nearest(name, (AUTO, *DISPLAYS))}")
    return ["lines" if name == AUTO and as_json else name, *observers]


def _display() -> str:
    return "live" if sys.stderr.isatty() else "lines"


def _made(observer: object) -> tuple[str, object]:
    """Return the name and the object of one observer."""
    if not isinstance(observer, str):
        return type(observer).__name__, observer
    try:
        text = parse_observer(_display() if observer == AUTO else observer)
        if text.name in OBSERVERS:
            return text.name, _spec(text).build()
        offered = {point.name for point in entry_points(group=GROUP)}
        if text.name in offered:
            return text.name, make_from_entry_point(GROUP, "observer", text.name, text.typed())[0]
    except ValueError as error:
        raise UserError(OBSERVER, f": {error}") from None
    known = nearest(text.name, {*OBSERVERS, *offered, AUTO})
    raise UserError(OBSERVER, f": unknown observer {text.name!r}{known}")


def _spec(text: ObserverText) -> ObserverSpec:
    """Return the specification of a built-in observer with its options.

    Raises:
        ValueError: when an option is unknown, or its value does not fit.
    """
    kind = OBSERVERS[text.name]
    known = kind.model_fields.keys() - {"kind"}
    for key in text.options:
        if key not in known:
            choices = nearest(key, known) if known else "; it has none"
            raise ValueError(f"{text.name}: unknown option {key!r}{choices}")
    try:
        return kind.model_validate(text.texts())
    except ValidationError as error:
        problem = first_problem(error)
        given = error.errors()[0]["input"]
        raise ValueError(
            f"{text.name}: {problem}" + ("" if ", got " in problem else f", got {given!r:.60}")
        ) from None
