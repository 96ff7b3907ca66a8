"""ONNX and torch.export programs against the network itself."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from analognas.export.error import ExportError
from analognas.export.exported_program import exported_program, write_program
from analognas.export.onnx_format import write_onnx
from analognas.export.standardised import Standardised
from search_spaces import published

BATCHES = (1, 2, 5)


PUBLISHED = ("resnet8", "ds-cnn", "mobilenet-v1-0.25", "analognet-vww-like", "analognet-kws-like")


@pytest.fixture(params=["residual", "depthwise", *PUBLISHED])
def model(request: pytest.FixtureRequest, networks: ModuleType) -> Standardised:
    if request.param in PUBLISHED:
        network = networks.settled(published(request.param, (1, 8, 8), 10), 1, 8, 8)
        return Standardised(network, [4.9], [6.0], (1, 8, 8)).eval()
    if request.param == "residual":
        network = networks.settled(networks.ResidualNetwork(), 1, 8, 8)
        return Standardised(network, [4.9], [6.0], (1, 8, 8)).eval()
    return Standardised(networks.settled(networks.DepthwiseNetwork(), 4, 20), [0.5], [2.0], (4, 20)).eval()


def test_onnx_agrees_with_torch_at_every_batch_size(
    model: Standardised, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    path = tmp_path / "model.onnx"
    write_onnx(exported_program(model), path)
    assert capfd.readouterr() == ("", "")
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for batch in BATCHES:
        x = torch.randn(batch, *model.input_shape) * 5 + 4
        (logits,) = session.run(["logits"], {"x": x.numpy()})
        with torch.no_grad():
            np.testing.assert_allclose(logits, model(x).numpy(), atol=1e-4, rtol=0)


def test_program_agrees_with_torch_at_every_batch_size(model: Standardised, tmp_path: Path) -> None:
    path = tmp_path / "model.pt2"
    write_program(exported_program(model), path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's reader warns about its own internals
        module = torch.export.load(path).module()
    for batch in BATCHES:
        x = torch.randn(batch, *model.input_shape) * 5 + 4
        with torch.no_grad():
            torch.testing.assert_close(module(x), model(x), rtol=0, atol=1e-6)


def test_mode_of_the_network_is_kept(model: Standardised) -> None:
    model.train()
    frozen = next(iter(model.network.children())).eval()
    exported_program(model)
    assert model.training
    assert not frozen.training


def test_a_network_that_torch_cannot_export_is_an_error(networks: ModuleType) -> None:
    with pytest.raises(ExportError, match=r"torch\.export cannot follow Branching"):
        exported_program(Standardised(networks.Branching(), [0.0], [1.0], (5,)))
