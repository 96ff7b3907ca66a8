"""A network with everything that a fixed-point unit meets, and hardware to put it on."""

import torch
from torch import nn

import hwsim

FIXED = hwsim.preset("pcm-hermes-1").replace({"digital.kind": "fixed-point"})


class Residual(nn.Module):
    """A residual block with batch norms, one of which follows a sum."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(6, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6)
        self.conv2, self.norm2 = nn.Conv2d(6, 6, 3, padding=1), nn.BatchNorm2d(6)
        self.norm3 = nn.BatchNorm2d(6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm3(self.norm2(self.conv2(out)) + x))


def residual_network() -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    model = nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), Residual(),
        nn.Conv2d(6, 8, 3, groups=2), nn.ReLU6(), nn.Flatten(), nn.Linear(72, 30), nn.ReLU(), nn.Linear(30, 5),
    )  # fmt: skip
    x = torch.randn(7, 3, 7, 7, generator=torch.Generator().manual_seed(1))
    for _ in range(3):
        model(x * 1.3 + 0.2)
    with torch.no_grad():
        model[1].weight[0] = -0.7
    return model.eval(), x


VARIANTS = {
    "default": {},
    "split": {"tile.rows": 20, "tile.columns": 7},
    "words-between-blocks": {
        "tile.rows": 20,
        "digital.partial_sums": "output-width",
        "digital.rounding": "floor",
    },
    "wide": {"tile.rows": 20, "digital.scale_fraction": 16, "digital.product_fraction": 16},
    "half-even": {"digital.rounding": "half-even", "digital.product_rounding": "half-even"},
    "half-away": {"digital.rounding": "half-away", "digital.product_rounding": "floor"},
    "wrapping": {"digital.overflow": "wrap", "digital.output_bits": 6},
    "all-noise": {"mvm.ir_drop": 1.0, "mvm.read_noise": 0.02, "mvm.s_shape": 0.05, "tile.rows": 33},
    "shared-gain": {"converters": {"adc_gain": "shared", "weight_scaling": "layer"}, "tile.rows": 20},
    "uncompensated": {"compensation.kind": "none", "converters.adc_bits": 12},
}
