"""A run directory: where each file of a run is.

`config.yaml`, `trials.jsonl` and `warm_start.jsonl` (the trials of other runs, where it began with any) are the record.
Everything else can be made again from them: `environment.json`
(versions and machine at the start), `surrogate/` (the last surrogate), `summary.csv`, `pareto.csv`, `report.html` and
`best/` (the best network in every format, and its measurements).
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from typing import Any, Final

from analognas.errors import Argument, UserError
from analognas.files import write_bytes
from analognas.record.journal import read_trials
from analognas.record.layer_sensitivity import LayerSensitivity
from analognas.record.trial import Trial
from analognas.record.validation import FinalResult
from analognas.specs.given import GivenObjects

_RESTORED: Final[Mapping[str, str]] = {
    "config.yaml": "put the configuration that the search began with there",
    "trials.jsonl": "restore it from a copy, or make an empty one to search from the beginning",
}
"""The record, and what helps where a file of it is missing."""


COST: Final = "cost"
"""The key of analog.json for what the network costs on the described chip."""


@dataclass(frozen=True)
class RunDirectory:
    """The files of one run below `path`.

    Attributes:
        path: of the directory.
        objects: Python objects that the configuration names and no file holds.
    """

    path: Path
    objects: GivenObjects = field(default_factory=dict, compare=False, repr=False)

    @property
    def config(self) -> Path:
        """The configuration with every default written out."""
        return self.path / "config.yaml"

    @property
    def environment(self) -> Path:
        """Versions and machine."""
        return self.path / "environment.json"

    @property
    def journal(self) -> Path:
        """The trials."""
        return self.path / "trials.jsonl"

    @property
    def warm_start(self) -> Path:
        """The trials of other runs that the search began with, where there are any."""
        return self.path / "warm_start.jsonl"

    @property
    def logs(self) -> Path:
        """What workers wrote, a file for each candidate that had something to say."""
        return self.path / "logs"

    @property
    def rungs(self) -> Path:
        """Weights that trainings on higher rungs go on from, while the search runs."""
        return self.path / "rungs"

    @property
    def race(self) -> Path:
        """Trainings at full budget, while the run comes to its end."""
        return self.path / "race"

    @property
    def surrogate(self) -> Path:
        """The last fitted surrogate."""
        return self.path / "surrogate"

    @property
    def best(self) -> Path:
        """The best network in every format."""
        return self.path / "best"

    @property
    def taken_further(self) -> Path:
        """The networks of trials that somebody took further, a folder each."""
        return self.path / "trials"

    def folder_of_trial(self, number: int) -> Path:
        """The network of a trial that somebody took further, in every format."""
        return self.taken_further / str(number)

    @property
    def metrics(self) -> Path:
        """What was measured of the best network and the references."""
        return self.best / "metrics.json"

    @property
    def weights(self) -> Path:
        """The weights of the best network: what the other files of `best/` can be made again from."""
        return self.best / "model.safetensors"

    @property
    def summary(self) -> Path:
        """Every trial as a table."""
        return self.path / "summary.csv"

    @property
    def hypervolume(self) -> Path:
        """The hypervolume after each trial of a search with several objectives."""
        return self.path / "hypervolume.csv"

    @property
    def pareto(self) -> Path:
        """The trials that no other beats in both objective and parameters."""
        return self.path / "pareto.csv"

    @property
    def sensitivity(self) -> Path:
        """What each layer of the best network costs in accuracy, where somebody had it measured."""
        return self.path / "sensitivity.json"

    @property
    def report(self) -> Path:
        """The report."""
        return self.path / "report.html"

    def trials(self) -> list[Trial]:
        """Return the finished trials in order of completion.

        Raises:
            UserError: when the journal is damaged.
        """
        return read_trials(self.journal)

    def chip_cost(self) -> Mapping[str, Any] | None:
        """Return what the best network costs on the described chip, as `hwsim.ChipCost` has it; None if not known."""
        return _mapping_of(self.best / "analog.json", COST)

    def tile_map(self) -> Mapping[str, Any] | None:
        """Return the tile map of the best network as `hwsim.TileMap` has it; None if not known."""
        return _mapping_of(self.best / "analog.json", "tiles")

    def best_shape(self) -> tuple[tuple[int, ...], int]:
        """Return the shape of one input of the best network and how many classes it has; empty and 0 if not known."""
        content = _content_of(self.best / "architecture.json")
        shape, classes = content.get("input_shape"), content.get("classes")
        sizes = shape if isinstance(shape, list) and all(isinstance(size, int) for size in shape) else []
        return tuple(sizes), len(classes) if isinstance(classes, list) else 0

    def layer_sensitivity(self) -> LayerSensitivity | None:
        """Return what each layer of the best network costs in accuracy; None where nobody has measured it.

        Raises:
            UserError: when the file is damaged.
        """
        try:
            return LayerSensitivity.from_json(self.sensitivity.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise UserError(
                f"{self.sensitivity}: {reason}; remove it, `analognas report {self.path} --sensitivity` measures again"
            ) from None

    def final_result(self) -> FinalResult | None:
        """Return the final result, None before the run has ended.

        Raises:
            UserError: when the file is damaged.
        """
        try:
            return read_result(self.best)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise UserError(
                f"{self.metrics}: {reason}; remove {self.best} and run `analognas resume {self.path}`"
            ) from None

    def trial_of(self, result: FinalResult, trials: Sequence[Trial] | None = None) -> Trial | None:
        """Return the trial whose candidate became the best network, None where that is a reference.

        Args:
            result: the final result.
            trials: those of the journal, where they have been read already.

        Raises:
            UserError: when the journal does not hold it, or holds another candidate under its number.
        """
        if result.trial is None:
            return None
        trials = self.trials() if trials is None else trials
        if not 1 <= result.trial <= len(trials):
            raise UserError(
                f"{self.journal}: has no trial {result.trial}, which {self.metrics} names; restore the file from a copy"
            )
        trial = trials[result.trial - 1]
        if trial.architecture != result.network.architecture:
            raise UserError(
                f"{self.metrics}: has another architecture than trial {trial.number} of {self.journal}; restore the "
                f"one from a copy that was changed, or remove {self.best} and run `analognas resume {self.path}`"
            )
        return trial

    def read_environment(self) -> dict[str, Any]:
        """Return the recorded versions and machine, empty where the file is missing or damaged: it is only shown."""
        return _content_of(self.environment)


def read_result(folder: Path) -> FinalResult:
    """Read the metrics.json of a `best/` folder.

    Raises:
        OSError: when it is missing or cannot be read.
        ValueError: when it is damaged.
    """
    return FinalResult.from_json((folder / "metrics.json").read_text(encoding="utf-8"))


def create_run(
    path: Path,
    config_text: str,
    environment: Mapping[str, Any],
    warm_start: str = "",
    objects: GivenObjects | None = None,
) -> RunDirectory:
    """Create a run directory that holds the configuration and an empty journal.

    The directory appears under its name only when it is complete.

    Args:
        path: of the directory.
        config_text: content of `config.yaml`.
        environment: content of `environment.json`.
        warm_start: content of `warm_start.jsonl`; empty for a search that knows no other run.

    Raises:
        UserError: when `path` is in use or cannot be written.
    """
    ensure_unused(path)
    draft = path.parent / f".{path.name}.{secrets.token_hex(4)}"
    try:
        draft.mkdir(parents=True)
        write_atomically(draft / "config.yaml", config_text)
        write_atomically(draft / "environment.json", json.dumps(environment, indent=1))
        if warm_start:
            write_atomically(draft / "warm_start.jsonl", warm_start)
        (draft / "trials.jsonl").touch()
        if path.exists():
            path.rmdir()
        draft.rename(path)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise UserError(
            f"{path}: cannot create the run directory: {error.strerror}; choose another with ",
            Argument("out"),
        ) from None
    return RunDirectory(path, objects or {})


def dated_path(folder: Path, name: str) -> Path:
    """Return `folder/NAME-DATE-TIME`, with a number behind it where that is there already."""
    path = folder / f"{name}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    numbered = (path.with_name(f"{path.name}-{number}") for number in count(2))
    return next(candidate for candidate in chain([path], numbered) if not candidate.exists())


def ensure_unused(path: Path) -> None:
    """Check that a run directory can be created at `path`.

    Raises:
        UserError: when something is there already.
    """
    if path.resolve() == Path.cwd():
        raise UserError(
            f"{path}: the run directory must not be the one you are in: it gets its name when it is complete; "
            "choose another with ",
            Argument("out"),
        )
    if path.exists() and not path.is_dir():
        raise UserError(f"{path}: is a file; choose another directory with ", Argument("out"))
    if path.is_dir() and any(path.iterdir()):
        remedy = f"continue it with `analognas resume {path}`, or " if holds_run(path) else ""
        raise UserError(
            f"{path}: the output directory is in use; {remedy}choose another with ", Argument("out")
        )
    ensure_writable(path)


def ensure_writable(path: Path) -> None:
    """Check that a directory is, or can be made, at `path`.

    Raises:
        UserError: when the nearest directory that exists cannot be written to.
    """
    there = next(place for place in (path.absolute(), *path.absolute().parents) if place.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise UserError(
            f"{path}: {there} is not a directory one can write to; choose another with ", Argument("out")
        )


def ensure_file(path: Path) -> None:
    """Check that a file is, or can be made, at `path`.

    Raises:
        UserError: when it is a folder, or the nearest folder that exists cannot be written to.
    """
    if path.is_dir():
        raise UserError(f"{path}: is a folder; name a file with ", Argument("out"))
    ensure_writable(path.parent)


def holds_run(path: Path) -> bool:
    """Return whether there is a run directory at `path`."""
    return not _missing(path)


def _missing(path: Path) -> list[str]:
    """Return which files of the record are not in a directory."""
    return [name for name in _RESTORED if not (path / name).is_file()]


def open_run(path: Path, objects: GivenObjects | None = None) -> RunDirectory:
    """Return an existing run directory, with the objects that its configuration names.

    Raises:
        UserError: when there is none at `path`.
    """
    if not path.exists():
        raise UserError(f"{path}: no such directory; give the directory that `analognas search` printed")
    run = RunDirectory(path, objects or {})
    missing = _missing(path)
    if len(missing) == 1:
        state = "is no plain file" if os.path.lexists(path / missing[0]) else "is missing"
        raise UserError(f"{path}: its {missing[0]} {state}; {_RESTORED[missing[0]]}")
    if missing:
        raise UserError(
            f"{path}: not a run directory, it has no {' and no '.join(missing)}; "
            "give the directory that `analognas search` printed"
        )
    for own in (
        run.config,
        run.environment,
        run.journal,
        run.warm_start,
        run.surrogate,
        run.best,
        run.logs,
        run.taken_further,
    ):
        # What a run writes must stay in its directory, whoever made the directory.
        if own.is_symlink():
            raise UserError(f"{own}: is a symbolic link, which no run makes; replace it by what it points to")
    return run


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that it is either the old one or the whole new one.

    Raises:
        OSError: when the disk is full or the folder cannot be written; the old file stays.
    """
    write_bytes(path, text.encode())


def _content_of(path: Path) -> dict[str, Any]:
    """Return what a JSON file holds, empty where it is missing or damaged: it is only shown."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _mapping_of(path: Path, key: str) -> Mapping[str, Any] | None:
    found = _content_of(path).get(key)
    return found if isinstance(found, Mapping) else None
