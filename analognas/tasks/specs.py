"""The `task` section of a configuration: the tasks by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeAlias

from analognas.specs.family import by_kind, section
from analognas.tasks.arrays import ArraysSpec
from analognas.tasks.audio.folder import WavFolderSpec
from analognas.tasks.audio.fsdd import FsddSpec
from analognas.tasks.audio.speech_commands import SpeechCommandsSpec
from analognas.tasks.base_spec import TaskSpec
from analognas.tasks.characters import CharacterModelSpec, TinyShakespeareSpec
from analognas.tasks.digits import DigitsSpec
from analognas.tasks.entry_point import EntryPointTaskSpec
from analognas.tasks.given import ObjectTaskSpec
from analognas.tasks.images.cifar10 import Cifar10Spec
from analognas.tasks.images.fashion_mnist import FashionMnistSpec
from analognas.tasks.images.folder import ImageFolderSpec
from analognas.tasks.images.visual_wake_words import VisualWakeWordsSpec

TASKS: Final[Mapping[str, type[TaskSpec]]] = by_kind(
    DigitsSpec,
    FsddSpec,
    SpeechCommandsSpec,
    Cifar10Spec,
    FashionMnistSpec,
    VisualWakeWordsSpec,
    ImageFolderSpec,
    WavFolderSpec,
    ArraysSpec,
    CharacterModelSpec,
    TinyShakespeareSpec,
    EntryPointTaskSpec,
    ObjectTaskSpec,
)
"""The tasks by the name they have in a configuration."""

if TYPE_CHECKING:
    TaskSection: TypeAlias = TaskSpec
else:
    TaskSection = section(TASKS)
