"""Found networks on chips, from Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hwsim
from analognas.config.from_python import given_objects
from analognas.progress.observer import Observer, Silent
from analognas.record.directory import RunDirectory
from analognas.runs.validate import Validation
from analognas.runs.validate import validate as validate_network


def validate(
    path: str | Path,
    hardware: Sequence[hwsim.Hardware | str] | hwsim.Hardware | str = (),
    *,
    trial: int | None = None,
    times_s: Sequence[float | str] | None = None,
    chips: int | None = None,
    confidence: float | None = None,
    adabs: bool = False,
    device: str = "cpu",
    observer: Observer | None = None,
    progress: bool = False,
    chip: hwsim.Chip | str | None = None,
    conductances: str | Path | None = None,
    **objects: Any,
) -> list[Validation]:
    """Program a found network on chips and measure it on the test split, on one hardware after the other.

    Args:
        path: a run directory, a `best/` folder or an architecture.json; without weights next to it the network is
            trained first.
        hardware: chips, names of presets or YAML files, one or several; none: the run's own.
        trial: whose network of a run directory; None: the best one.
        times_s: seconds since programming, or texts such as `1 day`; None: 1 s, 1 h, 1 day, 1 month and 1 year.
        chips: from 2 to 1000; None: as many as the run did.
        confidence: stop once every mean is known within plus or minus this, in points; None for all chips.
        adabs: measure batch-norm statistics again on every chip at every time.
        device: where this runs: cpu, cuda, cuda:N, or auto for a GPU where torch sees one.
        observer: hears of the stages; None: nobody is.
        progress: show a progress bar on a terminal.
        chip: a described chip, its name or a YAML file, whose costs are shown; None: that of the run.
        conductances: a file of the export format `conductances`, whose chips are measured instead of new ones.
        objects: `task` and `space` of a run that began with Python objects.

    Returns:
        A validation for each hardware.

    Raises:
        UserError: when a file is missing or does not fit, or a hardware cannot be simulated at these times.
    """
    return validate_network(
        RunDirectory(Path(path), given_objects(objects)),
        hardware,
        trial=trial,
        times_s=times_s,
        chips=chips,
        confidence=confidence,
        adabs=adabs,
        device=device,
        observer=observer or Silent(),
        progress=progress,
        chip=chip,
        conductances=conductances,
    )
