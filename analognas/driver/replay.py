"""Makes the decisions of a run again, in the recorded order of completion, and compares them.

With one worker a run is a function of its configuration. With many it is one of the configuration and of the order in
which the trials ended; that order is the record itself. A replay asks the strategy at every recorded moment, with the
trials that had finished and the candidates that were pending, and expects the recorded proposals; on request it
evaluates each candidate again and expects the recorded measurements.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from analognas.driver.loop import SearchLoop
from analognas.errors import UserError
from analognas.executors.attempts import ended_from_outside
from analognas.executors.executor import Evaluate, Job, Measurement
from analognas.record.trial import Ask, Failure, Trial
from analognas.strategies.strategy import Proposal


def replay(
    loop: SearchLoop, trials: Sequence[Trial], evaluate: Evaluate[Job, Measurement] | None = None
) -> int:
    """Replay a run.

    Args:
        loop: the search loop of the run's configuration.
        trials: its record.
        evaluate: the evaluation of each candidate but those that `is_passed_over`; None: the decisions alone.

    Returns:
        How many times the strategy was asked.

    Raises:
        UserError: at the first difference, with the trial that it comes after.
    """
    loop = replace(loop, minutes=None)  # the record says how many candidates there was time for
    ledger = loop.ledger()
    n_asks = 0
    for trial in trials:
        if trial.ask is not None:
            n_asks += 1
            _compare_asks(len(ledger.trials), trial.ask, loop.ask(ledger, trial.ask.n))
            ledger.open_up(trial.ask)
        job = _same_job(trial, loop.job_of(trial, ledger))
        if evaluate is not None and not is_passed_over(trial):
            _compare_results(trial, job, evaluate)
        ledger.close(trial)
    return n_asks


def is_passed_over(trial: Trial) -> bool:
    """Return whether a trial is not evaluated again: its evaluation crashed, hung or ran out of memory."""
    return trial.failure is not None and ended_from_outside(trial.failure)


def _compare_asks(asked_after: int, recorded: Ask, now: Ask | None) -> None:
    proposals = () if now is None else now.proposals
    when = f"replay: after trial {asked_after}"
    for position, (before, after) in enumerate(zip(recorded.proposals, proposals, strict=False)):
        if before != after:
            raise UserError(
                f"{when} the strategy proposes another candidate at position {position}: "
                f"{'; '.join(_differing(before, after))}"
            )
    if len(proposals) != len(recorded.proposals):
        raise UserError(
            f"{when} the strategy proposes {counted(len(proposals), 'candidate')}, "
            f"{len(recorded.proposals)} in the record"
        )


def _same_job(trial: Trial, job: Job | None) -> Job:
    when = f"replay: trial {trial.number}"
    if job is None:
        raise UserError(
            f"{when} is of a candidate that nothing had proposed for it by then, or whose trial had ended already"
        )
    if changes := _changes(_task_of(trial), _task_of(job)):
        raise UserError(f"{when} is of another evaluation: {'; '.join(changes)}")
    return job


def _task_of(of: Trial | Job) -> dict[str, object]:
    return {"asked_after": of.asked_after, "position": of.position, "seed": of.seed, "budget": of.budget}


def _differing(before: Proposal, after: Proposal) -> list[str]:
    genes = {f"gene {n}": value for n, value in enumerate(before.genotype)}
    genes_now = {f"gene {n}": value for n, value in enumerate(after.genotype)}
    return [
        *_changes(genes, genes_now),
        *_changes({"origin": before.origin}, {"origin": after.origin}),
        *_changes(
            {f"predicted {name}": value for name, value in before.predicted.items()},
            {f"predicted {name}": value for name, value in after.predicted.items()},
        ),
    ]


def _changes(before: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
    """Return what differs, name by name."""
    return [
        f"{name} {before.get(name, 'nothing')} in the record, {now.get(name, 'nothing')} now"
        for name in {**before, **now}
        if before.get(name) != now.get(name)
    ]


def _compare_results(trial: Trial, job: Job, evaluate: Evaluate[Job, Measurement]) -> None:
    result = evaluate(job).result
    when = f"replay: trial {trial.number}"
    if isinstance(result, Failure) != (trial.failure is not None):
        then, now = (
            "completed" if failure is None else f"failed ({failure.reason})"
            for failure in (trial.failure, result if isinstance(result, Failure) else None)
        )
        raise UserError(f"{when} {then} in the record, {now} now")
    if isinstance(result, Measurement) and (changes := _changes(trial.metrics, result.metrics)):
        raise UserError(f"{when} measures something else: {'; '.join(changes)}")


def counted(n: int, noun: str) -> str:
    """Return a number of things.

    >>> counted(1, "ask"), counted(2, "ask")
    ('1 ask', '2 asks')
    """
    return f"{n} {noun}{'' if n == 1 else 's'}"
