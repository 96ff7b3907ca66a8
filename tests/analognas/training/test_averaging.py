"""The average of weights over the last steps, and softened labels."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from analognas.training.averaging import RunningAverage
from analognas.training.loop import plain_step, train
from tests.analognas.training.test_loop import Tensors, blobs, network, schedule


def test_the_average_is_that_of_the_added_steps() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    average = RunningAverage(model)
    average.put_back()  # nothing was added
    steps = []
    for step in range(3):
        with torch.no_grad():
            for tensor in (*model.parameters(), model[1].running_mean):
                tensor.fill_(float(step**2))
        average.add()
        steps.append(float(step**2))
    counted = model[1].num_batches_tracked.clone()
    average.put_back()
    for tensor in (*model.parameters(), model[1].running_mean):
        torch.testing.assert_close(tensor.detach(), torch.full_like(tensor, sum(steps) / 3))
    assert model[1].num_batches_tracked == counted


def test_a_training_averages_its_last_steps() -> None:
    weights: list[torch.Tensor] = []
    model = network()

    def keep() -> None:
        weights.append(model[0].weight.detach().clone())

    train(
        model,
        Tensors(*blobs()),
        schedule(epochs=4, average_last=0.25),
        torch.Generator().manual_seed(2),
        plain_step(model),
        after_update=keep,
    )
    last = weights[-round(0.25 * len(weights)) :]
    torch.testing.assert_close(model[0].weight.detach(), torch.stack(last).mean(dim=0))


def test_softened_labels_have_the_loss_of_their_distribution() -> None:
    model = network().eval()
    x, y = blobs()
    loss = plain_step(model, label_smoothing=0.3)(x, y)
    target = 0.7 * nn.functional.one_hot(y, 3) + 0.1
    expected = -(target * model(x).log_softmax(dim=1)).sum(dim=1).mean()
    torch.testing.assert_close(loss, expected.detach())


def test_a_training_returns_the_mean_loss_of_each_epoch() -> None:
    model = network()
    seen: list[float] = []
    step = plain_step(model)

    def noted(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        loss = step(x, y)
        seen.append(float(loss))
        return loss

    losses = train(model, Tensors(*blobs()), schedule(epochs=3), torch.Generator().manual_seed(2), noted)
    third = len(seen) // 3
    means = [sum(seen[epoch * third : (epoch + 1) * third]) / third for epoch in range(3)]
    assert losses == pytest.approx(means)
