import pytest

from hwsim.learning.update_time import ALGORITHMS, Machine, update_cost

PUBLISHED_NS = {"sgd": 30.9, "ttv2": 56.3, "c-ttv2": 56.3, "agad": 62.1, "mixed-precision": 3024.5}
"""Rasch et al. 2024, Table 1, in ns."""


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_times_are_the_published_ones(algorithm) -> None:
    assert update_cost(algorithm).time_ns == pytest.approx(PUBLISHED_NS[algorithm], abs=0.05)


def test_agad_with_short_trains_and_few_reads() -> None:
    assert update_cost("agad", Machine(slots=1, transfer_every=10)).time_ns == pytest.approx(17.1, abs=0.05)


@pytest.mark.parametrize("algorithm", ["ttv2", "c-ttv2", "agad"])
def test_without_reads_a_second_array_takes_no_time(algorithm) -> None:
    rare = update_cost(algorithm, Machine(transfer_every=1e9))
    assert rare.time_ns == pytest.approx(update_cost("sgd").time_ns, abs=1e-6)
    assert rare.memory_bits == pytest.approx(0, abs=1e-4)


def test_storage() -> None:
    n = 512
    assert {name: update_cost(name).storage_bytes for name in ALGORITHMS} == {
        "sgd": 2 * n,
        "ttv2": n**2 + 2 * n,
        "c-ttv2": n**2 + 2 * n,
        "agad": 3 * n**2 + 2 * n,
        "mixed-precision": n**2 + 200 * n,
    }


def test_traffic() -> None:
    n = 512
    bits = [update_cost(name).memory_bits for name in ALGORITHMS]
    assert bits == [26 * n, 8 * n, 9 * n, 25 * n, 16 * n**2 / 100]


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`transfer_every > 0` must hold, got 0"):
        Machine(transfer_every=0)
    with pytest.raises(ValueError, match=r"did you mean agad"):
        update_cost("agda")  # type: ignore[arg-type]
