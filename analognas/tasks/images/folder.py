"""A user's own images, one folder a class."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field, model_validator

from analognas.specs.base import ExistingFolder
from analognas.tasks.assemble import Index, Limits
from analognas.tasks.base_spec import Fractions, Inputs, LimitedSpec
from analognas.tasks.class_folders import scan
from analognas.tasks.images.collection import ImageCollection
from analognas.tasks.images.decode import ImageRule
from analognas.tasks.store.cache import file_identity
from analognas.tasks.task import Task

SUFFIXES: Final = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
)


Side = Annotated[int, Field(ge=1, le=4096)]


class ImageFolderSpec(LimitedSpec):
    """A user's own images: one folder a class, or `train`, `test` (and `validation`) with one folder a class."""

    inputs: ClassVar[Inputs] = "images"

    kind: Literal["image-folder"] = "image-folder"
    path: ExistingFolder = Field(
        description="the folder; a relative path starts at the folder of the configuration"
    )
    size: tuple[Side, Side] | None = Field(
        default=None, description="[height, width] of every input; null: the images as they are"
    )
    resize: Literal["none", "squash", "crop"] = Field(
        default="none",
        description="other sizes become `size`: squash changes proportions, crop cuts the middle out",
    )
    colour: Literal["rgb", "grey"] = Field(default="rgb", description="3 channels, or 1")
    fractions: Fractions = Field(
        default=(0.6, 0.2, 0.2), description="training, validation and test shares, adding up to 1"
    )
    split_seed: int = Field(default=0, ge=0, description="seed of the stratified split")
    max_bad_files: int = Field(
        default=10, ge=0, description="unreadable images that are left out before an error"
    )

    @model_validator(mode="after")
    def _resize_needs_a_size(self) -> ImageFolderSpec:
        if self.resize != "none" and self.size is None:
            raise ValueError(f"`resize: {self.resize}` needs `size: [height, width]`")
        if self.resize == "none" and self.size is not None:
            raise ValueError("`size` needs `resize: squash` or `resize: crop`, got `none`")
        return self

    def build(self) -> Task:
        """Load the images."""
        return load_image_folder(
            self.path,
            rule=ImageRule(self.size, self.resize, self.colour),
            fractions=self.fractions,
            split_seed=self.split_seed,
            limits=self.limits,
            max_bad_files=self.max_bad_files,
        )


def load_image_folder(
    path: Path,
    *,
    rule: ImageRule,
    fractions: tuple[float, float, float],
    split_seed: int,
    limits: Limits,
    max_bad_files: int,
) -> Task:
    """Return the task of a folder of class folders.

    Args:
        path: the folder, as `analognas.tasks.class_folders` describes it.
        rule: size and colour of the inputs.
        fractions: training, validation and test shares where the folders name no splits.
        split_seed: of the stratified split.
        limits: the most items of each split.
        max_bad_files: how many unreadable files may be left out.

    Raises:
        UserError: when the folder does not fit, a class is empty, or too many files are bad.
    """
    folders = scan(path, SUFFIXES)

    def read(wanted: Index) -> Iterator[tuple[int, bytes | OSError]]:
        for index in wanted.tolist():
            try:
                yield index, folders.files[index].read_bytes()
            except OSError as error:
                yield index, error

    collection = ImageCollection(
        name=path.name,
        files=[str(file) for file in folders.files],
        y=folders.y,
        class_names=folders.class_names,
        parts=folders.parts(fractions, split_seed),
        read=read,
        identity={"folder": str(path), "files": file_identity(folders.files, path)},
    )
    return collection.task(rule, limits, max_bad_files, folders.notes)
