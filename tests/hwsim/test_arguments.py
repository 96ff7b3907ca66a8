"""What a caller may get wrong: one line that names the rule and the value."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

import hwsim
from hwsim.hardware import explain


class Bench:
    """A network of two layers on chips, with data that fit it."""

    def __init__(self) -> None:
        self.hardware = hwsim.preset("pcm-analognas")
        self.model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))
        self.x = torch.rand(8, 4, generator=torch.Generator().manual_seed(0))
        self.y = torch.arange(8) % 3
        self.net = hwsim.to_analog(self.model, self.hardware)
        hwsim.calibrate(self.net, self.x)
        self.chips = hwsim.program(self.net, n=2)

    def curve(self, **changes: Any) -> hwsim.DriftCurve:
        given = {"chips": self.chips, "x": self.x, "y": self.y, "times_s": [1.0], **changes}
        return hwsim.accuracy_over_time(**given)

    def train(self, **changes: Any) -> hwsim.HwaTraining:
        return hwsim.HwaTraining(**{"net": self.net, "generator": torch.Generator(), **changes})

    def distil(self, **changes: Any) -> torch.Tensor:
        scores = torch.rand(2, 3)
        given = {"logits": scores, "teacher_logits": scores, "y": torch.tensor([0, 1]), **changes}
        return hwsim.distillation_loss(**given)


class Pair(nn.Module):
    """A network that does not return scores."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> Any:
        return self.layer(x), x


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


def _spoilt(b: Bench, name: str, value: float = float("nan")) -> nn.Module:
    """The analog network with one number that is not finite."""
    net = copy.deepcopy(b.net)
    with torch.no_grad():
        net.state_dict()[name].view(-1)[0] = value
    return net


def _mixed(b: Bench) -> nn.Module:
    return nn.Sequential(b.net, hwsim.to_analog(nn.Linear(3, 3), "reram-cmo"))


def _evaluate_pair(b: Bench) -> object:
    net = hwsim.to_analog(Pair(nn.Linear(4, 3)), "floating-point")
    return b.curve(chips=hwsim.program(net, n=1))


WRONG: dict[str, tuple[Callable[[Bench], object], type[Exception], str]] = {
    # accuracy_over_time
    "a network as chips": (lambda b: b.curve(chips=b.net), TypeError, r"`chips`.*got Sequential: call hwsim.program"),
    "chips at once: none": (lambda b: b.curve(chips_at_once=None), TypeError, "`chips_at_once`.*got None"),
    "chips at once: a word": (lambda b: b.curve(chips_at_once="two"), TypeError, "`chips_at_once`.*got 'two'"),
    "chips at once: 0": (lambda b: b.curve(chips_at_once=0), ValueError, "`chips_at_once >= 1`.*got 0"),
    "progress: a word": (lambda b: b.curve(progress="yes"), TypeError, "`progress` must be True, False.*got .yes."),
    "half a batch": (lambda b: b.curve(batch_size=0.5), TypeError, "`batch_size`.*whole.*got 0.5"),
    "confidence: a word": (lambda b: b.curve(confidence="0.2"), TypeError, "`confidence`.*got '0.2': points"),
    "confidence: nan": (lambda b: b.curve(confidence=float("nan")), ValueError, "`confidence > 0`.*nan"),
    "a class too many": (lambda b: b.curve(y=b.y + 1), ValueError, r"`0 <= y < 3`.*3 outputs, got 3"),
    "a class below 0": (lambda b: b.curve(y=b.y - 1), ValueError, r"`0 <= y < 3`.*got -1"),
    "one-hot": (lambda b: b.curve(y=torch.eye(8)), ValueError, r"`\(images,\)`, got \(8, 8\).*argmax\(1\)"),
    "classes as floats": (lambda b: b.curve(y=b.y.float()), TypeError, r"whole.*float32: pass y.long\(\)"),
    "classes as a list": (lambda b: b.curve(y=b.y.tolist()), TypeError, r"`y`.*got list: torch.as_tensor"),
    "a single class": (lambda b: b.curve(y=torch.tensor(1)), ValueError, r"`y`.*got \(\)"),
    "fewer classes": (lambda b: b.curve(y=b.y[:-1]), ValueError, "same length.*got 8 and 7"),
    "no images": (lambda b: b.curve(x=b.x[:0], y=b.y[:0]), ValueError, "at least 1, got 0 and 0"),
    "images as a list": (lambda b: b.curve(x=[[1.0]]), TypeError, r"`x\[0\]`.*got list"),
    "a single number": (lambda b: b.curve(x=torch.tensor(1.0)), ValueError, r"`x` must be `\(images, \.\.\.\)`"),
    "words as images": (lambda b: b.curve(x=np.array(["a"] * 8)), TypeError, "`x` must hold numbers"),
    "whole images": (lambda b: b.curve(x=torch.ones(8, 4).long()), ValueError, r"`x`.*\(8, 4\) torch.int64"),
    "wide images": (lambda b: b.curve(x=torch.ones(8, 5)), ValueError, r"\(batch, \.\.\., 4\)`, got \(8, 5\)"),
    "nan in images": (lambda b: b.curve(x=b.x * float("nan")), ValueError, "`x` must be finite"),
    "scores of another shape": (_evaluate_pair, ValueError, "`accuracy` needs one tensor of outputs, got tuple: "),
    "scores of a sequence": (lambda b: b.curve(x=b.x[:, None]), ValueError, r"outputs \(images, 1, 3\): classes"),
    "times: a word": (lambda b: b.curve(times_s="a day"), ValueError, "`times_s` must be seconds.*got 'a day'"),
    "times: words": (lambda b: b.curve(times_s=["1 dya"]), ValueError, "`times_s`.*got '1 dya'"),
    "times: below 0": (lambda b: b.curve(times_s="-1 day"), ValueError, "`times_s`.*at least 0 s"),
    "times: none": (lambda b: b.curve(times_s=None), TypeError, "`times_s`.*got None: times are seconds or texts"),
    "times: nan": (lambda b: b.curve(times_s=[float("nan")]), ValueError, "`times_s` must be finite"),
    "times: in a table": (lambda b: b.curve(times_s=np.ones((2, 2))), TypeError, "`times_s`.*got ndarray"),
    "too few to adapt": (lambda b: b.curve(adabs_inputs=b.x[:1]), ValueError, "`adabs_inputs`.*at least 2.*got 1"),
    "too wide to adapt": (lambda b: b.curve(adabs_inputs=torch.ones(8, 5)), ValueError, r", 4\)`, got \(8, 5\)"),
    "whole to adapt": (
        lambda b: b.curve(adabs_inputs=torch.ones(8, 4).long()),
        ValueError,
        "`adabs_inputs`.*int64",
    ),
    "labels to adapt": (lambda b: b.curve(adabs_inputs="x"), TypeError, "`adabs_inputs`.*got 'x'"),
    # program, chips
    "half a chip": (lambda b: hwsim.program(b.net, n=2.5), TypeError, "`n` must be a whole number, got 2.5"),
    "true chips": (lambda b: hwsim.program(b.net, n=True), TypeError, "`n`.*got True"),
    "no chips": (lambda b: hwsim.program(b.net, n=0), ValueError, "`1 <= n <= .*got 0"),
    "a seed in letters": (lambda b: hwsim.program(b.net, n=1, seed="a"), TypeError, "`seed`.*got 'a'"),
    "a first below 0": (lambda b: hwsim.program(b.net, n=1, first=-1), ValueError, "`first >= 0`.*got -1"),
    "chips to program": (lambda b: hwsim.program(b.chips, n=1), TypeError, "`net`.*got Chips: pass chips.net"),
    "a digital network": (lambda b: hwsim.program(b.model, n=1), ValueError, "call hwsim.to_analog first"),
    "two hardwares": (lambda b: hwsim.program(_mixed(b), n=1), ValueError, "same memory device.*`0.0`.*cmo in `1`"),
    "an unknown layer": (lambda b: b.chips.conductances("foo"), ValueError, "`layer`.*`0`, `2`, got 'foo'"),
    "a layer's number": (lambda b: b.chips.conductances(0), ValueError, "`layer`.*got 0"),
    "an unknown chip": (lambda b: b.chips.at(1, 99), ValueError, "`0 <= chip <= 1`.*got 99"),
    "the last chip": (lambda b: b.chips.at(1, -1), ValueError, "`0 <= chip <= 1`.*got -1"),
    "at a word": (lambda b: b.chips.at("soon", 0), ValueError, "`t_s`.*'soon'"),
    "to nowhere": (lambda b: b.chips.to("nowhere"), ValueError, "`device`.*'nowhere'"),
    "to what is no device": (lambda b: b.chips.to(2.5), ValueError, "`device`.*2.5"),
    # to_analog and back
    "no model": (lambda b: hwsim.to_analog(3, b.hardware), TypeError, "`model`.*got 3"),
    "a class": (lambda b: hwsim.to_analog(nn.Linear, b.hardware), TypeError, "`model`.*got Linear itself"),
    "hardware: a number": (lambda b: hwsim.to_analog(b.model, 3), TypeError, "`hardware`.*got 3"),
    "nothing analog": (lambda b: hwsim.to_analog(nn.ReLU(), "reram-cmo"), ValueError, "`model`.*weights.*got none"),
    "all digital": (lambda b: hwsim.to_analog(b.model, b.hardware, nn.Linear), ValueError, "got only digital"),
    "analog already": (lambda b: hwsim.to_analog(b.net, b.hardware), ValueError, "hwsim.to_digital"),
    "a layer kept": (lambda b: hwsim.to_analog(b.model, b.hardware, [b.model[0]]), TypeError, "got Linear: names"),
    "a type kept": (lambda b: hwsim.to_analog(b.model, b.hardware, [int]), TypeError, "got int itself"),
    "a misspelt layer": (
        lambda b: hwsim.to_analog(nn.ModuleDict({"head": b.model}), b.hardware, "haed"),
        ValueError,
        r"(?s)`haed` in `digital_layers`: .*did you mean head\?",
    ),
    "double": (lambda b: hwsim.to_analog(nn.Linear(2, 2).double(), "reram-cmo"), ValueError, r"model.float\(\)"),
    "to digital: a number": (lambda b: hwsim.to_digital(3), TypeError, "`net`.*got 3"),
    "to digital: chips": (lambda b: hwsim.to_digital(b.chips), TypeError, "got Chips: pass chips.net"),
    "tiles of a number": (lambda b: hwsim.tile_map(3), TypeError, "`net`.*got 3"),
    "parameters of a model": (lambda b: hwsim.analog_parameters(b.model), ValueError, "to_analog first"),
    "a layer of words": (lambda b: hwsim.AnalogLinear("a", b.hardware), TypeError, "`layer`.*got 'a'"),
    "a layer of another kind": (
        lambda b: hwsim.AnalogConv2d(nn.Conv1d(1, 1, 1), b.hardware),
        TypeError,
        "`layer`.*Conv2d, got Conv1d",
    ),
    "a layer on a name": (lambda b: hwsim.AnalogLinear(b.model[0], "pcm"), TypeError, "`hardware`.*got 'pcm'"),
    "words into a layer": (lambda b: b.net[0]("words"), TypeError, "inputs.*got 'words'"),
    # calibrate
    "calibrate: a number": (lambda b: hwsim.calibrate(b.net, 5), TypeError, "`batches`.*got 5"),
    "calibrate: words": (lambda b: hwsim.calibrate(b.net, "ab"), TypeError, r"`batches\[0\]`.*got 'a'"),
    "calibrate: three parts": (lambda b: hwsim.calibrate(b.net, [(b.x, b.x, b.y)]), ValueError, "got 3 parts"),
    "calibrate: an empty batch": (lambda b: hwsim.calibrate(b.net, [b.x[:0]]), ValueError, r"`batches\[0\]`.*none"),
    "calibrate: a dict": (lambda b: hwsim.calibrate(b.net, {"x": b.x}), ValueError, r"`batches\[0\]`.*got x \(8, 4\)"),
    "calibrate: whole numbers": (lambda b: hwsim.calibrate(b.net, b.x.long()), ValueError, "torch.int64"),
    "calibrate: n_std": (
        lambda b: hwsim.calibrate(b.net, b.x, method="std", n_std="3"),
        TypeError,
        "`n_std`.*got '3'",
    ),
    "calibrate: method": (lambda b: hwsim.calibrate(b.net, b.x, method=3), ValueError, "`method`.*got 3"),
    # hardware
    "preset: a number": (lambda b: hwsim.preset(3), TypeError, "`hardware`.*pcm-rasch2023.*got 3"),
    "replace: a number": (lambda b: b.hardware.replace(3), TypeError, "`changes`.*got 3"),
    "replace: a number for a key": (lambda b: b.hardware.replace({3: 1}), TypeError, "`changes`.*got 3"),
    "replace: misspelt": (
        lambda b: b.hardware.replace({"compensation.kin": "none"}),
        ValueError,
        r"`compensation.kin` is no field of hardware, did you mean compensation.kind\?",
    ),
    "replace: misspelt above": (
        lambda b: b.hardware.replace({"compensaton.kind": "none"}),
        ValueError,
        r"did you mean compensation.kind\?",
    ),
    "replace: of another device": (
        lambda b: b.hardware.replace({"device.device_per_weight": 1}),
        ValueError,
        "no field of hardware with a device of kind pcm$",
    ),
    "replace: of a known other device": (
        lambda b: b.hardware.replace({"device.latest_s": 1e8}),
        ValueError,
        "`device.latest_s` is no field of hardware with a device of kind pcm, it belongs to kind polynomial$",
    ),
    "replace: without its part": (
        lambda b: b.hardware.replace({"latest_s": 1e8}),
        ValueError,
        r"`latest_s` is no field of hardware, did you mean device.latest_s of kind polynomial\?",
    ),
    "explain: a number": (lambda b: list(explain(3)), TypeError, "`spec`.*got 3"),  # type: ignore[arg-type]
    "times of a name": (lambda b: hwsim.check_times("pcm", [1]), TypeError, "`hardware`.*got 'pcm'"),
    "times of a word": (lambda b: hwsim.check_times(b.hardware, "day"), ValueError, "`times_s`.*got 'day'"),
    # training
    "train: a model": (lambda b: b.train(net=b.model), ValueError, "to_analog first"),
    "train: no generator": (lambda b: b.train(generator=0), TypeError, "`generator`.*got 0"),
    "train: noise": (lambda b: b.train(weight_noise="a"), TypeError, "`weight_noise`.*got 'a'"),
    "train: endless noise": (lambda b: b.train(weight_noise=float("inf")), ValueError, "`weight_noise`.*inf"),
    "train: half a step": (lambda b: b.train(ramp_steps=2.5), TypeError, "`ramp_steps`.*got 2.5"),
    "train: clipping": (lambda b: b.train(clip_sigma=0), ValueError, "`clip_sigma > 0`.*None switches it off"),
    "train: modifier": (lambda b: b.train(modifier="noise"), ValueError, "`modifier`.*got 'noise'"),
    "distil: temperature": (lambda b: b.distil(temperature="hot"), TypeError, "`temperature`.*got 'hot'"),
    "distil: share": (lambda b: b.distil(teacher_share=2), ValueError, "`0 <= teacher_share <= 1`.*got 2"),
    "distil: shapes": (
        lambda b: b.distil(teacher_logits=torch.rand(1, 3)),
        ValueError,
        r"same shape, got \(2, 3\) and \(1, 3\)",
    ),
    "distil: numpy": (lambda b: b.distil(logits=np.ones((2, 3))), TypeError, "`logits`.*got ndarray"),
    # what is not finite inside of the network
    "program: a bias": (lambda b: hwsim.program(_spoilt(b, "2.bias"), n=1), ValueError, r"NaN or infinity in 2\.bias"),
    "program: a range": (lambda b: hwsim.program(_spoilt(b, "0.input_range"), n=1), ValueError, r"0\.input_range"),
    "calibrate: a weight": (
        lambda b: hwsim.calibrate(_spoilt(b, "0.weight"), b.x),
        ValueError,
        "inputs of every analog layer must be finite, got NaN or infinity at 2: check",
    ),
    "run: an endless range": (
        lambda b: _spoilt(b, "0.input_range", float("inf"))(b.x),
        ValueError,
        r"`input_range > 0`.*\[inf\]: call hwsim.calibrate",
    ),
    # curves
    "curve: a list": (lambda b: hwsim.DriftCurve((1.0,), [[0.5]]), TypeError, "`accuracy`.*got list"),  # type: ignore[arg-type]
    "curve: no chip": (lambda b: hwsim.DriftCurve((1.0,), np.ones((1, 0))), ValueError, r"got \(1, 0\)"),
    "curve: times in a word": (
        lambda b: hwsim.DriftCurve("ab", np.ones((2, 1))),  # type: ignore[arg-type]
        TypeError,
        "`times_s`.*got 'ab'",
    ),
    "curve: at a word": (lambda b: b.curve().at("1 day"), ValueError, "`t_s`.*times 1 s, got 86400"),
    "curve: a row too few": (
        lambda b: hwsim.DriftCurve((1.0, 2.0), np.ones((1, 3))),
        ValueError,
        r"`\(2, chips\)`, got \(1, 3\)",
    ),
    "curve: minus a number": (lambda b: b.curve().minus(3), TypeError, "`other`.*got 3"),
    # files
    "save: a network": (lambda b: hwsim.save_chips(b.net, "chips"), TypeError, "`chips`.*got Sequential"),
    "save: a number": (lambda b: hwsim.save_chips(b.chips, 3), TypeError, "`path`.*got 3"),
    "save: no folder": (
        lambda b: hwsim.save_chips(b.chips, Path("no") / "folder" / "chips"),
        ValueError,
        "`path`.*create no/folder first",
    ),
    "save: a folder": (lambda b: hwsim.save_chips(b.chips, Path("/")), ValueError, "`path`.*can be written"),
    "load: no file": (lambda b: hwsim.load_chips(b.net, "no.safetensors"), ValueError, "no.safetensors.*[Nn]o such"),
    "load: for chips": (lambda b: hwsim.load_chips(b.chips, "a"), TypeError, "`net`.*got Chips"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_in_one_line(case: str, bench: Bench) -> None:
    wrong, kind, words = WRONG[case]
    with pytest.raises(kind, match=words) as caught:
        wrong(bench)
    assert caught.type is kind
    if "misspelt layer" not in case and case != "double":  # those list every layer in a line of its own
        assert "\n" not in str(caught.value)


def test_numpy_and_single_numbers_are_as_good(bench: Bench) -> None:
    expected = bench.curve(times_s=[5.0]).accuracy
    x, y = bench.x.double().numpy(), bench.y.numpy().astype(np.uint8)
    for times_s in (5, 5.0, [5], np.array([5]), np.float32(5), torch.tensor(5.0), torch.tensor([5]), (5.0,)):
        curve = bench.curve(x=x, y=y, times_s=times_s, batch_size=np.int64(3))
        assert np.array_equal(curve.accuracy, expected)
        assert curve.times_s == (5.0,)
    again = hwsim.program(bench.net, n=np.int64(2), seed=np.uint8(0))
    assert torch.equal(again.conductances("2"), bench.chips.conductances("2"))


def test_numpy_batches_calibrate_like_tensors(bench: Bench) -> None:
    ranges = []
    for batches in (bench.x, bench.x.numpy(), [bench.x.double().numpy()]):
        net = hwsim.to_analog(bench.model, bench.hardware)
        hwsim.calibrate(net, batches)
        ranges.append(net[0].input_range.item())
    assert ranges[0] > 0
    assert ranges == [ranges[0]] * 3


def test_layers_that_stay_digital_may_come_without_a_list(bench: Bench) -> None:
    for one in ("0", ("0",), ["0"]):
        net = hwsim.to_analog(bench.model, bench.hardware, one)
        assert [type(layer) for layer in net] == [nn.Linear, nn.ReLU, hwsim.AnalogLinear]


def test_another_device_comes_with_its_own_values() -> None:
    hardware = hwsim.preset("pcm-hermes-1")
    changed = hardware.replace(
        {"device.kind": "polynomial", "device.g_max_us": 20, "device.programming_us": [1]}
    )
    assert changed.device.model_dump()["programming_us"] == (1.0,)
    assert hardware.replace({"tile": {"rows": 128}}).tile.columns == 256
    assert hardware.replace({"compensation.kind": "none"}).compensation.readout == "exact"


def test_a_file_of_another_network_is_told(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "chips.safetensors"
    hwsim.save_chips(bench.chips, path)
    other = nn.Sequential(*bench.model[:2], nn.Linear(6, 3), nn.BatchNorm1d(3))
    with pytest.raises(ValueError, match=r"network that was programmed.*3\.weight"):
        hwsim.load_chips(hwsim.to_analog(other, bench.hardware), path)


DAMAGED: dict[str, tuple[Callable[[dict[str, str], dict[str, torch.Tensor]], object], str]] = {
    "no layers": (lambda m, t: m.pop("layers"), "must hold `seed`, `layers` and `hardware` of chips, got no 'layers'"),
    "a seed in letters": (lambda m, t: m.update(seed="x"), "must hold `seed`.*'x'"),
    "half of the hardware": (lambda m, t: m.update(hardware=m["hardware"][:40]), "must hold.*Invalid JSON"),
    "other hardware": (
        lambda m, t: m.update(hardware=m["hardware"].replace('"rows":512', '"rows":64')),
        r"the hardware of the chips in .*, pcm-analognas; it has tile\.rows 512 \(not 64\): call hwsim.to_analog with",
    ),
    "no drift": (lambda m, t: t.pop("state.nu"), r"g_us, nu, each `\(chips, 2, 42\)` float32, got g_us \(2, 2, 42\)"),
    "few devices": (lambda m, t: t.update({"state.nu": t["state.nu"][:, :, 1:].contiguous()}), r"nu \(2, 2, 41\)"),
    "nan": (lambda m, t: t["state.g_us"].fill_(float("nan")), "NaN or infinity in g_us"),
    "nan of the network": (lambda m, t: t["net.0.bias"].fill_(float("nan")), "NaN or infinity in 0.bias"),
    "negative": (lambda m, t: t["state.g_us"].neg_(), "`g_us >= 0` must hold, got -"),
    "whole numbers": (lambda m, t: t.update({"state.g_us": t["state.g_us"].int()}), r"g_us .* I32"),
    "a list of layers": (lambda m, t: m.update(layers="[1]"), "`layers` must be a mapping, got list"),
    "layers in another order": (
        lambda m, t: m.update(layers=json.dumps(dict(reversed(json.loads(m["layers"]).items())))),
        "their order is 2, 0 there and 0, 2 here",
    ),
    "a chip before the first": (lambda m, t: m.update(first="-5"), "`first >= 0` must hold, got -5"),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_file_of_chips_is_told_in_one_line(case: str, bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "chips.safetensors"
    hwsim.save_chips(bench.chips, path)
    with safe_open(path, "pt") as file:
        metadata, tensors = file.metadata(), load_file(path)
    damage, words = DAMAGED[case]
    damage(metadata, tensors)
    save_file(tensors, path, metadata)
    with pytest.raises(ValueError, match=words) as caught:
        hwsim.load_chips(bench.net, path)
    assert "\n" not in str(caught.value)
