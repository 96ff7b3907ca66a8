from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import hwsim
from hwsim.devices import DeviceState
from hwsim.programming import Programming


class Odd(nn.Module):
    """Has buffers of many types, of sizes that leave the next one unaligned."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3)
        self.norm = nn.BatchNorm1d(3)
        self.register_buffer("flags", torch.tensor([True, False, True]))
        self.register_buffer("halves", torch.arange(5, dtype=torch.float16))
        self.register_buffer("octets", torch.arange(7, dtype=torch.uint8))
        self.register_buffer("doubles", torch.arange(3, dtype=torch.float64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.layer(x))


@pytest.fixture(autouse=True)
def _one_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hwsim.chip_states.KEPT_BYTES", 1)


@pytest.fixture
def chips() -> hwsim.Chips:
    net = hwsim.to_analog(Odd().eval(), "pcm-analognas")
    hwsim.calibrate(net, torch.ones(4, 3))
    return hwsim.program(net, 3, seed=1, first=4)


def test_a_file_that_is_written_chip_by_chip_is_one_for_every_reader(
    chips: hwsim.Chips, tmp_path: Path
) -> None:
    hwsim.save_chips(chips, tmp_path / "chips.safetensors")
    found = load_file(tmp_path / "chips.safetensors")
    for name, tensor in chips.net.state_dict().items():
        assert found[f"net.{name}"].dtype == tensor.dtype
        assert torch.equal(found[f"net.{name}"], tensor)
    for name, tensor in chips.state.items():
        assert torch.equal(found[f"state.{name}"], tensor)
    assert len(found) == len(chips.net.state_dict()) + 2
    assert [path.name for path in tmp_path.iterdir()] == ["chips.safetensors"]


def test_loaded_chips_are_read_when_they_are_asked_for(chips: hwsim.Chips, tmp_path: Path) -> None:
    path = tmp_path / "chips.safetensors"
    hwsim.save_chips(chips, path)
    loaded = hwsim.load_chips(chips.net, path)
    assert (len(loaded), loaded.seed, loaded.first) == (3, 1, 4)
    for chip in (2, 0, 1):
        assert torch.equal(loaded.at(60.0, chip).weights["layer"], chips.at(60.0, chip).weights["layer"])
    assert torch.equal(loaded.conductances("layer"), chips.conductances("layer"))
    hwsim.save_chips(loaded, tmp_path / "again.safetensors")
    assert load_file(tmp_path / "again.safetensors").keys() == load_file(path).keys()
    hwsim.save_chips(hwsim.program(chips.net, 3, seed=2), path)
    with pytest.raises(ValueError, match=r"chips\.safetensors: must stay as it is.*load them again"):
        loaded.at(60.0, 0)
    path.unlink()
    with pytest.raises(ValueError, match=r"chips\.safetensors: must stay where it is"):
        loaded.at(60.0, 0)


def test_a_file_that_could_not_be_completed_leaves_the_old_one(
    chips: hwsim.Chips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "chips.safetensors"
    hwsim.save_chips(chips, path)
    before, whole = path.read_bytes(), Programming.state_of

    def full(self: Programming, chip: int) -> DeviceState:
        if chip == 2:
            raise OSError("no space left on device")
        return whole(self, chip)

    monkeypatch.setattr(Programming, "state_of", full)
    with pytest.raises(ValueError, match=r"can be written.*no space left"):
        hwsim.save_chips(hwsim.program(chips.net, 3, seed=2), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["chips.safetensors"]
