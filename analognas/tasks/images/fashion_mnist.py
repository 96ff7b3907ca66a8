"""Fashion-MNIST: 60,000 training and 10,000 test images of clothes, 28 x 28 in grey, ten classes.

Reads the four official gzipped IDX files. The test split is the official one; validation is a fixed stratified tenth
of the training images.

References:
    H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST", 2017, arXiv 1708.07747.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from analognas.errors import UserError
from analognas.tasks.assemble import Limits, make_task
from analognas.tasks.store.sources import SOURCES
from analognas.tasks.stratified import stratified_indices
from analognas.tasks.task import Task

CLASSES: Final = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
SPLIT_SEED: Final = 2305_10459
VALIDATION: Final = 0.1
UNSIGNED_BYTE: Final = 8


def load_fashion_mnist(limits: Limits) -> Task:
    """Return Fashion-MNIST.

    Raises:
        UserError: when it is not on this machine, or a file is damaged.
    """
    source = SOURCES["fashion-mnist"]
    files = source.files()
    if files is None:
        raise source.missing()
    train_x, train_y, test_x, test_y = (read_idx(path) for path in files)
    for x, y, path in ((train_x, train_y, files[0]), (test_x, test_y, files[2])):
        if x.ndim != 3 or y.ndim != 1 or len(x) != len(y) or y.max(initial=0) >= len(CLASSES):
            raise UserError(f"{path}: images and labels do not fit together; fetch them again")
    labels = np.concatenate([train_y, test_y]).astype(np.int64)
    train, validation = stratified_indices(labels[: len(train_y)], (1 - VALIDATION, VALIDATION), SPLIT_SEED)
    return make_task(
        "fashion-mnist",
        np.concatenate([train_x, test_x])[:, None],
        labels,
        (train, validation, np.arange(len(train_y), len(labels))),
        CLASSES,
        limits=limits,
    )


def read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """Return the array of a gzipped IDX file of unsigned bytes.

    Raises:
        UserError: when the file is damaged or of another kind.
    """
    try:
        content = gzip.decompress(path.read_bytes())
        kind, n_axes = content[2], content[3]
        shape = tuple(int(size) for size in np.frombuffer(content, ">u4", n_axes, 4))
        values = np.frombuffer(content, np.uint8, offset=4 + 4 * n_axes)
    except (OSError, EOFError, zlib.error, IndexError, ValueError) as error:
        raise UserError(f"{path}: not a gzipped IDX file ({error}); fetch it again") from None
    if kind != UNSIGNED_BYTE or math.prod(shape) != len(values):
        raise UserError(f"{path}: holds {len(values):,} values for the shape {shape}; fetch it again")
    return values.reshape(shape)
