"""The network of a run, of any of its trials or of a file, on any number of hardwares."""

from __future__ import annotations

from collections.abc import Sequence

import hwsim
from analognas.errors import UserError
from analognas.progress.observer import Observer
from analognas.record.directory import RunDirectory, open_run
from analognas.runs.any_trial import folder_of_trial
from analognas.runs.validate import (
    OWN,
    ChosenHardware,
    Validation,
    check_options,
    parse_times,
    read_hardware,
    validate,
)


def validate_any(
    place: RunDirectory,
    hardware: Sequence[hwsim.Hardware | str] | hwsim.Hardware | str,
    *,
    trial: int | None,
    times_s: Sequence[float | str] | None,
    chips: int | None,
    confidence: float | None,
    adabs: bool,
    device: str,
    observer: Observer,
    progress: bool = False,
) -> list[Validation]:
    """Program a network on chips and measure it on the test split, on one hardware after the other.

    Args:
        place: a run directory; without a trial also the path of a `best/` folder or an architecture.json.
        hardware: chips, names of presets or YAML files; none: the run's own.
        trial: whose network; None: the best one.
        times_s: seconds or texts such as `1 day`; None: the standard ones.
        chips: how many; None: as many as the run did.
        confidence: stop once every mean is known within plus or minus this, in points; None for all chips.
        adabs: measure batch-norm statistics anew on every chip at every time.
        device: where this runs.
        observer: is told of the stages.
        progress: show a progress bar on a terminal.

    Raises:
        UserError: when a file is missing or does not fit, or a value is not possible.
    """
    if times_s is not None and (isinstance(times_s, str | int | float) or len(times_s) == 0):
        raise UserError(f"`times_s` must be a list of at least one time, got {times_s!r}")
    several = [hardware] if isinstance(hardware, hwsim.Hardware | str) else list(hardware)
    chosen = [
        ChosenHardware(read_hardware(one), one) if isinstance(one, str) else ChosenHardware(one)
        for one in dict.fromkeys(several)
    ]
    seconds = parse_times([str(time_s) for time_s in times_s or ()])
    check_options(chips, confidence, device)
    path = place.path
    if trial is not None:
        path = folder_of_trial(open_run(path, place.objects), trial, observer)
    return validate(
        path,
        chosen or OWN,
        times_s=seconds,
        chips=chips,
        confidence=confidence,
        adabs=adabs,
        device=device,
        observer=observer,
        progress=progress,
        objects=place.objects,
    )
