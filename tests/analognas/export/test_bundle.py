from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from analognas.errors import UserError
from analognas.export import (
    FORMATS,
    Artefact,
    Format,
    damaged_files,
    require_free,
    write_bundle,
    write_formats,
)
from analognas.export.error import ExportError
from analognas.export.python_source import Description
from analognas.export.standardised import Standardised
from analognas.metrics import METRICS
from analognas.record.trial import DriftRecord
from analognas.record.validation import FinalResult, ValidatedNetwork

COMPLETE = [
    "SHA256SUMS",
    "analog.json",
    "architecture.json",
    "metrics.json",
    "model.onnx",
    "model.pt2",
    "model.py",
    "model.safetensors",
]


@pytest.fixture
def artefact(networks: ModuleType) -> Artefact:
    network = networks.settled(networks.DepthwiseNetwork(), 4, 20)
    return Artefact(
        model=Standardised(network, [0.5], [2.0], (4, 20)),
        description=Description("depthwise", ["a", "b", "c"]),
        architecture={"kind": "depthwise", "R": [1, 2]},
        analog={"tiles": [{"rows": 20, "columns": 8}]},
        split=(torch.randn(6, 4, 20), torch.tensor([0, 1, 2, 0, 1, 2])),
    )


@pytest.fixture
def result() -> FinalResult:
    curve = DriftRecord((1.0, 86_400.0), ((0.9, 0.91), (0.88, 0.87)))
    metrics = {**dict.fromkeys(METRICS, 0.875), "parameters": 1000.0}
    digital = {"validation": 0.93, "test": 0.92}
    curves = {"validation": curve, "test": curve}
    network = ValidatedNetwork("best", {"R": [1]}, metrics, digital, curves, {"epochs": 3})
    return FinalResult(trial=4, network=network, references=(), surrogate={})


def test_a_run_may_do_without_some_formats_and_never_without_what_is_read_again(
    artefact: Artefact, result: FinalResult, tmp_path: Path
) -> None:
    assert write_bundle(tmp_path / "best", artefact, result, ["onnx"]) == {}
    written = {path.name for path in (tmp_path / "best").iterdir()}
    assert written == set(COMPLETE) - {"model.py", "model.pt2"}
    assert not damaged_files(tmp_path / "best")


def test_a_bundle_is_complete_and_readable(
    artefact: Artefact, result: FinalResult, tmp_path: Path, imported: Callable[[Path], ModuleType]
) -> None:
    folder = tmp_path / "best"
    assert write_bundle(folder, artefact, result) == {}
    assert sorted(path.name for path in folder.iterdir()) == COMPLETE
    assert [path.name for path in tmp_path.iterdir()] == ["best"]
    assert json.loads((folder / "architecture.json").read_text()) == {"kind": "depthwise", "R": [1, 2]}
    assert json.loads((folder / "analog.json").read_text()) == {"tiles": [{"rows": 20, "columns": 8}]}
    assert FinalResult.from_json((folder / "metrics.json").read_text()) == result
    x = torch.randn(3, 4, 20)
    with torch.no_grad():
        logits = imported(folder / "model.py").load()(x)
        torch.testing.assert_close(logits, artefact.model.eval()(x))
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir() if path.is_file()}
    assert len(modes) == 1, "every file must have the permissions of a file made the ordinary way"


def test_missing_and_damaged_files_are_named(artefact: Artefact, result: FinalResult, tmp_path: Path) -> None:
    folder = tmp_path / "best"
    write_bundle(folder, artefact, result)
    assert damaged_files(folder) == ()
    (folder / "analog.json").unlink()
    (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:-1])
    assert damaged_files(folder) == ("analog.json", "model.onnx")
    for content in ("", "no checksum", "0" * 64 + "  ../config.yaml"):
        (folder / "SHA256SUMS").write_text(content)
        assert damaged_files(folder) == ("SHA256SUMS",)


def test_checksums_follow_a_format_that_is_written_over_a_bundle(
    artefact: Artefact, result: FinalResult, tmp_path: Path
) -> None:
    write_bundle(tmp_path / "best", artefact, result)
    (tmp_path / "best" / "model.onnx").write_bytes(b"cut")
    with torch.no_grad():
        next(artefact.model.parameters()).add_(1.0)
    write_formats(artefact, ["analog", "model.py"], tmp_path / "best", force=True)
    assert damaged_files(tmp_path / "best") == ("model.onnx",)


def test_a_bundle_replaces_an_earlier_one_whole(
    artefact: Artefact, result: FinalResult, tmp_path: Path
) -> None:
    folder = tmp_path / "best"
    folder.mkdir()
    (folder / "stale.txt").write_text("from before")
    (tmp_path / ".best.unfinished-0123").mkdir()
    (tmp_path / ".best.unfinished-0123" / "model.py").write_text("of a killed process")
    (tmp_path / ".best.mine").mkdir()
    write_bundle(folder, artefact, result)
    assert sorted(path.name for path in folder.iterdir()) == COMPLETE
    assert sorted(path.name for path in tmp_path.iterdir()) == [".best.mine", "best"]


def test_a_failure_leaves_the_earlier_bundle_alone(
    artefact: Artefact, result: FinalResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "best"
    folder.mkdir()
    (folder / "model.py").write_text("earlier")

    def full_disk(artefact: Artefact, folder: Path) -> tuple[Path, ...]:
        (folder / "model.onnx").write_text("half")
        raise OSError("No space left on device")

    monkeypatch.setattr(
        "analognas.export.bundle.FORMATS", {**FORMATS, "onnx": Format("", full_disk, bundled=True)}
    )
    with pytest.raises(OSError, match="No space left"):
        write_bundle(folder, artefact, result)
    assert [path.name for path in tmp_path.iterdir()] == ["best"]
    assert [path.name for path in folder.iterdir()] == ["model.py"]
    assert (folder / "model.py").read_text() == "earlier"


def test_an_untraceable_network_keeps_its_weights(
    networks: ModuleType, artefact: Artefact, result: FinalResult, tmp_path: Path
) -> None:
    model = Standardised(networks.Branching(), [0.0], [1.0], (5,))
    untraceable = Artefact(model, Description("n"), artefact.architecture, artefact.analog)
    missing = write_bundle(tmp_path / "best", untraceable, result)
    assert set(missing) == {"model.py", "onnx", "pt2"}
    assert "cannot trace Branching" in missing["model.py"]
    path = tmp_path / "best" / "model.safetensors"
    assert load_file(path).keys() == model.state_dict().keys()
    with safe_open(path, framework="pt") as file:
        assert file.metadata()["names"] == "state_dict"


def test_a_link_is_never_followed(artefact: Artefact, result: FinalResult, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.mkdir()
    (tmp_path / "best").symlink_to(target)
    with pytest.raises(UserError, match="symbolic link"):
        write_bundle(tmp_path / "best", artefact, result)
    assert not list(target.iterdir())


def test_every_format_writes_what_it_returns(artefact: Artefact, tmp_path: Path) -> None:
    for name in ("model.py", "safetensors", "analog", "json", "test-data"):
        folder = tmp_path / name
        folder.mkdir()
        assert set(FORMATS[name].write(artefact, folder)) == set(folder.iterdir()) != set()
    data = load_file(tmp_path / "test-data" / "test-data.safetensors")
    assert artefact.split is not None
    assert torch.equal(data["x"], artefact.split[0])
    assert torch.equal(data["y"], artefact.split[1])


def test_what_is_there_is_told_before_anything_is_computed(tmp_path: Path) -> None:
    require_free(["onnx", "model.py"], tmp_path / "new")
    (tmp_path / "model.safetensors").touch()
    require_free(["onnx"], tmp_path)
    require_free(["model.py"], tmp_path, force=True)
    for formats in (["model.py"], ["onnx", "safetensors"]):
        with pytest.raises(
            UserError, match=r"model\.safetensors: exists already; choose .* `out`, .* `force`"
        ):
            require_free(formats, tmp_path)
    for folder in (tmp_path / "model.safetensors", tmp_path / "model.safetensors" / "in", Path("a" * 300)):
        with pytest.raises(
            UserError, match=r"is not a directory one can write to|cannot be written: File name"
        ):
            require_free(["onnx"], folder)


def test_an_export_that_fails_leaves_no_file(artefact: Artefact, tmp_path: Path, monkeypatch) -> None:
    def full_disk(artefact: Artefact, folder: Path) -> tuple[Path, ...]:
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(FORMATS, "onnx", Format("", full_disk))
    mine = tmp_path / "mine"
    mine.mkdir()
    for target in (mine, tmp_path / "new"):
        with pytest.raises(UserError, match="cannot be written: No space left on device"):
            write_formats(artefact, ["analog", "onnx"], target)
        assert not list(target.iterdir())


def test_test_data_needs_inputs_with_their_labels(artefact: Artefact, tmp_path: Path) -> None:
    without = Artefact(artefact.model, artefact.description, {}, {})
    with pytest.raises(ExportError, match="needs the inputs and labels"):
        FORMATS["test-data"].write(without, tmp_path)
    uneven = Artefact(artefact.model, artefact.description, {}, {}, (torch.zeros(3, 4, 20), torch.zeros(2)))
    with pytest.raises(ValueError, match="one label an input"):
        FORMATS["test-data"].write(uneven, tmp_path)
    assert not list(tmp_path.iterdir())


def test_json_refuses_what_json_cannot_say(artefact: Artefact, tmp_path: Path) -> None:
    broken = Artefact(artefact.model, artefact.description, {"width": float("nan")}, {})
    with pytest.raises(ValueError, match="not JSON compliant"):
        FORMATS["json"].write(broken, tmp_path)
