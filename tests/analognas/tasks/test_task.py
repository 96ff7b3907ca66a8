"""What a task is: its hash, and how its inputs are standardised."""

import dataclasses

import numpy as np
import pytest
import torch

from analognas.tasks import Split, Task

GENERATOR = torch.Generator().manual_seed(0)
NAMES = ("a", "b", "c")


def values(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=GENERATOR)


TASK = Task(
    "t",
    *(Split(values(n, 2, 5, 4), torch.arange(n) % 3) for n in (12, 6, 6)),
    NAMES,
    noisy=values(2, 12, 2, 5, 4),
    noisy_validation=values(2, 6, 2, 5, 4),
)


def with_last_value_moved(part: str, by: float) -> Task:
    found = getattr(TASK, part)
    x = (found.x if isinstance(found, Split) else found).clone()
    x.view(-1)[-1] += by
    return dataclasses.replace(TASK, **{part: Split(x, found.y) if isinstance(found, Split) else x})


@pytest.mark.parametrize("part", ["train", "validation", "test", "noisy", "noisy_validation"])
def test_the_hash_changes_with_every_input(part: str) -> None:
    assert with_last_value_moved(part, 0).fingerprint == TASK.fingerprint
    assert with_last_value_moved(part, 1e-3).fingerprint != TASK.fingerprint


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_the_hash_changes_with_every_label(part: str) -> None:
    split = getattr(TASK, part)
    y = split.y.clone()
    y[-1] = (y[-1] + 1) % 3
    assert dataclasses.replace(TASK, **{part: Split(split.x, y)}).fingerprint != TASK.fingerprint


def test_the_hash_changes_with_the_order() -> None:
    turned = Split(TASK.test.x.flip(0), TASK.test.y.flip(0))
    assert dataclasses.replace(TASK, test=turned).fingerprint != TASK.fingerprint


@pytest.mark.parametrize(("statistics", "axes"), [("channel", (0, 2, 3)), ("band", (0, 2))])
def test_inputs_are_standardised_by_channel_or_by_band(statistics, axes) -> None:
    scale = torch.tensor([1.0, 10.0, 100.0, 1000.0])  # spectral features differ as much
    train = Split(TASK.train.x * scale + 7, TASK.train.y)
    task = dataclasses.replace(TASK, train=train, statistics=statistics)
    x = train.x.double().numpy()
    expected = (x - x.mean(axes, keepdims=True)) / x.std(axes, ddof=1, keepdims=True)
    np.testing.assert_allclose(task.standardise(train.x), expected, atol=1e-5)


def test_a_constant_channel_becomes_zero() -> None:
    train = Split(torch.full((4, 1, 2, 2), 3.0), torch.arange(4) % 3)
    assert dataclasses.replace(TASK, train=train).standardise(train.x).abs().max() == 0
