"""The suite of tasks accepts what is built in, and names what is wrong with broken ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from analognas.tasks import Split, Task
from analognas.tasks.digits import load_digits
from analognas.testing import (
    BrokenTaskError,
    check_task,
)


def test_a_built_in_task_keeps_its_contract() -> None:
    check_task(load_digits)


def _task(seed: int = 0, **changes: Any) -> Task:
    generator = torch.Generator().manual_seed(seed)
    splits = [Split(torch.rand(6, 1, 4, 4, generator=generator), torch.arange(6) % 2) for _ in range(3)]
    return replace(Task("mine", *splits, ("cat", "dog")), **changes)


def test_a_users_task_keeps_its_contract() -> None:
    check_task(_task)
    check_task(lambda: _task(noisy=torch.full((2, 6, 1, 4, 4), 0.5)))


@pytest.mark.parametrize(
    ("load", "message"),
    [
        (lambda: 1 / 0, "loading must not fail, got ZeroDivisionError"),
        (lambda: "digits", "loading must return an analognas.tasks.Task, got str"),
        (lambda: _task(class_names=("cat",)), "needs two classes at least"),
        (lambda: _task(torch.seed() % 1000), "loading must give the same data"),
        (lambda: _task(test=_task().train), "`test` must hold inputs that `train` lacks, got none of 6"),
    ],
)
def test_a_broken_task_is_found(load: Any, message: str) -> None:
    with pytest.raises(BrokenTaskError, match=message):
        check_task(load)
