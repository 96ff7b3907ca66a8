"""Specifications that people write in Python: what is wrong with one is said in one line."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from hwsim.arguments import nearest
from hwsim.spec import Spec


class PlainSpec(Spec):
    """A specification whose errors are one line of rule and value.

    Raises:
        ValueError: for a value that is missing, unknown or out of its range.
    """

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            known = [*type(self).model_fields]
            raise ValueError("; ".join(_one_line(problem, known) for problem in error.errors())) from None


def _one_line(problem: Any, known: list[str]) -> str:
    path = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "value_error":
        text = str(problem["ctx"]["error"])
        return f"`{path}`: {text}" if path else text
    if problem["type"] == "extra_forbidden":
        return f"`{path}` is no value here{nearest(path, known)}"
    if problem["type"] == "missing":
        return f"`{path}`: must be given"
    return f"`{path}`: {problem['msg'].replace('Input should', 'must')}, got {problem['input']!r:.60}"
