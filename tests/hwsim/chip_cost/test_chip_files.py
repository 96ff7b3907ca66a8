"""Descriptions of chips: those that are known, and a user's own."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import hwsim
from hwsim.chip_cost.chip_files import chip_of
from hwsim.chip_cost.quantity import Constant
from hwsim.spec import Spec

OWN: dict[str, Any] = {
    "tile": {"rows": 64, "columns": 32},
    "modes": {
        "only": {
            "pulse": "1 ns",
            "overhead": "2 ns",
            "energy": {"row": "1 pJ", "column": "2 pJ", "cell": "3 fJ"},
        }
    },
}


def constants(spec: Spec) -> list[Constant]:
    found = []
    for value in vars(spec).values():
        for one in value.values() if isinstance(value, dict) else [value]:
            if isinstance(one, Constant):
                found.append(one)
            elif isinstance(one, Spec) and not isinstance(one, hwsim.Hardware):
                found += constants(one)
    return found


@pytest.mark.parametrize("name", hwsim.chip_names())
def test_every_constant_of_a_described_chip_has_a_source(name: str) -> None:
    chip = hwsim.chip(name)
    assert chip.name == name
    assert len(chip.citation) > 20
    assert chip.excluded
    found = constants(chip)
    assert len(found) >= 5
    assert all(constant.source for constant in found)
    assert chip_of(chip.model_dump()) == chip


def test_the_mode_of_hermes_is_the_one_that_its_accuracies_belong_to() -> None:
    chip = hwsim.chip("hermes-64core")
    assert chip.mode == "four-phase"
    assert chip.hardware == hwsim.preset("pcm-hermes-2")
    assert chip.tile == chip.hardware.tile
    assert chip.mvm_s() == pytest.approx(520e-9)
    assert chip.mvm_s("one-phase") == pytest.approx(133e-9)


def test_the_bits_of_aon_cim_scale_its_pulses() -> None:
    chip = hwsim.chip("aon-cim")
    assert chip.mvm_s("8-bit") == pytest.approx(4 * 131e-9)
    assert chip.mvm_s("4-bit") == pytest.approx(4 * 11e-9)
    assert [constant.tag for constant in constants(chip.modes["6-bit"].energy)] == ["unverified"] * 3


def test_a_bit_serial_input_takes_a_pulse_a_bit() -> None:
    changes = {"modes": {"only": {**OWN["modes"]["only"], "input_coding": "bit-serial", "input_bits": 6}}}
    assert chip_of({**OWN, **changes}).mvm_s() == pytest.approx(8e-9)


def test_a_file_names_a_chip_and_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(
        "chip: hermes-64core\ntiles: 16\ntile: {rows: 128, columns: 128}\n"
        "modes: {one-phase: {overhead: 7 ns}}\nlink: {hop: 20 fJ/bit}\n"
    )
    chip = hwsim.read_chip(path)
    assert (chip.name, chip.tiles, chip.tile.rows) == ("small", 16, 128)
    assert chip.hardware is not None
    assert chip.hardware.tile == chip.tile
    assert chip.mvm_s("one-phase") == pytest.approx(135e-9)
    assert chip.modes["one-phase"].energy == hwsim.chip("hermes-64core").modes["one-phase"].energy
    assert chip.link.hop is not None
    assert chip.link.bits_per_cycle == 8


def test_a_whole_description_of_one_s_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({**OWN, "hardware": {"preset": "pcm-hermes-1", "tile": OWN["tile"]}}))
    chip = hwsim.read_chip(path)
    assert (chip.name, chip.mode, chip.tiles) == ("mine", "only", None)
    assert chip.hardware is not None
    assert chip.hardware.tile.columns == 32


@pytest.mark.parametrize(
    ("changes", "words"),
    {
        "no rows": (
            {"tile": {"rows": 0, "columns": 4}},
            "`tile.rows`: must be greater than or equal to 1, got 0",
        ),
        "one bit": ({"modes": {"only": {"input_bits": 1}}}, "`modes.only.input_bits`.*got 1"),
        "no tiles": ({"tiles": 0}, "`tiles`.*got 0"),
        "a missing constant": (
            {"modes": {"only": {"energy": {"cell": None}}}},
            "`modes.only.energy.cell`.*unit",
        ),
        "no unit": ({"static": 3}, "`static`: must have a unit, like `24 mW`, got 3"),
        "a wrong unit": ({"static": "3 ns"}, "`static`: must be in one of .*'3 ns'"),
        "an unknown variable": (
            {"link": {"hopp": "1 fJ/bit"}},
            "`link.hopp` is no variable.*did you mean hop",
        ),
        "an unknown mode": ({"mode": "fast"}, "`mode` must be one of only, got 'fast'"),
        "another tile": (
            {"hardware": "pcm-hermes-1"},
            "`tile` must be that of `hardware`, 256 × 256, got 64 × 32",
        ),
        "hardware out of range": (
            {"hardware": {"tile": {"rows": 0}}},
            "^`hardware.tile.rows`: must be greater than or equal to 1, got 0$",
        ),
        "a preset out of range": (
            {"hardware": {"preset": "pcm-hermes-1", "mvm": {"output_noise": -1}}},
            "^`hardware.mvm.output_noise`: must be greater than or equal to 0, got -1$",
        ),
        "hardware of an unknown field": (
            {"hardware": {"tile": {"row": 3}}},
            "^`hardware.tile.row` is no field of hardware, did you mean tile.rows",
        ),
        "hardware of an unknown part": (
            {"hardware": {"til": {"rows": 3}}},
            "^`hardware.til.rows` is no field of hardware, whose parts are",
        ),
        "hardware that does not go together": (
            {"hardware": {"tile": {"rows": True}}},
            "^`hardware.tile`: `rows` must not be true",
        ),
        "an adc for more columns than there are": ({"columns_per_adc": 33}, "`columns_per_adc`.*32.*got 33"),
    }.values(),
)
def test_what_is_no_chip_is_one_line(changes: dict[str, Any], words: str) -> None:
    from hwsim.chip_cost.chip_files import merged

    with pytest.raises(ValueError, match=words) as caught:
        chip_of(merged(OWN, changes))
    assert "\n" not in str(caught.value)


def test_a_constant_that_is_left_out_is_named() -> None:
    only = {key: value for key, value in OWN["modes"]["only"].items() if key != "overhead"}
    with pytest.raises(ValueError, match=r"^`modes.only.overhead` must be given"):
        chip_of({**OWN, "modes": {"only": only}})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "YAML file of a chip"),
        ("- 1", "must hold variables of a chip"),
        ("tiles: 1\ntiles: 2", "twice"),
    ],
)
def test_a_file_that_is_none_is_named(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "chip.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=re.escape(str(path)) + ".*" + words):
        hwsim.read_chip(path)


def test_an_unknown_chip_has_a_nearest_one() -> None:
    with pytest.raises(ValueError, match="got 'hermes-64', did you mean hermes-64core"):
        hwsim.cost([{"rows": 1, "columns": 1, "positions": 1}], "hermes-64")


def test_one_file_holds_a_chip_and_what_the_simulator_computes_with(tmp_path: Path) -> None:
    path = tmp_path / "both.yaml"
    path.write_text("chip: hermes-64core\nhardware: {preset: pcm-hermes-1, mvm: {output_noise: 0.02}}\n")
    chip = hwsim.read_chip(path)
    assert hwsim.read_hardware(path) == chip.hardware
    assert hwsim.read_hardware(path).mvm.output_noise == 0.02
    path.write_text("chip: aon-cim\n")
    with pytest.raises(ValueError, match="the chip aon-cim must have a section `hardware`"):
        hwsim.read_hardware(path)


def test_a_file_may_build_on_another_one_and_is_merged_key_by_key(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("chip: hermes-64core\nlink: {hop: 20 fJ/bit}\n")
    (tmp_path / "mine.yaml").write_text("chip: base.yaml\nlink: {hops: 3}\nmodes: {one-phase: {phases: 2}}\n")
    chip = hwsim.read_chip(tmp_path / "mine.yaml")
    assert chip.link.hop is not None
    assert (chip.link.hop.value, chip.link.hops, chip.link.bits_per_cycle) == ("20 fJ/bit", 3, 8)
    assert chip.modes["one-phase"].phases == 2
    smaller = chip_of({"chip": "mine.yaml", "tile": {"rows": 64, "columns": 32}}, folder=tmp_path)
    assert smaller.hardware is not None
    assert (smaller.tile.rows, smaller.hardware.tile.columns, smaller.link.hops) == (64, 32, 3)
    (tmp_path / "base.yaml").write_text("chip: mine.yaml\n")
    with pytest.raises(ValueError, match="must not lead back"):
        hwsim.read_chip(tmp_path / "mine.yaml")


@pytest.mark.parametrize(
    "changes",
    [
        {"static": "1e12 kW"},
        {"digital": {"clock": "0 Hz"}},
        {"modes": {"only": {**OWN["modes"]["only"], "pulse": "1e14 s"}}},
        {"buffer": {"capacity": "0 B"}},
    ],
)
def test_constants_that_no_chip_has_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must be from .* to .*, got '"):
        chip_of({**OWN, **changes})
