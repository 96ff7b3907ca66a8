"""A run for MLflow: a run of an experiment, with parameters, metrics and artefacts."""

from __future__ import annotations

import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, Literal, final

from pydantic import Field

from analognas.progress.base_spec import ObserverSpec
from analognas.progress.observer import Observer, RunEnd, RunStart
from analognas.progress.tracking import Figures, TrackingObserver, flat, missing

if TYPE_CHECKING:
    from mlflow import MlflowClient

LONGEST: Final = 500
"""Letters of a parameter, which every version takes; the artefact config.yaml has the whole."""

AT_ONCE: Final = 100
"""Parameters that one request takes."""

STATES: Final = {"completed": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}
"""MLflow's words for the end of a run."""


class MlflowSpec(ObserverSpec):
    """Logs to MLflow; the extra analognas[mlflow]."""

    kind: Literal["mlflow"] = "mlflow"
    experiment: str = Field(default="analognas", min_length=1, description="is created where it is not there")
    tracking_uri: str | None = Field(
        default=None,
        description="such as sqlite:///mlflow.db; null: what MLflow is set to, MLFLOW_TRACKING_URI",
    )

    def build(self) -> Observer:
        """Return the observer.

        Raises:
            UserError: when MLflow is not installed.
        """
        if find_spec("mlflow") is None:
            raise missing("mlflow", "mlflow")
        return TrackingObserver("mlflow", MlflowTracker(self.experiment, self.tracking_uri))


@final
class MlflowTracker:
    """Logs through a client of its own: a run that the program has opened is left alone.

    Args:
        experiment: its name.
        tracking_uri: of the store; None: what MLflow is set to.
    """

    def __init__(self, experiment: str, tracking_uri: str | None) -> None:
        self._experiment = experiment
        self._uri = tracking_uri
        self._run = ""
        self._last = 0
        self._opened: MlflowClient | None = None

    @property
    def _client(self) -> MlflowClient:
        assert self._opened is not None, "a run is opened first"
        return self._opened

    def open(self, start: RunStart, known: str) -> str:
        """Continue the known run where the store has it, else create one with the configuration as parameters."""
        from mlflow import MlflowClient

        self._opened = MlflowClient(tracking_uri=self._uri)
        self._last = len(start.earlier)
        if known and self._is_there(known):
            self._run = known
            self._client.update_run(known, status="RUNNING")
        else:
            self._run = self._create(start)
        return self._run

    def log(self, step: int, figures: Figures) -> None:
        """Log metrics."""
        from mlflow.entities import Metric

        self._last = step
        now_ms = int(1000 * time.time())
        metrics = [Metric(name, value, now_ms, step) for name, value in figures.items()]
        self._client.log_batch(self._run, metrics=metrics)

    def close(self, end: RunEnd, figures: Figures) -> None:
        """Log the final metrics and the files as artefacts, and set the state."""
        if figures:
            self.log(self._last, figures)
        for path in end.files:
            if path.is_dir():
                self._client.log_artifacts(self._run, str(path), path.name)
            else:
                self._client.log_artifact(self._run, str(path))
        if end.reason:
            self._client.set_tag(self._run, "analognas.reason", end.reason)
        self._client.set_terminated(self._run, STATES[end.status])

    def _is_there(self, run: str) -> bool:
        from mlflow.exceptions import MlflowException

        try:
            return bool(self._client.get_run(run).info.lifecycle_stage == "active")
        except MlflowException:
            return False

    def _create(self, start: RunStart) -> str:
        from mlflow.entities import Param

        experiment = self._client.get_experiment_by_name(self._experiment)
        number = (
            self._client.create_experiment(self._experiment)
            if experiment is None
            else experiment.experiment_id
        )
        tags = {"analognas.run": str(start.path.resolve())}
        run = self._client.create_run(number, run_name=start.path.name, tags=tags)
        params = [Param(key, str(value)[:LONGEST]) for key, value in flat(start.config).items()]
        for first in range(0, len(params), AT_ONCE):
            self._client.log_batch(run.info.run_id, params=params[first : first + AT_ONCE])
        return str(run.info.run_id)
