import pytest

import hwsim


@pytest.mark.parametrize("name", hwsim.preset_names())
def test_every_preset_is_valid_cites_its_source_and_survives_json(name: str) -> None:
    hardware = hwsim.preset(name)
    assert hardware.name == name
    assert len(hardware.citation) > 20
    assert hwsim.Hardware.model_validate_json(hardware.model_dump_json()) == hardware


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"'pcm-rasch', did you mean pcm-rasch2023\?"):
        hwsim.preset("pcm-rasch")


@pytest.mark.parametrize(
    "changes",
    [
        {"converters.dac_bits": 0},
        {"converters.adc_bits": 1},
        {"mvm.output_noise": -0.1},
        {"mvm.output_noise": float("nan")},
        {"tile.rows": 0},
        {"device.g_max_us": 0},
        {"device.kind": "flash"},
        {"tile.depth": 3},
        {"colour": "red"},
        {"name.first": "x"},
    ],
)
def test_values_out_of_range_and_unknown_keys_are_rejected(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="`"):
        hwsim.preset("pcm-rasch2023").replace(changes)


def test_replace_changes_only_what_it_names() -> None:
    before = hwsim.preset("pcm-rasch2023")
    after = before.replace({"device.g_max_us": 20.0})
    assert after.device.g_max_us == 20.0
    assert after.replace({"device.g_max_us": 25.0}) == before


def test_a_bad_change_is_named_in_one_line() -> None:
    with pytest.raises(ValueError) as caught:
        hwsim.preset("pcm-rasch2023").replace({"converters.dac_bits": 1, "device.g_max_us": -1})
    message = str(caught.value)
    assert "`converters.dac_bits`: " in message and "`device.g_max_us`: " in message
    assert "\n" not in message
