"""A run for TensorBoard: event files, by the writer that comes with torch."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, final

import yaml
from pydantic import Field

from analognas.progress.base_spec import ObserverSpec
from analognas.progress.observer import Observer, RunEnd, RunStart
from analognas.progress.tracking import Figures, TrackingObserver, flat, missing

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


class TensorBoardSpec(ObserverSpec):
    """Logs to TensorBoard: `tensorboard --logdir FOLDER`; the extra analognas[tensorboard]."""

    kind: Literal["tensorboard"] = "tensorboard"
    folder: Path | None = Field(
        default=None,
        description="event files go to a folder of it with the name of the run directory; null: tensorboard/ in that",
    )

    def build(self) -> Observer:
        """Return the observer.

        Raises:
            UserError: when TensorBoard is not installed.
        """
        if find_spec("tensorboard") is None:
            raise missing("tensorboard", "tensorboard")
        return TrackingObserver("tensorboard", TensorBoardTracker(self.folder))


@final
class TensorBoardTracker:
    """Writes event files.

    Args:
        folder: a folder for each run in it; None: `tensorboard/` in the run directory.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._config: dict[str, str | float | int | bool] = {}
        self._last = 0
        self._opened: SummaryWriter | None = None

    @property
    def _writer(self) -> SummaryWriter:
        assert self._opened is not None, "a run is opened first"
        return self._opened

    def open(self, start: RunStart, known: str) -> str:
        """Open a new event file; that of an earlier part stays beside it."""
        from torch.utils.tensorboard import SummaryWriter

        run = start.path.resolve()
        folder = run / "tensorboard" if self._folder is None else self._folder.resolve() / run.name
        self._opened = SummaryWriter(str(folder))
        self._config, self._last = flat(start.config), len(start.earlier)
        if str(folder) != known:
            text = yaml.safe_dump(dict(start.config), sort_keys=False, allow_unicode=True)
            indented = "\n".join(f"    {line}" for line in text.splitlines())  # TensorBoard reads Markdown
            self._writer.add_text("config", indented)
        return str(folder)

    def log(self, step: int, figures: Figures) -> None:
        """Write scalars, at once: somebody watches."""
        self._last = step
        for name, value in figures.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def close(self, end: RunEnd, figures: Figures) -> None:
        """Write the final figures, with the hyperparameters that led to them; TensorBoard keeps no files."""
        if figures:  # they become scalars, too
            self._writer.add_hparams(self._config, dict(figures), run_name=".", global_step=self._last)
        self._writer.add_text("status", f"{end.status} {end.reason}".strip(), self._last)
        self._writer.close()
        self._opened = None
