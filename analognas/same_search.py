"""Whether a configuration is the search that a run began with, and where it is not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from analognas.config.loader import load_run_config
from analognas.config.sections import SearchConfig
from analognas.errors import UserError
from analognas.record.directory import RunDirectory

if TYPE_CHECKING:
    from analognas.tasks import Task

PART_OF_THE_RESULT: Final = ("threads", "device")
"""What an executor shares with the run that it continues."""

_ABSENT: Final = object()
_LONGEST: Final = 60


def check_same_search(run: RunDirectory, config: SearchConfig) -> None:
    """Check that `config` is the search that `run` began with; `executor` may differ, but for its threads and device.

    Raises:
        UserError: with a line for each key that differs.
    """
    differing = list(differences(_comparable(load_run_config(run.config)[0]), _comparable(config)))
    if differing:
        raise UserError(
            "\n".join(
                [
                    f"{run.path}: this run began as another search:",
                    *differing,
                    "continue it as it began, or start a new search in another directory",
                ]
            )
        )


def check_same_data(run: RunDirectory, task: Task) -> None:
    """Check that `task` has the data that `run` began with.

    Raises:
        UserError: when it has others.
    """
    began_with = run.read_environment().get("data_sha256", task.fingerprint)
    if began_with != task.fingerprint:
        raise UserError(
            f"{run.path}: the data have changed since this run began (SHA-256 {str(began_with)[:12]}, "
            f"now {task.fingerprint[:12]}); restore them, or start a new search"
        )


def differences(before: Any, now: Any, path: str = "") -> Iterator[str]:
    """Yield a line for each key whose value differs; of a section of another kind the kind alone.

    >>> list(differences({"search": {"trials": 2, "batch": 1}}, {"search": {"trials": 3, "batch": 1}}))
    ['search.trials: 2 in the run, now 3']
    """
    if before == now:
        return
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        keys = list({**before, **now})
        if before.get("kind") != now.get("kind"):
            keys = ["kind"]
        for key in keys:
            inner = f"{path}.{key}" if path else key
            yield from differences(before.get(key, _ABSENT), now.get(key, _ABSENT), inner)
        return
    yield f"{path}: {_shown(before)} in the run, now {_shown(now)}"


def _comparable(config: SearchConfig) -> dict[str, Any]:
    values: dict[str, Any] = config.model_dump(mode="json")
    values["executor"] = {key: values["executor"][key] for key in PART_OF_THE_RESULT}
    return values


def _shown(value: Any) -> str:
    """Return a value as YAML has it, or what it is where it is long."""
    if value is _ABSENT:
        return "not given"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) <= _LONGEST:
        return text
    kind = "a section" if isinstance(value, dict) else "a list" if isinstance(value, list) else "a text"
    return f"{kind} of {len(value)} {'characters' if isinstance(value, str) else 'entries'}"
