"""The observers by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from analognas.progress.base_spec import ObserverSpec
from analognas.progress.csv_table import CsvSpec
from analognas.progress.mlflow import MlflowSpec
from analognas.progress.python_log import LoggingSpec
from analognas.progress.tensorboard import TensorBoardSpec
from analognas.progress.terminal import LinesSpec, LiveSpec, SilentSpec
from analognas.progress.wandb import WandbSpec
from analognas.specs.family import by_kind

DISPLAYS: Final[Mapping[str, type[ObserverSpec]]] = by_kind(LiveSpec, LinesSpec, SilentSpec)
"""What `--progress` takes."""

OBSERVERS: Final[Mapping[str, type[ObserverSpec]]] = {
    **DISPLAYS,
    **by_kind(CsvSpec, LoggingSpec, TensorBoardSpec, MlflowSpec, WandbSpec),
}
"""The observers by the name that they have on the command line and in Python."""

GROUP: Final = "analognas.observers"
"""The entry points of other packages: a class or function that returns an observer; its arguments are the options."""
