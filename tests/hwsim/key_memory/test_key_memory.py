"""Keys on devices against their cosines in floating point, and against what binarisation is known to do."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import hwsim
from hwsim.key_memory import sharpened


def randn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


KEYS = randn(60, 300) + 0.2  # more ones than zeros, of numbers that differ
LABELS = torch.arange(60) // 5 * 10
QUERIES = 0.8 * KEYS[::5] + randn(12, 300, seed=1)
COSINE = F.cosine_similarity(QUERIES[:, None], KEYS[None], dim=2)
OF_SIGNS = QUERIES.sign() @ KEYS.sign().T / 300


def memory(hardware="floating-point", **values) -> hwsim.KeyMemory:
    found = hwsim.KeyMemory(300, 60, hardware, **values)
    found.write(KEYS, LABELS)
    return found


KINDS = [
    ("real", "complementary"),
    ("bipolar", "complementary"),
    ("bipolar", "single"),
    ("binary", "complementary"),
    ("binary", "single"),
]


@pytest.mark.parametrize(("keys", "devices"), KINDS)
def test_cosines_are_exact_on_ideal_tiles_of_any_size(keys: str, devices: str) -> None:
    wanted = COSINE if keys == "real" else OF_SIGNS
    tiles = hwsim.preset("floating-point").replace({"tile.rows": 64, "tile.columns": 50})
    one_scale = hwsim.preset("floating-point").replace({"converters.weight_scaling": "layer"})
    for hardware in ("floating-point", tiles, one_scale):
        assert torch.allclose(
            memory(hardware, keys=keys, devices=devices).similarity(QUERIES), wanted, atol=1e-5
        )
    eight_bit = memory("ideal-8bit", keys=keys, devices=devices).similarity(QUERIES)
    assert 0 < (eight_bit - wanted).std() < 0.012


@pytest.mark.parametrize(("keys", "devices"), KINDS)
def test_on_devices_cosines_are_near_and_drift_is_compensated(keys: str, devices: str) -> None:
    wanted = COSINE if keys == "real" else OF_SIGNS
    found = memory("pcm-hermes-1", keys=keys, devices=devices)
    errors = [float((found.similarity(QUERIES, at) - wanted).std()) for at in (1, "1 day", "1 year")]
    assert 0.004 < errors[0] < 0.025 and errors[0] < errors[2] < 0.04
    assert abs(float((found.similarity(QUERIES, "1 year") - wanted).mean())) < 0.02
    assert (found.predict(QUERIES, "1 day") == LABELS[::5]).float().mean() > 0.9


def test_without_compensation_one_scale_is_lost_and_the_decision_is_not() -> None:
    plain = hwsim.preset("pcm-hermes-1").replace({"compensation.kind": "none"})
    found = memory(plain, keys="bipolar")
    early, late = (found.similarity(QUERIES, at) for at in (1, "1 year"))
    assert float((late * early).sum() / (early * early).sum()) < 0.9
    assert (found.predict(QUERIES, "1 year") == LABELS[::5]).float().mean() > 0.9


def test_the_ones_of_binary_keys_are_an_offset_unless_counted() -> None:
    counted, balanced = (memory(corrects_offsets=corrects).similarity(QUERIES) for corrects in (True, False))
    assert torch.allclose(counted, OF_SIGNS, atol=1e-5)
    ones = (KEYS >= 0).float().sum(1)
    assert torch.allclose(balanced - counted, ((2 * ones - 300) / 300).expand(12, -1), atol=1e-5)


def test_a_device_has_one_side_or_two() -> None:
    assert (
        memory(devices="single").n_devices == 18_000 and memory(devices="complementary").n_devices == 36_000
    )
    assert memory().devices == "single" and memory(keys="bipolar").devices == "complementary"


def test_keys_are_written_until_columns_are_full_and_then_cleared() -> None:
    step = hwsim.KeyMemory(300, 60, "pcm-hermes-1")
    for start, end in ((0, 20), (20, 45), (45, 60)):
        step.write(KEYS[start:end], LABELS[start:end])
    assert len(step) == 60 and step.classes.tolist() == list(range(0, 120, 10))
    assert float((step.similarity(QUERIES) - OF_SIGNS).std()) < 0.025
    with pytest.raises(ValueError, match=r"at most as many as columns that are left, 0 of 60, got 1"):
        step.write(KEYS[:1], LABELS[:1])
    before = step.similarity(QUERIES)
    step.clear()
    assert len(step) == 0
    step.write(KEYS, LABELS)
    assert not torch.equal(step.similarity(QUERIES), before)


def test_devices_are_those_of_a_seed_and_noise_is_that_of_a_read() -> None:
    one, two, other = (memory("pcm-hermes-1", seed=seed) for seed in (0, 0, 1))
    first, second = one.similarity(QUERIES), one.similarity(QUERIES)
    assert torch.equal(first, two.similarity(QUERIES)) and not torch.equal(first, second)
    assert not torch.equal(first, other.similarity(QUERIES))
    numpy = hwsim.KeyMemory(300, 60, "floating-point")
    numpy.write(KEYS.numpy(), LABELS.numpy())
    assert torch.allclose(numpy.similarity(QUERIES.numpy()), OF_SIGNS, atol=1e-5)


def test_scores_are_sums_of_attention_over_the_keys_of_a_class() -> None:
    found = memory(keys="real", sharpening="softabs")
    e = sharpened(COSINE, "softabs")
    wanted = (e / e.sum(1, keepdim=True)).view(12, 12, 5).sum(2)
    assert torch.allclose(found.scores(QUERIES), wanted, atol=1e-5)
    assert np.allclose(found.attention(QUERIES).sum(1), 1, atol=1e-5)
    plain = hwsim.KeyMemory(300, 60, "floating-point", keys="bipolar", sharpening="absolute")
    plain.write(torch.cat([KEYS[:1], -KEYS[1:2]]), [1, 2])
    assert torch.allclose(
        plain.attention(KEYS[:2])[1, 1] / plain.attention(KEYS[:2])[0, 0], torch.tensor(1.0), atol=0.05
    )


def test_softabs_is_that_of_its_formula() -> None:
    a = torch.linspace(-1, 1, 9)
    wanted = 1 / (1 + torch.exp(-10 * (a - 0.5))) + 1 / (1 + torch.exp(-10 * (-a - 0.5)))
    assert torch.allclose(sharpened(a, "softabs"), wanted)
    assert torch.equal(sharpened(a, "absolute"), a.abs()) and torch.equal(sharpened(a, "none"), a)


def test_faults_and_bent_currents_are_those_of_the_hardware() -> None:
    broken = hwsim.preset("pcm-hermes-1").replace({"faults.on": 0.05, "faults.off": 0.05})
    whole, faulty = (
        float((memory(on).similarity(QUERIES) - OF_SIGNS).std()) for on in ("pcm-hermes-1", broken)
    )
    assert faulty > 1.5 * whole
    resistive = {"device.kind": "reram-milo2022"}
    for devices in ("single", "complementary"):
        straight, bent = (
            memory(
                hwsim.preset("pcm-hermes-1").replace({**resistive, "device.amplitude_v": volts}),
                devices=devices,
            ).similarity(QUERIES)
            for volts in (None, 0.5)
        )
        assert float((straight - OF_SIGNS).std()) < 0.03
        assert not torch.allclose(straight, bent, atol=1e-3)


def test_a_read_costs_what_its_matrix_does() -> None:
    found = hwsim.KeyMemory(512, 500, "pcm-hermes-1").cost("hermes-64core", mode="one-phase")
    layer = {"name": "keys", "rows": 512, "columns": 500, "groups": 1, "positions": 1}
    assert (found.tiles_used, found.energy_uj) == (
        4,
        hwsim.cost([layer], "hermes-64core", mode="one-phase").energy_uj,
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: memory().similarity(QUERIES[:, :7]), r"`queries` must be real and `\(queries, 300\)`"),
        (
            lambda: hwsim.KeyMemory(300, 60, "ideal-8bit").write(KEYS[:, :7], LABELS),
            r"`keys` must be real and",
        ),
        (lambda: hwsim.KeyMemory(300, 59, "ideal-8bit").write(KEYS, LABELS), "59 of 59, got 60"),
        (lambda: hwsim.KeyMemory(300, 60, "ideal-8bit").write(KEYS, LABELS[:3]), "one a key"),
        (lambda: hwsim.KeyMemory(300, 60, "ideal-8bit").write(KEYS * np.nan, LABELS), "must be finite"),
        (lambda: hwsim.KeyMemory(300, 60, "ideal-8bit").predict(QUERIES), "must be written before"),
        (lambda: hwsim.KeyMemory(0, 60, "ideal-8bit"), "`width >= 1` must hold"),
        (lambda: memory(keys="real", devices="single"), "must be complementary for real keys"),
        (lambda: memory(keys="real", corrects_offsets=False), "must be left out for real keys"),
        (lambda: memory(keys="bipolar", corrects_offsets=False), "must be left out for bipolar keys"),
        (lambda: memory(devices=""), "`devices` must be one of single, complementary, got ''"),
        (lambda: memory(keys="binry"), "did you mean binary"),
        (lambda: memory("pcm-rasch2023").similarity(QUERIES, -5.0), "must hold"),
        (lambda: memory("reram-wan2022").similarity(QUERIES, "1 month"), "172800"),
        (lambda: memory(keys="real").write(KEYS[:1] * 0, LABELS[:1]), "columns that are left"),
        (
            lambda: hwsim.KeyMemory(9, 6, "ideal-8bit", keys="real").write(torch.zeros(1, 9), [0]),
            "key of zeros",
        ),
    ],
)
def test_what_cannot_be_is_told_in_a_line(call, message) -> None:
    with pytest.raises(ValueError, match=message) as told:
        call()
    assert "\n" not in str(told.value)


def test_offsets_are_corrected_or_not() -> None:
    with pytest.raises(TypeError, match="`corrects_offsets` must be True or False, got 1"):
        memory(corrects_offsets=1)


@pytest.mark.parametrize(("of_keys", "of_queries"), [(1e-10, 1e-10), (1, 1e20), (1e20, 1e20), (1e-36, 1)])
def test_cosines_do_not_depend_on_lengths(of_keys: float, of_queries: float) -> None:
    found = hwsim.KeyMemory(300, 60, "floating-point", keys="real")
    found.write(KEYS * of_keys, range(60))
    assert torch.allclose(found.similarity(QUERIES * of_queries), COSINE, atol=1e-5)


def test_labels_are_whole_numbers() -> None:
    empty = hwsim.KeyMemory(300, 60, "ideal-8bit")
    with pytest.raises(TypeError, match="one whole number a key, got lists of different length"):
        empty.write(KEYS, [[1], [2, 3], *range(58)])
    with pytest.raises(ValueError, match=r"must be below 2\*\*63, got 18446744073709551615"):
        empty.write(KEYS, np.full(60, 2**64 - 1, np.uint64))
    with pytest.raises(TypeError, match=r"must be whole numbers, got torch\.float32"):
        hwsim.KeyMemory(300, 60, "ideal-8bit").write(KEYS, LABELS.float())
