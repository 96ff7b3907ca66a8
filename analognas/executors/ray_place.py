"""The trainings after a search as tasks of a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import ray
from ray import exceptions

from analognas.errors import UserError
from analognas.executors.attempts import MAX_LOST_NODES
from analognas.executors.fingerprint import fingerprint
from analognas.executors.place import Argument, Evaluation, Result
from analognas.executors.ray_beacon import Lookout
from analognas.executors.ray_shipping import Freight
from analognas.executors.ray_watch import WAIT_S, ClusterWatch
from analognas.executors.ray_worker import Call, Mismatch, call_remotely


class _Run:
    """A call under way.

    Attributes:
        name: under which the beacon knows it.
        reference: to its result.
    """

    def __init__(self, task: Any, call: Call, argument: Any, name: str) -> None:
        self._task, self._arguments = task, (call, argument)
        self._n_lost = 0
        self.name = name
        self.reference = task.remote(call, argument, name)

    def start_again(self) -> None:
        """Start the call anew after its node was lost; one that loses ever more nodes is left to Ray's own retries."""
        if self._n_lost < MAX_LOST_NODES:
            self._n_lost += 1
            self.name += " again"
            self.reference = self._task.remote(*self._arguments, self.name)


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
        lookout = Lookout()
        try:
            call = Call(function, self._freight.ship(evaluation), dict(fingerprint()), lookout.beacon)
            yield from self._results(call, arguments, lookout)
        finally:
            if not self._watch.lost:
                lookout.close()

    def _results(self, call: Call, arguments: Sequence[Any], lookout: Lookout) -> Iterator[Any]:
        task = ray.remote(max_retries=self._max_retries, **self._watch.demand.reservation())(call_remotely)
        runs = [_Run(task, call, argument, str(number)) for number, argument in enumerate(arguments)]
        for number, run in enumerate(runs):
            while not ray.wait([run.reference], timeout=WAIT_S)[0]:
                self._watch.look()
                under_way = {other.name: other for other in runs[number:]}
                lookout.listen(under_way)
                references = {name: other.reference for name, other in under_way.items()}
                for name in lookout.on_lost_node(references, self._watch.lost_nodes):
                    under_way[name].start_again()
                for name in lookout.unheard_of(references, self._watch.lost_nodes):
                    ray.cancel(references[name])
                    under_way[name].start_again()
            yield self._result(run.reference)

    def _result(self, task: Any) -> Any:
        try:
            result = ray.get(task)
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
