"""Evaluations keep to the device of the network.

Without a GPU, `meta` stands for one: its tensors have shapes and no values, and an operation on tensors of two devices
raises.
"""

import dataclasses
import functools

import pytest
import torch
from torch.nn import functional as F

import hwsim
from analognas.evaluation.measure import curve_on_chips, drift_record
from analognas.evaluation.prepared import prepare
from analognas.evaluation.training import TrainingBudget, train_network
from analognas.tasks import Split, Task
from analognas.training.augmentation import Augmentation
from analognas.training.inputs import LARGEST_FLOATS, TrainingInputs
from analognas.training.loop import Schedule, plain_step, train
from search_spaces import published

META = torch.device("meta")
EVERYTHING = Augmentation(crop=1, flip=True, cutout=3, time_shift=2)
SCHEDULE = Schedule(2, 8, "adam", 0.01, 0.1, 1e-3)


def task(noisy: bool = True) -> Task:
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(256, (24, 1, 8, 8), generator=generator, dtype=torch.uint8)
    split = Split(x, torch.arange(24) % 3)
    return Task("t", split, split, split, ("a", "b", "c"), noisy=x[None].clone() if noisy else None)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(1)


@pytest.mark.parametrize("stays_bytes", [False, True])
def test_batches_are_made_on_the_device_of_the_inputs(monkeypatch, stays_bytes, values_on_meta) -> None:
    monkeypatch.setattr("analognas.training.inputs.LARGEST_FLOATS", 1 if stays_bytes else LARGEST_FLOATS)
    with values_on_meta:
        inputs = TrainingInputs(task(), EVERYTHING).to(META)
        x, y = inputs.draw(torch.arange(8, device=META), generator())
        assert x.device == y.device == inputs.spread(5).device == META


def test_an_evaluation_mixes_no_devices(values_on_meta, monkeypatch) -> None:
    plain_adam = functools.partial(torch.optim.AdamW, fused=False)  # `meta` has no fused optimisers
    monkeypatch.setattr("torch.optim.AdamW", lambda parameters, fused, **kw: plain_adam(parameters, **kw))
    budget = TrainingBudget(SCHEDULE, SCHEDULE, 0.06, 0.1, 2.5)
    with values_on_meta:
        data = prepare(task(), EVERYTHING).to(META)
        network = published("resnet8", (1, 8, 8), 3)
        trained = train_network(network, data, hwsim.preset("pcm-rasch2023"), budget, seed=1)
        curve = drift_record(
            curve_on_chips(trained.analog, data.validation, chips=2, times_s=(1.0, 3600.0), seed=1)
        )
    assert {parameter.device for parameter in trained.analog.parameters()} == {META}
    assert [len(row) for row in curve.accuracy] == [2, 2]


def test_every_split_of_a_prepared_task_moves_once(values_on_meta) -> None:
    with values_on_meta:
        here = prepare(task(noisy=False))
        assert here.to(torch.device("cpu")) is here
        there = here.to(META)
        assert {
            tensor.device for split in (there.validation, there.test) for tensor in vars(split).values()
        } == {META}
        assert here.validation.x.device.type == "cpu"


def test_draws_of_a_processor_are_the_same_wherever_the_batch_is_made(values_on_meta) -> None:
    kwargs = {"n": 5, "height": 8, "width": 8}
    first = EVERYTHING.pixels(**kwargs, generator=generator())
    again = EVERYTHING.pixels(**kwargs, generator=generator(), device=torch.device("cpu"))
    assert torch.equal(first, again)
    with values_on_meta:
        assert EVERYTHING.pixels(**kwargs, generator=generator(), device=META).device == META


def test_mixed_precision_computes_in_bfloat16_and_keeps_float32_weights() -> None:
    network = published("ds-cnn", (1, 8, 8), 3).train()
    x, y = torch.randn(8, 1, 8, 8, generator=generator()), torch.arange(8) % 3
    seen = []
    network.register_forward_hook(lambda _module, _inputs, logits: seen.append(logits.dtype))
    exact = plain_step(network)(x, y)
    rounded = plain_step(network, mixed_precision=True)(x, y)
    assert seen == [torch.float32, torch.bfloat16]
    assert exact.dtype == rounded.dtype == torch.float32
    assert exact != rounded
    torch.testing.assert_close(rounded, exact, atol=0.05, rtol=0.05)
    assert {parameter.grad.dtype for parameter in network.parameters()} == {torch.float32}


def test_mixed_precision_learns() -> None:
    labels = torch.arange(96) % 3
    x = F.one_hot(labels, 64).float().view(-1, 1, 8, 8) * 4 + torch.randn(96, 1, 8, 8, generator=generator())
    split = Split(x, labels)
    inputs = TrainingInputs(Task("t", split, split, split, ("a", "b", "c")), Augmentation())
    torch.manual_seed(0)
    network = published("ds-cnn", (1, 8, 8), 3).to(memory_format=torch.channels_last)
    schedule = dataclasses.replace(SCHEDULE, epochs=8)
    *_, loss = train(network, inputs, schedule, generator(), plain_step(network, mixed_precision=True))
    assert loss < 0.5
