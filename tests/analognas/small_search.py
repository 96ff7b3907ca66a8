"""A real search on the digits that takes seconds, and the command line in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

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
final: {digital_epochs: 3, hardware_aware_epochs: 1, chips: 3}
executor: {kind: serial, threads: 1}
"""


def write_small(folder: Path, text: str = SMALL) -> Path:
    path = folder / "small.yaml"
    path.write_text(text)
    return path


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "analognas", *map(str, arguments)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", "OMP_NUM_THREADS": "1"}


def analognas(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
        cwd=cwd,
        timeout=300,
    )
