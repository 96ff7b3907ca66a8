"""The trainings after a search side by side, each in a process of its own."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from analognas.errors import UserError
from analognas.executors.place import Argument, Evaluation, Here, Result
from analognas.executors.spawned import settle, start

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess


class ProcessPlace:
    """Calls in processes of this machine, up to `workers` at a time; the tensors of an evaluation are shared."""

    def __init__(self, workers: int) -> None:
        self._workers = workers

    def map(
        self,
        function: Callable[[Evaluation, Argument], Result],
        evaluation: Evaluation,
        arguments: Sequence[Argument],
    ) -> Iterator[Result]:
        """Start the calls and yield the results in order; a single call is made here.

        Raises:
            UserError: when the process of a call died.
            Exception: what `function` raised, in its turn.
        """
        if min(self._workers, len(arguments)) == 1:
            return Here().map(function, evaluation, arguments)
        return self._side_by_side(function, evaluation, arguments)

    def _side_by_side(
        self, function: Callable[[Any, Any], Any], evaluation: Any, arguments: Sequence[Any]
    ) -> Iterator[Any]:
        running: dict[int, tuple[BaseProcess, Connection[Any, Any]]] = {}
        ended: dict[int, Any] = {}
        waiting = list(reversed(range(len(arguments))))
        try:
            for number in range(len(arguments)):
                while number not in ended:
                    while waiting and len(running) < self._workers:
                        index = waiting.pop()
                        running[index] = start(_call, function, evaluation, arguments[index])
                    ready = wait([connection for _, connection in running.values()])
                    for index in [index for index, (_, ours) in running.items() if ours in ready]:
                        ended[index] = _answer(*running.pop(index))
                result = ended.pop(number)
                if isinstance(result, _Raised):
                    raise result.error
                yield result
        finally:
            for process, connection in running.values():
                process.kill()
                process.join()
                connection.close()


class _Raised:
    """What a call raised, in the place of its result."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def _call(
    connection: Connection[Any, Any], function: Callable[[Any, Any], Any], evaluation: Any, argument: Any
) -> None:
    settle()
    try:
        result = function(evaluation, argument)
    except Exception as error:
        error.add_note(traceback.format_exc())  # an exception leaves its traceback behind
        result = _Raised(error)
    connection.send(result)


def _answer(process: BaseProcess, connection: Connection[Any, Any]) -> Any:
    try:
        return connection.recv()
    except (EOFError, OSError):
        process.join()
        return _Raised(
            UserError(
                f"executor: the process of a training after the search died, exit code {process.exitcode}; "
                "every trial is kept: resume the run, with `--set executor.workers=1` where memory is short"
            )
        )
    finally:
        process.join()
        connection.close()
