"""Command line of hwsim: what a device does over time, and what a network costs on a chip.

python -m hwsim characterize --device chip.yaml --g-us 5 25 --plot chip.html
python -m hwsim cost --chip hermes-64core --model net.py:build --input-shape 3,32,32
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from hwsim.arguments import nearest
from hwsim.characterize import Statistic, characterize
from hwsim.chip_cost import command as cost_command
from hwsim.conductance_plot import plot_conductances, require_html
from hwsim.devices import PUBLISHED_DEVICES, Device
from hwsim.durations import DAY_S, HOUR_S, MONTH_S, SECOND_S, YEAR_S
from hwsim.hardware_file import read_hardware
from hwsim.presets import label, preset, preset_names
from hwsim.validity import check_device_times

TIMES_S: Final = (0.0, SECOND_S, 60.0, HOUR_S, DAY_S, MONTH_S, YEAR_S)
"""Times of a device unless others are asked for, s: programming to a year."""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; `{self.prog} --help` explains\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m hwsim", description="Analog hardware simulation.")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser(
        "characterize", help="mean and standard deviation of the conductance over many devices"
    )
    names = ", ".join(PUBLISHED_DEVICES)
    command.add_argument(
        "--device",
        default="pcm",
        help=f"a device ({names}), a preset, or a YAML file of hardware; pcm by default",
    )
    command.add_argument(
        "--g-us",
        type=float,
        nargs="+",
        help="target conductances, uS; by default five from the lowest to the highest",
    )
    command.add_argument(
        "--times-s",
        nargs="+",
        help="times since programming, s, or texts like '1 day'; by default 0 s to 1 year, as far as it is valid",
    )
    command.add_argument("--n", type=int, default=200_000, help="devices")
    command.add_argument("--seed", type=int, default=0, help="random seed")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument("--plot", type=Path, help="draw into a file that ends in .html")
    cost_command.add_options(
        commands.add_parser("cost", help="energy, latency, area and tiles of a network on a chip")
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0, or 2 for bad input."""
    options = _parser().parse_args(arguments)
    try:
        said = cost_command.run(options) if options.command == "cost" else _characterized(options)
    except (TypeError, ValueError) as error:
        print(f"python -m hwsim: {error}", file=sys.stderr)
        return 2
    try:
        print(said, flush=True)
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
    return 0


def _characterized(options: argparse.Namespace) -> str:
    """Return what `characterize` prints, and draw it where that is asked for."""
    if options.plot is not None:
        require_html(options.plot)  # before anything is computed
    name, device = _named_device(options.device)
    g_us = options.g_us or _five(device)
    times_s = options.times_s or _valid(device)
    statistics = characterize(device, g_us, times_s, options.n, options.seed)
    if options.plot is not None:
        plot_conductances(options.plot, name, statistics)
    return _printed(options, name, statistics)


def _named_device(text: str) -> tuple[str, Device]:
    """Return the device of a published name, a preset, or a file of hardware, and what it is called.

    Raises:
        ValueError: for another name, or a file that is no hardware.
    """
    if text in PUBLISHED_DEVICES:
        return text, PUBLISHED_DEVICES[text].build()
    if text in preset_names():
        return text, preset(text).device.build()
    path = Path(text)
    if not path.suffix and not path.exists():
        known = ", ".join(PUBLISHED_DEVICES)
        raise ValueError(
            f"`--device` must be one of {known}, a preset, or a YAML file of hardware, got {text!r}"
            f"{nearest(text, (*PUBLISHED_DEVICES, *preset_names()))}"
        )
    hardware = read_hardware(path)
    return label(hardware), hardware.device.build()


def _five(device: Device) -> list[float]:
    """Return five conductances from the lowest to the highest, uS."""
    span_us = device.g_max_us - device.g_min_us
    return [device.g_min_us + span_us * step / 4 for step in range(5)]


def _valid(device: Device) -> list[float]:
    """Return those of the standard times that the device model covers, s."""
    covered = []
    for time_s in TIMES_S:
        try:
            check_device_times(device, time_s)
        except ValueError:
            continue
        covered.append(time_s)
    return covered or [0.0]


def _printed(options: argparse.Namespace, name: str, statistics: list[Statistic]) -> str:
    if options.json:
        points = [statistic._asdict() for statistic in statistics]
        return json.dumps({"device": name, "n": options.n, "seed": options.seed, "points": points})
    lines = [f"{'g_us':>10} {'t_s':>12} {'mean_us':>12} {'std_us':>12}"]
    lines += [
        f"{g_us:10g} {t_s:12g} {mean_us:12.5f} {std_us:12.5f}" for g_us, t_s, mean_us, std_us in statistics
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
