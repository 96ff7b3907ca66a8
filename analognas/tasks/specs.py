"""The `task` section of a configuration, and the table of built-in tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field, field_validator

from analognas.specs.base import ExistingFile, Spec
from analognas.tasks.audio_specs import FsddSpec, SpeechCommandsSpec, WavFolderSpec
from analognas.tasks.image_specs import Cifar10Spec, FashionMnistSpec, ImageFolderSpec, VisualWakeWordsSpec
from analognas.tasks.split_specs import Fractions
from analognas.tasks.task import Task


class DigitsSpec(Spec):
    """Handwritten digits bundled with scikit-learn: 1,797 images of 8 × 8, ten classes, split 60/20/20."""

    kind: Literal["digits"] = "digits"


class ArraysSpec(Spec):
    """A user's own .npz file with `x` and `y`, or `x_train`, `y_train`, `x_test`, `y_test` (and `x_val`, `y_val`)."""

    kind: Literal["arrays"] = "arrays"
    path: ExistingFile = Field(
        description="the .npz file; a relative path starts at the folder of the configuration"
    )
    input_shape: tuple[int, int, int] | None = Field(
        default=None, description="[channels, height, width] of one input; needed for rows of features"
    )
    layout: Literal["auto", "channels-first", "channels-last"] = Field(
        default="auto", description="where the channels of four-dimensional inputs are"
    )
    fractions: Fractions = Field(
        default=(0.6, 0.2, 0.2), description="training, validation and test shares, adding up to 1"
    )
    split_seed: int = Field(default=0, ge=0, description="seed of the stratified split")

    @field_validator("input_shape")
    @classmethod
    def _positive(cls, shape: tuple[int, int, int] | None) -> tuple[int, int, int] | None:
        if shape is not None and min(shape) < 1:
            raise ValueError(f"[channels, height, width] must be positive, got {list(shape)}")
        return shape


class EntryPointSpec(Spec):
    """A task that another installed package offers as an entry point of the group `analognas.tasks`."""

    kind: Literal["entry-point"] = "entry-point"
    name: str = Field(min_length=1, description="of the entry point")
    options: dict[str, Any] = Field(default={}, description="arguments of the function behind it")


AnyTaskSpec = (
    DigitsSpec
    | FsddSpec
    | SpeechCommandsSpec
    | Cifar10Spec
    | FashionMnistSpec
    | VisualWakeWordsSpec
    | ImageFolderSpec
    | WavFolderSpec
    | ArraysSpec
    | EntryPointSpec
)
IMAGES: Final = (DigitsSpec, Cifar10Spec, FashionMnistSpec, VisualWakeWordsSpec, ImageFolderSpec)
"""Tasks whose inputs are images; those of arrays and of entry points may be anything."""

TaskSpec = Annotated[AnyTaskSpec, Field(discriminator="kind")]

BUILT_IN: Final[Mapping[str, type[Spec]]] = {
    "digits": DigitsSpec,
    "fsdd": FsddSpec,
    "speech-commands": SpeechCommandsSpec,
    "cifar10": Cifar10Spec,
    "fashion-mnist": FashionMnistSpec,
    "visual-wake-words": VisualWakeWordsSpec,
    "image-folder": ImageFolderSpec,
    "wav-folder": WavFolderSpec,
    "arrays": ArraysSpec,
    "entry-point": EntryPointSpec,
}
"""The built-in tasks by the name they have in a configuration."""


def load_task(spec: AnyTaskSpec) -> Task:
    """Load the data of a task. Nothing is downloaded.

    Raises:
        UserError: when the data are missing or do not fit.
    """
    match spec:
        case DigitsSpec():
            from analognas.tasks.digits import load_digits

            return load_digits()
        case FsddSpec() | SpeechCommandsSpec() | WavFolderSpec():
            return _load_sound(spec)
        case ArraysSpec():
            from analognas.tasks.arrays import load_arrays

            return load_arrays(
                spec.path,
                input_shape=spec.input_shape,
                layout=spec.layout,
                fractions=spec.fractions,
                split_seed=spec.split_seed,
            )
        case EntryPointSpec():
            from analognas.tasks.entry_point import load_entry_point

            return load_entry_point(spec.name, spec.options)
        case _:
            return _load_images(spec)


def _load_images(spec: Cifar10Spec | FashionMnistSpec | VisualWakeWordsSpec | ImageFolderSpec) -> Task:
    match spec:
        case Cifar10Spec():
            from analognas.tasks.images.cifar10 import load_cifar10

            return load_cifar10(spec.limits)
        case FashionMnistSpec():
            from analognas.tasks.images.fashion_mnist import load_fashion_mnist

            return load_fashion_mnist(spec.limits)
        case VisualWakeWordsSpec():
            from analognas.tasks.images.visual_wake_words import load_visual_wake_words

            return load_visual_wake_words(spec.limits, spec.max_bad_files)
        case ImageFolderSpec():
            from analognas.tasks.images.decode import ImageRule
            from analognas.tasks.images.folder import load_image_folder

            return load_image_folder(
                spec.path,
                rule=ImageRule(spec.size, spec.resize, spec.colour),
                fractions=spec.fractions,
                split_seed=spec.split_seed,
                limits=spec.limits,
                max_bad_files=spec.max_bad_files,
            )


def _load_sound(spec: FsddSpec | SpeechCommandsSpec | WavFolderSpec) -> Task:
    from analognas.tasks.audio.clips import Background

    background = Background(spec.noise.copies, spec.noise.snr_db, spec.noise.speed)
    front_end = spec.front_end.at(spec.sampled_hz)
    match spec:
        case FsddSpec():
            from analognas.tasks.audio.fsdd import load_fsdd

            return load_fsdd(spec.split, spec.validation_speakers, front_end, background, spec.limits)
        case SpeechCommandsSpec():
            from analognas.tasks.audio.speech_commands import load_speech_commands

            return load_speech_commands(front_end, background, spec.limits)
        case WavFolderSpec():
            from analognas.tasks.audio.folder import load_wav_folder

            return load_wav_folder(
                spec.path,
                front_end=front_end,
                align=spec.align,
                speaker=spec.speaker,
                background=background,
                fractions=spec.fractions,
                split_seed=spec.split_seed,
                limits=spec.limits,
                max_bad_files=spec.max_bad_files,
            )
