"""Visual wake words as MLPerf Tiny prepares them: is there a person in the image? 96 x 96 in colour.

The archive holds the training and the validation images of COCO 2014 together, in the folders `non_person` and
`person`; neither names a test split. Ours is a fixed stratified one of 80 % training, 10 % validation and 10 % test.

References:
    A. Chowdhery et al., "Visual Wake Words Dataset", 2019, arXiv 1906.05721.
    Banbury et al., "MLPerf Tiny Benchmark", NeurIPS Datasets and Benchmarks 2021, arXiv 2106.07597.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

import numpy as np

from analognas.errors import UserError
from analognas.tasks.assemble import Index, Limits
from analognas.tasks.images.collection import ImageCollection
from analognas.tasks.images.decode import ImageRule
from analognas.tasks.store.archives import members
from analognas.tasks.store.cache import file_identity
from analognas.tasks.store.sources import SOURCES
from analognas.tasks.stratified import stratified_indices
from analognas.tasks.task import Task

CLASSES: Final = ("non_person", "person")
SPLIT_SEED: Final = 2305_10459
FRACTIONS: Final = (0.8, 0.1, 0.1)
SIZE: Final = (96, 96)


def load_visual_wake_words(limits: Limits, max_bad_files: int) -> Task:
    """Return visual wake words.

    Raises:
        UserError: when it is not on this machine, or the file is damaged.
    """
    source = SOURCES["visual-wake-words"]
    files = source.files()
    if files is None:
        raise source.missing()
    path = files[0]
    found = sorted(str(name) for name, _ in members(path, lambda _: False) if _is_image(name))
    if not found:
        raise UserError(f"{path}: no images in folders {' and '.join(CLASSES)}; fetch it again")
    y = np.array([CLASSES.index(PurePosixPath(name).parent.name) for name in found], dtype=np.int64)
    place = {name: index for index, name in enumerate(found)}

    def read(wanted: Index) -> Iterator[tuple[int, bytes]]:
        needed = set(wanted.tolist())
        for name, content in members(path, _is_image):
            if place.get(str(name)) in needed:
                yield place[str(name)], content

    collection = ImageCollection(
        name="visual-wake-words",
        files=found,
        y=y,
        class_names=CLASSES,
        parts=stratified_indices(y, FRACTIONS, SPLIT_SEED),
        read=read,
        identity={"file": file_identity([path], path.parent)},
    )
    return collection.task(ImageRule(SIZE), limits, max_bad_files)


def _is_image(name: PurePosixPath) -> bool:
    return name.parent.name in CLASSES and name.suffix.lower() in (".jpg", ".jpeg")
