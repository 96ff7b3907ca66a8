"""Devices that hwsim does not know: objects, entry points, and the page that shows them."""

import re
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import torch
from torch import nn

import hwsim
from hwsim.devices import DEVICES, PUBLISHED_DEVICES, EntryPointSpec
from hwsim.hardware import explain

PAGE = Path(__file__).parents[2] / "docs" / "extending_devices.md"


class Weak:
    """Forgets half of its conductance after a second."""

    def __init__(self, share: float = 0.5) -> None:
        self.g_min_us, self.g_max_us, self.share = 0.0, 10.0, share

    def program(self, g_target_us: torch.Tensor, generator: torch.Generator) -> dict[str, torch.Tensor]:
        return {"g_us": g_target_us.clone()}

    def read(self, state: dict[str, torch.Tensor], t_s: float, generator: torch.Generator) -> torch.Tensor:
        if t_s > 100:
            raise ValueError("`t_s <= 100` must hold")
        return state["g_us"] * (1.0 if t_s < 1 else self.share)


def _offer(monkeypatch: pytest.MonkeyPatch, **points: object) -> None:
    """Offer objects under entry points of the group, as an installed package does."""
    offered = []
    for name, loaded in points.items():
        point = EntryPoint(name, f"somewhere:{name}", "hwsim.devices")
        monkeypatch.setattr(EntryPoint, "load", lambda self: points[self.name])
        offered.append(point)
        assert loaded is point.load()
    monkeypatch.setattr("hwsim.devices.entry_point.entry_points", lambda group: offered)


def _net(hardware: hwsim.Hardware | str = "pcm-rasch2023") -> nn.Module:
    torch.manual_seed(0)  # the initial weights; torch.nn takes no generator
    net = hwsim.to_analog(nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)), hardware)
    hwsim.calibrate(net, torch.randn(20, 6, generator=torch.Generator().manual_seed(0)))
    return net


def test_the_pages_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text(encoding="utf-8")
    (own,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    Path("my-chip.yaml").write_text(own, encoding="utf-8")
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    x = torch.randn(40, 6, generator=torch.Generator().manual_seed(0))
    names: dict[str, object] = {"model": model, "x": x, "y": torch.arange(40) % 3, "__name__": "page"}
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 6
    for number, block in enumerate(blocks):
        if number == 4:
            _offer(monkeypatch, relaxing=names["Relaxing"])
        exec(block, names)
    loaded = hwsim.load_chips(names["net"], "chips.safetensors")
    assert (len(loaded), loaded.device.decade) == (5, 0.02)
    assert names["RelaxingSpec"]().build() == names["Relaxing"](0.8)
    assert list(names["RelaxingSpec"].published()) == ["relaxing"]


def test_chips_take_a_device_object_in_place_of_that_of_the_hardware(tmp_path: Path) -> None:
    net = _net()
    chips = hwsim.program(net, 2, device=Weak(share=0.25))
    early, late = (chips.at(t_s, 0).weights["0"] for t_s in (0.0, 50.0))
    torch.testing.assert_close(early, net[0].normalised_weight())
    torch.testing.assert_close(late, early / 4)
    x, y = torch.randn(20, 6, generator=torch.Generator().manual_seed(1)), torch.arange(20) % 3
    with pytest.raises(ValueError, match="`t_s <= 100` must hold"):
        hwsim.accuracy_over_time(chips, x, y, 1e6)
    assert hwsim.accuracy_over_time(chips.to("cpu"), x, y, [1.0]).accuracy.shape == (1, 2)
    with pytest.raises(ValueError, match="must have the device of their hardware to be saved, got Weak"):
        hwsim.save_chips(chips.to("cpu"), tmp_path / "chips.safetensors")
    with pytest.raises(
        ValueError, match="`device` must have `g_max_us`, `g_min_us`, `program`, `read`, got dict"
    ):
        hwsim.program(net, 1, device={})


def test_hardware_names_an_entry_point_with_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    _offer(monkeypatch, weak=Weak)
    device = {"kind": "entry-point", "name": "weak", "options": {"share": 0.1}}
    hardware = hwsim.preset("pcm-rasch2023").replace({"device": device})
    assert hardware.device.build().share == 0.1
    assert hardware.replace({"device.options.share": 0.2}).device.build().share == 0.2
    assert hwsim.Hardware.model_validate_json(hardware.model_dump_json()) == hardware
    assert ("device.options", {"share": 0.1}) in [(path, value) for path, value, _ in explain(hardware)]
    assert hwsim.analog_parameters(_net(hardware))["layers"]["0"]["g_max_us"] == 10.0
    with pytest.raises(ValueError, match="`t_s <= 100` must hold"):
        hwsim.check_times(hardware, [1.0, 101.0])


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        (
            "week",
            {},
            r"no installed package offers the device 'week' in the group `hwsim.devices`, did you mean weak\?",
        ),
        ("weak", {"part": 1}, r"the device 'weak' \(somewhere:weak\) failed: TypeError: .*part"),
        ("nothing", {}, r"the device 'nothing' \(somewhere:nothing\) must have `g_max_us`.*got int"),
    ],
)
def test_an_entry_point_that_gives_no_device_is_told(name, options, words, monkeypatch) -> None:
    _offer(monkeypatch, weak=Weak, nothing=int)
    spec = EntryPointSpec(name=name, options=options)
    with pytest.raises(ValueError, match=words):
        spec.build()


def test_every_kind_is_known_by_its_own_name_and_says_what_it_is() -> None:
    assert {kind: spec.model_fields["kind"].default for kind, spec in DEVICES.items()} == {
        kind: kind for kind in DEVICES
    }
    assert all(spec.__doc__ and "\n" not in spec.__doc__ for spec in DEVICES.values())
    published = [name for spec in DEVICES.values() for name in spec.published()]
    assert published == list(PUBLISHED_DEVICES)
    assert {"pcm", "hermes-1", "hermes-2", "reram-wan2022", "reram-cmo", "ideal"} <= set(published)
