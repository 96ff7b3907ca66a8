"""Any trial of a run, taken further: its candidate at full budget, validated and exported as `best/` is."""

from __future__ import annotations

from contextlib import closing
from operator import index
from pathlib import Path

from analognas.config.loader import load_run_config, located_in
from analognas.errors import Argument, UserError
from analognas.export import Artefact, damaged_files, write_bundle
from analognas.final.test_split import validate_trial
from analognas.progress.observer import Observer
from analognas.record.directory import RunDirectory, read_result
from analognas.record.trial import Trial
from analognas.record.validation import FinalResult
from analognas.runs.begun import compose_begun
from analognas.runs.best_network import artefact_in, make_artefact
from analognas.runs.lifecycle import logs_of
from analognas.runs.resume_checks import check_same_data, check_same_measurement


def folder_of_trial(run: RunDirectory, number: int, observer: Observer) -> Path:
    """Return the folder with the network of a trial at full budget; it is trained where it is not there yet.

    The folder is `best/` for the trial whose network the run exported, else `trials/NUMBER/`, with the same files. A
    training is that of a finalist of the run, on the executor of its configuration.

    Args:
        run: finished or not; its search may be going on.
        number: of a completed trial, from 1; also one of numpy, as tables have it.
        observer: hears of the training.

    Raises:
        UserError: when there is no such trial, its training fails, or the data have changed.
    """
    number = _whole(number)
    result = run.final_result()
    if result is not None and result.trial == number:
        return run.best
    trial = _completed(run, number)
    folder = run.folder_of_trial(number)
    if folder.exists() and not damaged_files(folder):
        return folder
    config, document = load_run_config(run)
    check_same_measurement(run, config)
    with located_in(document):
        composition = compose_begun(run, config)
    with closing(composition.site):
        check_same_data(run, composition.task)
        with logs_of(run) as logs, closing(composition.executor_in_full(logs, 1)) as executor:
            final = validate_trial(composition.ending, executor, trial, observer)
        result = FinalResult(trial=number, network=final.validated, references=(), surrogate={})
        folder.parent.mkdir(exist_ok=True)
        missing = write_bundle(
            folder, make_artefact(config, composition.task, final), result, config.final.formats
        )
    for name, reason in missing.items():
        observer.stage(f"format {name} is missing: {reason}")
    return folder


def _whole(number: int) -> int:
    try:
        if not isinstance(number, bool):
            return index(number)
    except TypeError:
        pass
    raise UserError(Argument("trial"), f" must be the number of a trial, got {number!r:.80}")


def _completed(run: RunDirectory, number: int) -> Trial:
    trials = run.trials()
    if not 1 <= number <= len(trials):
        have = (
            f"it has 1 to {len(trials)}"
            if trials
            else f"none has finished; continue the run with `analognas resume {run.path}`"
        )
        raise UserError(f"{run.path}: there is no trial {number}; {have}")
    trial = trials[number - 1]
    if trial.failure is not None:
        raise UserError(f"{run.path}: trial {number} failed ({trial.failure.reason}); name a completed one")
    return trial


def artefact_of_trial(run: RunDirectory, number: int, observer: Observer) -> Artefact:
    """Return the network of a trial at full budget as exporters want it.

    Raises:
        UserError: as `folder_of_trial` does, and when a file of the folder is damaged.
    """
    folder = folder_of_trial(run, number, observer)
    try:
        result = read_result(folder)
    except (OSError, ValueError) as error:
        raise UserError(f"{folder}: {error}; remove the folder, and the network is trained again") from None
    return artefact_in(run, folder, result)
