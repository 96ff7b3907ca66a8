"""What has to be equal on every node: C files and presets as well as Python, and whether kernels are compiled."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from analognas.executors import fingerprint as module
from analognas.executors.fingerprint import OWN_PACKAGES, compiled_kernels, differences, fingerprint

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("hwsim/kernels/tile.c", True),
        ("analognas/training/kernels/norm.c", True),
        ("analognas/training/kernels/norm.h", True),
        ("hwsim/presets/pcm-analognas.yaml", True),
        ("hwsim/mvm.py", True),
        ("analognas/report/style.css", False),
    ],
)
def test_every_file_that_shapes_a_result_counts(file, counts, tmp_path, monkeypatch) -> None:
    for package in OWN_PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))

    class Spec:
        def __init__(self, name: str) -> None:
            self.submodule_search_locations = [str(tmp_path / name)]

    monkeypatch.setattr(module, "find_spec", Spec)
    before = module._source_hash()
    with (tmp_path / file).open("a") as changed:
        changed.write("\n")
    assert (module._source_hash() != before) == counts


def test_a_machine_without_compiled_kernels_differs(monkeypatch) -> None:
    here = dict(fingerprint())
    assert here["compiled kernels"] == compiled_kernels()
    there = {**here, "compiled kernels": "none for simulation"}
    assert differences(here, there).startswith("compiled kernels none for simulation there and ")


def test_missing_kernels_are_named(monkeypatch) -> None:
    from analognas.training.kernels import library

    monkeypatch.setattr(library, "library", lambda: None)
    compiled_kernels.cache_clear()
    try:
        assert "training" in compiled_kernels()
    finally:
        compiled_kernels.cache_clear()
