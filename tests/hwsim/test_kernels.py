import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import hwsim
from hwsim.kernels import library as kernels
from hwsim.kernels import training

needs_compiler = pytest.mark.skipif(kernels.library() is None, reason="no C compiler builds the kernels")

NETWORKS = {
    "conv2d": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 6, 3, bias=False), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 5, 3, stride=2), nn.Flatten(),
            nn.Linear(80, 4),
        ),
        (3, 11, 11),
    ),
    "sixteen": (
        lambda: nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 32, 3), nn.Flatten(), nn.Linear(512, 4)),
        (3, 8, 8),
    ),
    "conv1d": (
        lambda: nn.Sequential(nn.Conv1d(3, 6, 5), nn.ReLU(), nn.Flatten(), nn.Linear(42, 4)),
        (3, 11),
    ),
    "mlp": (lambda: nn.Sequential(nn.Linear(9, 20), nn.ReLU(), nn.Linear(20, 4)), (9,)),
}  # fmt: skip


@needs_compiler
@pytest.mark.parametrize("tile", [15, 512])
@pytest.mark.parametrize("preset", ["pcm-analognas", "pcm-rasch2023"])
@pytest.mark.parametrize("kind", NETWORKS)
def test_compiled_training_equals_plain_training(
    kind: str, preset: str, tile: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    build, shape = NETWORKS[kind]
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    hardware = hwsim.preset(preset).replace({"tile.rows": tile, "converters.out_bound": 1.5})
    net = hwsim.to_analog(build(), hardware)
    x = torch.randn(6, *shape, generator=torch.Generator().manual_seed(1))
    hwsim.calibrate(net, [x], method="std", n_std=1.5)  # clips inputs; the low bound clips outputs

    def step() -> list[torch.Tensor]:
        inputs = x.clone().requires_grad_()
        net.zero_grad()
        hwa = hwsim.HwaTraining(net, generator=torch.Generator().manual_seed(2))
        with hwa.step():
            outputs = net(inputs)
        outputs.square().sum().backward()
        return [outputs.detach(), inputs.grad, *(p.grad for p in net.parameters() if p.grad is not None)]

    served = []
    original = training.adc
    monkeypatch.setattr(training, "adc", lambda *arguments: served.append(1) or original(*arguments))
    compiled = step()
    assert served
    monkeypatch.setattr(kernels, "library", lambda: None)
    plain = step()
    assert len(compiled) == len(plain)
    for a, b in zip(compiled, plain, strict=True):
        scale = b.abs().max()
        assert (a - b).abs().median() <= 1e-5 * scale
        assert (a - b).abs().max() <= 0.02 * scale


@needs_compiler
@pytest.mark.parametrize("off", [None, "mvm.ir_drop", "mvm.read_noise"])
@pytest.mark.parametrize("kind", NETWORKS)
def test_further_products_are_the_same_in_parts_of_any_size(
    kind: str, off: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    build, shape = NETWORKS[kind]
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    changes = {} if off is None else {off: 0.0}
    net = hwsim.to_analog(build(), hwsim.preset("pcm-rasch2023").replace(changes))
    x = torch.randn(7, *shape, generator=torch.Generator().manual_seed(1))
    hwsim.calibrate(net, [x])
    images: list[int] = []
    make = training._FurtherProducts.make

    def noted(*arguments: Any) -> list[torch.Tensor]:
        images.append(arguments[1].images)
        return make(*arguments)

    monkeypatch.setattr(training._FurtherProducts, "make", noted)

    def outputs(part_elements: int) -> torch.Tensor:
        images.clear()
        monkeypatch.setattr(training, "PART_ELEMENTS", part_elements)
        hwa = hwsim.HwaTraining(net, generator=torch.Generator().manual_seed(2))
        with hwa.step(), torch.no_grad():
            return net(x)

    whole = outputs(1 << 30)
    assert set(images) == {7}
    for part_elements in (1, 60):
        parts = outputs(part_elements)
        assert min(images) < 7
        # a sum rounded differently may fall on the other side of a converter's step, rarely
        assert (parts - whole).abs().median() <= 1e-5 * whole.abs().max()
        assert (parts - whole).abs().max() <= 0.02 * whole.abs().max()


@needs_compiler
def test_the_library_is_built_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    kernels.library.cache_clear()
    try:
        assert kernels.library() is not None
        (built,) = (tmp_path / "hwsim").iterdir()
        changed = built.stat().st_mtime_ns
        kernels.library.cache_clear()
        assert kernels.library() is not None
        assert built.stat().st_mtime_ns == changed
        monkeypatch.setenv("XDG_CACHE_HOME", str(built))  # a file where a folder is wanted
        kernels.library.cache_clear()
        assert kernels.library() is not None
    finally:
        monkeypatch.undo()
        kernels.library.cache_clear()


@pytest.mark.parametrize("environment", [{"HWSIM_KERNELS": "off"}, {"CC": "no-such-compiler"}])
def test_without_a_compiler_there_is_none_and_no_error(environment: dict[str, str], tmp_path: Path) -> None:
    code = "from hwsim.kernels.library import library; import sys; sys.exit(library() is not None)"
    variables = {"XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": ":".join(sys.path), **environment}
    result = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, check=False)
    assert result.returncode == 0, result.stderr
