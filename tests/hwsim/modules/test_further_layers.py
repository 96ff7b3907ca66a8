"""Transposed and three-dimensional convolutions, and matrices of a module's own, on ideal devices and on real ones."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import hwsim
from hwsim.modules import ParameterProduct

IDEAL = hwsim.preset("floating-point")
TOLERANCE = 1e-5


def randn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


LAYERS = {
    "1d": (nn.ConvTranspose1d(4, 6, 3), (2, 4, 7)),
    "1d all options": (nn.ConvTranspose1d(4, 6, 3, 2, 1, 1, 2, True, 2), (2, 4, 7)),
    "2d": (nn.ConvTranspose2d(4, 6, (3, 2)), (2, 4, 5, 6)),
    "2d all options": (
        nn.ConvTranspose2d(4, 6, (3, 2), (2, 3), (1, 0), (1, 2), 2, False, (1, 2)),
        (2, 4, 5, 6),
    ),
    "2d, padding beyond the stride": (nn.ConvTranspose2d(4, 6, 3, 2, 1, (2, 1), 1, True, 3), (2, 4, 5, 6)),
    "2d without a batch": (nn.ConvTranspose2d(4, 6, 3, 2), (4, 5, 6)),
    "3d": (nn.Conv3d(4, 6, 3), (2, 4, 5, 6, 7)),
    "3d all options": (nn.Conv3d(4, 6, (1, 2, 3), 2, 1, (1, 2, 1), 2, False, "circular"), (2, 4, 5, 6, 7)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_values_and_gradients_are_torchs(name) -> None:
    layer, shape = LAYERS[name]
    net = hwsim.to_analog(layer, IDEAL)
    x, y = (randn(*shape).requires_grad_() for _ in range(2))
    wanted, found = layer(x), net(y)
    assert wanted.shape == found.shape and torch.allclose(wanted, found, atol=TOLERANCE)
    weights = randn(*wanted.shape, seed=1)
    (wanted * weights).sum().backward()
    (found * weights).sum().backward()
    assert torch.allclose(x.grad, y.grad, atol=TOLERANCE)
    back = hwsim.to_digital(net)
    assert type(back) is type(layer) and torch.equal(back.weight, layer.weight)
    if layer.bias is not None:
        assert torch.allclose(layer.bias.grad, net.bias.grad, atol=1e-4)
    layer.weight.grad = None


@pytest.mark.parametrize("size", [(9, 11), (10, 12)])
def test_an_output_size_is_torchs(size) -> None:
    layer = nn.ConvTranspose2d(4, 6, 3, 2, 1)
    net, x = hwsim.to_analog(layer, IDEAL), randn(2, 4, 5, 6)
    assert torch.allclose(layer(x, size), net(x, size), atol=TOLERANCE)
    with pytest.raises(ValueError, match=r"`output_size` must be between \[9, 11\] and \[10, 12\]"):
        net(x, (12, 12))


@pytest.mark.parametrize("scaling", ["static", "dynamic"])
@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (
            nn.Sequential(nn.Conv3d(2, 3, 3, 1, 1, groups=1), nn.ReLU(), nn.Conv3d(3, 2, (3, 1, 2))),
            (3, 2, 4, 4, 5),
        ),
        (nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.ConvTranspose2d(3, 2, 3, 2)), (3, 2, 6, 6)),
        (nn.Sequential(nn.ConvTranspose1d(2, 4, 3, 2), nn.ReLU(), nn.Conv1d(4, 2, 3)), (3, 2, 6)),
    ],
)
def test_chips_of_them_are_near_the_network(layer, shape, scaling) -> None:
    hardware = hwsim.preset("pcm-analognas").replace({"converters.input_scaling": scaling, "tile.rows": 32})
    net = hwsim.to_analog(layer, hardware)
    x = randn(*shape)
    hwsim.calibrate(net, x)
    ideal = layer(x).detach()
    (_, _, outputs), *_ = hwsim.outputs(hwsim.program(net, n=1), x, 1)
    error = float((outputs - ideal).norm() / ideal.norm())
    assert 0.01 < error < 0.6
    hwa = hwsim.HwaTraining(net, seed=0)
    with hwa.step():
        net(x).square().sum().backward()
    assert all(
        float(parameter.grad.abs().sum()) > 0
        for name, parameter in net.named_parameters()
        if name.endswith("weight")
    )


class Own(nn.Module):
    """Multiplies by matrices of its own in all the ways that are recognised, and in some that are not."""

    def __init__(self) -> None:
        super().__init__()
        self.right, self.turned = nn.Parameter(randn(5, 4)), nn.Parameter(randn(3, 4))
        self.weight, self.bias = nn.Parameter(randn(2, 3)), nn.Parameter(randn(2))
        self.gains = nn.Parameter(randn(2, 1))
        self.both = nn.Parameter(randn(2, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.matmul(x, self.right).tanh() @ self.turned.T
        y = F.linear(y, self.weight, self.bias) * self.gains[:, 0]
        return y @ self.both + y @ self.both.t()


def test_products_with_own_parameters_are_found_and_torchs() -> None:
    model = nn.Sequential(nn.Linear(6, 5), Own())
    net = hwsim.to_analog(model, IDEAL)
    arrays = [name for name, module in net.named_modules() if isinstance(module, ParameterProduct)]
    assert arrays == ["1.right", "1.turned", "1.weight"]
    x = randn(3, 6)
    wanted, found = model(x), net(x)
    assert torch.allclose(wanted, found, atol=TOLERANCE)
    wanted.sum().backward()
    found.sum().backward()
    assert torch.allclose(net[1].right.array.weight.grad.T, model[1].right.grad, atol=1e-4)
    assert torch.allclose(net[1].weight.array.weight.grad, model[1].weight.grad, atol=1e-4)
    back = hwsim.to_digital(net)
    assert {name: value.shape for name, value in back.named_parameters()} == {
        name: value.shape for name, value in model.named_parameters()
    }
    assert torch.allclose(back(x), wanted, atol=TOLERANCE)
    kept = hwsim.to_analog(model, IDEAL, "1")
    assert not any(isinstance(module, ParameterProduct) for module in kept.modules())
    rows = {row.name: row.why_digital for row in hwsim.summary(net, x).layers}
    assert rows == {"0": "", "1": "parameters of its own", **{f"{name}.array": "" for name in arrays}}


class Deciding(nn.Module):
    """Cannot be traced: it decides by its inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(randn(5, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.matrix if x.sum() > 0 else x @ -self.matrix


def test_what_cannot_be_recognised_stays_digital_and_is_said() -> None:
    model = nn.Sequential(nn.Linear(6, 5), Deciding())
    found = hwsim.summary(model, hardware=IDEAL)
    assert {row.name: row.why_digital for row in found.layers} == {"0": "", "1": "parameters of its own"}
    tied = nn.Sequential(Own(), Own())
    tied[1].right = tied[0].right
    names = [name for name, _ in hwsim.conversion.analog_layers(hwsim.to_analog(tied, IDEAL))]
    assert not any("right" in name for name in names), "a shared parameter is on tiles"


def test_a_network_of_own_parameters_alone_is_on_chips() -> None:
    model = Own()
    net = hwsim.to_analog(model, "pcm-analognas")
    x = randn(20, 5)
    hwsim.calibrate(net, x)
    curve = hwsim.evaluate(hwsim.program(net, n=2), (x, model(x).detach()), [1, "1 year"], "mse")
    assert (curve.values > 0).all() and (curve.mean < float(model(x).detach().var())).all()
    with pytest.raises(TypeError, match=r"got it in `add`.*`digital_layers`"):
        _ = torch.add(net.right, 1)


class Multiplied(nn.Module):
    """A matrix that only multiplies."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.randn(6, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.matrix


class Around(nn.Module):
    """Takes the matrix of one of two modules inside it."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = Multiplied(), Multiplied()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.one(x) * self.one.matrix.norm() + self.other(x)


def test_a_matrix_that_a_module_around_its_own_uses_stays_digital() -> None:
    model, x = Around(), torch.randn(3, 6)
    net = hwsim.to_analog(model, "floating-point")
    assert list(hwsim.tile_map(net).layers) == ["other.matrix.array"]
    assert torch.allclose(net(x), model(x), atol=1e-5)
    with pytest.raises(AttributeError, match=r"only multiplied by, got `.norm`: name its module"):
        net.other.matrix.norm()


class Unseen(Multiplied):
    """Cannot be traced."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) + torch.zeros(x.shape[0], 4)


def test_why_a_forward_is_not_traced_is_said_where_nothing_else_is_analog() -> None:
    with pytest.raises(
        ValueError, match=r"got none: torch.fx cannot trace the `forward` of Unseen, .*`matrix`: "
    ):
        hwsim.to_analog(Unseen(), "floating-point")
