"""Each format of programmed chips and of other tools, written and looked at with what is not its own reader."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

import hwsim
from analognas.errors import UserError
from analognas.export import FORMATS, Artefact, ChipRequest, ExportError, known_formats, write_formats
from analognas.export.python_source import Description
from analognas.export.standardised import Standardised
from hwsim.circuit_check import has_ngspice

HARDWARE = hwsim.preset("pcm-analognas").replace({"tile.rows": 24, "tile.columns": 4})
X = torch.rand(48, 4, 20, generator=torch.Generator().manual_seed(0))


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
    return Artefact(
        model=Standardised(network, [0.5], [2.0], (4, 20)),
        description=Description("depthwise */ int x;", ["a", "b", "c"], notes=["µ"]),
        architecture={},
        analog={},
        split=(X[:6], torch.tensor([0, 1, 2, 0, 1, 2])),
        net=net,
        calibration=X,
        chips=ChipRequest(n=2, seed=7),
    )


def _written(artefact: Artefact, name: str, folder: Path) -> str:
    said: list[str] = []
    write_formats(artefact, [name], folder, tell=said.append)
    assert sorted(path.name for path in folder.iterdir()) == sorted(FORMATS[name].files)
    return said[0]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_says_what_it_keeps_and_loses_and_is_compared(name: str) -> None:
    entry = FORMATS[name]
    assert entry.keeps
    assert entry.loses
    assert entry.check is not None
    assert entry.files


def test_conductances_hold_what_programs_a_chip(artefact: Artefact, tmp_path: Path) -> None:
    assert "2 chips" in _written(artefact, "conductances", tmp_path)
    assert artefact.net is not None
    tensors = load_file(tmp_path / "conductances.safetensors")
    description = json.loads((tmp_path / "conductances.json").read_text())
    chips = hwsim.program(artefact.net, 2, seed=7)
    for name, layer in chips.layers.items():
        stored = description["layers"][name]
        mapping = layer.mapping
        assert stored["tiles"] == [list(tile) for tile in mapping.tiles]
        assert stored["input_range"] == layer.input_range.tolist()
        target = sum(float(tensors[f"{name}/{tile}/target_us"].sum()) for tile in range(len(mapping.tiles)))
        expected = float(layer.normalised_weight().abs().sum()) * 25
        assert target == pytest.approx(expected, rel=1e-5)
        found = sum(float(tensors[f"{name}/{tile}/g_us"].sum()) for tile in range(len(mapping.tiles)))
        assert found == pytest.approx(float(chips.conductances(name).sum()), rel=1e-5)


@pytest.mark.skipif(not has_ngspice(), reason="ngspice is not installed (apt-get install ngspice)")
def test_ngspice_gives_the_outputs_of_a_tile(artefact: Artefact, tmp_path: Path) -> None:
    layer = next(name for name, one in hwsim.tile_map(artefact.net).layers.items() if len(one.tiles) > 1)
    wanted = replace(artefact, chips=ChipRequest(1, 7, f"{layer}:1"))
    assert "ngspice" in _written(wanted, "spice", tmp_path)
    outputs = json.loads((tmp_path / "tile.json").read_text())
    assert (outputs["layer"], outputs["tile"]) == (layer, 1)
    done = subprocess.run(
        ["ngspice", "-b", tmp_path / "tile.cir"], capture_output=True, text=True, check=True, timeout=60
    )
    current = {
        line.split(" = ")[0]: float(line.split(" = ")[1])
        for line in done.stdout.splitlines()
        if line.startswith("i(v")
    }
    unit = outputs["v_read"] * outputs["span_us"] * 1e-6
    found = [
        (current[f"i(vp{column})"] - current[f"i(vm{column})"]) / unit
        for column in range(len(outputs["outputs"]))
    ]
    np.testing.assert_allclose(found, outputs["outputs"], atol=0.01 * np.abs(outputs["outputs"]).max())


@pytest.mark.parametrize("wanted", ["nothing", "nothing:0", ":7", "x:y"])
def test_a_tile_that_is_not_there_is_told(artefact: Artefact, wanted: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"`tile` must be LAYER or LAYER:NUMBER of .*; got"):
        write_formats(replace(artefact, chips=ChipRequest(tile=wanted)), ["spice"], tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_header_compiles_and_computes_what_hwsim_does(artefact: Artefact, tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler is installed")
    assert "products are those of hwsim" in _written(artefact, "c-header", tmp_path)
    main = tmp_path / "main.c"
    main.write_text(
        '#include <stdio.h>\n#include "model.h"\n'
        "int main(void) {\n"
        "  for (int i = 0; i < ANALOGNAS_LAYERS; ++i)\n"
        '    printf("%s %d %d\\n", analognas_layers[i].name, analognas_layers[i].tiles, analognas_layers[i].columns);\n'
        "  for (int i = 0; i < ANALOGNAS_TENSORS; ++i)\n"
        '    printf("%s %d %.9g\\n", analognas_tensors[i].name, analognas_tensors[i].size,'
        " (double)analognas_tensors[i].values[0]);\n"
        "  return 0;\n}\n"
    )
    subprocess.run([compiler, "-std=c99", "-o", tmp_path / "main", main, "-lm"], check=True, timeout=60)
    done = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True, timeout=60)
    layers = hwsim.tile_map(artefact.net).layers
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[: len(layers)] == [
        [name, str(len(one.tiles)), str(one.columns)] for name, one in layers.items()
    ]
    tensors = {name: (int(size), float(first)) for name, size, first in lines[len(layers) :]}
    assert tensors["mean"] == (1, 0.5)
    assert tensors["std"] == (1, 2.0)
    assert artefact.net is not None
    norms = {name: value for name, value in artefact.net.state_dict().items() if "running" in name}
    assert norms
    for name, value in norms.items():
        assert tensors[name] == (value.numel(), pytest.approx(float(value.flatten()[0]), rel=1e-6))


def test_a_header_is_ascii_that_reads_well_in_a_folder_of_any_name(
    artefact: Artefact, tmp_path: Path
) -> None:
    description = Description("n", ["a", "b", "c"], notes=["64.07 ± 3.72 %, 8×8 of 25 µS", "漢"])
    folder = tmp_path / 'a "folder" of µ'
    said = _written(replace(artefact, description=description), "c-header", folder)
    assert "products are those of hwsim" in said or "no C compiler" in said
    first = (folder / "model.h").read_text(encoding="ascii").splitlines()[0]
    assert first == "/* n; 64.07 +- 3.72 %, 8x8 of 25 uS; ? */"


def test_a_header_needs_hardware_that_it_has_words_for(artefact: Artefact, tmp_path: Path) -> None:
    dynamic = HARDWARE.replace({"converters.input_scaling": "dynamic"})
    other = replace(artefact, net=hwsim.to_analog(artefact.model.network, dynamic))
    with pytest.raises(ExportError, match=r"`converters\.input_scaling` must be static"):
        write_formats(other, ["c-header"], tmp_path)


def test_eight_bits_are_measured(artefact: Artefact, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    assert "test accuracy" in _written(artefact, "onnx-int8", tmp_path)
    figures = json.loads((tmp_path / "model-int8.json").read_text())
    session = runtime.InferenceSession(tmp_path / "model-int8.onnx", providers=["CPUExecutionProvider"])
    assert artefact.split is not None
    x, y = artefact.split
    for batch in (1, 6):  # any batch size
        (logits,) = session.run(None, {"x": x[:batch].numpy()})
        assert logits.shape == (batch, 3)
    hits = int((torch.from_numpy(logits).argmax(1) == y).sum())
    assert figures["test_accuracy"] == hits / 6
    assert figures["calibration_inputs"] == 48
    weights = [one for one in _initializers(tmp_path / "model-int8.onnx") if one.dtype == np.int8]
    assert sum(one.size for one in weights) > 100


def _initializers(path: Path) -> list[np.ndarray]:
    import onnx
    from onnx import numpy_helper

    return [numpy_helper.to_array(one) for one in onnx.load(path).graph.initializer]


@pytest.mark.parametrize("name", ["conductances", "spice", "c-header"])
def test_a_chip_that_is_too_small_is_told(artefact: Artefact, name: str, tmp_path: Path) -> None:
    small = replace(artefact, misfit="`tiles` of mine must hold the network: 3 of 2 are missing")
    with pytest.raises(ExportError, match="3 of 2 are missing"):
        write_formats(small, [name], tmp_path)
    with pytest.raises(ExportError, match=r"hwsim\.to_analog"):
        write_formats(replace(artefact, net=None), [name], tmp_path)


def _turned(write: Callable[[Artefact, Path], tuple[Path, ...]]) -> Callable[..., tuple[Path, ...]]:
    """Return a writer whose network has other weights than the one it is compared with."""

    def written(artefact: Artefact, folder: Path) -> tuple[Path, ...]:
        parameters = list(artefact.model.parameters())
        before = [parameter.detach().clone() for parameter in parameters]
        try:
            _set(parameters, [-value for value in before])
            return write(Artefact(**{**vars_of(artefact)}), folder)
        finally:
            _set(parameters, before)

    return written


def vars_of(artefact: Artefact) -> dict[str, object]:
    return {name: getattr(artefact, name) for name in artefact.__dataclass_fields__}


@torch.no_grad()
def _set(parameters: list[Tensor], values: list[Tensor]) -> None:
    for parameter, value in zip(parameters, values, strict=True):
        parameter.copy_(value)


@pytest.mark.parametrize("name", ["model.py", "safetensors", "pt2", "onnx"])
def test_a_file_of_another_network_is_not_reported_as_written(
    artefact: Artefact, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = FORMATS[name]
    monkeypatch.setitem(FORMATS, name, replace(entry, write=_turned(entry.write)))
    with pytest.raises(ExportError, match="when it was loaded again"):
        write_formats(artefact, [name], tmp_path)
    assert not list(tmp_path.iterdir())


def test_names_of_version_0_1_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    assert known_formats(["python", "architecture", "model.py"]) == ["model.py", "json"]
    assert known_formats(None) == ["json", "model.py", "safetensors", "pt2", "onnx", "analog"]
    with pytest.raises(UserError, match="did you mean `safetensors`"):
        known_formats(["safetensor"])
    monkeypatch.setattr("analognas.export.formats.find_spec", lambda name: None)
    with pytest.raises(
        UserError, match=r"onnx-int8` needs onnxruntime, .* `pip install .analognas\[onnxruntime\]"
    ):
        known_formats(["onnx-int8"])


def test_onnx_is_compared_without_onnxruntime_as_well(
    artefact: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analognas.export.onnx_run.has_onnxruntime", lambda: False)
    assert "in the reference evaluator of onnx" in _written(artefact, "onnx", tmp_path)


def test_without_a_compiler_or_ngspice_files_are_still_compared(
    artefact: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert "not compiled" in _written(artefact, "c-header", tmp_path / "c")
    assert "ngspice is not installed" in _written(artefact, "spice", tmp_path / "spice")


def test_a_netlist_or_a_header_of_another_chip_is_not_reported_as_written(
    artefact: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, said in (
        ("spice", "within 1 %"),
        ("conductances", "are others|other conductances"),
        ("c-header", "another"),
    ):
        entry = FORMATS[name]
        assert artefact.net is not None
        turned = hwsim.to_digital(artefact.net)
        with torch.no_grad():
            for parameter in turned.parameters():
                parameter.neg_()
        net = hwsim.to_analog(turned, HARDWARE)
        hwsim.calibrate(net, (X - 0.5) / 2.0)
        other = replace(artefact, net=net)
        monkeypatch.setitem(
            FORMATS, name, replace(entry, write=lambda _, to, e=entry, o=other: e.write(o, to))
        )
        with pytest.raises(ExportError, match=said):
            write_formats(artefact, [name], tmp_path)
        assert not list(tmp_path.iterdir())
