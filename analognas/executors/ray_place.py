"""The trainings after a search as tasks of a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import ray
from ray import exceptions

from analognas.errors import UserError
from analognas.executors.fingerprint import fingerprint
from analognas.executors.place import Argument, Evaluation, Result
from analognas.executors.ray_shipping import Freight
from analognas.executors.ray_watch import WAIT_S, ClusterWatch
from analognas.executors.ray_worker import Mismatch, call_remotely


class RayPlace:
    """Calls as tasks of a Ray cluster, all at a time; results come back through the object store."""

    def __init__(self, freight: Freight, watch: ClusterWatch, max_retries: int) -> None:
        """Make a place.

        Args:
            freight: what the run has in the object store.
            watch: of the cluster; it knows what each call reserves.
            max_retries: further starts of a call whose worker or node was lost.
        """
        self._freight = freight
        self._watch = watch
        self._max_retries = max_retries

    def map(
        self,
        function: Callable[[Evaluation, Argument], Result],
        evaluation: Evaluation,
        arguments: Sequence[Argument],
    ) -> Iterator[Result]:
        """Start every call and yield the results in order.

        Raises:
            UserError: when the cluster is lost, or the workers of a call are, again and again; or when a node has
                other versions than this process.
        """
        shipment = self._freight.ship(evaluation)
        task = ray.remote(max_retries=self._max_retries, **self._watch.demand.reservation())(call_remotely)
        expected = dict(fingerprint())
        return self._results([task.remote(shipment, expected, function, argument) for argument in arguments])

    def _results(self, calls: Sequence[Any]) -> Iterator[Any]:
        for call in calls:
            while not ray.wait([call], timeout=WAIT_S)[0]:
                self._watch.look()
            yield self._result(call)

    def _result(self, call: Any) -> Any:
        try:
            result = ray.get(call)
        except exceptions.RayTaskError:
            raise
        except exceptions.RayError as error:
            reason = " ".join(str(error).split())[:200]
            raise UserError(
                f"executor: a training after the search lost its worker {self._max_retries + 1} times, last by "
                f"{type(error).__name__}: {reason}; every trial is kept, resume the run"
            ) from None
        if isinstance(result, Mismatch):
            raise result.error()
        return result
