"""Where the trainings after the search run: here, or where the evaluations ran."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

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


class RayPlace:
    """Calls as tasks of a Ray cluster, all at a time; results come back through the object store.

    Attributes:
        reservation: Ray's options of a task: `num_cpus`, `num_gpus`, `memory`.
        max_retries: further starts of a task whose worker or node was lost.
    """

    def __init__(self, reservation: dict[str, Any], max_retries: int) -> None:
        self.reservation = reservation
        self.max_retries = max_retries

    def map(
        self,
        function: Callable[[Evaluation, Argument], Result],
        evaluation: Evaluation,
        arguments: Sequence[Argument],
    ) -> Iterator[Result]:
        """Start every call and yield the results in order."""
        import ray

        from analognas.executors.ray_shipping import ship
        from analognas.executors.ray_worker import call_remotely

        shipment = [ship(evaluation)]
        task = ray.remote(max_retries=self.max_retries, **self.reservation)(call_remotely)
        calls = [task.remote(shipment, function, argument) for argument in arguments]
        return (ray.get(call) for call in calls)
