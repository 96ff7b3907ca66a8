"""Attention by random features: near softmax attention, causal where it says so, and on chips."""

import copy
import math

import pytest
import torch
from torch import nn

import hwsim
from hwsim.random_features import kernel_attention


def randn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def exact(q: torch.Tensor, k: torch.Tensor, causal: bool = False) -> torch.Tensor:
    """Return the matrices of softmax attention, `(batch, heads, queries, keys)`."""
    scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(q.shape[-1])
    if causal:
        scores = scores.masked_fill(torch.ones(scores.shape[-2:]).triu(1).bool(), -math.inf)
    return scores.softmax(-1)


def attention_matrix(q, k, project, **values) -> torch.Tensor:
    identity = torch.eye(k.shape[1])[None, :, None].expand(len(k), -1, k.shape[2], -1)
    return kernel_attention(q, k, identity, project, **values).transpose(1, 2)


def error(q, k, project, **values) -> float:
    wanted = exact(q, k, values.get("is_causal", False))
    return float((attention_matrix(q, k, project, **values) - wanted).norm() / wanted.norm())


def omega(d: int, s: int, seed: int = 0, sampler: str = "sorf") -> nn.Linear:
    return hwsim.KernelAttention(d, 1, s, sampler=sampler, seed=seed).random_projection


@pytest.mark.parametrize("is_causal", [False, True])
def test_it_approaches_softmax_attention(is_causal: bool) -> None:
    q, k = 0.5 * randn(2, 150, 2, 16), 0.5 * randn(2, 150, 2, 16, seed=1)
    few, many = (
        sum(error(q, k, omega(16, s, seed, "orf"), is_causal=is_causal) for seed in range(4)) / 4
        for s in (32, 1024)
    )
    assert many < 0.06 and 3 < few / many < 9  # 5.7, the root of 32


@torch.no_grad()
def test_on_a_chip_the_error_is_near_that_of_floating_point_at_every_size() -> None:
    q, k = 0.75 * randn(2, 100, 1, 64), 0.75 * randn(2, 100, 1, 64, seed=1)
    errors = []
    for multiple in (1, 3, 7):
        projection = omega(64, 64 * multiple - 1)
        analog = hwsim.to_analog(nn.Sequential(projection), "pcm-hermes-2")
        hwsim.calibrate(analog, torch.cat([q, k]) * 64**-0.25)
        errors.append((error(q, k, projection), _on_chip(analog, q, k)))
    assert errors[0][0] > errors[1][0] > errors[2][0]
    assert all(1.0 < chip / digital < 1.4 for digital, chip in errors), errors


def _on_chip(analog: nn.Module, q: torch.Tensor, k: torch.Tensor) -> float:
    """Return the error with products of one chip one second after programming."""
    (result,) = hwsim.outputs(hwsim.program(analog, n=1), torch.cat([q, k]) * 64**-0.25, 1.0)
    products = iter(result.outputs.chunk(2))
    return error(q, k, lambda _: next(products))


def test_causal_attention_knows_no_later_step_and_is_that_of_its_definition() -> None:
    layer = hwsim.KernelAttention(32, 2, 48, is_causal=True).eval()
    x = randn(2, 150, 32)
    changed = x.clone()
    changed[:, 100:] += 3 * randn(2, 50, 32, seed=1)
    found, other = layer(x), layer(changed)
    assert torch.allclose(found[:, :100], other[:, :100], atol=1e-5)
    assert not torch.allclose(found[:, 100:], other[:, 100:], atol=1e-2)
    q, k = randn(1, 130, 2, 16), randn(1, 130, 2, 16, seed=1)
    whole = attention_matrix(q, k, omega(16, 64))
    masked = whole.tril()
    wanted = masked / masked.sum(-1, keepdim=True)
    assert torch.allclose(attention_matrix(q, k, omega(16, 64), is_causal=True), wanted, atol=1e-5)


@pytest.mark.parametrize("step", [10, 100])
def test_later_keys_change_no_digit_of_earlier_steps(step: int) -> None:
    q, k = randn(1, 130, 2, 16), 8 * randn(1, 130, 2, 16, seed=1)  # of exponents near -100
    changed = k.clone()
    changed[:, step:] *= 0.01  # of exponents near 0
    padded = torch.zeros(1, 130, dtype=torch.bool)
    padded[:, :5] = True
    for mask in (None, padded):
        found, other = (
            attention_matrix(q, keys, omega(16, 64), is_causal=True, key_padding_mask=mask)
            for keys in (k, changed)
        )
        assert torch.equal(found[:, :, :step], other[:, :, :step])
        start = 0 if mask is None else 5
        assert torch.allclose(other[:, :, start:].sum(-1), torch.tensor(1.0), atol=1e-5)
        assert not other[:, :, :start].any() and torch.isfinite(other).all()


@pytest.mark.parametrize("kernel", ["softmax", "relu"])
def test_padded_keys_do_not_count(kernel: str) -> None:
    layer = hwsim.KernelAttention(32, 2, 48, kernel=kernel).eval()
    x = randn(3, 20, 32)
    mask = torch.zeros(3, 20, dtype=torch.bool)
    mask[:, 12:] = True
    padded = x.clone()
    padded[:, 12:] = 50.0
    assert torch.allclose(
        layer(padded, key_padding_mask=mask)[:, :12], layer(x[:, :12]), atol=1e-4, rtol=1e-3
    )
    assert torch.isfinite(layer(x, key_padding_mask=torch.ones_like(mask))).all()


def test_large_numbers_stay_finite_with_their_gradients() -> None:
    layer = hwsim.KernelAttention(32, 2, 48)
    x = (30 * randn(2, 70, 32)).requires_grad_()
    layer(x).square().sum().backward()
    assert x.grad is not None and torch.isfinite(x.grad).all()
    assert layer.random_projection.weight.grad is None and torch.isfinite(layer.q_proj.weight.grad).all()


class Reader(nn.Module):
    """A small Performer that classifies sequences."""

    def __init__(self, is_causal: bool) -> None:
        super().__init__()
        self.symbols = nn.Embedding(20, 32)
        self.attention = hwsim.KernelAttention(32, 2, 40, is_causal=is_causal)
        self.last = nn.Linear(32, 5)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.symbols(tokens)
        return self.last((x + self.attention(x)).mean(1))


@pytest.mark.parametrize("is_causal", [False, True])
def test_it_becomes_analog_and_trains_with_its_projection_as_it_is(is_causal: bool) -> None:
    torch.manual_seed(0)
    model, y = Reader(is_causal), torch.arange(40) % 5
    tokens = torch.randint(20, (40, 70), generator=torch.Generator().manual_seed(0))
    tokens[:, ::3] = y[:, None]  # the class is the most frequent symbol
    with torch.no_grad():
        assert torch.allclose(hwsim.to_analog(model, "floating-point")(tokens), model(tokens), atol=1e-5)
    net = hwsim.to_analog(model, "pcm-analognas")
    assert {name for name in hwsim.tile_map(net).layers if name.startswith("attention")} == {
        f"attention.{part}" for part in ("q_proj", "k_proj", "v_proj", "out_proj", "random_projection")
    }
    hwsim.calibrate(net, tokens)
    hwa = hwsim.HwaTraining(net, seed=0)
    optimizer = torch.optim.Adam([p for p in net.parameters() if p.requires_grad], 0.01)
    before = copy.deepcopy(net.state_dict())
    for _ in range(25):
        optimizer.zero_grad()
        with hwa.step():
            loss = nn.functional.cross_entropy(net(tokens), y)
            loss.backward()
        optimizer.step()
        hwa.after_update()
    name = "attention.random_projection.weight"
    assert torch.equal(net.state_dict()[name], before[name])
    assert not torch.equal(net.state_dict()["attention.q_proj.weight"], before["attention.q_proj.weight"])
    hwsim.calibrate(net, tokens)
    curve = hwsim.evaluate(hwsim.program(net, n=2), (tokens, y), ["1 s", "1 day"])
    assert curve.mean[0] > 0.7
    back = hwsim.to_digital(net)
    assert isinstance(back.attention.random_projection, nn.Linear)
    assert {row.name for row in hwsim.summary(net, tokens).layers if row.is_analog} >= {"attention.q_proj"}


def test_redrawing_changes_the_projection_alone() -> None:
    layer = hwsim.KernelAttention(32, 2, 48, seed=1)
    before, query = layer.random_projection.weight.clone(), layer.q_proj.weight.clone()
    layer.redraw(2)
    assert not torch.equal(layer.random_projection.weight, before)
    assert torch.equal(layer.q_proj.weight, query)
    layer.redraw(1)
    assert torch.equal(layer.random_projection.weight, before)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hwsim.KernelAttention(32, 3), "`num_heads` must divide `embed_dim`, got 3 and 32"),
        (lambda: hwsim.KernelAttention(32, 2, 0), "`n_components >= 1` must hold"),
        (
            lambda: hwsim.KernelAttention(32, 2, kernel="softmix"),
            "`kernel` must be one of .*did you mean softmax",
        ),
        (lambda: hwsim.KernelAttention(32, 2)(randn(2, 0, 32)), "at least one step"),
        (lambda: hwsim.KernelAttention(32, 2)(randn(2, 32)), r"`query` must be `\(batch, time, 32\)`"),
        (lambda: hwsim.KernelAttention(32, 2)(randn(2, 5, 32), randn(3, 5, 32)), "the batch of `query`"),
        (
            lambda: hwsim.KernelAttention(32, 2, is_causal=True)(randn(2, 5, 32), randn(2, 6, 32)),
            "as many with `is_causal`, got 5 and 6",
        ),
        (
            lambda: hwsim.KernelAttention(32, 2)(randn(2, 5, 32), key_padding_mask=torch.ones(2, 5)),
            r"`key_padding_mask` must be bool \(2, 5\), got torch.float32",
        ),
    ],
)
def test_what_cannot_be_is_told_in_a_line(call, message) -> None:
    with pytest.raises(ValueError, match=message) as told:
        call()
    assert "\n" not in str(told.value)
