"""Puts a task together from decoded inputs, labels and the indices of its splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from analognas.errors import UserError
from analognas.tasks.task import Labels, Task, make_split

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


def make_task(
    name: str,
    x: npt.NDArray[Any],
    y: Labels,
    parts: Sequence[Index],
    class_names: Sequence[str],
    *,
    noisy: Sequence[npt.NDArray[np.float32]] = (),
    statistics: Literal["channel", "band", "none"] = "channel",
    limits: Limits = Limits(),  # frozen
    notes: Sequence[str] = (),
    origin: str = "",
) -> Task:
    """Return a task of inputs that are in memory.

    Args:
        name: of the data set.
        x: `(n, channels, height, width)`; 8-bit values stay as they are.
        y: `(n,)` labels.
        parts: indices of training, validation and test.
        class_names: name of each label.
        noisy: `(copies, n, channels, height, width)` of the training and of the validation inputs, in the order of
            their parts; empty for none.
        statistics: how inputs are standardised.
        limits: the most items of each split.
        notes: what a report must say of the data.
        origin: a digest of what `x` and `noisy` were computed from; empty where they are the data.
    """
    import torch

    kept, cut = limits.apply(y, parts)
    train, validation, test = (make_split(x[part], y[part]) for part in kept)
    copies = [
        torch.from_numpy(np.ascontiguousarray(array[:, np.isin(part, taken)]))
        for array, part, taken in zip(noisy, parts, kept, strict=False)
    ]
    return Task(
        name=name,
        train=train,
        validation=validation,
        test=test,
        class_names=tuple(class_names),
        noisy=copies[0] if copies else None,
        noisy_validation=copies[1] if copies else None,
        statistics=statistics,
        notes=(*notes, *cut),
        origin=origin,
    )
