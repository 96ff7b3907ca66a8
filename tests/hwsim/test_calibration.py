import pytest
import torch
from torch import nn

import hwsim


def _linear(rows: int = 512) -> nn.Module:
    hardware = hwsim.preset("ideal-8bit").replace({"tile.rows": rows})
    return hwsim.to_analog(nn.Linear(10, 3), hardware)


def test_each_method_measures_what_its_name_says() -> None:
    generator = torch.Generator().manual_seed(0)
    batches = [torch.randn(2000, 10, generator=generator) * scale for scale in (1.0, 2.0)]
    net = _linear()
    hwsim.calibrate(net, batches, method="std", n_std=3)
    assert net.input_range.item() == pytest.approx(3 * 1.5, rel=0.02)
    hwsim.calibrate(net, batches, method="max")
    assert net.input_range.item() == pytest.approx(float(batches[1].abs().max()))
    hwsim.calibrate(net, batches, method="quantile", quantile=0.95)
    assert net.input_range.item() == pytest.approx(1.96 * 1.5, rel=0.03)


@pytest.mark.parametrize("quantile", [1e-9, 0.5, 0.95, 0.999, 1.0])
@pytest.mark.parametrize("shift", [0.0, 1.5, 4.5])  # of ReLU outputs: half of them zero, most, nearly all
def test_a_quantile_of_many_inputs_is_exact(quantile: float, shift: float) -> None:
    inputs = torch.relu(torch.randn(20_000, 10, generator=torch.Generator().manual_seed(0)) - shift)
    net = _linear()
    hwsim.calibrate(net, inputs, quantile=quantile)
    expected = inputs.flatten().sort().values[max(1, round(quantile * inputs.numel())) - 1]
    assert net.input_range.item() == (expected.item() or 1.0)


def test_every_row_block_has_its_own_range() -> None:
    net = _linear(rows=5)
    x = torch.ones(4, 10)
    x[:, 5:] = 3.0
    hwsim.calibrate(net, [x], method="max")
    assert net.input_range.tolist() == [1.0, 3.0]


def test_calibration_leaves_modes_and_statistics_alone_and_survives_zeros() -> None:
    net = hwsim.to_analog(nn.Sequential(nn.Linear(10, 3), nn.BatchNorm1d(3)), hwsim.preset("ideal-8bit"))
    net.train()
    before = net[1].running_mean.clone()
    hwsim.calibrate(net, [torch.zeros(4, 10)])
    assert net[0].input_range.item() == 1.0
    assert net[1].training
    assert torch.equal(net[1].running_mean, before)


@pytest.mark.parametrize(
    ("batches", "options", "words"),
    [
        ([], {}, "at least one batch"),
        ([torch.zeros(0, 10)], {}, r"`batches\[0\]` must have at least one input"),
        ([torch.ones(1, 10), torch.full((1, 10), float("nan"))], {}, r"`batches\[1\]` must be finite"),
        ([torch.ones(1, 10)], {"method": "median"}, "median"),
        ([torch.ones(1, 10)], {"quantile": 0.0}, "quantile"),
        ([torch.ones(1, 10)], {"method": "std", "n_std": -1.0}, "n_std"),
    ],
)
def test_bad_calibration_is_explained(
    batches: list[torch.Tensor], options: dict[str, object], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        hwsim.calibrate(_linear(), batches, **options)


def test_a_tensor_is_one_batch() -> None:
    x = torch.randn(32, 4, generator=torch.Generator().manual_seed(0))
    first, second = (hwsim.to_analog(nn.Linear(4, 2), "ideal-8bit") for _ in range(2))
    hwsim.calibrate(first, x, method="std")
    hwsim.calibrate(second, [x], method="std")
    assert torch.equal(first.input_range, second.input_range)


def test_a_network_without_analog_layers_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one analog layer"):
        hwsim.calibrate(nn.Linear(4, 2), torch.ones(1, 4))


def test_a_layer_that_no_batch_reaches_is_named() -> None:
    class WithAuxiliary(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.main, self.aux = nn.Linear(3, 2), nn.Linear(3, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.main(x)

    net = hwsim.to_analog(WithAuxiliary(), "pcm-analognas")
    with pytest.raises(ValueError, match=r"got none of `aux` in any batch: .*`digital_layers`"):
        hwsim.calibrate(net, [torch.ones(2, 3)])
