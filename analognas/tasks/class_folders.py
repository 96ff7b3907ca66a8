"""Files in one folder a class, with or without folders for the splits around them.

    DATA/cat/*.png  DATA/dog/*.png                              split here, by fractions
    DATA/train/cat/*.png  DATA/test/cat/*.png  …                split by the folders `train`, `test` and, where there
                                                                is one, `validation` or `val`, in any case

Names that begin with a dot are left out, those of folders inside a class folder included, and so are the folders
`_background_noise_` and `__MACOSX`; other folders inside a class folder count to it. Files with other endings and files
beside the class folders are left out, too, and counted in a note.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from analognas.errors import UserError
from analognas.tasks.assemble import Index
from analognas.tasks.complete_splits import PARTS, SHOWN, check_classes
from analognas.tasks.speakers import speaker_disjoint_indices
from analognas.tasks.stratified import stratified_indices
from analognas.tasks.task import Labels

SPLIT_FOLDERS: Final = {"train": 0, "validation": 1, "val": 1, "test": 2}
NEARLY_SPLIT_FOLDERS: Final = {
    **dict.fromkeys(("training", "trainset", "train_set"), "train"),
    **dict.fromkeys(("valid", "validate", "valset", "val_set", "dev", "development"), "validation"),
    **dict.fromkeys(("testing", "tests", "testset", "test_set", "eval", "evaluation"), "test"),
}
"""What people call the folders of splits, too; classes hardly all have such names."""

NOISE_FOLDER: Final = "_background_noise_"
NO_CLASSES: Final = (NOISE_FOLDER, "__MACOSX")
"""Folders beside the class folders: recordings of noise, and what a Mac adds to an archive."""


@dataclass(frozen=True)
class ClassFolders:
    """The files below a folder.

    Attributes:
        root: the folder.
        files: all files, in the order of their names.
        y: `(n,)` label of each.
        class_names: name of each label.
        part: `(n,)` 0 training, 1 validation, 2 test by the folder of each file; -1 without such folders.
        notes: lines about the files that are left out for their ending or their place, where there are some.
    """

    root: Path
    files: tuple[Path, ...]
    y: Labels
    class_names: tuple[str, ...]
    part: Index
    notes: tuple[str, ...] = ()

    def parts(
        self, fractions: tuple[float, float, float], seed: int, speakers: list[str] | None = None
    ) -> tuple[Index, ...]:
        """Return the indices of training, validation and test.

        Args:
            fractions: shares of the three; with folders of splits, of training and validation where there is no folder
                for validation.
            seed: of the split.
            speakers: of each file; no speaker is in two parts. None: stratified.

        Raises:
            UserError: when a class is missing from a part, or too small, or a speaker is in two folders of splits.
        """

        def split(files: Index, shares: Sequence[float]) -> list[Index]:
            y, names = self.y[files], self.class_names
            if speakers is None:
                parts = stratified_indices(y, shares, seed, names)
            else:
                parts = speaker_disjoint_indices([speakers[index] for index in files], y, shares, seed, names)
            return [files[part] for part in parts]

        try:
            if (self.part < 0).all():
                return tuple(split(np.arange(len(self.y)), fractions))
            found = [np.flatnonzero(self.part == part) for part in range(3)]
            if speakers is not None:
                _check_speakers(found, speakers)
            if not len(found[1]):
                share = fractions[1] / (fractions[0] + fractions[1])
                found[:2] = split(found[0], (1 - share, share))
            check_classes(self.y, found, self.class_names, "every class needs files in every split")
        except UserError as error:
            raise UserError(f"{self.root}: {error}") from None
        return tuple(found)


def _check_speakers(parts: Sequence[Index], speakers: Sequence[str]) -> None:
    """Raise UserError when a speaker is in the folders of two splits."""
    said = [{speakers[index] for index in part} for part in parts]
    for first, second in itertools.combinations(range(len(PARTS)), 2):
        both = sorted(said[first] & said[second])
        if both:
            more = f" and {len(both) - SHOWN} more" if len(both) > SHOWN else ""
            raise UserError(
                f"with `speaker`, no speaker may be in two splits; in the folders of the {PARTS[first]} and the "
                f"{PARTS[second]} split are {', '.join(both[:SHOWN])}{more}; move their files, or leave `speaker` out"
            )


def scan(root: Path, suffixes: Collection[str]) -> ClassFolders:
    """Return the files with one of `suffixes` below `root`.

    Raises:
        UserError: when there are none, fewer than two classes, an empty class, or folders of splits that do not fit.
    """
    groups = _groups(root)
    classes = sorted({folder.name for group, _ in groups for folder in _folders(group)})
    if len(classes) < 2:
        raise UserError(f"{root}: needs one folder a class, at least two, got {', '.join(classes) or 'none'}")
    entries: list[tuple[Path, int, int]] = []
    ignored: list[Path] = []
    for group, part in groups:
        for label, name in enumerate(classes):
            files, without = files_in(group / name, suffixes)
            ignored += without
            if not files:
                raise UserError(
                    f"{group / name}: no {', '.join(sorted(suffixes))} files in it; "
                    "every class needs some in every split"
                )
            entries += [(file, label, part) for file in files]
    entries.sort(key=lambda entry: str(entry[0].relative_to(root)))
    return ClassFolders(
        root=root,
        files=tuple(file for file, _, _ in entries),
        y=np.array([label for _, label, _ in entries], dtype=np.int64),
        class_names=tuple(classes),
        part=np.array([part for _, _, part in entries], dtype=np.int64),
        notes=(*_left_out(ignored), *_left_out_beside({root, *(group for group, _ in groups)}, suffixes)),
    )


def _groups(root: Path) -> list[tuple[Path, int]]:
    """Return the folders that hold the class folders, each with its split; `root` and -1 where none is named.

    Raises:
        UserError: when the folders of splits are incomplete, or it is not clear whether they are such.
    """
    inside = _folders(root)
    names = [folder.name.lower() for folder in inside]
    named = set(names)
    if inside and named & set(NEARLY_SPLIT_FOLDERS) and named <= {*SPLIT_FOLDERS, *NEARLY_SPLIT_FOLDERS}:
        renamed = ", ".join(
            f"`{folder.name}` to `{NEARLY_SPLIT_FOLDERS[name]}`"
            for folder, name in zip(inside, names, strict=True)
            if name in NEARLY_SPLIT_FOLDERS
        )
        raise UserError(
            f"{root}: folders of splits are named `train`, `test` and, if there is one, `validation`; "
            f"rename {renamed}"
        )
    if not inside or not named <= set(SPLIT_FOLDERS):
        if {"train", "test"} <= named:
            others = ", ".join(folder.name for folder in inside if folder.name.lower() not in SPLIT_FOLDERS)
            raise UserError(
                f"{root}: the folders `train` and `test` are splits, {others} is none; move it away, "
                "or rename `train` and `test` where they are classes"
            )
        return [(root, -1)]
    if not {"train", "test"} <= named:
        raise UserError(f"{root}: folders of splits need both `train` and `test`")
    groups = [(folder, SPLIT_FOLDERS[name]) for folder, name in zip(inside, names, strict=True)]
    for part, title in enumerate(PARTS):
        same = [folder.name for folder, own in groups if own == part]
        if len(same) > 1:
            raise UserError(f"{root}: {' and '.join(same)} are all the {title} split; merge them")
    return groups


def _left_out(files: Sequence[Path]) -> tuple[str, ...]:
    if not files:
        return ()
    counts = Counter(path.suffix.lower() or "no ending" for path in files)
    endings = ", ".join(f"{n} {ending}" for ending, n in counts.most_common(SHOWN))
    return (f"left out, other files: {endings}; the first is {files[0]}",)


def _left_out_beside(folders: Collection[Path], suffixes: Collection[str]) -> tuple[str, ...]:
    inside = itertools.chain.from_iterable(folder.iterdir() for folder in folders)
    files = sorted(
        path for path in inside if path.is_file() and path.name[0] != "." and path.suffix.lower() in suffixes
    )
    if not files:
        return ()
    return (f"left out, beside the class folders and so of no class: {len(files)}; the first is {files[0]}",)


def _folders(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_dir() and path.name[0] != "." and path.name not in NO_CLASSES
    )


def files_in(folder: Path, suffixes: Collection[str]) -> tuple[list[Path], list[Path]]:
    """Return the files below `folder` with one of `suffixes`, and the others; none without a folder.

    Links to nothing are among them, and counted as files that cannot be read.
    """
    files = sorted(
        path
        for path in folder.rglob("*")
        if not path.is_dir() and not any(name[0] == "." for name in path.relative_to(folder).parts)
    )
    fitting = [path for path in files if path.suffix.lower() in suffixes]
    return fitting, [path for path in files if path.suffix.lower() not in suffixes]
