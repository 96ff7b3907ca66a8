"""Makes the decisions of a run again, in the recorded order of completion, and compares them.

With one worker a run is a function of its configuration. With many it is one of the configuration and of the order in
which the trials ended; that order is the record itself. A replay asks the strategy at every recorded moment, with the
trials that had finished and the candidates that were pending, and expects the recorded proposals; on request it
evaluates each candidate again and expects the recorded measurements.
"""

from __future__ import annotations

from collections.abc import Sequence

from analognas.driver import SearchLoop
from analognas.errors import UserError
from analognas.executors.executor import Evaluate, Job, Measurement
from analognas.ledger import Ledger
from analognas.record.trial import Ask, Trial
from analognas.strategies.strategy import Proposal


def replay(loop: SearchLoop, trials: Sequence[Trial], evaluate: Evaluate | None = None) -> int:
    """Replay a run.

    Args:
        loop: the search loop of the run's configuration.
        trials: its record.
        evaluate: the evaluation of each candidate; None: the decisions alone.

    Returns:
        How many times the strategy was asked.

    Raises:
        UserError: at the first difference, with the trial that it comes after.
    """
    ledger = Ledger(loop.problem, loop.n_genes, halving=loop.halving)
    n_asks = 0
    for trial in trials:
        if trial.ask is not None:
            n_asks += 1
            _compare_asks(len(ledger.trials), trial.ask, loop.ask(ledger, trial.ask.n))
            ledger.open_up(trial.ask)
        if evaluate is not None:
            _compare_results(trial, evaluate)
        ledger.close(trial)
    return n_asks


def _compare_asks(asked_after: int, recorded: Ask, now: Ask | None) -> None:
    proposals = () if now is None else now.proposals
    if proposals == recorded.proposals:
        return
    for position, (before, after) in enumerate(zip(recorded.proposals, proposals, strict=False)):
        if before != after:
            raise UserError(
                f"replay: after trial {asked_after} (position {position}) the strategy now proposes "
                f"{list(after.genotype)} by {after.origin}, recorded is {list(before.genotype)} by {before.origin}"
            )
    raise UserError(
        f"replay: after trial {asked_after} the strategy now proposes {len(proposals)} candidates, "
        f"recorded are {len(recorded.proposals)}"
    )


def _compare_results(trial: Trial, evaluate: Evaluate) -> None:
    proposal = Proposal(trial.genotype, trial.origin, trial.predicted)
    result = evaluate(
        Job(proposal, trial.asked_after, trial.position, trial.seed, trial.rung, trial.budget)
    ).result
    metrics = dict(result.metrics) if isinstance(result, Measurement) else {}
    if metrics != dict(trial.metrics):
        raise UserError(
            f"replay: trial {trial.number} now measures {metrics or result}, recorded is "
            f"{dict(trial.metrics) or trial.failure}"
        )
