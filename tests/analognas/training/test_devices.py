"""Digital training keeps to the device of the network.

Without a GPU, torch's fake tensors stand for one: they have devices, shapes and no values, and an operation on tensors
of two devices raises.
"""

import dataclasses

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import functional as F

from analognas.evaluation.prepared import prepare
from analognas.tasks import Split, Task
from analognas.training.augmentation import Augmentation
from analognas.training.inputs import LARGEST_FLOATS, TrainingInputs
from analognas.training.loop import Schedule, plain_step, train
from search_spaces import published

CUDA = torch.device("cuda", 0)
EVERYTHING = Augmentation(crop=1, flip=True, cutout=3, time_shift=2)
SCHEDULE = Schedule(2, 8, "adam", 0.01, 0.1, 1e-3)


def task(noisy: bool = True) -> Task:
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(256, (24, 1, 8, 8), generator=generator, dtype=torch.uint8)
    split = Split(x, torch.arange(24) % 3)
    return Task("t", split, split, split, ("a", "b", "c"), noisy=x[None].clone() if noisy else None)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def on_gpu(network: nn.Module) -> nn.Module:
    """Return the network with its tensors on the pretended GPU: `Module.to` cannot swap fake parameters."""
    for module in network.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                module._parameters[name] = nn.Parameter(torch.empty(parameter.shape, device=CUDA))
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = torch.empty(buffer.shape, dtype=buffer.dtype, device=CUDA)
    return network


@pytest.mark.parametrize("stays_bytes", [False, True])
def test_batches_are_made_on_the_device_of_the_inputs(monkeypatch, stays_bytes) -> None:
    monkeypatch.setattr("analognas.training.inputs.LARGEST_FLOATS", 1 if stays_bytes else LARGEST_FLOATS)
    with FakeTensorMode(allow_non_fake_inputs=True):
        inputs = TrainingInputs(task(), EVERYTHING).to(CUDA)
        x, y = inputs.draw(torch.arange(8, device=CUDA), generator())
        assert x.device == y.device == inputs.spread(5).device == CUDA


def test_a_forward_pass_mixes_no_devices() -> None:
    plain = published("ds-cnn", (1, 8, 8), 3)
    with (
        FakeTensorMode(allow_non_fake_inputs=True),
        torch.no_grad(),
    ):  # without a GPU build, torch aborts in backward
        network = on_gpu(plain).eval()
        x, y = TrainingInputs(task(), EVERYTHING).to(CUDA).draw(torch.arange(8, device=CUDA), generator())
        assert F.cross_entropy(network(x), y).device == CUDA
        with pytest.raises(RuntimeError, match="device"):
            network(x.cpu())


def test_every_split_of_a_prepared_task_moves_once() -> None:
    with FakeTensorMode(allow_non_fake_inputs=True):
        here = prepare(task(noisy=False))
        assert here.to(torch.device("cpu")) is here
        there = here.to(CUDA)
        assert {
            tensor.device for split in (there.validation, there.test) for tensor in vars(split).values()
        } == {CUDA}
        assert here.validation.x.device.type == "cpu"


def test_draws_of_a_processor_are_the_same_wherever_the_batch_is_made() -> None:
    kwargs = {"n": 5, "height": 8, "width": 8}
    first = EVERYTHING.pixels(**kwargs, generator=generator())
    again = EVERYTHING.pixels(**kwargs, generator=generator(), device=torch.device("cpu"))
    assert torch.equal(first, again)
    with FakeTensorMode(allow_non_fake_inputs=True):
        assert EVERYTHING.pixels(**kwargs, generator=generator(), device=CUDA).device == CUDA


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
    loss = train(network, inputs, schedule, generator(), plain_step(network, mixed_precision=True))
    assert loss < 0.5
