"""Networks as source for other simulators, where they are installed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn

import hwsim
from analognas.export import FORMATS, Artefact, ExportError, write_formats
from analognas.export.peer_source import peer_source
from analognas.export.python_source import Description
from analognas.export.standardised import Standardised
from hwsim.interop.aihwkit_settings import aihwkit_settings, bits_of, steps_of
from hwsim.interop.lightning_settings import lightning_settings

HARDWARE = hwsim.preset("pcm-analognas").replace({"tile.rows": 24, "tile.columns": 4})
X = torch.rand(48, 4, 20, generator=torch.Generator().manual_seed(0))
PACKAGES = {"aihwkit": "aihwkit", "aihwkit-lightning": "aihwkit_lightning"}


@pytest.fixture
def artefact(networks: ModuleType) -> Artefact:
    layers = nn.Sequential(
        nn.Conv1d(4, 8, 3, groups=4),
        nn.BatchNorm1d(8),
        nn.ReLU(),
        nn.Conv1d(8, 6, 3),
        nn.Flatten(),
        nn.Linear(96, 3),
    )
    network = networks.settled(layers, 4, 20)
    net = hwsim.to_analog(network, HARDWARE)
    hwsim.calibrate(net, (X - 0.5) / 2.0)
    model = Standardised(network, [0.5], [2.0], (4, 20))
    return Artefact(model, Description("n"), {}, {}, (X, torch.zeros(48, dtype=torch.int64)), net=net)


@pytest.mark.parametrize("name", PACKAGES)
def test_the_file_runs_there(artefact: Artefact, name: str, tmp_path: Path) -> None:
    if find_spec(PACKAGES[name]) is None:
        pytest.skip(f"{name} is not installed")
    said: list[str] = []
    write_formats(artefact, [name], tmp_path, tell=said.append)
    assert "without noise differ from hwsim" in said[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FORMATS[name].files)
    (file,) = (entry for entry in FORMATS[name].files if entry.startswith("model_"))
    code = (
        f"import warnings; warnings.simplefilter('ignore'); import torch, {file[:-3]} as peer\n"
        "print(tuple(peer.load()(torch.zeros(2, 4, 20)).shape))"
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.splitlines()[-1] == "(2, 3)"


@pytest.mark.parametrize("package", PACKAGES.values())
def test_the_source_names_every_layer_and_what_is_lost(artefact: Artefact, package: str) -> None:
    settings, lost = (aihwkit_settings if package == "aihwkit" else lightning_settings)(HARDWARE)
    assert artefact.net is not None
    source = peer_source(artefact.model, artefact.net, package, settings, lost)
    compile(source, "model_peer.py", "exec")
    digital = [0, 3] if package == "aihwkit" else [0]  # its torch tile has no convolutions in one dimension
    for line in (*lost, *(f"layer {index}: no counterpart, it is digital there" for index in digital)):
        assert f"- {line}" in source
    values: dict[str, object] = {}
    block = source[source.index("DIGITAL_LAYERS") : source.index("def configuration")]
    exec(block, values)
    ranges = values["INPUT_RANGES"]
    assert isinstance(ranges, dict)
    assert values["DIGITAL_LAYERS"] == [f"layer_{index}" for index in digital]
    expected = {f"layer_{index}": artefact.net[index].input_range for index in (3, 5) if index not in digital}
    assert ranges.keys() == expected.keys()
    assert all(torch.equal(torch.tensor(ranges[name]), value) for name, value in expected.items())


def test_resolutions_are_those_of_symmetric_grids() -> None:
    assert [bits_of(steps_of(bits)) for bits in (None, 2, 4, 6, 8, 12)] == [None, 2, 4, 6, 8, 12]
    assert bits_of(254) == 8  # steps are allowed, too
    assert steps_of(8) == 1 / 254


def test_a_network_without_a_common_layer_is_refused(artefact: Artefact, tmp_path: Path) -> None:
    network = nn.Sequential(nn.Conv1d(4, 4, 3, groups=4), nn.Flatten())
    net = hwsim.to_analog(network, HARDWARE)
    hwsim.calibrate(net, X)
    other = replace(artefact, model=Standardised(network, [0.5], [2.0], (4, 20)), net=net)
    for name in PACKAGES:
        with pytest.raises(ExportError, match="without groups on tiles that is one of Linear"):
            write_formats(other, [name], tmp_path)
    assert not list(tmp_path.iterdir())
