import pytest
import torch
from torch import nn
from torch.nn import functional as F

import hwsim

FIXED = hwsim.preset("pcm-hermes-1").replace({"digital.kind": "fixed-point"})


def _trained(*layers: nn.Module, shape: tuple[int, ...] = (2, 9, 9)) -> tuple[nn.Sequential, torch.Tensor]:
    """Return a network whose batch norms have statistics and gains of their own, some negative."""
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    net = nn.Sequential(*layers)
    x = torch.randn(40, *shape, generator=torch.Generator().manual_seed(1))
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) and module.affine:
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    for _ in range(3):
        net(x * 1.2 + 0.3)
    return net.eval(), x


NETWORKS = {
    "conv": (
        (nn.Conv2d(2, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 5, 3, bias=False), nn.BatchNorm2d(5)),
        (2, 9, 9),
    ),
    "linear": (
        (nn.Linear(8, 7), nn.Dropout(), nn.BatchNorm1d(7, affine=False), nn.ReLU6(), nn.Linear(7, 3)),
        (8,),
    ),
    "conv1d": ((nn.Conv1d(2, 6, 3), nn.BatchNorm1d(6), nn.ReLU(), nn.Conv1d(6, 4, 1)), (2, 12)),
}


@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_a_folded_network_is_the_network(name: str) -> None:
    layers, shape = NETWORKS[name]
    model, x = _trained(*layers, shape=shape)
    unfolded = hwsim.to_analog(model, "pcm-hermes-1")
    folded = hwsim.to_analog(model, "pcm-hermes-1", fold_batch_norms=True)
    later = hwsim.fold_batch_norms(unfolded)
    assert any(isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) for module in unfolded.modules())
    wanted = model(x)
    for net in (folded, later):
        assert not any(isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) for module in net.modules())
        torch.testing.assert_close(hwsim.to_digital(net)(x), wanted, rtol=1e-5, atol=1e-6)
    for net in (unfolded, folded):
        hwsim.calibrate(net, x)
    # the same tiles: before quantisation of scale and offset both are the same affine
    readings = [hwsim.program(net, n=1, seed=2).at(3600.0, 0) for net in (unfolded, folded)]
    assert all(
        torch.equal(readings[0].weights[layer], readings[1].weights[layer]) for layer in readings[0].weights
    )
    torch.testing.assert_close(folded(x), unfolded(x), rtol=1e-5, atol=1e-6)


def test_hardware_with_a_unit_folds_and_other_hardware_does_not() -> None:
    layers, shape = NETWORKS["conv"]
    model, _ = _trained(*layers, shape=shape)
    fixed = hwsim.to_analog(model, FIXED)
    assert [type(fixed[place]) for place in (1, 4)] == [nn.Identity] * 2
    assert [fixed[place].fused for place in (0, 3)] == ["relu", "identity"]
    floating = hwsim.to_analog(model, "pcm-hermes-1")
    assert isinstance(floating[1], nn.BatchNorm2d) and floating[0].fused == "identity"
    kept = hwsim.to_analog(model, FIXED, digital_layers="1")
    assert isinstance(kept[1], nn.BatchNorm2d) and isinstance(kept[4], nn.Identity)
    assert kept[0].fused == "identity"  # its ReLU comes behind the batch norm
    neither = hwsim.to_analog(model, FIXED, digital_layers=nn.BatchNorm2d)
    assert isinstance(neither[4], nn.BatchNorm2d)
    mixed = hwsim.to_analog(model, "pcm-hermes-1", layers={"3": FIXED})
    assert isinstance(mixed[1], nn.BatchNorm2d) and isinstance(mixed[4], nn.Identity)


def test_the_model_and_its_training_mode_stay_as_they_are() -> None:
    layers, shape = NETWORKS["conv"]
    model, x = _trained(*layers, shape=shape)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model.train()
    net = hwsim.to_analog(model, FIXED)
    assert net.training and net[1].training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    hwsim.calibrate(net, x)
    assert net.training


class Twice(nn.Module):
    """Reads a layer again behind its batch norm."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.norm = nn.Linear(4, 4), nn.BatchNorm1d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.layer(x)
        return F.relu(self.norm(y)) + y


class Again(nn.Module):
    """Runs its layer twice."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.norm = nn.Linear(4, 4), nn.BatchNorm1d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(self.norm(self.layer(x)))


class Deciding(nn.Module):
    """Decides by its numbers, which no graph shows."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.norm = nn.Linear(4, 4), nn.BatchNorm1d(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.layer(x)) if x.sum() > 0 else x


def _hooked() -> nn.Module:
    net = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    net[1].register_forward_hook(lambda *_: None)
    return net


UNFOLDABLE = {
    "`norm` behind `layer`: what the layer puts out is read elsewhere, too": Twice,
    "`norm` behind `layer`: one of them runs several times": Again,
    "can only be folded in a network that torch.fx can trace": Deciding,
    "`1` behind `0`: it has no running statistics": lambda: nn.Sequential(
        nn.Linear(4, 4), nn.BatchNorm1d(4, track_running_stats=False)
    ),
    "`1` behind `0`: it has forward hooks": _hooked,
    "`1` behind `0`: it has 4 channels and the layer 6": lambda: nn.Sequential(
        nn.Linear(6, 6), nn.BatchNorm1d(4)
    ),
}


@pytest.mark.parametrize("words", UNFOLDABLE)
def test_a_batch_norm_that_cannot_be_folded_is_named_in_one_line(words: str) -> None:
    model = UNFOLDABLE[words]()
    with pytest.raises(ValueError) as caught:
        hwsim.to_analog(model, FIXED)
    said = str(caught.value)
    assert words in said and "`digital_layers`" in said and "\n" not in said
    name = "norm" if hasattr(model, "norm") else "1"
    hwsim.to_analog(model, FIXED, digital_layers=name)
    hwsim.to_analog(model, FIXED, fold_batch_norms=False)


def test_other_arguments_are_refused() -> None:
    net = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    with pytest.raises(TypeError, match="`fold_batch_norms` must be True, False or None"):
        hwsim.to_analog(net, FIXED, fold_batch_norms="yes")
    with pytest.raises(ValueError, match=r"call hwsim\.to_analog first"):
        hwsim.fold_batch_norms(net)
    with pytest.raises(ValueError, match="the model has no such layer"):
        hwsim.fold_batch_norms(hwsim.to_analog(net, "pcm-hermes-1"), "norm")


def test_a_batch_norm_over_something_else_than_features_is_noticed() -> None:
    model = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5)).eval()  # of five vectors with five features
    net = hwsim.to_analog(model, FIXED)
    hwsim.calibrate(net, torch.ones(4, 6))
    with pytest.raises(ValueError, match=r"before a batch norm that is folded, got \(4, 5, 6\)"):
        hwsim.calibrate(net, torch.ones(4, 5, 6))
