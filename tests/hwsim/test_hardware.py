from pathlib import Path

import pytest
import torch

import hwsim
from hwsim.hardware import explain


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
        {"tile.rows": True},
        {"device.g_max_us": True},
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


def test_a_label_names_what_differs_from_the_preset() -> None:
    published = hwsim.preset("pcm-analognas")
    assert hwsim.label(published) == "pcm-analognas"
    smaller = published.replace({"tile.rows": 256, "converters.adc_bits": None})
    assert hwsim.label(smaller) == "pcm-analognas with tile.rows 256, converters.adc_bits none"
    ideal = hwsim.label(published.replace({"device.kind": "ideal"}))
    assert ideal.startswith("pcm-analognas with ") and "device.kind ideal" in ideal
    values = {"s_shape": 0.1, "ir_drop": 1.0, "read_noise": 0.1, "input_noise": 0.1}
    many = smaller.replace({"mvm": values})
    assert hwsim.label(many) == "pcm-analognas with 6 other values"
    assert hwsim.label(hwsim.Hardware()) == "custom"


def test_a_bad_change_is_named_in_one_line() -> None:
    with pytest.raises(ValueError) as caught:
        hwsim.preset("pcm-rasch2023").replace({"converters.dac_bits": 1, "device.g_max_us": -1})
    message = str(caught.value)
    assert "`converters.dac_bits`: " in message and "`device.g_max_us`: " in message
    assert "\n" not in message


POLYNOMIAL = "device: {kind: polynomial, g_max_us: 25, programming_us"
OWN_DEVICE = {"kind": "polynomial", "g_max_us": 25.0, "programming_us": (0.5, 0.5), "drift_mean": (0.05,)}
EXTREMES = [
    ("tile.rows", 1, 65_536),
    ("converters.out_bound", 1e-6, 1e6),
    *((f"mvm.{name}", 0.0, 100.0) for name in hwsim.preset("pcm-rasch2023").mvm.model_dump()),
    *(
        ("device", {"kind": kind, name: low}, {"kind": kind, name: high})
        for kind in ("pcm", "hermes")
        for name, low, high in [
            ("programming_noise_scale", 0.0, 100.0),
            ("drift_scale", 0.0, 100.0),
            ("read_noise_scale", 0.0, 100.0),
        ]
    ),
    *(
        ("device", {"kind": kind, "g_max_us": 1e-3}, {"kind": kind, "g_max_us": 1e6})
        for kind in ("pcm", "ideal", "reram-wan2022")
    ),
    *(
        ("device", OWN_DEVICE | {name: low}, OWN_DEVICE | {name: high})
        for name, low, high in [
            ("programming_us", (-1e4,), (1e4,)),
            ("drift_mean", (-1e4,), (1e4,)),
            ("drift_std", (-1e4,), (1e4,)),
            ("read_noise", (-1e4,), (1e4,)),
            ("t0_s", 1e-9, 1e9),
            ("t_read_s", 1e-12, 1e3),
        ]
    ),
]


@pytest.mark.parametrize("compensation", ["none", "global", "column"])
@pytest.mark.parametrize(("path", "low", "high"), EXTREMES)
def test_hardware_at_its_bounds_still_computes_numbers(path: str, low, high, compensation: str) -> None:
    model = torch.nn.Linear(12, 5)
    x = torch.rand(6, 12, generator=torch.Generator().manual_seed(0))
    for value in (low, high):
        hardware = hwsim.preset("pcm-rasch2023").replace({path: value, "compensation.kind": compensation})
        net = hwsim.to_analog(model, hardware)
        hwsim.calibrate(net, [x])
        chips = hwsim.program(net, n=2, seed=0)
        latest_s = 86_400.0 if hardware.device.kind == "reram-wan2022" else 3e7
        reading = chips.at(latest_s, 0)
        tensors = [*reading.weights.values(), *(reading.compensation or {}).values()]
        assert all(torch.isfinite(tensor).all() for tensor in tensors), f"{path} = {value}"
        curve = hwsim.accuracy_over_time(chips, x, torch.zeros(6, dtype=torch.long), times_s=[1, latest_s])
        assert ((curve.accuracy >= 0) & (curve.accuracy <= 1)).all()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("device.g_max_us", 1e308),
        ("device.g_max_us", 1e-300),
        ("device.drift_scale", 1e308),
        ("converters.out_bound", 1e308),
        ("mvm.output_noise", 1e308),
        ("tile.rows", 10**30),
        ("device", OWN_DEVICE | {"drift_mean": (1e308,)}),
        ("device", OWN_DEVICE | {"t0_s": 1e308}),
    ],
)
def test_hardware_that_no_arithmetic_can_hold_is_rejected(path: str, value) -> None:
    with pytest.raises(ValueError, match=r"must be (less|greater) than or equal to"):
        hwsim.preset("pcm-rasch2023").replace({path: value})


def test_hardware_comes_from_a_file_that_names_a_preset_or_has_values_alone(tmp_path: Path) -> None:
    path = tmp_path / "chip.yaml"
    path.write_text("preset: pcm-hermes-1\ntile: {rows: 128}\n")
    assert hwsim.read_hardware(path) == hwsim.preset("pcm-hermes-1").replace({"tile.rows": 128})
    path.write_text("hardware: pcm-hermes-1\n")
    assert hwsim.read_hardware(path) == hwsim.preset("pcm-hermes-1")
    path.write_text("hardware: {device: {kind: ideal}, name: mine}\n")
    assert hwsim.read_hardware(str(path)) == hwsim.Hardware().replace(
        {"device.kind": "ideal", "name": "mine"}
    )


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("tile: {rows: 0}", ValueError, "`tile.rows`: .*got 0"),
        ("tile: {row: 1}", ValueError, "`tile.row` is no field.*did you mean tile.rows"),
        ("preset: pcm-rasch", ValueError, "did you mean pcm-rasch2023"),
        ("device: pcm", ValueError, "`device`: must be a mapping of its values, got 'pcm'"),
        ("device: {kind: foo}", ValueError, "`device.kind`: must be one of pcm, .*entry-point, got 'foo'"),
        ("mvm: {read_noise: true}", ValueError, "`mvm`: `read_noise` must not be true$"),
        ("preset: 3", TypeError, "must be one of .*got 3"),
        ("- 1", TypeError, "must hold values of hardware.*got list"),
        ("", TypeError, "got None"),
        ("a: [", ValueError, "must be a YAML file"),
        ("device: {kind: polynomial}", ValueError, "`device.g_max_us`: must be given"),
        (
            f"{POLYNOMIAL}: [a]}}",
            ValueError,
            r"`device.programming_us.0`: must be a valid number, [^`]*got 'a'$",
        ),
        (f"{POLYNOMIAL}: []}}", ValueError, r"`device.programming_us`: must have at least one .*, got \[\]$"),
        (f"{POLYNOMIAL}: 1}}", ValueError, "`device.programming_us`: must be a list of numbers, got 1$"),
    ],
)
def test_a_file_that_is_no_hardware_is_told_with_its_name(
    tmp_path: Path, text: str, kind: type[Exception], words: str
) -> None:
    path = tmp_path / "chip.yaml"
    path.write_text(text)
    with pytest.raises(kind, match=rf"chip\.yaml: .*{words}") as caught:
        hwsim.read_hardware(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(ValueError, match=r"absent\.yaml: must be a YAML file"):
        hwsim.read_hardware("absent.yaml")


@pytest.mark.parametrize("name", hwsim.preset_names())
def test_every_value_of_a_preset_is_explained_in_one_line(name: str) -> None:
    rows = list(explain(hwsim.preset(name)))
    assert all(meaning and "\n" not in meaning for _, _, meaning in rows)
    (kind,) = [meaning for path, _, meaning in rows if path == "device.kind"]
    assert "evice" in kind or "memory" in kind


def test_outputs_are_bounded_without_an_adc() -> None:
    bounded = hwsim.preset("floating-point").replace({"converters.out_bound": 0.5})
    layer = torch.nn.Linear(8, 3, bias=False)
    net, x = hwsim.to_analog(layer, bounded), torch.randn(40, 8, generator=torch.Generator().manual_seed(0))
    hwsim.calibrate(net, [x], method="max")
    bound = 0.5 * net.input_range * net.weight.abs().amax(1)
    torch.testing.assert_close(net(x), layer(x).clamp(-bound, bound))
    assert (net(x) != layer(x)).any()
    with pytest.raises(ValueError, match="`out_bound` must be a number with an ADC"):
        bounded.replace({"converters": {"adc_bits": 8, "out_bound": None}})


def test_a_key_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "chip.yaml"
    path.write_text("preset: pcm-rasch2023\ntile: {rows: 3, rows: 4}\n")
    with pytest.raises(ValueError, match="got `rows` twice"):
        hwsim.read_hardware(path)
    path.write_text("tile: &t {rows: *t}\n")
    with pytest.raises(ValueError, match="contains itself"):
        hwsim.read_hardware(path)


def test_hardware_prints_as_a_table_of_its_values() -> None:
    hardware = hwsim.preset("pcm-rasch2023").replace({"name": "mine", "tile.rows": 77})
    lines = str(hardware).splitlines()
    assert lines[0].split() == ["value", "mine", "meaning"]
    assert lines[1].startswith("tile.rows")
    assert " 77 " in lines[1]
    assert lines[-1].startswith("Rasch et al.")
    assert hardware._repr_html_().count("<tr>") == len(list(explain(hardware))) - 1
    assert "none" in str(hwsim.preset("floating-point"))
    polynomial = hwsim.Hardware().replace(
        {"device": {"kind": "polynomial", "g_max_us": 9, "programming_us": [0.5, 1.25]}}
    )
    assert " 0.5, 1.25 " in str(polynomial)
