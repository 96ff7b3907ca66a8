"""Conformance suites for what users plug in: one function a family, which ends at the first breach of a contract."""

from analognas.tasks.conformance import BrokenTaskError, check_task
from analognas.testing.devices import BrokenDeviceError, check_device
from analognas.testing.executors import BrokenExecutorError, check_executor
from analognas.testing.formats import BrokenFormatError, check_format
from analognas.testing.observers import BrokenObserverError, check_observer
from analognas.testing.sections import BrokenSectionError, check_section
from analognas.testing.strategies import BrokenStrategyError, check_strategy
from search_spaces.conformance import BrokenSpaceError, check_space
from surrogates.conformance import BrokenSurrogateError, check_surrogate

__all__ = [
    "BrokenDeviceError",
    "BrokenExecutorError",
    "BrokenFormatError",
    "BrokenObserverError",
    "BrokenSectionError",
    "BrokenSpaceError",
    "BrokenStrategyError",
    "BrokenSurrogateError",
    "BrokenTaskError",
    "check_device",
    "check_executor",
    "check_format",
    "check_observer",
    "check_section",
    "check_space",
    "check_strategy",
    "check_surrogate",
    "check_task",
]
