"""Puts a task together from decoded inputs, labels and the indices of its splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analognas.errors import UserError
from analognas.tasks.task import Labels, Split, Task, make_split

Index = npt.NDArray[np.int64]

SUBSET_SEED: Final = 2305_10459


@dataclass(frozen=True)
class Limits:
    """The most items of each split; None for all. What is taken is stratified and fixed."""

    train: int | None = None
    validation: int | None = None
    test: int | None = None

    def apply(self, y: Labels, parts: Sequence[Index]) -> tuple[tuple[Index, ...], tuple[str, ...]]:
        """Return the parts with at most so many items, and a note for each that was cut."""
        kept, notes = [], []
        for name, part, limit in zip(
            ("training", "validation", "test"), parts, (self.train, self.validation, self.test), strict=True
        ):
            if limit is None or limit >= len(part):
                kept.append(part)
                continue
            try:
                kept.append(part[stratified_subset(y[part], limit)])
            except UserError as error:
                raise UserError(f"`max_{name.removesuffix('ing')}: {limit}`: {error}") from None
            notes.append(f"{limit:,} of {len(part):,} {name} items, a fixed stratified choice")
        return tuple(kept), tuple(notes)


def stratified_subset(y: Labels, n: int) -> Index:
    """Return `n` sorted indices with each class's share of `y`, to within one item.

    Raises:
        UserError: when `n` is below the number of classes.

    >>> stratified_subset(np.array([0, 0, 0, 0, 1, 1]), 3).size
    3
    """
    labels, counts = np.unique(y, return_counts=True)
    if n < len(labels):
        raise UserError(f"a limit must leave an item of every class: at least {len(labels)}, got {n}")
    exact = counts * n / len(y)
    quota = np.maximum(1, np.floor(exact)).astype(np.int64)
    for index in np.argsort(quota - exact, kind="stable"):  # the most cut short first
        if quota.sum() >= n:
            break
        quota[index] += 1
    while quota.sum() > n:  # classes so small that they were rounded up
        quota[np.argmax(quota)] -= 1
    rng = np.random.default_rng(SUBSET_SEED)
    chosen = [
        rng.permutation(np.flatnonzero(y == label))[:take] for label, take in zip(labels, quota, strict=True)
    ]
    return np.sort(np.concatenate(chosen))


def task_of_images(
    name: str,
    images: npt.NDArray[np.uint8],
    y: Labels,
    parts: Sequence[Index],
    class_names: Sequence[str],
    *,
    limits: Limits = Limits(),  # frozen
    notes: Sequence[str] = (),
) -> Task:
    """Return a task of 8-bit images.

    Args:
        name: of the data set.
        images: `(n, channels, height, width)`.
        y: `(n,)` labels.
        parts: indices of training, validation and test.
        class_names: name of each label.
        limits: the most items of each split.
        notes: what a report must say of the data.
    """
    kept, cut = limits.apply(y, parts)
    train, validation, test = (byte_split(images[part], y[part]) for part in kept)
    return Task(
        name=name,
        train=train,
        validation=validation,
        test=test,
        class_names=tuple(class_names),
        notes=(*notes, *cut),
    )


def task_of_features(
    name: str,
    x: npt.NDArray[np.float32],
    y: Labels,
    parts: Sequence[Index],
    class_names: Sequence[str],
    *,
    noisy: npt.NDArray[np.float32] | None = None,
    noisy_validation: npt.NDArray[np.float32] | None = None,
    limits: Limits = Limits(),  # frozen
    notes: Sequence[str] = (),
) -> Task:
    """Return a task of spectral features, which are standardised band by band.

    Args:
        name: of the data set.
        x: `(n, 1, frames, features)`.
        y: `(n,)` labels.
        parts: indices of training, validation and test.
        class_names: name of each label.
        noisy: `(copies, n training, 1, frames, features)`, the training clips with noise, in the order of the first
            part; None for none.
        noisy_validation: the same of the validation clips.
        limits: the most items of each split.
        notes: what a report must say of the data.
    """
    import torch

    kept, cut = limits.apply(y, parts)
    train, validation, test = (make_split(x[part], y[part]) for part in kept)
    copies = [
        torch.from_numpy(np.ascontiguousarray(array[:, np.isin(part, taken)]))
        if array is not None and len(array)
        else None
        for array, part, taken in zip((noisy, noisy_validation), parts, kept, strict=False)
    ]
    return Task(
        name=name,
        train=train,
        validation=validation,
        test=test,
        class_names=tuple(class_names),
        noisy=copies[0],
        noisy_validation=copies[1],
        statistics="band",
        notes=(*notes, *cut),
    )


def byte_split(x: npt.NDArray[Any], y: Labels) -> Split:
    """Return a split that keeps 8-bit values as they are."""
    import torch

    return Split(torch.from_numpy(np.array(x, dtype=np.uint8)), torch.from_numpy(np.array(y, dtype=np.int64)))
