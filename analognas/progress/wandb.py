"""A run for Weights & Biases: a run of a project, with configuration, metrics and an artefact."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, Literal, final

from pydantic import Field

from analognas.progress.base_spec import ObserverSpec
from analognas.progress.observer import Observer, RunEnd, RunStart
from analognas.progress.tracking import Figures, TrackingObserver, missing

if TYPE_CHECKING:
    from wandb import Run

Mode = Literal["online", "offline", "disabled"]

EXIT_CODES: Final = {"completed": 0, "interrupted": 130, "failed": 1}
"""What the service shows of the end of a run: 0 is finished, another one failed."""


class WandbSpec(ObserverSpec):
    """Logs to Weights & Biases; the extra analognas[wandb]."""

    kind: Literal["wandb"] = "wandb"
    project: str = Field(default="analognas", min_length=1, description="is created where it is not there")
    mode: Mode | None = Field(
        default=None, description="online, offline or disabled; null: what wandb is set to, WANDB_MODE"
    )

    def build(self) -> Observer:
        """Return the observer.

        Raises:
            UserError: when wandb is not installed.
        """
        if find_spec("wandb") is None:
            raise missing("wandb", "wandb")
        return TrackingObserver("wandb", WandbTracker(self.project, self.mode))


@final
class WandbTracker:
    """Logs through a run of its own, besides any that the program has opened.

    Args:
        project: its name.
        mode: None: what wandb is set to.
    """

    def __init__(self, project: str, mode: Mode | None) -> None:
        self._project = project
        self._mode = mode
        self._name = ""
        self._opened: Run | None = None

    @property
    def _run(self) -> Run:
        assert self._opened is not None, "a run is opened first"
        return self._opened

    def open(self, start: RunStart, known: str) -> str:
        """Create a run, or continue the known one; offline that is a folder more for `wandb sync`."""
        import wandb

        self._name = str(start.config["name"])
        self._opened = wandb.init(
            project=self._project,
            mode=self._mode,
            name=start.path.name,
            id=known or None,
            resume="allow" if known else None,
            config=dict(start.config),
            allow_val_change=True,  # a run that goes on may have more trials
            reinit="create_new",
            settings=wandb.Settings(console="off"),  # the streams are the run's, which may draw a bar
        )
        return str(self._run.id)

    def log(self, step: int, figures: Figures) -> None:
        """Log metrics."""
        self._run.log(dict(figures), step=step, commit=True)

    def close(self, end: RunEnd, figures: Figures) -> None:
        """Log the final metrics as the summary and the files as an artefact, and finish the run."""
        import wandb

        self._run.summary.update({**figures, "status": end.status, "reason": end.reason})
        if end.files and not self._run.disabled:
            artifact = wandb.Artifact(f"{self._name}-{self._run.id}", type="run")
            for path in end.files:
                if path.is_dir():
                    artifact.add_dir(str(path), name=path.name)
                else:
                    artifact.add_file(str(path))
            self._run.log_artifact(artifact)
        self._run.finish(exit_code=EXIT_CODES[end.status])
        self._opened = None
