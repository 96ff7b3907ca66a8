"""The configuration of a first search on somebody's own data: what `analognas init --path` writes.

The data are looked at (`analognas.tasks.look`), the task is built as the search will, a reference that suits the inputs
gives the bounds, and a timed trial says how long trainings may be (`analognas.runs.first_budget`).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from analognas.compose import compose
from analognas.config.document import Document, parse_document
from analognas.config.lengths import Lengths
from analognas.config.loader import located_in, validate_document
from analognas.config.sections import SearchConfig
from analognas.config.suited import augmentation_for, reference_for
from analognas.config.template import TEXT, fitted_template
from analognas.config.text_template import text_template
from analognas.runs.first_budget import FirstBudget, first_budget, said
from analognas.specs.durations import duration
from analognas.tasks import Task
from analognas.tasks.look import look_at

FEW: Final = 20
"""Training inputs of a class below which no accuracy can be trusted."""


def first_config(kind: str, path: Path, file: Path, minutes: float) -> tuple[str, str]:
    """Return the text of a configuration for own data, and a sentence on what the search will take.

    Args:
        kind: of the task: `image-folder`, `wav-folder`, `arrays` or `char-lm`.
        path: of the data.
        file: that the text will be written to; the path is relative to its folder.
        minutes: for the whole search.

    Raises:
        UserError: when the data cannot be read or do not fit, or `minutes` are too few.
    """
    relative = os.path.relpath(path.resolve(), file.resolve().parent)
    name = "".join(character if character.isalnum() else "-" for character in path.resolve().stem).strip("-")
    name = name or "my-search"
    if kind == TEXT:

        def written(
            lengths: Lengths, reference: str, augmentation: Mapping[str, int], seen: tuple[str, ...]
        ) -> str:
            return text_template(relative, name, lengths, minutes, seen)

    else:
        look = look_at(kind, path)

        def written(
            lengths: Lengths, reference: str, augmentation: Mapping[str, int], seen: tuple[str, ...]
        ) -> str:
            section: Mapping[str, tuple[Any, str]] = {
                "kind": (look.kind, ""),
                "path": (relative, "relative to this file"),
                **look.options,
            }
            return fitted_template(name, section, reference, lengths, augmentation, minutes, seen)

    def document_of(lengths: Lengths, reference: str, augmentation: Mapping[str, int]) -> Document:
        return parse_document(written(lengths, reference, augmentation, ()), str(file))

    def config_of(lengths: Lengths, reference: str, augmentation: Mapping[str, int]) -> SearchConfig:
        return validate_document(document_of(lengths, reference, augmentation), file.resolve().parent)

    with located_in(document_of(Lengths(), "resnet8", {})):
        spec = config_of(Lengths(), "resnet8", {}).task
        task = spec.build()
        reference = reference_for(task.input_shape)
        augmentation = augmentation_for(spec.inputs, task.input_shape)
        composition = compose(config_of(Lengths(), reference, augmentation))
    try:
        budget = first_budget(
            composition, lambda lengths: config_of(lengths, reference, augmentation), minutes
        )
    finally:
        composition.site.close()
    seen = (
        *_seen(task),
        f"Timed on this machine: the search takes {said(budget)} of {duration(60 * minutes)}.",
    )
    return written(budget.lengths, reference, augmentation, seen), _told(task, budget)


def _seen(task: Task) -> tuple[str, ...]:
    if task.every_step:
        length = task.input_shape[2]
        return (
            f"{len(task.train):,} windows of {length} characters train, {len(task.validation):,} validate, "
            f"{len(task.test):,} test: {task.n_classes} different characters.",
        )
    counts = Counter(task.train.y.tolist())
    least, most = min(counts.values()), max(counts.values())
    channels, height, width = task.input_shape
    lines = [
        f"{len(task.train):,} inputs train, {len(task.validation):,} validate, {len(task.test):,} test: "
        f"{task.n_classes} classes, {channels} x {height} x {width}; {least} to {most} inputs of a class train."
    ]
    if least < FEW:
        rare = task.class_names[min(counts, key=lambda label: counts[label])]
        lines.append(f"`{rare}` has only {least} of them: its accuracy will be little more than a guess.")
    return (*lines, *task.notes)


def _told(task: Task, budget: FirstBudget) -> str:
    told_apart = "characters" if task.every_step else "classes"
    return (
        f"{task.n_classes} {told_apart}, {len(task.train):,} inputs to train; the search takes {said(budget)}: "
        f"{budget.lengths.trials} trials of {budget.lengths.epochs} + {budget.lengths.epochs} epochs"
    )
