"""Trainings at full budget, kept while a run comes to its end: an interrupted race goes on where it was.

A training is two files in a folder that is no part of the record and goes when the run has ended: its weights, and what
was measured of them. What is missing, damaged, of another training, or learned by chips in the array, is done again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from analognas.driver.rung_weights import WeightsInFolder
from analognas.evaluation.full_training import FullTraining, FullyTrained, Measured, SplitName
from analognas.executors.executor import Executor, ExecutorState, Outcome, now_utc
from analognas.record.directory import write_atomically

_MEASURED: Final = TypeAdapter(dict[SplitName, Measured])


class KeptTrainings:
    """An executor that does not repeat what it finds in a folder, and keeps there what another one has trained.

    Args:
        executor: the other one.
        folder: made with the first file.
    """

    def __init__(self, executor: Executor[FullTraining, FullyTrained], folder: Path) -> None:
        self._executor = executor
        self._folder = folder
        self._weights = WeightsInFolder(folder)
        self._found: list[Outcome[FullTraining, FullyTrained]] = []

    @property
    def n_kept(self) -> int:
        """How many trainings are in the folder."""
        return len(list(self._folder.glob("*.json")))

    @property
    def state(self) -> ExecutorState:
        """How busy the other executor is."""
        return self._executor.state

    def submit(self, job: FullTraining) -> None:
        """Start a training, or take what is kept of it."""
        known = self._read(job)
        if known is None:
            self._executor.submit(job)
        else:
            self._found.append(Outcome(job, known, 0, 0.0, now_utc(), {}, attempts=0))

    def next_outcome(self) -> Outcome[FullTraining, FullyTrained]:
        """Return a training that was kept, or wait for one."""
        if self._found:
            return self._found.pop()
        outcome = self._executor.next_outcome()
        if isinstance(outcome.result, FullyTrained):
            self._keep(outcome.job, outcome.result)
        return outcome

    def close(self) -> None:
        """Stop every worker of the other executor; what is kept stays."""
        self._executor.close()

    def remove(self) -> None:
        """Remove everything that is kept, once the run has ended."""
        self._weights.remove()

    def _keep(self, job: FullTraining, result: FullyTrained) -> None:
        if job.trained is not None or result.learned:
            return
        content = {
            "training": _identity(job),
            "weights": hashlib.sha256(result.weights).hexdigest(),
            "done": result.training,
            "measured": {split: asdict(measured) for split, measured in result.measured.items()},
            "ranges": result.ranges,
        }
        self._weights.keep(job.key, result.weights)
        with suppress(OSError):  # a disk that has no room for it keeps nothing
            write_atomically(self._record(job), json.dumps(content))

    def _read(self, job: FullTraining) -> FullyTrained | None:
        if job.trained is not None:
            return None
        weights = self._weights.of(job.key)
        if weights is None:
            return None
        try:
            content: Mapping[str, Any] = json.loads(self._record(job).read_text(encoding="utf-8"))
            if (
                content["training"] != _identity(job)
                or content["weights"] != hashlib.sha256(weights).hexdigest()
            ):
                return None
            measured = _MEASURED.validate_json(json.dumps(content["measured"]))
            return FullyTrained(weights, content["done"], measured, content["ranges"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _record(self, job: FullTraining) -> Path:
        return self._folder / f"{job.key}.json"


def _identity(job: FullTraining) -> str:
    """Return what tells a training from every other one."""
    parts = [
        repr(getattr(job, part.name)) for part in fields(job) if part.name not in ("trained", "allowance")
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
