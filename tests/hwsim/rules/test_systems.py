"""Systems: what they measure and leave as it was, what rules may ask of them, and what is refused in one line."""

from pathlib import Path

import pytest
import torch
from torch import nn

import hwsim
from hwsim import rules


def network() -> nn.Sequential:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))


def batch(n: int = 10) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.rand(n, 6, generator=torch.Generator().manual_seed(1)), torch.arange(n) % 3


def sgd(system: rules.PhysicalSystem, lr: float = 0.1) -> torch.optim.SGD:
    return torch.optim.SGD(system.parameters, lr=lr)


def programmed(**options) -> rules.ProgrammedNetwork:
    net = hwsim.to_analog(network(), "pcm-analognas")
    hwsim.calibrate(net, [batch()[0]])
    return rules.ProgrammedNetwork(net, "1 hour", **options)


def test_a_network_runs_as_before_when_a_system_is_made_of_it() -> None:
    net, (x, y) = network(), batch()
    before = net(x)
    system = rules.MismatchedNetwork(net, gap=0.5)
    assert not torch.allclose(system.measure(x), before)
    rules.PhysicsAware(sgd(system)).gradient(system, x, y)
    assert torch.equal(net(x), before)
    assert torch.equal(system.model(x), before)


def test_a_device_has_its_own_errors_and_keeps_them() -> None:
    net, (x, _) = network(), batch()
    one, same, other = (rules.MismatchedNetwork(net, gap=0.5, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.measure(x), same.measure(x))
    assert not torch.allclose(one.measure(x), other.measure(x))
    error = one.held("0") / net[0].weight - 1
    assert 0.3 < float(error.detach().std()) < 0.7


def test_convolutions_and_residual_blocks_learn_by_rules_that_take_any_network() -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Conv2d(4, 4, 3, padding=1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.inner(x).relu()

    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), Residual(), nn.Flatten(), nn.Linear(4 * 36, 3))
    system = rules.MismatchedNetwork(net, gap=0.3)
    x, y = torch.rand(12, 1, 8, 8), torch.arange(12) % 3
    for kind in (rules.PhysicsAware, rules.FeedbackAlignment, rules.InSituBackpropagation):
        kind(sgd(system)).gradient(system, x, y)
        assert all(bool(parameter.grad.abs().sum() > 0) for parameter in system.parameters[:2])
    with pytest.raises(ValueError, match=r"Sequential of single layers.* got Residual"):
        rules.DirectFeedbackAlignment(sgd(system)).step(system, x, y)
    plain = rules.MismatchedNetwork(nn.Sequential(net[0], net[1], net[3], net[4]), gap=0.3)
    rules.DirectFeedbackAlignment(sgd(plain)).step(plain, x, y)


def test_a_chip_is_programmed_again_when_its_weights_changed_and_not_otherwise() -> None:
    system, (x, y) = programmed(), batch()
    system.measure(x)
    system.measure(x)
    assert system.writes == 1
    rules.PhysicsAware(sgd(system)).step(system, x, y)
    system.measure(x)
    assert system.writes == 2


def test_what_a_chip_holds_after_an_hour_is_what_hwsim_says() -> None:
    """The mean of many programmings is near what was written, and each differs from it."""
    system = programmed()
    weight = system.layers["0"].weight.requires_grad_(False)
    drawn = []
    for _ in range(60):
        weight.mul_(1)  # counts as a change
        drawn.append(system.held("0"))
    spread, mean = torch.stack(drawn).std(0), torch.stack(drawn).mean(0)
    assert 0.005 < float((spread / weight.abs().amax()).mean()) < 0.1
    assert float((mean - weight).abs().mean() / weight.abs().mean()) < 0.1


def test_errors_of_a_chip_stay_where_they_are_asked_to() -> None:
    system, (x, _) = programmed(same_errors=True), batch()
    first = system.held("0")
    with torch.no_grad():
        system.layers["0"].weight.mul_(1)
    assert torch.equal(system.held("0"), first)
    assert system.writes == 2
    assert not torch.equal(system.measure(x), system.measure(x)), "read noise is new in each pass"


@pytest.mark.parametrize("name", [name for name in rules.RULES if name != "equilibrium-propagation"])
def test_every_rule_learns_on_a_programmed_chip(name: str) -> None:
    x, y = batch(30)
    labels = 3 if name in ("forward-forward", "physical-local-learning") else 0
    torch.manual_seed(0)
    digital = nn.Sequential(nn.Linear(6 + labels, 8), nn.ReLU(), nn.Linear(8, 3))
    net = hwsim.to_analog(digital, "pcm-analognas")
    hwsim.calibrate(net, [torch.rand(20, 6 + labels)])
    system = rules.ProgrammedNetwork(net, 3600.0)
    kind, optimizer = rules.RULES[name], sgd(system, 0.2)
    rule = kind(optimizer, 3) if labels else kind(optimizer)
    before = [parameter.detach().clone() for parameter in system.parameters]
    assert torch.isfinite(rule.step(system, x, y))
    assert any(
        not torch.equal(parameter, old) for parameter, old in zip(system.parameters, before, strict=True)
    )
    assert rule.scores(system, x).shape == (30, 3)


def test_pulsed_optimisers_write_what_a_rule_finds() -> None:
    net, (x, y) = network(), batch()
    optimizer = hwsim.learning.MixedPrecision(net.parameters(), device="ecram", lr=0.2)
    system = rules.MismatchedNetwork(net, gap=0.3)
    rule = rules.PhysicsAware(optimizer)
    first = float(rule.step(system, x, y))
    for _ in range(60):
        last = float(rule.step(system, x, y))
    assert last < 0.95 * first


def test_a_callable_needs_nothing_but_measurements() -> None:
    w = torch.zeros(3, 6)
    system, (x, y) = rules.Measured(lambda x, w: torch.sin(x @ w.T), [w]), batch(60)
    rule = rules.SPSA(sgd(system, 0.5), size=1e-3)
    first = float(rule.step(system, x, y))
    last = [float(rule.step(system, x, y)) for _ in range(60)][-1]
    assert last < first and system.passes.forward == 61 * 16


def test_a_model_that_is_not_exact_trains_a_callable() -> None:
    w = torch.zeros(3, 6, requires_grad=True)
    system = rules.MeasuredWithModel(lambda x, w: torch.sin(1.3 * x @ w.T) + 0.1, lambda x, w: x @ w.T, [w])
    x, y = batch(60)
    rule = rules.PhysicsAware(sgd(system, 0.5))
    loss = rule.gradient(system, x, y)
    assert float(loss) == pytest.approx(float(nn.functional.cross_entropy(system.measure(x), y)))
    first = float(rule.step(system, x, y))
    assert [float(rule.step(system, x, y)) for _ in range(60)][-1] < first


@pytest.mark.parametrize("kind", [rules.PhysicsAware, rules.DirectFeedbackAlignment, rules.SPSA])
def test_an_optimiser_of_some_parameters_trains_these_alone(kind: type[rules.Rule]) -> None:
    net, (x, y) = network(), batch()
    system = rules.MismatchedNetwork(net, gap=0.3)
    others = torch.ones_like(net[0].weight)
    net[0].weight.grad = others
    rule = kind(torch.optim.SGD(net[2].parameters(), lr=0.1))
    before = [parameter.detach().clone() for parameter in system.parameters]
    rule.step(system, x, y)
    assert net[0].weight.grad is others and net[0].bias.grad is None
    changed = [not torch.equal(old, now) for old, now in zip(before, system.parameters, strict=True)]
    assert changed == [False, False, True, True]


def test_what_is_not_trained_is_not_moved_to_measure_a_slope() -> None:
    seen: list[torch.Tensor] = []

    def run(x: torch.Tensor, held: torch.Tensor, trained: torch.Tensor) -> torch.Tensor:
        seen.append(held.clone())
        return x @ (held + trained).T

    held, trained, (x, y) = torch.ones(3, 6), torch.zeros(3, 6), batch()
    system = rules.Measured(run, [held, trained])
    rules.SPSA(torch.optim.SGD([trained], lr=0.1)).step(system, x, y)
    assert len(seen) == 16 and all(torch.equal(one, held) for one in seen)
    assert float(trained.abs().sum()) > 0


def test_physics_aware_training_repairs_what_in_silico_training_cannot_see() -> None:
    """Digits in ten epochs at a gap of 0.6; the script has the whole study."""
    from sklearn.datasets import load_digits

    images, classes = load_digits(return_X_y=True)
    x, y = torch.tensor(images / 16, dtype=torch.float32), torch.tensor(classes)
    found = {}
    for kind in (rules.InSilico, rules.PhysicsAware):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
        system = rules.MismatchedNetwork(net, gap=0.6, seed=0)
        rule = kind(torch.optim.SGD(system.parameters, lr=0.05, momentum=0.9))
        generator = torch.Generator().manual_seed(0)
        for _ in range(10):
            for part in torch.randperm(1437, generator=generator).split(32):
                rule.step(system, x[part], y[part])
        found[kind] = float((rule.scores(system, x[1437:]).argmax(1) == y[1437:]).float().mean())
    assert found[rules.PhysicsAware] > 0.88
    assert found[rules.PhysicsAware] > found[rules.InSilico] + 0.04


class TestRefusals:
    """One line with the remedy."""

    @pytest.mark.parametrize(
        ("kind", "missing", "remedy"),
        [
            (rules.InSilico, "a model", "MeasuredWithModel"),
            (rules.PhysicsAware, "a model", "SPSA"),
            (rules.InSituBackpropagation, "backward pass", "FeedbackAlignment"),
            (rules.DirectFeedbackAlignment, "layers", "MismatchedNetwork"),
            (rules.EquilibriumPropagation, "second phase", "EnergyNetwork"),
        ],
    )
    def test_a_system_that_cannot_do_what_a_rule_needs(self, kind, missing: str, remedy: str) -> None:
        system, (x, y) = rules.Measured(lambda x, w: x @ w.T, [torch.zeros(3, 6)]), batch()
        with pytest.raises(
            ValueError, match=f"^{kind.__name__} must have .*{missing}.*Measured.*{remedy}"
        ) as caught:
            kind(sgd(system)).step(system, x, y)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        ("make", "said"),
        [
            (lambda: rules.MismatchedNetwork(network(), gap=-0.1), "gap >= 0"),
            (lambda: rules.MismatchedNetwork(nn.ReLU(), gap=0.1), "got none"),
            (lambda: rules.MismatchedNetwork("net", gap=0.1), "torch module"),
            (lambda: rules.ProgrammedNetwork(network(), "1 hour"), "to_analog"),
            (lambda: programmed(seed=-1.5), "whole number"),
            (lambda: rules.Measured(3, [torch.zeros(1)]), "function"),
            (lambda: rules.Measured(lambda x: x, []), "got none"),
            (lambda: rules.EnergyNetwork([5]), "widths"),
            (lambda: rules.EnergyNetwork([5, 3], step_size=2.0), "step_size"),
            (lambda: rules.SPSA("sgd"), "optimiser"),
            (lambda: rules.SPSA(sgd(programmed()), directions=0), "directions >= 1"),
            (lambda: rules.ForwardGradient(sgd(programmed()), size=0), "size > 0"),
            (lambda: rules.ForwardForward(sgd(programmed()), 1), "n_classes >= 2"),
            (lambda: rules.ForwardForward(sgd(programmed()), 3, threshold=0), "threshold > 0"),
            (lambda: rules.EquilibriumPropagation(sgd(programmed()), nudge=0.0), "nudge > 0"),
        ],
    )
    def test_values_out_of_range(self, make, said: str) -> None:
        with pytest.raises((ValueError, TypeError), match=said):
            make()

    def test_batches_and_optimisers_that_do_not_fit(self) -> None:
        system, (x, y) = rules.MismatchedNetwork(network(), gap=0.1), batch()
        rule = rules.PhysicsAware(sgd(system))
        for part, labels, said in (
            (x, y[:-1], "same items"),
            (x[:0], y[:0], "at least one"),
        ):
            with pytest.raises(ValueError, match=said):
                rule.step(system, part, labels)
        with pytest.raises(ValueError, match=r"system\.parameters"):
            rules.PhysicsAware(sgd(programmed())).step(system, x, y)
        with pytest.raises(TypeError, match="Measured takes any callable"):
            rule.step(network(), x, y)
        with pytest.raises(ValueError, match=r"label appended, `\(batch, 9\)`, got one of `\(batch, 6\)`"):
            rules.ForwardForward(sgd(system), 3).step(system, x, y)
        with pytest.raises(ValueError, match="Target 3 is out of bounds"):
            rules.DirectRandomTargetProjection(sgd(system)).step(system, x, y + 1)
        short = rules.Measured(lambda x, w: w, [torch.zeros(2)])
        with pytest.raises(ValueError, match="row for each of 10"):
            rules.SPSA(sgd(short)).step(short, x, y)

    def test_an_error_of_a_device_is_not_taken_for_one_of_the_inputs(self) -> None:
        class Lost(nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                raise RuntimeError("the driver lost the device")

        net = nn.Sequential(nn.Linear(9, 8), Lost(), nn.Linear(8, 3))
        system, (x, y) = rules.MismatchedNetwork(net, gap=0.1), batch()
        with pytest.raises(RuntimeError, match=r"^the driver lost the device$"):
            rules.ForwardForward(sgd(system), 3).step(system, x, y)

    def test_recurrent_layers_on_tiles(self) -> None:
        net = hwsim.to_analog(nn.LSTM(4, 3), "pcm-analognas")
        with pytest.raises(ValueError, match="AnalogLSTM"):
            rules.ProgrammedNetwork(net, "1 hour")


def test_the_table_says_what_the_rules_say() -> None:
    rows = {row[0]: row[1:] for row in rules.requirements().rows}
    assert set(rows) == set(rules.RULES)
    assert rows["physics-aware"][:6] == ["yes", "no", "no", "no", "1", "0"]
    assert rows["equilibrium-propagation"][3:5] == ["yes", "3"]
    assert rows["forward-forward"][6] == "1 a label"
    assert rows["spsa"][:4] == ["no"] * 4 and rows["spsa"][4] == "16"


def test_the_table_leaves_the_global_generator_as_it_was() -> None:
    before = torch.get_rng_state()
    rules.requirements()
    assert torch.equal(torch.get_rng_state(), before)


def test_the_page_has_the_table_of_the_code() -> None:
    page = (Path(__file__).parents[3] / "docs" / "rules.md").read_text()
    for row in rules.requirements().rows:
        assert "| " + " | ".join(row) + " |" in page
