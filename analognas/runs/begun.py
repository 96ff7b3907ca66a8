"""The parts of a search that has begun: what it knows from other runs is what its directory keeps."""

from __future__ import annotations

from collections.abc import Sequence

from analognas.compose import Composition, compose
from analognas.config.sections import SearchConfig
from analognas.config.warm_start import WarmStart
from analognas.errors import UserError
from analognas.record.directory import RunDirectory
from analognas.record.earlier_trial import EarlierTrial, read_earlier_trials


def earlier_trials(run: RunDirectory, config: SearchConfig) -> Sequence[EarlierTrial]:
    """Return the trials of other runs that a run began with; the directories of those are not needed.

    Raises:
        UserError: when the run names itself, or its `warm_start.jsonl` is missing or damaged.
    """
    if run.path.resolve() in (path.resolve() for path in config.search.warm_start):
        raise UserError(
            f"{run.config}: search.warm_start: a run cannot begin with its own trials; remove that entry"
        )
    return read_earlier_trials(run.warm_start) if config.search.warm_start else ()


def compose_begun(run: RunDirectory, config: SearchConfig) -> Composition:
    """Put the parts of a search together as `compose` does, with the warm start that `run` began with.

    Raises:
        UserError: as `compose` and `earlier_trials` do.
    """
    return compose(config, WarmStart.recorded(earlier_trials(run, config)))
