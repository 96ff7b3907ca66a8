"""Configurations of aihwkit as hardware, without aihwkit: objects with the fields that are read."""

from types import SimpleNamespace
from typing import Any

import pytest

import hwsim
from hwsim.interop.aihwkit_settings import PLAIN_IO, aihwkit_settings, hardware_of, steps_of


def _named(kind: str, **values: Any) -> Any:
    return type(kind, (SimpleNamespace,), {})(**values)


def configuration(**forward: Any) -> Any:
    plain = {
        **PLAIN_IO,
        "is_perfect": False,
        "inp_res": steps_of(8),
        "out_res": steps_of(8),
        "out_bound": 10.0,
        "inp_noise": 0.0,
        "out_noise": 0.0,
        "w_noise": 0.0,
        "w_noise_type": SimpleNamespace(name="NONE"),
        "noise_management": SimpleNamespace(name="NONE"),
        "bound_management": SimpleNamespace(name="NONE"),
        "ir_drop": 0.0,
        "ir_drop_g_ratio": 1 / 0.35 / 5e-6,
        "out_nonlinearity": 0.0,
    }
    mapping = SimpleNamespace(
        max_input_size=512,
        max_output_size=512,
        weight_scaling_columnwise=True,
        weight_scaling_omega=1.0,
        digital_bias=True,
    )
    device = _named(
        "ReRamWan2022NoiseModel",
        g_max=40.0,
        noise_scale=1.0,
        g_converter=_named("SinglePairConductanceConverter"),
    )
    return SimpleNamespace(
        forward=SimpleNamespace(**{**plain, **forward}),
        mapping=mapping,
        pre_post=SimpleNamespace(input_range=SimpleNamespace(enable=True)),
        noise_model=device,
        drift_compensation=None,
    )


def test_a_plain_configuration_loses_nothing() -> None:
    hardware, lost = hardware_of(configuration())
    assert lost == []
    assert (hardware.converters.out_bound, hardware.device.kind) == (10.0, "reram-wan2022")


@pytest.mark.parametrize("bound", [0.0, -1.0])
def test_an_adc_without_a_bound_gets_one_and_that_is_listed(bound: float) -> None:
    hardware, lost = hardware_of(configuration(out_bound=bound))
    assert hardware.converters.out_bound == 1000
    assert lost == [f"forward.out_bound {bound:g}: 1000 here, because an ADC needs a bound"]
    hardware, lost = hardware_of(configuration(out_bound=bound, out_res=-1.0))
    assert hardware.converters.out_bound is None and lost == []


def test_wires_of_another_ratio_are_listed() -> None:
    assert hardware_of(configuration(ir_drop=1.0))[1] == []
    (line,) = hardware_of(configuration(ir_drop=1.0, ir_drop_g_ratio=1e5))[1]
    assert line.startswith("forward.ir_drop_g_ratio 100000: that of 0.35 Ω and 5 µS")


def test_the_range_of_cmo_reram_is_that_of_the_device() -> None:
    settings, _ = aihwkit_settings(hwsim.preset("reram-cmo"))
    arguments = settings["noise_model"].arguments
    assert (arguments["g_max"], arguments["g_min"]) == (88.2, 9.0)


@pytest.mark.parametrize("call", [hwsim.to_aihwkit, hwsim.from_aihwkit])
def test_without_aihwkit_the_message_says_how_to_get_it(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hwsim.optional_library.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=rf"`{call.__name__}` needs aihwkit.*`pip install aihwkit`"):
        call(None)
