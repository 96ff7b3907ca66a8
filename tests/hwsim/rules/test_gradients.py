"""What each rule puts in place of a gradient, against autograd."""

from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hwsim import rules
from hwsim.rules.random_feedback import RandomFeedback


def network(seed: int = 0, widths: tuple[int, ...] = (6, 8, 7, 3)) -> nn.Sequential:
    generator = torch.Generator().manual_seed(seed)
    modules: list[nn.Module] = []
    for before, after in pairwise(widths):
        layer = nn.Linear(before, after)
        with torch.no_grad():
            layer.weight.copy_(torch.randn(after, before, generator=generator) / before**0.5)
            layer.bias.copy_(0.1 * torch.randn(after, generator=generator))
        modules += [layer, nn.Tanh()]
    return nn.Sequential(*modules[:-1])


def batch(n: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(n, 6, generator=torch.Generator().manual_seed(9)), torch.arange(n) % 3


def gradients(
    rule: rules.Rule, system: rules.PhysicalSystem, x: torch.Tensor, y: torch.Tensor
) -> torch.Tensor:
    rule.gradient(system, x, y)
    return torch.cat([parameter.grad.flatten() for parameter in system.parameters])


def sgd(system: rules.PhysicalSystem) -> torch.optim.SGD:
    return torch.optim.SGD(system.parameters, lr=0.1)


def backpropagated(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    loss = F.cross_entropy(net(x), y)
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(net.parameters()))])


@pytest.mark.parametrize("kind", [rules.InSilico, rules.PhysicsAware, rules.InSituBackpropagation])
def test_on_an_exact_device_three_rules_are_backpropagation(kind) -> None:
    net, (x, y) = network(), batch()
    system = rules.MismatchedNetwork(net, gap=0.0)
    found = gradients(kind(sgd(system)), system, x, y)
    torch.testing.assert_close(found, backpropagated(net, x, y), rtol=1e-5, atol=1e-7)


def test_physics_aware_training_takes_measured_values_and_the_models_weights() -> None:
    net, (x, y) = network(), batch()
    system = rules.MismatchedNetwork(net, gap=0.5, seed=3)
    rule = rules.PhysicsAware(sgd(system))
    found = gradients(rule, system, x, y)
    first, second, third = net[0], net[2], net[4]
    h1 = torch.tanh(x @ system.held("0").T + first.bias)
    h2 = torch.tanh(h1 @ system.held("2").T + second.bias)
    z = h2 @ system.held("4").T + third.bias
    e = (z.softmax(1) - F.one_hot(y, 3)) / len(x)
    d2 = (e @ third.weight) * (1 - h2**2)
    d1 = (d2 @ second.weight) * (1 - h1**2)
    by_hand = [d1.T @ x, d1.sum(0), d2.T @ h1, d2.sum(0), e.T @ h2, e.sum(0)]
    torch.testing.assert_close(found, torch.cat([g.flatten() for g in by_hand]), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(system.measure(x), z.detach(), rtol=1e-5, atol=1e-6)


def test_backpropagation_in_situ_sends_errors_through_what_the_arrays_hold() -> None:
    net, (x, y) = network(), batch()
    system = rules.MismatchedNetwork(net, gap=0.5, seed=3)
    twin = network()
    with torch.no_grad():
        for name in system.layers:
            twin.get_submodule(name).weight.copy_(system.held(name))
    found = gradients(rules.InSituBackpropagation(sgd(system)), system, x, y)
    torch.testing.assert_close(found, backpropagated(twin, x, y), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", [rules.DirectFeedbackAlignment, rules.DirectRandomTargetProjection])
def test_local_errors_are_those_of_the_publications(kind) -> None:
    net, (x, y) = network(), batch()
    system = rules.MismatchedNetwork(net, gap=0.0)
    rule = kind(sgd(system), seed=5)
    found = gradients(rule, system, x, y)
    with torch.no_grad():
        h1 = torch.tanh(net[0](x))
        h2 = torch.tanh(net[2](h1))
        target = F.one_hot(y, 3).float()
        e = (net[4](h2).softmax(1) - target) / len(x)
        sent = e if kind is rules.DirectFeedbackAlignment else target / len(x)
        drawn = RandomFeedback(5)
        d1 = drawn.projection("0", sent, h1) * (1 - h1**2)
        d2 = drawn.projection("1", sent, h2) * (1 - h2**2)
        by_hand = [d1.T @ x, d1.sum(0), d2.T @ h1, d2.sum(0), e.T @ h2, e.sum(0)]
    torch.testing.assert_close(found, torch.cat([g.flatten() for g in by_hand]), rtol=1e-4, atol=1e-6)


def test_feedback_alignment_differs_from_backpropagation_by_its_matrices_alone() -> None:
    net, (x, y) = network(), batch()
    system = rules.MismatchedNetwork(net, gap=0.0)
    rule = rules.FeedbackAlignment(sgd(system))
    apart = gradients(rule, system, x, y)
    exact = backpropagated(net, x, y)
    last = net[4].weight.numel() + net[4].bias.numel()
    torch.testing.assert_close(apart[-last:], exact[-last:], rtol=1e-5, atol=1e-7)
    assert not torch.allclose(apart[:-last], exact[:-last], atol=1e-3)
    drawn = RandomFeedback(0)
    with torch.no_grad():
        h1 = torch.tanh(net[0](x))
        h2 = torch.tanh(net[2](h1))
        e = (net[4](h2).softmax(1) - F.one_hot(y, 3)) / len(x)
        d2 = (e @ drawn.of("4", net[4].weight, 7)) * (1 - h2**2)
        d1 = (d2 @ drawn.of("2", net[2].weight, 8)) * (1 - h1**2)
        by_hand = [d1.T @ x, d1.sum(0), d2.T @ h1, d2.sum(0), e.T @ h2, e.sum(0)]
    torch.testing.assert_close(apart, torch.cat([g.flatten() for g in by_hand]), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", [rules.ForwardGradient, rules.SPSA])
def test_measured_slopes_are_the_gradient_in_the_mean(kind) -> None:
    """10,000 directions, in float64 on a callable that is only measured."""
    w = torch.tensor([[0.3, -0.2, 0.5], [-0.4, 0.1, 0.2]], dtype=torch.float64, requires_grad=True)
    x = torch.tensor([[1.0, 0.5, -1.0], [0.2, -0.3, 0.8]], dtype=torch.float64)
    y = torch.tensor([[0.1, 0.4], [-0.2, 0.3]], dtype=torch.float64)
    system = rules.Measured(lambda x, w: torch.tanh(x @ w.T), [w])
    rule = kind(sgd(system), F.mse_loss, directions=1, size=1e-4)
    n = 10_000
    drawn = torch.stack([gradients(rule, system, x, y) for _ in range(n)])
    true = torch.autograd.grad(F.mse_loss(torch.tanh(x @ w.T), y), w)[0].flatten()
    standard_error = drawn.std(0) / n**0.5
    assert ((drawn.mean(0) - true).abs() < 3.5 * standard_error).all()
    assert (standard_error < 0.1 * true.abs().max()).all()


def settled_gradient(
    system: rules.EnergyNetwork, x: torch.Tensor, y: torch.Tensor, steps: int
) -> torch.Tensor:
    """Return the gradient of the squared distance, back through the dynamics, by autograd."""
    (w1, w2), (b1, b2) = system.weights, system.biases
    hidden, output = x.new_zeros(len(x), len(b1)), x.new_zeros(len(x), len(b2))
    for _ in range(steps):
        to_hidden, to_output = x @ w1 + output @ w2.T + b1, hidden @ w2 + b2
        hidden = (hidden + 0.5 * (to_hidden - hidden)).clamp(0, 1)
        output = (output + 0.5 * (to_output - output)).clamp(0, 1)
    loss = (output - F.one_hot(y, 3)).square().sum(1).mean()
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, system.parameters)])


def test_equilibrium_propagation_is_the_gradient_for_a_small_nudge() -> None:
    x, y = batch(32)
    system = rules.EnergyNetwork((6, 10, 3), seed=2)
    true = settled_gradient(system, x.abs(), y, 400)
    cosines = []
    for nudge in (1e-3, 1.0):
        rule = rules.EquilibriumPropagation(sgd(system), nudge=nudge, free_steps=400, nudged_steps=400)
        found = gradients(rule, system, x.abs(), y)
        cosines.append(float(F.cosine_similarity(found, true, dim=0)))
    assert cosines[0] > 0.99 > cosines[1]
    rule = rules.EquilibriumPropagation(sgd(system), nudge=1e-3, free_steps=400, nudged_steps=400)
    assert float(gradients(rule, system, x.abs(), y).norm() / true.norm()) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("kind", [rules.ForwardForward, rules.PhysicalLocalLearning])
def test_contrastive_layers_learn_alone(kind) -> None:
    """The loss of a layer has no gradient by the layers before it, and a step lowers it."""
    x, y = batch(64)
    system = rules.MismatchedNetwork(network(widths=(9, 16, 12)), gap=0.0)
    rule = kind(torch.optim.SGD(system.parameters, lr=1.0), 3)
    turned = network(widths=(9, 16, 12))
    with torch.no_grad():
        turned[2].weight.neg_()
    other = rules.MismatchedNetwork(turned, gap=0.0)
    found, with_turned = gradients(rule, system, x, y), gradients(kind(sgd(other), 3), other, x, y)
    first = 16 * 9 + 16
    assert float(found[:first].abs().max()) > 1e-3
    torch.testing.assert_close(with_turned[:first], found[:first])
    assert not torch.allclose(with_turned[first:], found[first:], atol=1e-3)
    losses = [float(rule.step(system, x, y)) for _ in range(40)]
    assert sum(losses[-5:]) < 0.98 * sum(losses[:5])
