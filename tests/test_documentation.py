"""The code in README and docs does what it says: every Python block is run, in order, one document at a time.

The tours run in `scripts/test_wheel.sh`, with the package as users install it.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from analognas.config.lengths import Lengths
from analognas.config.template import fitted_template
from tests.analognas.parse import parse_config

ROOT = Path(__file__).parents[1]
PYTHON = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
YAML = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)
SIMULATOR = "import torch\n"
"""How the block of the README begins that has a test of its own, which looks at what it prints."""
SHORTER = {
    "README.md": ('"constraints": {"parameters": 5000},', '"constraints": {"parameters": 5000}, **SHORT,')
}
"""What stands in a page for the budgets that a reader leaves as they are, and what is run in its place."""
ALONE = """
import os

import sklearn.datasets

os.sched_getaffinity = lambda process: {0}
whole = sklearn.datasets.load_digits


def load_digits(*, n_class=10, return_X_y=False):
    x, y = (part[:N_DIGITS] for part in whole(n_class=n_class, return_X_y=True))
    few = sklearn.utils.Bunch(data=x, images=x.reshape(-1, 8, 8), target=y)
    return (x, y) if return_X_y else few


sklearn.datasets.load_digits = load_digits
SHORT = {
    "training": {"digital": {"epochs": 1}, "hardware_aware": {"epochs": 1}},
    "final": {"digital_epochs": 1, "hardware_aware_epochs": 1, "chips": 2},
}
"""
"""One processor, on which `executor: auto` starts no workers; `N_DIGITS` of the digits; short budgets."""
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


@pytest.mark.parametrize("subject", ["chips", "hwsim", "search"])
def test_a_tour_tells_its_story_in_60_lines(subject: str) -> None:
    text = (ROOT / "docs" / f"tour-{subject}.md").read_text()
    assert len(text.splitlines()) <= 60
    last = PYTHON.findall(text)[-1].rstrip()
    assert last.endswith('.html")'), "it ends with a figure"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        *(
            f"docs/{page}.md"
            for page in [
                "cost",
                "learning",
                "near-memory-unit",
                "observers",
                "python",
                "rules",
                "search",
                "shared-gain",
                "tasks",
                "tutorial-16-tiles",
            ]
        ),
    ],
)
def test_python_blocks_run(name: str, tmp_path) -> None:
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    blocks = PYTHON.findall((ROOT / name).read_text())
    code = "\n".join(block for block in blocks if name != "README.md" or not block.startswith(SIMULATOR))
    assert code
    if name in SHORTER:
        assert code.count(SHORTER[name][0]) == 1
        code = code.replace(*SHORTER[name])
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, "-c", f"N_DIGITS = {None if 'load_digits' in code else 600}\n{ALONE}{code}"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_simulators_example_prints_what_is_said() -> None:
    text = (ROOT / "README.md").read_text()
    block = re.search(
        rf"^```python\n({SIMULATOR}.*?)^```\n```text\n(.*?)^```", text, re.DOTALL | re.MULTILINE
    )
    assert block is not None
    code, said = block.groups()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    printed, expected = ([float(n) for n in re.findall(r"\d\.\d+", output)] for output in (done.stdout, said))
    assert len(printed) == 11
    assert printed == pytest.approx(expected, abs=0.02)


def test_the_users_example_has_at_most_15_lines() -> None:
    (block,) = [block for block in PYTHON.findall((ROOT / "README.md").read_text()) if "my.npz" in block]
    statements = block[block.index("x, y =") :]
    assert len(statements.splitlines()) <= 15


def test_a_search_over_own_data_takes_at_most_15_lines() -> None:
    blocks = [
        block for block in PYTHON.findall((ROOT / "docs" / "tasks.md").read_text()) if "search(" in block
    ]
    assert len(blocks) == 3
    for block in blocks:
        statements = re.split(r"^(?!import |from |$)", block, maxsplit=1, flags=re.MULTILINE)[1]
        assert "search(" in statements
        assert len(statements.splitlines()) <= 15


def test_hardware_blocks_are_valid() -> None:
    blocks = YAML.findall((ROOT / "README.md").read_text())
    assert blocks
    for block in blocks:
        parse_config("task: {kind: digits}\n" + block, ROOT)


def test_a_search_takes_the_blocks_of_the_simulator() -> None:
    training, own = YAML.findall((ROOT / "docs" / "hwsim.md").read_text())
    lines = "".join(f"  {line}\n" for line in own.splitlines())
    config = parse_config(f"task: {{kind: digits}}\n{training}hardware:\n{lines}", ROOT)
    assert config.training.hardware_aware.modifier == "device"


def test_a_search_takes_the_hardware_of_the_near_memory_unit() -> None:
    (block,) = YAML.findall((ROOT / "docs" / "near-memory-unit.md").read_text())
    lines = "".join(f"  {line}\n" for line in block.splitlines())
    digital = parse_config(f"task: {{kind: digits}}\nhardware:\n{lines}", ROOT).hardware.digital
    assert (digital.kind, digital.scale_fraction, digital.rounding) == ("fixed-point", 5, "floor")


def test_a_search_takes_the_two_stages_of_one_gain() -> None:
    (block,) = YAML.findall((ROOT / "docs" / "shared-gain.md").read_text())
    config = parse_config(f"task: {{kind: digits}}\n{block}", ROOT)
    assert config.hardware.converters.adc_gain == "shared"
    assert config.training.hardware_aware.freeze_scales and config.training.digital.clip_sigma == 2.0


def test_blocks_of_tasks_are_valid(tmp_path) -> None:
    (tmp_path / "recordings").mkdir()
    (tmp_path / "my.npz").touch()
    blocks = YAML.findall((ROOT / "docs" / "tasks.md").read_text())
    assert len(blocks) == 3
    for block in blocks:
        parse_config(block, tmp_path)


def test_a_written_search_takes_the_chip_of_the_tutorial_in_the_place_of_its_own(tmp_path) -> None:
    (line,) = YAML.findall((ROOT / "docs" / "tutorial-16-tiles.md").read_text())
    values = {"kind": "arrays", "path": "my.npz", "input_shape": [1, 5, 6]}
    np.savez(tmp_path / "my.npz", x=np.zeros((40, 30), np.float32), y=np.arange(40) % 2)
    section = {name: (value, "") for name, value in values.items()}
    written = fitted_template("my", section, "resnet8", Lengths(), {}, 30, [])
    assert len(re.findall("^chip: hermes-64core ", written, re.MULTILINE)) == 1
    chip = parse_config(re.sub("^chip: .*\n", line, written, flags=re.MULTILINE), tmp_path).chip
    assert chip is not None
    assert (chip.name, chip.tiles) == ("hermes-64core with tiles 16", 16)


def test_executor_lines_are_valid() -> None:
    (block,) = YAML.findall((ROOT / "docs" / "distributed.md").read_text())
    lines = [line for line in block.splitlines() if line]
    kinds = [parse_config(f"task: {{kind: digits}}\n{line}\n", ROOT).executor.kind for line in lines]
    assert kinds == ["auto", "serial", "processes", "ray"]


@pytest.mark.parametrize(
    "path", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda path: path.name
)
def test_links_lead_somewhere(path: Path) -> None:
    for target in LINK.findall(path.read_text()):
        assert (path.parent / target).exists(), f"{path.name}: {target}"
