import json

import pytest
import torch
from torch import nn

import hwsim
from hwsim.hardware import explain
from hwsim.near_memory import FixedPointSpec, FloatingPointSpec

FIXED = {"digital.kind": "fixed-point"}


@pytest.mark.parametrize("name", hwsim.preset_names())
def test_presets_are_in_floating_point_and_equal_to_what_older_files_hold(name: str) -> None:
    hardware = hwsim.preset(name)
    assert hardware.digital == FloatingPointSpec()
    values = json.loads(hardware.model_dump_json())
    assert values.pop("digital") == {"kind": "floating-point"}
    assert hwsim.Hardware.model_validate_json(json.dumps(values)) == hardware
    assert hwsim.label(hwsim.Hardware.model_validate_json(json.dumps(values))) == name


def test_a_unit_is_one_change_of_a_label_and_survives_json() -> None:
    hardware = hwsim.preset("pcm-hermes-1").replace(FIXED)
    assert hwsim.label(hardware) == "pcm-hermes-1 with digital.kind fixed-point"
    finer = hardware.replace({"digital.scale_fraction": 9})
    assert hwsim.label(finer) == "pcm-hermes-1 with digital.kind fixed-point, digital.scale_fraction 9"
    assert hwsim.Hardware.model_validate_json(finer.model_dump_json()) == finer
    assert finer.replace({"digital.kind": "floating-point"}) == hwsim.preset("pcm-hermes-1")


def test_every_value_is_explained() -> None:
    rows = {path: meaning for path, _, meaning in explain(hwsim.preset("pcm-hermes-1").replace(FIXED))}
    own = {path: meaning for path, meaning in rows.items() if path.startswith("digital.")}
    assert set(own) == {f"digital.{name}" for name in FixedPointSpec.model_fields}
    assert all(len(meaning) > 20 for meaning in own.values())


WRONG = {
    "`1 <= scale_integer + scale_fraction": {"digital.scale_integer": 0, "digital.scale_fraction": 0},
    "offset must have 2 to 24 bits": {"digital.offset_integer": 1, "digital.offset_fraction": 0}
    | {"digital.offset_bits": "including-sign"},
    "`offset_integer >= 1` must hold": {"digital.offset_integer": 0, "digital.offset_fraction": 4}
    | {"digital.offset_bits": "including-sign"},
    "`digital.exponent_bits`": {"digital.exponent_bits": 0},
    "`digital.output_bits`": {"digital.output_bits": 1},
    "`digital.rounding`": {"digital.rounding": "nearest"},
    "`digital.overflow`": {"digital.overflow": "clip"},
    "`digital.scale` is no field": {"digital.scale": 8},
    "`converters.adc_bits` must be a number": {"converters.adc_bits": None},
    "`converters.input_scaling` must be static": {"converters.input_scaling": "dynamic"},
    "at most 48 bits, got 79": {"converters.adc_bits": 24, "digital.exponent_bits": 6}
    | {"digital.scale_integer": 8, "digital.product_fraction": 16},
}


@pytest.mark.parametrize("words", WRONG)
def test_a_mistake_is_one_line(words: str) -> None:
    with pytest.raises(ValueError) as caught:
        hwsim.preset("pcm-hermes-1").replace({**FIXED, **WRONG[words]})
    said = str(caught.value)
    assert words in said and "\n" not in said


def test_another_kind_and_values_of_another_kind_are_named() -> None:
    with pytest.raises(ValueError, match="must be one of floating-point, fixed-point, got 'float'"):
        hwsim.Hardware().replace({"digital.kind": "float"})
    with pytest.raises(ValueError, match="unit of kind floating-point, it belongs to kind fixed-point"):
        hwsim.Hardware().replace({"digital.scale_fraction": 9})
    with pytest.raises(ValueError, match=r"did you mean digital\.scale_fraction of kind fixed-point\?"):
        hwsim.Hardware().replace({"scale_fraction": 9})


def test_a_network_in_floating_point_has_no_more_in_its_state() -> None:
    net = hwsim.to_analog(nn.Linear(4, 2), "pcm-hermes-1")
    assert set(net.state_dict()) == {"weight", "bias", "input_range", "output_scale"}
    assert net.output_range is None
    fixed = hwsim.to_analog(nn.Linear(4, 2), hwsim.preset("pcm-hermes-1").replace(FIXED))
    assert set(fixed.state_dict()) == {*net.state_dict(), "output_range"}


def test_a_unit_that_is_not_calibrated_says_so() -> None:
    net = hwsim.to_analog(nn.Linear(4, 2), hwsim.preset("pcm-hermes-1").replace(FIXED))
    with pytest.raises(ValueError, match=r"`output_range > 0` must hold .*, got 0: call hwsim\.calibrate"):
        net(torch.ones(1, 4))
    with pytest.raises(ValueError, match="`net` must have a layer with a fixed-point unit, got none"):
        hwsim.fixed_point_report(hwsim.to_analog(nn.Linear(4, 2), "pcm-hermes-1"))


def test_words_that_wrap_cannot_be_trained() -> None:
    hardware = hwsim.preset("pcm-hermes-1").replace({**FIXED, "digital.overflow": "wrap"})
    with pytest.raises(ValueError, match=r"`digital\.overflow` must be saturate .*, got wrap"):
        hwsim.HwaTraining(hwsim.to_analog(nn.Linear(4, 2), hardware))
