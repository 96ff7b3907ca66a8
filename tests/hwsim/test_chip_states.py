import copy
import pickle
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from hwsim.chip_states import ChipStates, Moved
from hwsim.devices import DeviceState

BYTES = 2 * 8 * 4
"""Of a state of `Counting`."""


class Counting:
    """Makes states of eight devices, and notes which and how many others were alive then."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.made: list[int] = []
        self.alive: list[int] = []
        self.seconds = seconds
        self._living: weakref.WeakSet[torch.Tensor] = weakref.WeakSet()

    def state_of(self, chip: int) -> DeviceState:
        self.made.append(chip)
        self.alive.append(len(self._living))
        time.sleep(self.seconds)
        g_us = torch.full((2, 8), float(chip))
        self._living.add(g_us)
        return {"g_us": g_us}


@pytest.mark.parametrize(
    ("kept", "made", "alive"), [(1, [0, 1, 2, 0], 0), (2, [0, 1, 2, 0], 1), (3, [0, 1, 2], 2)]
)
def test_the_latest_states_are_kept_and_never_one_more(kept, made, alive, monkeypatch) -> None:
    monkeypatch.setattr("hwsim.chip_states.KEPT_BYTES", kept * BYTES)
    source = Counting()
    states = ChipStates(source, 3)
    for chip in (0, 0, 1, 1, 2, 0):
        assert float(states.of(chip)["g_us"][0, 0]) == chip
    assert source.made == made
    assert max(source.alive) == alive


def test_a_state_that_is_used_again_outlives_older_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hwsim.chip_states.KEPT_BYTES", 2 * BYTES)
    states = ChipStates(source := Counting(), 3)
    for chip in (0, 1, 0, 2, 0):
        states.of(chip)
    assert source.made == [0, 1, 2]


def test_states_that_are_held_stay_until_others_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hwsim.chip_states.KEPT_BYTES", 1)
    states = ChipStates(source := Counting(), 9)
    states.hold(range(4))
    for chip in (0, 1, 2, 3, 0, 1, 2, 3):
        states.of(chip)
    assert source.made == [0, 1, 2, 3]
    states.hold(range(4, 6))
    for chip in (4, 5, 4, 0):
        states.of(chip)
    assert source.made == [0, 1, 2, 3, 4, 5, 0]
    assert max(source.alive) == 3


def test_threads_that_ask_for_one_chip_share_its_state() -> None:
    states = ChipStates(source := Counting(seconds=0.05), 4)
    barrier = threading.Barrier(8)

    def ask(number: int) -> DeviceState:
        barrier.wait()
        return states.of(number % 2)

    with ThreadPoolExecutor(8) as executor:
        found = list(executor.map(ask, range(8)))
    assert sorted(source.made) == [0, 1]
    assert all(state is found[number % 2] for number, state in enumerate(found))


def test_a_chip_that_failed_is_made_when_it_is_asked_for_again() -> None:
    class Failing(Counting):
        def state_of(self, chip: int) -> DeviceState:
            state = super().state_of(chip)
            if len(self.made) == 1:
                raise ValueError("not yet")
            return state

    states = ChipStates(Failing(), 1)
    with pytest.raises(ValueError, match="not yet"):
        states.of(0)
    assert states.of(0)["g_us"].shape == (2, 8)


def test_copies_start_with_nothing_kept() -> None:
    states = ChipStates(Moved(Stored(), "cpu"), 2)
    states.of(0)
    for copied in (copy.deepcopy(states), pickle.loads(pickle.dumps(states))):
        assert copied.n == 2
        assert torch.equal(copied.of(1)["g_us"], states.of(1)["g_us"])


class Stored:
    """Makes states, and can be sent to other processes."""

    def state_of(self, chip: int) -> DeviceState:
        return {"g_us": torch.full((2, 8), float(chip))}
