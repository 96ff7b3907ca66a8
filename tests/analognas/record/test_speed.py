from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from analognas.record.journal import Journal
from analognas.record.speed import RECENT, recent_speed
from tests.analognas.record.builders import a_trial

START = datetime(2026, 1, 1, tzinfo=UTC)


def record(path: Path, ends_s: list[float], wall_time_s: float = 2.0) -> None:
    with Journal(path) as journal:
        for number, end_s in enumerate(ends_s, start=1):
            end = (START + timedelta(seconds=end_s)).isoformat(timespec="milliseconds")
            node = f"node-{number % 2}"
            journal.append(a_trial(number, finished_at=end, wall_time_s=wall_time_s, node=node))


@pytest.mark.parametrize(
    ("ends_s", "expected"),
    [
        ([], None),
        ([5.0], None),
        ([5.0, 5.0], None),
        ([0.0, 2.0, 4.0], 0.5),
        ([0.0, 2.0, 4.0, 90_000.0, 90_002.0], 0.5),  # stopped for a day
        ([0.0, 2.0, -100_000.0, -99_998.0], 0.5),  # the clock jumped
        ([4.0, 2.0, 0.0, 6.0], 0.5),  # recorded in the order of proposal
    ],
)
def test_the_speed_leaves_out_the_time_in_which_nothing_ran(tmp_path, ends_s, expected) -> None:
    record(tmp_path / "trials.jsonl", ends_s)
    speed = recent_speed(tmp_path / "trials.jsonl")
    assert speed.trials_a_second == expected
    assert speed.nodes == min(2, len(ends_s))
    assert speed.time_left_s(10) == (None if expected is None else 20.0)


def test_only_the_last_trials_count(tmp_path) -> None:
    slow = [60.0 * n for n in range(100)]
    record(tmp_path / "trials.jsonl", [*slow, *(slow[-1] + n for n in range(1, RECENT + 1))])
    assert recent_speed(tmp_path / "trials.jsonl").trials_a_second == 1.0


def test_a_torn_line_and_a_long_record_do_no_harm(tmp_path, monkeypatch) -> None:
    path = tmp_path / "trials.jsonl"
    record(path, [float(n) for n in range(20)])
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:100])
    assert recent_speed(path).trials_a_second == 1.0
    monkeypatch.setattr("analognas.record.speed._TAIL_BYTES", len(whole) // 4)
    assert recent_speed(path).trials_a_second == 1.0
