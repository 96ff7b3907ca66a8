"""Epochs that are shorter than the data: fresh inputs in each, until all were seen."""

from __future__ import annotations

import torch
from torch import nn

from analognas.training.loop import train
from tests.analognas.training.test_loop import Tensors, schedule


def seen_with(**changes: object) -> list[list[int]]:
    """Return the inputs that each epoch of a training shows."""
    epochs: list[list[int]] = [[]]

    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        epochs[-1].extend(x[:, 0].int().tolist())
        return torch.zeros(())

    train(
        nn.Linear(1, 1),
        Tensors(torch.arange(35.0)[:, None], torch.zeros(35)),
        schedule(batch_size=5, **changes),
        torch.Generator().manual_seed(0),
        step,
        after_epoch=lambda _: epochs.append([]),
    )
    return epochs[:-1]


def test_no_input_comes_again_before_all_have_come() -> None:
    epochs = seen_with(epochs=7, epoch_size=15)
    assert [len(epoch) for epoch in epochs] == [15] * 7
    shown_so_far = [number for epoch in epochs for number in epoch]
    for start in (0, 35, 70):
        assert sorted(shown_so_far[start : start + 35]) == list(range(35))


def test_an_epoch_of_more_inputs_than_there_are_is_a_whole_one() -> None:
    assert seen_with(epochs=2, epoch_size=100) == seen_with(epochs=2)


def test_updates_and_the_work_of_a_training_count_what_is_shown() -> None:
    short = schedule(epochs=3, batch_size=5, epoch_size=15)
    assert short.n_steps(35) == 9
    assert schedule(epochs=3, batch_size=5, epoch_size=15, updates=20).n_epochs(35) == 7
    assert short.inputs_an_epoch(35) == 15
