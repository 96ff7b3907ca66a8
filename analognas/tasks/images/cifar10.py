"""CIFAR-10: 50,000 training and 10,000 test images, 32 x 32 in colour, ten classes.

Reads the official binary archive, or a copy of the same images as JPEG in one `.npz` (`jpeg_train`, `offsets_train`,
`y_train`, and the same for `test`). JPEG loses detail: accuracy on the copy is not accuracy on CIFAR-10, so that the
task carries another name. The test split is the official one; validation is a fixed stratified tenth of the training
images.

References:
    A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analognas.errors import UserError
from analognas.tasks.assemble import Index, Limits, make_task
from analognas.tasks.images.collection import ImageCollection
from analognas.tasks.images.decode import ImageRule
from analognas.tasks.store.archives import members
from analognas.tasks.store.cache import cached, file_identity
from analognas.tasks.store.copies import open_copy, pieces
from analognas.tasks.store.sources import SOURCES
from analognas.tasks.stratified import stratified_indices
from analognas.tasks.task import Labels, Task

CLASSES: Final = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SPLIT_SEED: Final = 2305_10459
VALIDATION: Final = 0.1
RECORD: Final = 1 + 3 * 32 * 32
MEMBERS: Final = (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")


def load_cifar10(limits: Limits) -> Task:
    """Return CIFAR-10, or its JPEG copy where only that is on this machine.

    Raises:
        UserError: when there is neither, or the file is damaged.
    """
    source = SOURCES["cifar10"]
    files, copy = source.files(), source.copy()
    if files is not None:
        return _official(files[0], limits)
    if copy is not None:
        return _jpeg(copy, limits)
    raise source.missing()


def _official(path: Path, limits: Limits) -> Task:
    identity = {"file": file_identity([path], path.parent)}
    arrays = cached("cifar10", identity, lambda: _read_binary(path))
    n_train = len(arrays["y"]) - int(arrays["n_test"])
    return make_task(
        "cifar10", arrays["x"], arrays["y"], _parts(arrays["y"], n_train), CLASSES, limits=limits
    )


def _read_binary(path: Path) -> dict[str, npt.NDArray[Any]]:
    try:
        records = {
            name.name: np.frombuffer(content, np.uint8).reshape(-1, RECORD)
            for name, content in members(path, lambda name: name.name in MEMBERS)
            if name.name in MEMBERS
        }
        table = np.concatenate([records[name] for name in MEMBERS])
    except (ValueError, KeyError) as error:
        raise UserError(f"{path}: not the binary archive of CIFAR-10 ({error}); fetch it again") from None
    if table[:, 0].max() >= len(CLASSES):
        raise UserError(f"{path}: holds the label {table[:, 0].max()}, CIFAR-10 has 0 to 9; fetch it again")
    return {
        "x": table[:, 1:].reshape(-1, 3, 32, 32),
        "y": table[:, 0].astype(np.int64),
        "n_test": np.array(len(records["test_batch.bin"])),
    }


def _jpeg(path: Path, limits: Limits) -> Task:
    names = [f"{kind}_{part}" for kind in ("jpeg", "offsets", "y") for part in ("train", "test")]
    copy = open_copy(path, "CIFAR-10 as JPEG", names)
    train, test = (pieces(copy[f"jpeg_{part}"], copy[f"offsets_{part}"]) for part in ("train", "test"))
    streams = [*train, *test]
    y = np.concatenate([copy["y_train"], copy["y_test"]]).astype(np.int64)

    def read(wanted: Index) -> Iterator[tuple[int, bytes]]:
        for index in wanted.tolist():
            yield index, streams[index].tobytes()

    collection = ImageCollection(
        name="cifar10-jpeg",
        files=[f"image {index}" for index in range(len(y))],
        y=y,
        class_names=CLASSES,
        parts=_parts(y, len(train)),
        read=read,
        identity={"file": file_identity([path], path.parent)},
    )
    note = "CIFAR-10 re-encoded as JPEG (lossy): accuracies are not comparable with published ones"
    return collection.task(ImageRule(), limits, notes=(note,))


def _parts(y: Labels, n_train: int) -> tuple[Index, ...]:
    train, validation = stratified_indices(y[:n_train], (1 - VALIDATION, VALIDATION), SPLIT_SEED, CLASSES)
    return train, validation, np.arange(n_train, len(y))
