"""Work whose outcomes are wanted in the order of submission, side by side where the executor has workers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analognas.executors.executor import Executor, Outcome, ResultT, WorkT


def outcomes_in_order(
    executor: Executor[WorkT, ResultT], work: Sequence[WorkT]
) -> Iterator[Outcome[WorkT, ResultT]]:
    """Submit all of `work`, up to the capacity of the executor at a time, and yield the outcomes in its order.

    Nothing else may be under way in the executor.
    """
    waiting = list(reversed(work))
    ended: dict[str, Outcome[WorkT, ResultT]] = {}
    under_way = 0
    for piece in work:
        while piece.key not in ended:
            while waiting and under_way < executor.state.capacity:
                executor.submit(waiting.pop())
                under_way += 1
            outcome = executor.next_outcome()
            under_way -= 1
            ended[outcome.job.key] = outcome
        yield ended.pop(piece.key)
