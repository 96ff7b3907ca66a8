"""A run in Python's logging, as the logger `analognas`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final, Literal, final

from pydantic import Field

from analognas.errors import UserError, remedy
from analognas.progress.base_spec import ObserverSpec
from analognas.progress.observer import Observer, RunEnd, RunStart
from analognas.progress.pace import Progress
from analognas.progress.printable import printable
from analognas.progress.terminal import describe_progress, describe_trial
from analognas.record.trial import Trial
from analognas.record.validation import FinalResult

LOGGER: Final = "analognas"
FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class LoggingSpec(ObserverSpec):
    """Writes stages, trials and results to Python's logging, logger `analognas`; a failed trial is a warning."""

    kind: Literal["logging"] = "logging"
    file: Path | None = Field(
        default=None,
        description="a file to append to; null: the handlers of the program, and the error stream where it has none",
    )

    def build(self) -> Observer:
        """Return the observer.

        Raises:
            UserError: when the file cannot be opened.
        """
        return LoggingObserver(self.file)


@final
class LoggingObserver(Observer):
    """Logs a run.

    Args:
        file: to append to, besides the handlers of the program; None: none. Where neither the program has a handler nor
            a file is given, the error stream is written to.

    Raises:
        UserError: when the file cannot be opened.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._logger = logging.getLogger(LOGGER)
        self._file = file
        self._progress = ""
        self._handler: logging.Handler | None = None
        self._level_before = logging.NOTSET
        self._attached = False
        if file is not None:
            try:
                file.open("a").close()
            except OSError as error:
                raise UserError(
                    f"{file}: cannot be opened: {error.strerror}; {remedy(error)}, or choose another `file`"
                ) from None

    @property
    def _log(self) -> logging.Logger:
        """The logger, which is attached to its file, or to the error stream, when there is something to log."""
        if not self._attached:
            self._attached = True
            if self._file is not None:
                self._attach(logging.FileHandler(self._file, encoding="utf-8"))
            elif not self._logger.hasHandlers():
                self._attach(logging.StreamHandler())
        return self._logger

    def _attach(self, handler: logging.Handler) -> None:
        self._handler, self._level_before = handler, self._logger.level
        handler.setFormatter(logging.Formatter(FORMAT))
        self._logger.addHandler(handler)
        if not self._logger.isEnabledFor(logging.INFO):
            self._logger.setLevel(logging.INFO)

    def begin(self, start: RunStart) -> None:
        """Log the run directory."""
        found = f"; {len(start.earlier)} trials are there" if start.earlier else ""
        self._log.info("run %s: %d trials%s", start.path, start.n_trials, found)

    def stage(self, name: str) -> None:
        """Log the stage."""
        self._log.info("%s", printable(name))

    def progress(self, progress: Progress) -> None:
        """Keep it for the trial."""
        self._progress = describe_progress(progress)

    def trial(self, trial: Trial, n_trials: int, best: Trial | None) -> None:
        """Log the trial; a failed one as a warning."""
        level = logging.INFO if trial.failure is None else logging.WARNING
        best_text = "none yet" if best is None else f"trial {best.number}"
        told = printable(describe_trial(trial))
        self._log.log(
            level, "trial %d of %d: %s; best: %s; %s", trial.number, n_trials, told, best_text, self._progress
        )

    def result(self, result: FinalResult) -> None:
        """Log the figures of every network at full budget."""
        for network in result.networks:
            figures = ", ".join(f"{name} {value:.6g}" for name, value in network.metrics.items())
            self._log.info("%s, test split: %s", printable(network.name), figures)

    def end(self, end: RunEnd) -> None:
        """Log how the run ended; a failure as an error."""
        level = logging.ERROR if end.status == "failed" else logging.INFO
        self._log.log(level, "%s%s", end.status, f": {printable(end.reason)}" if end.reason else "")

    def close(self) -> None:
        """Leave logging as it was."""
        if self._handler is not None:
            self._logger.removeHandler(self._handler)
            self._logger.setLevel(self._level_before)
            self._handler.close()
        self._handler, self._attached = None, False
