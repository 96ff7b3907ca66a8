import math

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from analognas.errors import EvaluationError
from analognas.training.loop import Schedule, accuracy, bits_per_step, plain_step, train


class Tensors:
    """Inputs that are drawn as they are."""

    def __init__(self, x: torch.Tensor, y: torch.Tensor) -> None:
        self._x, self._y = x, y

    def __len__(self) -> int:
        return len(self._x)

    def draw(self, index: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        return self._x[index], self._y[index]


def schedule(**changes) -> Schedule:
    values = {
        "epochs": 4,
        "batch_size": 16,
        "optimizer": "adam",
        "learning_rate": 0.05,
        "warmup": 0.1,
        "weight_decay": 0.0,
    }
    return Schedule(**{**values, **changes})


def blobs(n: int = 120) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(n) % 3
    return torch.randn(n, 2, generator=generator) * 0.1 + torch.eye(3)[y][:, :2] * 3, y


def network() -> nn.Module:
    model = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    generator = torch.Generator().manual_seed(1)
    for parameter in model.parameters():
        nn.init.normal_(parameter, generator=generator)
    return model


def trained(**changes) -> tuple[nn.Module, float]:
    model = network()
    *_, loss = train(
        model, Tensors(*blobs()), schedule(**changes), torch.Generator().manual_seed(2), plain_step(model)
    )
    return model, loss


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_it_learns_and_leaves_evaluation_mode(optimizer: str) -> None:
    model, loss = trained(optimizer=optimizer, epochs=20)
    assert accuracy(model, *blobs()) > 0.98
    assert loss < 0.2
    assert not model.training


def test_equal_seeds_give_equal_weights() -> None:
    first, second = trained()[0].state_dict(), trained()[0].state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_one_epoch_sees_every_input_once() -> None:
    seen: list[int] = []

    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        seen.extend(x[:, 0].int().tolist())
        return torch.zeros(())

    x = torch.arange(35.0)[:, None]
    train(
        nn.Linear(1, 1),
        Tensors(x, torch.zeros(35)),
        schedule(epochs=1, batch_size=8),
        torch.Generator().manual_seed(0),
        step,
    )
    assert sorted(seen) == list(range(35))


def test_a_last_batch_of_one_is_left_out_and_not_counted() -> None:
    sizes: list[int] = []

    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        sizes.append(len(x))
        return torch.zeros(())

    plan = schedule(epochs=2, batch_size=8)
    inputs = Tensors(torch.zeros(17, 1), torch.zeros(17))
    train(nn.Linear(1, 1), inputs, plan, torch.Generator().manual_seed(0), step)
    assert sizes == [8, 8, 8, 8]
    assert plan.n_steps(17) == 4
    assert plan.n_steps(18) == 6


def test_the_learning_rate_ramps_up_and_follows_a_cosine_to_zero() -> None:
    plan = schedule(warmup=0.2, learning_rate=1.0)
    rates = [plan.rate(step, 100) for step in range(100)]
    assert rates[:20] == pytest.approx([(step + 1) / 21 for step in range(20)])
    assert rates[20] == 1.0
    assert rates[60] == pytest.approx(0.5 * (1 + math.cos(math.pi * 40 / 80)))
    assert 0 < rates[99] < 0.001


def test_a_loss_that_is_not_finite_ends_the_training() -> None:
    model = network()
    x, y = blobs()
    with pytest.raises(EvaluationError, match="training diverged: the loss was nan in epoch 1 of 4"):
        train(
            model, Tensors(x * math.inf, y), schedule(), torch.Generator().manual_seed(0), plain_step(model)
        )
    with pytest.raises(EvaluationError, match="not finite"):
        accuracy(model, x * math.nan, y)


def test_a_step_equals_plain_pytorch() -> None:
    x, y = blobs(32)
    ours, theirs = network(), network()
    plan = schedule(epochs=1, batch_size=32, warmup=0.0, optimizer="sgd")
    train(ours, Tensors(x, y), plan, torch.Generator().manual_seed(0), plain_step(ours))
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    for inputs, labels in DataLoader(TensorDataset(x, y), batch_size=32):
        nn.functional.cross_entropy(theirs(inputs), labels).backward()
        optimizer.step()
    for mine, reference in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, reference)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_ranges_of_any_size_learn_as_fractions_of_it(optimizer: str) -> None:
    class Ranged(nn.Module):
        def __init__(self, size: float) -> None:
            super().__init__()
            self.inner, self.size = network(), size
            self.range = nn.Parameter(torch.tensor(size))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = self.inner(x) * (self.range / self.size)
            return found

    found = []
    for size in (1.0, 50.0):
        model = Ranged(size)
        generator = torch.Generator().manual_seed(2)
        plan = schedule(optimizer=optimizer, epochs=2)
        train(model, Tensors(*blobs()), plan, generator, plain_step(model), ranges=[model.range])
        found.append(float(model.range.detach()) / size)
    assert abs(found[0] - 1) > 0.01
    assert found[1] == pytest.approx(found[0], rel=1e-3)


def test_what_is_called_after_an_epoch_can_end_the_training() -> None:
    seen: list[int] = []

    def after_epoch(epoch: int) -> None:
        seen.append(epoch)
        if epoch == 2:
            raise EvaluationError("hopeless")

    model = network()
    with pytest.raises(EvaluationError, match="hopeless"):
        train(
            model,
            Tensors(*blobs()),
            schedule(),
            torch.Generator().manual_seed(0),
            plain_step(model),
            after_epoch=after_epoch,
        )
    assert seen == [1, 2]


def test_small_data_sets_get_as_many_updates_as_large_ones() -> None:
    floored = schedule(epochs=2, batch_size=16, updates=50)
    assert floored.n_epochs(160) == 5
    assert floored.n_steps(160) == 50
    assert floored.n_epochs(1600) == 2
    assert floored.n_steps(40) >= 50
    assert schedule(epochs=0, updates=50).n_steps(160) == 0


def test_a_training_makes_the_updates_that_its_schedule_says() -> None:
    x, y = blobs()
    network = nn.Linear(2, 3)
    updates, epochs = [], []
    train(
        network,
        Tensors(x, y),
        schedule(epochs=1, updates=30),
        torch.Generator().manual_seed(0),
        plain_step(network),
        after_update=lambda: updates.append(1),
        after_epoch=epochs.append,
    )
    assert len(updates) == schedule(epochs=1, updates=30).n_steps(len(x)) >= 30
    assert epochs == list(range(1, schedule(epochs=1, updates=30).n_epochs(len(x)) + 1))


def test_a_gradient_is_no_longer_than_it_may_be() -> None:
    lengths = []

    def seen(model: nn.Module, limit: float | None) -> list[float]:
        lengths.clear()
        step = plain_step(model)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        optimizer.param_groups[0]["factor"] = 1.0
        optimizer.register_step_pre_hook(
            lambda *_: lengths.append(float(nn.utils.get_total_norm([p.grad for p in model.parameters()])))
        )
        train(
            model,
            Tensors(*blobs()),
            schedule(clip_gradient=limit),
            torch.Generator().manual_seed(2),
            step,
            optimizer=optimizer,
        )
        return list(lengths)

    free, short = seen(network(), None), seen(network(), 0.1)
    assert max(free) > 0.2
    assert max(short) <= 0.1 + 1e-6
    assert min(short) > 0


def test_steps_with_labels_count_alike() -> None:
    logits = torch.tensor([[[3.0, 0.0, 0.0], [0.0, 3.0, 3.0]]]).repeat(4, 1, 1)
    y = torch.tensor([[0, 1, 0]]).repeat(4, 1)
    model = nn.Identity()
    assert accuracy(model, logits, y) == pytest.approx(2 / 3)
    p_right, p_wrong = math.exp(3) / (math.exp(3) + 1), 1 / (math.exp(3) + 1)
    bits = -(2 * math.log2(p_right) + math.log2(p_wrong)) / 3
    assert bits_per_step(model, logits, y) == pytest.approx(bits)
