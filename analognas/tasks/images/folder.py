"""A user's own images, one folder a class."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from analognas.tasks.assemble import Index, Limits
from analognas.tasks.class_folders import scan
from analognas.tasks.images.collection import ImageCollection
from analognas.tasks.images.decode import ImageRule
from analognas.tasks.store.cache import file_identity
from analognas.tasks.task import Task

SUFFIXES: Final = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
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
