"""Where the trainings after the search run: here, or where the evaluations ran."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

Evaluation = TypeVar("Evaluation")
Argument = TypeVar("Argument")
Result = TypeVar("Result")


class Place(Protocol):
    """Calls a function for several arguments somewhere."""

    def map(
        self,
        function: Callable[[Evaluation, Argument], Result],
        evaluation: Evaluation,
        arguments: Sequence[Argument],
    ) -> Iterator[Result]:
        """Yield `function(evaluation, argument)` for each argument, in order."""
        ...


class Here:
    """Calls in this process, one after the other, each when its result is asked for."""

    def map(
        self,
        function: Callable[[Evaluation, Argument], Result],
        evaluation: Evaluation,
        arguments: Sequence[Argument],
    ) -> Iterator[Result]:
        """Yield the results in order."""
        return (function(evaluation, argument) for argument in arguments)
