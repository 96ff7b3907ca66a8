"""A task out of many image files: only what the splits need is decoded, once, and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from analognas.errors import UserError
from analognas.tasks.assemble import Index, Limits, make_task
from analognas.tasks.bad_files import BadFiles
from analognas.tasks.complete_splits import check_classes
from analognas.tasks.images.decode import ImageError, ImageRule
from analognas.tasks.store.cache import cached
from analognas.tasks.task import Labels, Task

VERSION: Final = 2
"""Changes whenever the same files would give other arrays."""


@dataclass(frozen=True)
class ImageCollection:
    """Image files with their labels and splits.

    Attributes:
        name: of the data set.
        files: name of each image, for errors.
        y: `(n,)` labels.
        class_names: name of each label.
        parts: indices of training, validation and test.
        read: yields index and bytes of the images asked for, or why a file cannot be read, in any order.
        identity: what the bytes depend on, as JSON values.
    """

    name: str
    files: Sequence[str]
    y: Labels
    class_names: tuple[str, ...]
    parts: tuple[Index, ...]
    read: Callable[[Index], Iterator[tuple[int, bytes | OSError]]]
    identity: Mapping[str, Any]

    def task(
        self, rule: ImageRule, limits: Limits, max_bad_files: int = 0, notes: Sequence[str] = ()
    ) -> Task:
        """Return the task.

        Raises:
            UserError: when too many files are bad, sizes differ, or a class is missing from a split.
        """
        parts, cut = limits.apply(self.y, self.parts)
        wanted = np.sort(np.concatenate(parts))
        arrays = cached(
            self.name,
            {
                "version": VERSION,
                "files": dict(self.identity),
                "rule": rule.identity,
                "wanted": hashlib.sha256(wanted.tobytes()).hexdigest(),
                "max_bad_files": max_bad_files,
            },
            lambda: self._decode(wanted, rule, max_bad_files),
        )
        kept = wanted[arrays["good"]]
        places = tuple(np.flatnonzero(np.isin(kept, part)) for part in parts)
        y, bad = self.y[kept], [str(note) for note in arrays["bad"]]
        try:
            check_classes(y, places, self.class_names, "mend or replace the files that cannot be read")
        except UserError as error:
            raise UserError(f"{self.name}: {error}") from None
        return make_task(self.name, arrays["x"], y, places, self.class_names, notes=(*notes, *cut, *bad))

    def _decode(self, wanted: Index, rule: ImageRule, max_bad_files: int) -> dict[str, npt.NDArray[Any]]:
        bad = BadFiles(self.name, max_bad_files)
        x: npt.NDArray[np.uint8] | None = None
        first = -1
        good = np.zeros(len(wanted), dtype=bool)
        for index, content in self.read(wanted):
            try:
                if isinstance(content, OSError):
                    raise content
                pixels = rule.decode(content)
            except (ImageError, OSError) as error:
                bad.add(self.files[index], str(error))
                continue
            if x is None:
                x, first = np.zeros((len(wanted), *pixels.shape), np.uint8), index
            if pixels.shape != x.shape[1:]:
                raise UserError(
                    f"{self.name}: images differ in size, {self.files[first]} has {_size(x[0])} and "
                    f"{self.files[index]} {_size(pixels)} pixels; give `size` and `resize: squash` or `crop`"
                )
            place = np.searchsorted(wanted, index)
            x[place], good[place] = pixels, True
        if x is None:
            raise UserError(f"{self.name}: none of {len(wanted)} images can be read")
        return {"x": x[good], "good": good, "bad": np.array(bad.notes, dtype=np.str_)}


def _size(pixels: npt.NDArray[np.uint8]) -> str:
    return f"{pixels.shape[2]} x {pixels.shape[1]}"
