"""A real search on the digits that takes seconds, and the command line: in this process, and in one of its own."""

import os
import subprocess
import sys
from contextlib import chdir, nullcontext
from pathlib import Path

import torch

from tests.analognas.cli.command_line import invoke

ROOT = Path(__file__).parents[2]

SMALL = """\
name: small
seed: 3
task: {kind: digits}
space: {kind: resnet, oc0: [8, 12], m: [1, 2], r: [1, 1], b: [1, 2], wf: [1, 2]}
hardware: {preset: pcm-analognas, tile: {rows: 128, columns: 64}}
constraints: {parameters: 20000}
training:
  digital: {epochs: 2, learning_rate: 0.01}
  hardware_aware: {epochs: 1}
evaluation: {chips: 3, times: [1 s, 1 day, 1 month]}
search:
  trials: 8
  batch: 2
  strategy: {kind: surrogate-guided, initial: 5, population: 20, iterations: 2}
final: {digital_epochs: 3, hardware_aware_epochs: 1, chips: 3, formats: []}
executor: {kind: serial, threads: 1}
"""

TINY = (
    SMALL.replace("m: [1, 2]", "m: [1, 1]")
    .replace("epochs: 2, learning", "epochs: 1, learning")
    .replace("trials: 8", "trials: 5")
    .replace("initial: 5", "initial: 4")
    .replace("digital_epochs: 3", "digital_epochs: 1")
    .replace("chips: 3", "chips: 2")
    + "references: []\n"
)
"""The same with as little work as a whole search can have, for tests that look at what it leaves."""

COMPLETE = SMALL.replace(", formats: []", "")
"""The first one with the formats of `best/` that the others leave out because they take a third of their time."""


def write_small(folder: Path, text: str = SMALL) -> Path:
    path = folder / "small.yaml"
    path.write_text(text)
    return path


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "analognas", *map(str, arguments)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", "OMP_NUM_THREADS": "1"}


def analognas(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Give a command in this process, whose imports are done; `PYTHONWARNINGS` are those of pytest."""
    words = list(map(str, arguments))
    threads = torch.get_num_threads()
    try:
        with nullcontext() if cwd is None else chdir(cwd):
            result = invoke(*words)
    finally:
        torch.set_num_threads(threads)
    return subprocess.CompletedProcess(words, result.exit_code, result.stdout, result.stderr)


def analognas_process(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Give a command in a process of its own, as a shell does."""
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
        cwd=cwd,
        timeout=300,
    )
