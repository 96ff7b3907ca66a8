"""Calls side by side in processes: as calls here, only sooner."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest
import torch

from analognas.errors import UserError
from analognas.executors.place import Here, Place
from analognas.executors.process_place import ProcessPlace
from tests.analognas.executors import evaluations


@pytest.mark.parametrize("place", [Here(), ProcessPlace(1), ProcessPlace(2), ProcessPlace(8)])
def test_results_come_in_order_wherever_calls_run(tmp_path, place: Place) -> None:
    pids = tmp_path / "pids"
    assert list(place.map(evaluations.tripled_slowly, pids, [0, 1, 2])) == [0, 3, 6]
    here = set(pids.read_text().split()) == {str(os.getpid())}
    assert here == (isinstance(place, Here) or place._workers == 1)


def test_a_single_call_is_made_here(tmp_path) -> None:
    assert list(ProcessPlace(4).map(evaluations.tripled_slowly, tmp_path / "pids", [2])) == [6]
    assert (tmp_path / "pids").read_text().split() == [str(os.getpid())]


def test_tensors_are_shared() -> None:
    assert list(ProcessPlace(2).map(evaluations.sum_of, torch.ones(100), [1, 2])) == [
        (101.0, True),
        (102.0, True),
    ]


@pytest.mark.parametrize("place", [Here(), ProcessPlace(2)])
def test_an_error_comes_in_its_turn(place: Place) -> None:
    results = place.map(evaluations.refuse_one, "not this one", [0, 1, 2])
    assert next(results) == 0
    with pytest.raises(ValueError, match="not this one") as caught:
        next(results)
    if not isinstance(place, Here):
        assert "in refuse_one" in "".join(caught.value.__notes__)


def test_a_process_that_dies_is_told() -> None:
    results = ProcessPlace(2).map(evaluations.die_of_one, None, [0, 1])
    assert next(results) == 0
    with pytest.raises(UserError, match=r"executor: .* exit code -9; .*resume.*executor\.workers=1"):
        next(results)


def test_an_interruption_ends_the_processes(tmp_path: Path) -> None:
    wanted = tmp_path / "wanted"
    wanted.touch()
    interrupted: list[str] = []

    main, held_by = threading.main_thread().ident, tmp_path / "held"
    assert main is not None

    def interrupt() -> None:
        while not (held_by.exists() and held_by.read_text()):
            time.sleep(0.02)
        interrupted.append(held_by.read_text())
        signal.pthread_kill(
            main, signal.SIGINT
        )  # another thread would take it without waking the one that waits

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        list(ProcessPlace(2).map(evaluations.doubled_but_for_one, wanted, [1, 2, 3]))
    _, held = interrupted[0].split()
    assert not Path(f"/proc/{held}").exists()
