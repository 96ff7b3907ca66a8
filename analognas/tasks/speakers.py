"""Splits that share no speaker: what a network learns about a speaker must not help it on the test split."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from analognas.errors import UserError
from analognas.tasks.complete_splits import check_classes


def speaker_disjoint_indices(
    speakers: Sequence[str],
    y: npt.NDArray[np.int64],
    fractions: Sequence[float],
    seed: int,
    class_names: Sequence[str],
) -> tuple[npt.NDArray[np.int64], ...]:
    """Return one sorted index array for each fraction; each speaker is in exactly one of them.

    Speakers come in a random order fixed by the seed, those with the most clips first; each goes to the part that
    is furthest below its share, weighed by that share.

    Args:
        speakers: of each clip.
        y: `(n,)` labels.
        fractions: positive, adding up to 1.
        seed: of the order.
        class_names: name of each label.

    Raises:
        UserError: when there are fewer speakers than parts, or a class is missing from a part.
    """
    names, member = np.unique(np.asarray(speakers), return_inverse=True)
    if len(names) < len(fractions):
        raise UserError(
            f"a split by speaker into {len(fractions)} parts needs as many speakers, got {len(names)}; "
            "split without speakers, or add some"
        )
    clips = np.bincount(member)
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-clips[order], kind="stable")]
    held, part_of = np.zeros(len(fractions)), np.empty(len(names), dtype=np.int64)
    share = np.asarray(fractions)
    for position, speaker in enumerate(order):
        empty = np.flatnonzero(held == 0)
        must_fill = len(order) - position <= len(empty)
        wanted = share - held / len(member)
        part = int(empty[np.argmax(wanted[empty])]) if must_fill else int(np.argmax(wanted / share))
        part_of[speaker] = part
        held[part] += clips[speaker]
    parts = tuple(np.flatnonzero(part_of[member] == part) for part in range(len(fractions)))
    check_classes(y, parts, class_names, "add clips of it by other speakers, or split without speakers")
    return parts
