"""Command line of hwsim: `python -m hwsim characterize --device pcm --g-us 5 25 --times-s 0 3600`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from hwsim.characterize import Statistic, characterize
from hwsim.devices import PUBLISHED_DEVICES


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
    command.add_argument("--device", choices=tuple(PUBLISHED_DEVICES), default="pcm", help="device model")
    command.add_argument("--g-us", type=float, nargs="+", required=True, help="target conductances, uS")
    command.add_argument("--times-s", type=float, nargs="+", required=True, help="times since programming, s")
    command.add_argument("--n", type=int, default=200_000, help="devices")
    command.add_argument("--seed", type=int, default=0, help="random seed")
    command.add_argument("--json", action="store_true", help="print JSON")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0, or 2 for bad input."""
    options = _parser().parse_args(arguments)
    try:
        device = PUBLISHED_DEVICES[options.device].build()
        statistics = characterize(device, options.g_us, options.times_s, options.n, options.seed)
    except ValueError as error:
        print(f"python -m hwsim: {error}", file=sys.stderr)
        return 2
    try:
        _print(options, statistics)
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
    return 0


def _print(options: argparse.Namespace, statistics: list[Statistic]) -> None:
    if options.json:
        points = [statistic._asdict() for statistic in statistics]
        print(json.dumps({"device": options.device, "n": options.n, "seed": options.seed, "points": points}))
        return
    print(f"{'g_us':>10} {'t_s':>12} {'mean_us':>12} {'std_us':>12}")
    for g_us, t_s, mean_us, std_us in statistics:
        print(f"{g_us:10g} {t_s:12g} {mean_us:12.5f} {std_us:12.5f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
