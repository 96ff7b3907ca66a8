"""Weights that later trainings go on from: kept while a search runs, and no part of its record.

Where they are lost, the stages below are trained again, to the same weights.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from analognas.executors.executor import Job
from analognas.record.trial import evaluation_key


class RungWeights(Protocol):
    """Keeps the weights of trials by the keys of their jobs."""

    def keep(self, key: str, weights: bytes) -> None:
        """Keep the weights of a job."""
        ...

    def of(self, key: str) -> bytes | None:
        """Return the weights of a job, None where there are none."""
        ...


class NoWeights:
    """Keeps nothing: every stage is trained again."""

    def keep(self, key: str, weights: bytes) -> None:
        """Do nothing."""

    def of(self, key: str) -> bytes | None:
        """Return None."""
        return None


@dataclass(frozen=True)
class WeightsInFolder:
    """A file for each job.

    Attributes:
        folder: made with the first file.
    """

    folder: Path

    def keep(self, key: str, weights: bytes) -> None:
        """Write the weights; a disk that has no room for them keeps none."""
        with suppress(OSError):
            self.folder.mkdir(exist_ok=True)
            part = self.folder / f"{key}.part"
            part.write_bytes(weights)
            part.replace(self._file(key))

    def of(self, key: str) -> bytes | None:
        """Return what was written."""
        try:
            return self._file(key).read_bytes()
        except OSError:
            return None

    def remove(self) -> None:
        """Remove everything, at the end of the search."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _file(self, key: str) -> Path:
        return self.folder / f"{key}.safetensors"


def started(job: Job, weights: RungWeights) -> Job:
    """Return a job with the weights that it goes on from, where they are kept."""
    if len(job.stages) < 2:
        return job
    return replace(job, start=weights.of(evaluation_key(job.proposal.genotype, job.rung - 1)))
