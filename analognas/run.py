"""A run as a Python object: its trials as a table, its best network, its state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analognas.config.loader import load_config
from analognas.config.sections import SearchConfig
from analognas.record.directory import RunDirectory, open_run
from analognas.record.journal import is_locked
from analognas.record.validation import FinalResult, ValidatedNetwork
from analognas.report.tables import trials_table
from analognas.selection import choose

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn


@dataclass(frozen=True)
class BestNetwork:
    """The network a run found.

    Attributes:
        architecture: in the literature's symbols.
        genotype: as its space writes it.
        metrics: measured on the test split after training at full budget.
        validated: all that was measured.
        folder: the exported files.
    """

    architecture: Mapping[str, Any]
    genotype: tuple[int, ...]
    metrics: Mapping[str, float]
    validated: ValidatedNetwork
    folder: Path

    def network(self) -> nn.Module:
        """Return the trained network, plain torch in evaluation mode: standardised inputs to logits."""
        from analognas.trained import load_network

        return load_network(self.folder)


@dataclass(frozen=True)
class Run:
    """One search and its directory."""

    directory: RunDirectory

    @classmethod
    def open(cls, path: str | Path) -> Run:
        """Open an existing run directory.

        Raises:
            UserError: when there is none.
        """
        return cls(open_run(Path(path)))

    @property
    def path(self) -> Path:
        """The run directory."""
        return self.directory.path

    @property
    def config(self) -> SearchConfig:
        """The configuration, every default written out."""
        return load_config(self.directory.config)[0]

    @property
    def result(self) -> FinalResult | None:
        """What was measured at the end; None before."""
        return self.directory.final_result()

    @property
    def best(self) -> BestNetwork:
        """The best network.

        Raises:
            ValueError: when the run has not ended yet.
        """
        result = self.result
        if result is None:
            raise ValueError(
                f"{self.path}: the run has not ended; continue it with `analognas resume {self.path}`"
            )
        trial = self.directory.trial_of(result)
        return BestNetwork(
            architecture=result.network.architecture,
            genotype=trial.genotype,
            metrics=result.network.metrics,
            validated=result.network,
            folder=self.directory.best,
        )

    def trials(self) -> pd.DataFrame:
        """Return one row a trial in order of completion, the columns of summary.csv."""
        return trials_table(self.directory.trials(), self.config.constraints.upper_bounds())

    def status(self) -> dict[str, Any]:
        """Return how far the run is, JSON-able."""
        config, trials = self.config, self.directory.trials()
        best = choose(config.objectives, config.constraints.upper_bounds(), trials, config.choice)
        if self.result is not None and self.directory.report.exists():
            state = "finished"
        else:
            state = "running" if is_locked(self.directory.journal) else "not finished"
        return {
            "run": str(self.path),
            "state": state,
            "trials": config.search.trials,
            "finished": len(trials),
            "failed": sum(trial.status == "failed" for trial in trials),
            "best": None
            if best is None
            else {
                "number": best.number,
                "architecture": dict(best.architecture),
                "metrics": dict(best.metrics),
            },
            "report": str(self.directory.report) if self.directory.report.exists() else None,
        }
