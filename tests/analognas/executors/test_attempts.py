"""What a further attempt is given."""

import math

import pytest

from analognas.executors.attempts import Attempt, after_crash, after_lost_node, after_memory_ran_out
from analognas.executors.limits import Limits
from tests.analognas.executors.evaluations import a_job


@pytest.mark.parametrize(
    ("more_memory", "most_gb", "given_gb"),
    [(False, 12.0, 8.0), (True, math.inf, 16.0), (True, 12.0, 12.0), (True, 0.0, 8.0)],
)
def test_a_second_attempt_has_twice_the_memory_or_all_that_a_machine_has(
    more_memory, most_gb, given_gb
) -> None:
    attempt = Attempt(a_job(), more_memory=more_memory, most_memory_gb=most_gb)
    assert Limits(None, 8.0, 1).memory_of(attempt) == given_gb
    assert Limits(None, None, 1).memory_of(attempt) is None


def test_a_further_attempt_knows_what_became_of_the_one_before() -> None:
    first = Attempt(a_job())
    crashed = after_crash(first, 3, "by a signal")
    assert isinstance(crashed, Attempt)
    moved = after_lost_node(crashed)
    assert isinstance(moved, Attempt)
    larger = after_memory_ran_out(moved, "MemoryError", "2 GB")
    assert isinstance(larger, Attempt)
    assert crashed.why_after(first) == "its worker died"
    assert moved.why_after(crashed) == "its machine went away"
    assert larger.why_after(moved) == "it ran out of memory"
