"""What a fixed-point digital unit costs in accuracy: two networks on chips, against the same affine in floating point.

    ANALOGNAS_DATA=FOLDER python scripts/reproduce/near_memory_unit.py [--network digits|cifar] [--chips 10] [--json]

`digits` is a small convolutional network on the digits of scikit-learn. `cifar` is a ResNet-8 on CIFAR-10 at 16 × 16,
from the JPEG re-encoded copy in the folder `cifar10_jpeg` of ANALOGNAS_DATA: its accuracies are not those of CIFAR-10.
Both are trained digitally, then hardware-aware with floating-point affine, and their batch norms are folded. Fixed and
floating point compute with the same chips, noise and images, one day after programming; differences are in points with
95 % intervals over chips and test images.

The script prints fixed against floating point with both readings of the offset (7, 1), sweeps over the bits of the
scale and the fractional bits of the product, and what truncation does: accuracy, and the mean shift of the outputs of
the first layer in steps of the output word. An error is that of the network's outputs without noise, root mean square
over that of the outputs in floating point.
"""

from __future__ import annotations

import argparse
import io
import json
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from data_file import data_file
from PIL import Image
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

import hwsim

PRESET: Final = "pcm-hermes-2"
TIME_S: Final = "1 day"
SCALE_BITS: Final = range(3, 11)


class Data(NamedTuple):
    """Training and test split, `(images, channels, height, width)` float32 and `(images,)` int64."""

    x: torch.Tensor
    y: torch.Tensor
    x_test: torch.Tensor
    y_test: torch.Tensor


class Residual(nn.Module):
    """A basic residual block with batch norms."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        short = nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
        self.short = nn.Sequential(*short) if stride > 1 else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output."""
        return F.relu(self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x))))) + self.short(x))


def small_network() -> nn.Module:
    """Return a convolutional network for 8 × 8 digits."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Conv2d(32, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Flatten(), nn.Linear(128, 10),
    )  # fmt: skip


def resnet8() -> nn.Module:
    """Return a ResNet-8 for colour images."""
    stem = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()
    blocks = Residual(16, 16, 1), Residual(16, 32, 2), Residual(32, 64, 2)
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def digits() -> Data:
    """Return the digits of scikit-learn, the last 360 for the test."""
    images, classes = load_digits(return_X_y=True)
    x = torch.tensor(images / 16, dtype=torch.float32).view(-1, 1, 8, 8)
    x = (x - x[:1437].mean()) / x[:1437].std()
    y = torch.tensor(classes)
    return Data(x[:1437], y[:1437], x[1437:], y[1437:])


def cifar() -> Data:
    """Return CIFAR-10, JPEG re-encoded, at 16 × 16: all 50,000 images for the training, all 10,000 for the test."""
    found = np.load(data_file("cifar10_jpeg/cifar10_jpeg.npz"))
    parts = []
    for split in ("train", "test"):
        data, offsets = found[f"jpeg_{split}"].tobytes(), found[f"offsets_{split}"]
        images = [np.asarray(Image.open(io.BytesIO(data[a:b])).convert("RGB")) for a, b in pairwise(offsets)]
        x = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
        order = torch.randperm(
            len(x), generator=torch.Generator().manual_seed(0)
        )  # the file has class after class
        parts += [F.avg_pool2d(x, 2)[order], torch.from_numpy(found[f"y_{split}"].astype(np.int64))[order]]
    mean, std = parts[0].mean((0, 2, 3), keepdim=True), parts[0].std((0, 2, 3), keepdim=True)
    return Data((parts[0] - mean) / std, parts[1], (parts[2] - mean) / std, parts[3])


class Setting(NamedTuple):
    """A network, its data, and how long it is trained."""

    make: Callable[[], nn.Module]
    data: Callable[[], Data]
    epochs: int
    hardware_aware_epochs: int
    batch: int


SETTINGS: Final = {
    "digits": Setting(small_network, digits, 40, 10, 64),
    "cifar": Setting(resnet8, cifar, 8, 2, 128),
}


def batches(
    data: Data, size: int, generator: torch.Generator, flips: bool
) -> Iterator[tuple[torch.Tensor, ...]]:
    """Yield shuffled batches, images mirrored at random where `flips`."""
    for part in torch.randperm(len(data.x), generator=generator).split(size):
        x = data.x[part]
        if flips:
            mirrored = torch.rand(len(x), generator=generator) < 0.5
            x = torch.where(mirrored.view(-1, 1, 1, 1), x.flip(-1), x)
        yield x, data.y[part]


def train(setting: Setting, data: Data, seed: int) -> nn.Module:
    """Return the network, trained digitally, then hardware-aware with floating-point affine; norms are not folded."""
    torch.manual_seed(seed)  # the initial weights; torch.nn takes no generator
    generator = torch.Generator().manual_seed(seed)
    net, flips = setting.make(), setting.data is cifar
    steps = -(-len(data.x) // setting.batch)
    optimizer = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=steps * setting.epochs)
    for _ in range(setting.epochs):
        for x, y in batches(data, setting.batch, generator, flips):
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
            schedule.step()
    analog = hwsim.to_analog(net, PRESET)
    hwsim.calibrate(analog, data.x[:1024].split(256))
    hwa = hwsim.HwaTraining(analog, seed=seed)
    optimizer = torch.optim.SGD(analog.parameters(), 0.01, momentum=0.9)
    for _ in range(setting.hardware_aware_epochs):
        for x, y in batches(data, setting.batch, generator, flips):
            optimizer.zero_grad()
            with hwa.step():
                F.cross_entropy(analog(x), y).backward()
            optimizer.step()
            hwa.after_update()
    return hwsim.to_digital(analog).eval()


class Comparison:
    """One trained network on the chips of one seed."""

    def __init__(self, model: nn.Module, data: Data, chips: int) -> None:
        self._model, self._data, self._chips = model, data, chips
        net = self.net({}, folded=True)
        self.floating, self._outputs = self._curve(net), self._without_noise(net)

    def net(self, changes: dict[str, Any], folded: bool | None = None) -> nn.Module:
        """Return the network on the preset with `changes`, calibrated."""
        net = hwsim.to_analog(self._model, hwsim.preset(PRESET).replace(changes), fold_batch_norms=folded)
        hwsim.calibrate(net, self._data.x[:1024].split(256))
        return net

    def fixed(self, **values: Any) -> dict[str, float]:
        """Return mean accuracy and difference to floating point in points, of fixed point with these values."""
        changes = {
            "digital.kind": "fixed-point",
            **{f"digital.{name}": value for name, value in values.items()},
        }
        net = self.net(changes)
        curve, report = self._curve(net), hwsim.fixed_point_report(net)
        difference = curve.minus(self.floating, resample_images=True)
        low, high = difference.interval[0]
        return {
            "accuracy": 100 * float(curve.mean[0]),
            "difference": 100 * float(difference.mean[0]),
            "low": 100 * float(low),
            "high": 100 * float(high),
            "error": float((self._without_noise(net) - self._outputs).norm() / self._outputs.norm()),
            "coarse columns": report.coarse_columns,
            "saturated offsets": report.saturated_offsets,
        }

    @torch.no_grad()
    def shift(self, rounding: str, product_rounding: str) -> float:
        """Return the mean shift of the first layer's outputs in steps of the output word, where no bound is reached.

        Scales and offsets have many bits, so that the roundings of the data alone shift.
        """
        changes = {
            "digital.kind": "fixed-point",
            "digital.scale_fraction": 16,
            "digital.offset_fraction": 12,
            "digital.rounding": rounding,
            "digital.product_rounding": product_rounding,
        }
        nets = [self.net({}, folded=True), self.net(changes)]
        floating, fixed = (
            next(module for module in net.modules() if isinstance(module, hwsim.AnalogConv2d)) for net in nets
        )
        step = float(fixed.output_range) / 127
        x = self._data.x_test[:1000]
        found, wanted = fixed(x) / step, floating(x) / step
        inside = (wanted > 1) & (wanted < 126)
        return float((found - wanted)[inside].mean())

    @torch.no_grad()
    def _without_noise(self, net: nn.Module) -> torch.Tensor:
        outputs: torch.Tensor = net.eval()(self._data.x_test[:1000])
        return outputs

    def _curve(self, net: nn.Module) -> hwsim.DriftCurve:
        chips = hwsim.program(net, n=self._chips, seed=1)
        return hwsim.accuracy_over_time(chips, self._data.x_test, self._data.y_test, TIME_S, progress=False)


def measure(name: str, chips: int, seed: int) -> dict[str, Any]:
    """Return what a network finds with every setting of the unit."""
    setting, start = SETTINGS[name], time.perf_counter()
    data = setting.data()
    model = train(setting, data, seed)
    with torch.no_grad():
        digital = 100 * float((model(data.x_test).argmax(1) == data.y_test).float().mean())
    seconds = time.perf_counter() - start
    compared = Comparison(model, data, chips)
    return {
        "network": name,
        "chips": chips,
        "test images": len(data.x_test),
        "training s": seconds,
        "digital accuracy": digital,
        "floating point": 100 * float(compared.floating.mean[0]),
        "fixed point": {
            "(1,7), (7,1) besides sign": compared.fixed(),
            "(1,7), (7,1) including sign": compared.fixed(offset_bits="including-sign"),
        },
        "scale bits": {bits: compared.fixed(scale_fraction=bits - 1) for bits in SCALE_BITS},
        "product fraction": {bits: compared.fixed(product_fraction=bits) for bits in (0, 1, 3, 5, 7)},
        "rounding": {
            mode: compared.fixed(rounding=mode, product_rounding=mode) for mode in ("floor", "half-even")
        },
        "output-width partial sums": compared.fixed(partial_sums="output-width"),
        "mean shift, steps": {mode: compared.shift(mode, mode) for mode in ("floor", "half-up", "half-even")},
    }


def show(found: dict[str, Any]) -> None:
    """Print what `measure` found."""
    print(
        f"{found['network']}: {found['test images']:,} test images, {found['chips']} chips, {PRESET}, {TIME_S}; "
        f"trained in {found['training s']:.0f} s\n  digital {found['digital accuracy']:.2f} %, "
        f"floating-point affine {found['floating point']:.2f} %"
    )
    for part in ("fixed point", "scale bits", "product fraction", "rounding"):
        for name, row in found[part].items():
            _line(f"{part} {name}" if part != "fixed point" else name, row)
    _line("partial sums of output width", found["output-width partial sums"])
    shifts = ", ".join(f"{mode} {shift:+.3f}" for mode, shift in found["mean shift, steps"].items())
    print(f"  mean shift of the first layer's outputs, steps: {shifts}")


def _line(name: str, row: dict[str, float]) -> None:
    interval = f"[{row['low']:+.2f}, {row['high']:+.2f}]"
    print(
        f"  {name:<30} {row['accuracy']:6.2f} %  {row['difference']:+.2f} {interval} points, "
        f"error {100 * row['error']:.1f} %, {row['coarse columns']} coarse columns, "
        f"{row['saturated offsets']} saturated offsets"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", choices=SETTINGS, help="one network alone")
    parser.add_argument("--chips", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    if options.chips < 2:
        parser.error(f"`--chips >= 2` must hold, got {options.chips}")
    for name in [options.network] if options.network else SETTINGS:
        found = measure(name, options.chips, options.seed)
        print(json.dumps(found)) if options.json else show(found)


if __name__ == "__main__":
    main()
