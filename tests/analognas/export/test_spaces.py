"""Every network of the built-in spaces, and every published one, can be written as plain torch."""

from __future__ import annotations

import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn

from analognas.export.python_source import Description, python_source
from analognas.export.standardised import Standardised
from analognas.export.weights import write_weights
from search_spaces import (
    NasBench201Space,
    ResNetSpace,
    SequenceRanges,
    SequenceSpace,
    StagedRanges,
    StagedSpace,
    genotypes,
    published,
    published_names,
)

SHAPE = (1, 8, 8)
CLASSES = ["it's", 'say "a"', "both ' and \"", "a back\\slash", "é", "tab\t", *"6789"]
LONG = "a note that goes on and on, " * 9


RUFF = Path(sysconfig.get_path("scripts")) / "ruff"
CONFIG = Path(__file__).parents[3] / "pyproject.toml"


def _sampled(name: str) -> list[nn.Module]:
    space = {
        "resnet": ResNetSpace(SHAPE, 10, oc0=(8, 16), m=(1, 3), r=(1, 3), b=(1, 3)),
        "nas-bench-201": NasBench201Space(SHAPE, 10),
        "staged": StagedSpace(StagedRanges(SHAPE, 10, stages=2, width=(8, 16))),
        "sequence": SequenceSpace(SequenceRanges(SHAPE, 10, width=(16, 32), entry_width=(16, 24))),
    }[name]
    return [space.build(genotype) for genotype in genotypes(space.sample(4, np.random.default_rng(5)))]


def _published(name: str) -> list[nn.Module]:
    return [published(name, SHAPE, 10)]


SPACES = ("resnet", "nas-bench-201", "staged", "sequence")
NETWORKS = dict.fromkeys(SPACES, _sampled) | dict.fromkeys(published_names(), _published)


@pytest.mark.parametrize("name", list(NETWORKS))
def test_the_exported_file_computes_the_same(
    name: str, networks: ModuleType, tmp_path: Path, imported: Callable[[Path], ModuleType]
) -> None:
    for number, network in enumerate(NETWORKS[name](name)):
        model = Standardised(networks.settled(network, *SHAPE), [4.9], [6.0], SHAPE).eval()
        source = python_source(model, Description(name, CLASSES, [LONG, "64.07 ± 3.72 %", 'say "it" ' * 20]))
        own = tmp_path / str(
            number
        )  # a file of the same size in the same second would be taken for the last one
        own.mkdir()
        (own / "model.py").write_text(source, encoding="utf-8")
        assert "nn.Identity" not in source
        write_weights(model, own / "model.safetensors")
        exported = imported(own / "model.py").load()
        x = torch.rand(4, *SHAPE) * 16
        with torch.no_grad():
            torch.testing.assert_close(exported(x), model(x), rtol=1e-5, atol=1e-5)
    _require_clean(tmp_path)


def _require_clean(folder: Path) -> None:
    """Format and lint Python files with the rules of ruff itself and with those of this repository."""
    if not RUFF.exists():
        pytest.skip("ruff is not installed")
    for command in ("format --diff", "check"):
        for rules in (["--isolated", "--line-length", "110"], ["--config", str(CONFIG)]):
            done = subprocess.run(
                [RUFF, *command.split(), *rules, "--no-cache", folder],
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            assert done.returncode == 0, done.stdout + done.stderr


class _Wide(nn.Module):
    """Calls, tuples and texts that are too long for a line."""

    def __init__(self) -> None:
        super().__init__()
        for number in range(12):
            setattr(self, f"a_branch_with_a_long_name_{number}", nn.Linear(8, 2))
        self.nothing = nn.Identity()
        self.padded = nn.Conv1d(
            1, 1, kernel_size=3, stride=2, padding=1, dilation=1, bias=False, padding_mode="circular"
        )
        self.a_normalisation_with_quite_a_long_name_of_its_own = nn.LayerNorm((12,), eps=1e-6, bias=False)
        self.register_buffer(
            "a_buffer_with_a_name_that_fills_most_of_the_line_by_itself_and_more", torch.ones(1)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = [getattr(self, f"a_branch_with_a_long_name_{number}")(x) for number in range(12)]
        found = self.nothing(torch.cat(parts, dim=-1)) ** 2
        wide = self.padded(found.unsqueeze(1)).squeeze(1)
        wide = self.a_normalisation_with_quite_a_long_name_of_its_own(wide)
        wide = wide * self.a_buffer_with_a_name_that_fills_most_of_the_line_by_itself_and_more
        tail = wide[:, 1:-1]
        return self.nothing(torch.cat([tail[:, :5], -tail[:, -5:]], 1))


def test_long_statements_are_broken_as_ruff_breaks_them(
    tmp_path: Path, imported: Callable[[Path], ModuleType]
) -> None:
    model = Standardised(_Wide(), [0.5], [2.0], (8,)).eval()
    (tmp_path / "model.py").write_text(python_source(model, Description("n", CLASSES)), encoding="utf-8")
    write_weights(model, tmp_path / "model.safetensors")
    exported = imported(tmp_path / "model.py").load()
    assert exported.state_dict().keys() >= {"a_branch_with_a_long_name_3.weight", "padded.weight"}
    x = torch.rand(4, 8)
    with torch.no_grad():
        torch.testing.assert_close(exported(x), model(x))
    assert list(imported(tmp_path / "model.py").CLASS_NAMES) == CLASSES
    _require_clean(tmp_path)
