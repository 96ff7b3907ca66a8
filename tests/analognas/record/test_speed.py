from datetime import UTC, datetime, timedelta

import pytest

from analognas.record.speed import RECENT, recent_speed
from analognas.record.trial import Trial
from tests.analognas.record.builders import a_trial

START = datetime(2026, 1, 1, tzinfo=UTC)


def record(ends_s: list[float], wall_time_s: float = 2.0) -> list[Trial]:
    ends = [(START + timedelta(seconds=end_s)).isoformat(timespec="milliseconds") for end_s in ends_s]
    return [
        a_trial(number, finished_at=end, wall_time_s=wall_time_s, node=f"node-{number % 2}")
        for number, end in enumerate(ends, start=1)
    ]


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
def test_the_speed_leaves_out_the_time_in_which_nothing_ran(ends_s, expected) -> None:
    speed = recent_speed(record(ends_s))
    assert speed.trials_a_second == expected
    assert speed.nodes == min(2, len(ends_s))
    assert speed.time_left_s(10) == (None if expected is None else 20.0)


def test_only_the_last_trials_count() -> None:
    slow = [60.0 * n for n in range(100)]
    trials = record([*slow, *(slow[-1] + n for n in range(1, RECENT + 1))])
    assert recent_speed(trials).trials_a_second == 1.0
