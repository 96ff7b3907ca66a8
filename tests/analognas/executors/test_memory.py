"""How much memory a process may use: control groups of both versions, and its own bound."""

from pathlib import Path

from analognas.executors.memory import OWN_BOUND, control_group_limits, memory_limit, usable_memory


def test_the_limits_of_all_groups_above_count(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "memory.max").write_text("max\n")
    (tmp_path / "a" / "memory.max").write_text("4000000000\n")
    (tmp_path / "cgroup").write_text("0::/a/b\n")
    assert control_group_limits(tmp_path / "cgroup", tmp_path) == [4_000_000_000]


def test_groups_of_the_first_version_and_of_containers_are_found(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("2000000000")
    (tmp_path / "cgroup").write_text("4:memory:/docker/1f\n3:cpuset:/\n1:cpu,cpuacct:/docker/1f\n")
    assert control_group_limits(tmp_path / "cgroup", tmp_path) == [2_000_000_000]
    assert control_group_limits(tmp_path / "absent", tmp_path) == []


def test_the_bound_of_an_evaluation_counts() -> None:
    machine, what = usable_memory()
    assert machine > 10**8
    assert what != OWN_BOUND
    with memory_limit(0.05):
        usable, what = usable_memory()
    assert what == OWN_BOUND
    assert 0 < usable <= 60_000_000
