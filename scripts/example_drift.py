"""From a torch model to its accuracy over ten years of drift, with the plot: an example of hwsim used alone.

Trains a network (a small one unless told otherwise) on scikit-learn's handwritten digits or your own arrays, maps it
as it is and trained hardware-aware, programs both on chips, and writes a self-contained page with both curves.

    python scripts/example_drift.py [--hardware pcm-rasch2023] [--chips 25] [--out drift.html]
    python scripts/example_drift.py --model my_models.py:network --data my.npz

`--model` names a file and a function in it that returns a torch module with one score a class; `--data` is an .npz
file with x_train, y_train, x_test and y_test. `--epochs 0` takes the module's weights as they are.
"""

from __future__ import annotations

import argparse
import runpy
import sys
from pathlib import Path
from typing import TypeAlias

import numpy as np
import plotly.graph_objects as go
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

import hwsim

TIMES_S = {
    "1 s": 1.0,
    "1 min": 60.0,
    "1 hour": 3600.0,
    "1 day": 86_400.0,
    "1 month": 2_592_000.0,
    "1 year": 31_536_000.0,
    "10 years": 315_360_000.0,
}


Arrays: TypeAlias = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]
"""Training inputs and classes, and test inputs and classes."""


def digits() -> Arrays:
    """Return small images of handwritten digits."""
    images, classes = load_digits(return_X_y=True)
    x = torch.tensor(images / 16, dtype=torch.float32).view(-1, 1, 8, 8)
    y = torch.tensor(classes)
    return x[:1200], y[:1200], x[1200:], y[1200:]


def arrays(path: Path) -> Arrays:
    """Return the arrays of an .npz file as float32 images and integer classes.

    Raises:
        ValueError: for another file, arrays that are empty, not finite or of different lengths, and classes that
            are no whole numbers from 0.
    """
    try:
        with np.load(path) as data:
            found = {name: data[name] for name in ("x_train", "y_train", "x_test", "y_test")}
    except (OSError, KeyError, ValueError, EOFError) as error:
        raise ValueError(
            f"{path}: must be an .npz file with x_train, y_train, x_test, y_test: {error}"
        ) from None
    for part in ("train", "test"):
        x, y = found[f"x_{part}"], found[f"y_{part}"]
        if x.dtype.kind not in "fiub" or x.ndim < 2 or not x.size or not np.isfinite(x).all():
            rule = "must hold at least one row of finite numbers"
            raise ValueError(f"{path}: `x_{part}` {rule}, got {x.dtype} {x.shape}")
        if y.dtype.kind not in "iu" or y.shape != (len(x),) or y.min() < 0:
            rule = f"must be ({len(x)},) classes, whole numbers from 0"
            raise ValueError(f"{path}: `y_{part}` {rule}, got {y.dtype} {y.shape}")
    x_train, x_test = (torch.tensor(found[name], dtype=torch.float32) for name in ("x_train", "x_test"))
    y_train, y_test = (torch.tensor(found[name], dtype=torch.int64) for name in ("y_train", "y_test"))
    return x_train, y_train, x_test, y_test


def check_fit(model: nn.Module, data: Arrays) -> None:
    """Raise ValueError unless `model` gives one score a class for the inputs."""
    x_train, y_train, x_test, y_test = data
    classes = int(max(y_train.max(), y_test.max())) + 1
    for name, x in (("x_train", x_train), ("x_test", x_test)):
        try:
            with torch.no_grad():
                scores = model.eval()(x[:2])
        except Exception as error:  # whatever the user's own code raises
            said = str(error).partition("\n")[0]
            raise ValueError(f"the model must run on `{name}` {tuple(x.shape)}: {said}") from None
        shape = tuple(scores.shape) if isinstance(scores, torch.Tensor) else type(scores).__name__
        if not isinstance(scores, torch.Tensor) or scores.ndim != 2 or scores.shape[1] < classes:
            raise ValueError(f"the model must return one score a class, (rows, {classes}), got {shape}")


def load_model(place: str) -> nn.Module:
    """Return the module that a function in a file returns; `place` is ``file.py:function``.

    Raises:
        ValueError: for a file or function that is not there, raises, or returns something else.
    """
    path, _, function = place.rpartition(":")
    if not Path(path).is_file():
        raise ValueError(f"`--model` must be a file and a function, like my_models.py:network, got {place}")
    try:
        names = runpy.run_path(path)
        if not callable(names.get(function)):
            raise ValueError(f"has no function `{function}`")
        model = names[function]()
    except Exception as error:  # whatever the user's own code raises
        said = str(error).partition("\n")[0]
        raise ValueError(f"{path}: {said if isinstance(error, ValueError) else repr(error)}") from None
    if not isinstance(model, nn.Module):
        raise ValueError(f"{path}: `{function}` must return a torch module, got {type(model).__name__}")
    return model


def network() -> nn.Module:
    """Return a small convolutional network."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(512, 10),
    )


def train(
    net: nn.Module, x: torch.Tensor, y: torch.Tensor, epochs: int, hwa: hwsim.HwaTraining | None
) -> None:
    """Train in place, hardware-aware if `hwa` is given."""
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(net.parameters(), 2e-3 if hwa is None else 3e-4)
    net.train()
    for _ in range(epochs):
        for batch in torch.randperm(len(x), generator=generator).split(64):
            optimizer.zero_grad()
            if hwa is None:
                F.cross_entropy(net(x[batch]), y[batch]).backward()
                optimizer.step()
                continue
            with hwa.step():
                F.cross_entropy(net(x[batch]), y[batch]).backward()
            optimizer.step()
            hwa.after_update()
    net.eval()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hardware", choices=hwsim.preset_names(), default="pcm-rasch2023")
    parser.add_argument("--model", help="file.py:function that returns a torch module")
    parser.add_argument("--data", type=Path, help=".npz file with x_train, y_train, x_test, y_test")
    parser.add_argument("--chips", type=int, default=25)
    parser.add_argument("--epochs", type=int, default=15, help="0: as it is, and no hardware-aware training")
    parser.add_argument("--out", type=Path, default=Path("drift.html"))
    options = parser.parse_args()
    try:
        check(options)
        run(options)
    except (OSError, TypeError, ValueError) as error:
        print(f"example_drift: {error}", file=sys.stderr)
        return 2
    return 0


def check(options: argparse.Namespace) -> None:
    """Raise ValueError for options that would waste the work before them."""
    for name, least in (("chips", 1), ("epochs", 0)):
        if getattr(options, name) < least:
            raise ValueError(f"`--{name} >= {least}` must hold, got {getattr(options, name)}")
    if options.out.is_dir() or not options.out.absolute().parent.is_dir():
        raise ValueError(f"`--out` must be a file in a folder that exists, got {options.out}")


def valid_times(hardware: hwsim.Hardware) -> dict[str, float]:
    """Return the times that the device model covers; some were measured for days only."""
    covered = {}
    for label, t_s in TIMES_S.items():
        try:
            hwsim.check_times(hardware, t_s)
        except ValueError as error:
            print(f"left out, {label}: {error}")
            continue
        covered[label] = t_s
    return covered


def run(options: argparse.Namespace) -> None:
    """Train, program, evaluate and plot."""
    hardware = hwsim.preset(options.hardware)
    times = valid_times(hardware)
    data = arrays(options.data) if options.data else digits()
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    model = load_model(options.model) if options.model else network()
    check_fit(model, data)
    x_train, y_train, x_test, y_test = data
    train(model, x_train, y_train, options.epochs, None)
    with torch.no_grad():
        print(f"digital: {(model(x_test).argmax(1) == y_test).double().mean():.2%}")
    figure = go.Figure()
    for name in ("mapped as it is", "trained hardware-aware")[: 1 + (options.epochs > 0)]:
        net = hwsim.to_analog(model, hardware)
        hwsim.calibrate(net, [x_train])
        if name != "mapped as it is":
            hwa = hwsim.HwaTraining(net, generator=torch.Generator().manual_seed(1))
            train(net, x_train, y_train, options.epochs, hwa)
            hwsim.calibrate(net, [x_train])
        chips = hwsim.program(net, n=options.chips, seed=0)
        curve = hwsim.accuracy_over_time(chips, x_test, y_test, list(times.values()))
        for label, mean, std in zip(times, curve.mean, curve.std, strict=True):
            print(f"{name}, {label}: {mean:.2%} ± {std:.2%}")
        error = {"type": "data", "array": 100 * curve.std}
        figure.add_scatter(x=list(times), y=100 * curve.mean, error_y=error, name=name)
    figure.update_layout(
        title=f"{options.hardware}, {options.chips} chips: mean and standard deviation over chips",
        xaxis_title="time since programming",
        yaxis_title="test accuracy, %",
    )
    figure.write_html(options.out, include_plotlyjs=True)
    print(f"plot: {options.out}")


if __name__ == "__main__":
    sys.exit(main())
