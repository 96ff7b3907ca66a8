import errno
import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from analognas.errors import UserError
from analognas.record.journal import Journal, is_locked, read_trials, torn_line
from tests.analognas.record.builders import a_trial


def written(path: Path, n: int) -> bytes:
    with Journal(path) as journal:
        for number in range(1, n + 1):
            journal.append(a_trial(number))
    return path.read_bytes()


def test_trials_come_back_in_order(tmp_path) -> None:
    path = tmp_path / "trials.jsonl"
    assert read_trials(path) == []
    written(path, 3)
    assert read_trials(path) == [a_trial(1), a_trial(2), a_trial(3)]


def test_a_torn_line_at_any_byte_costs_only_itself(tmp_path) -> None:
    path = tmp_path / "trials.jsonl"
    content = written(path, 2)
    first = content.index(b"\n") + 1
    for cut in [*range(first, len(content) - 1, 37), len(content) - 1]:
        path.write_bytes(content[:cut])
        complete = cut == len(content) - 1
        assert read_trials(path) == [a_trial(1), a_trial(2)][: 1 + complete]
        assert ("the last line is torn" in torn_line(path)) == (cut != first and not complete)
        with Journal(path) as journal:
            assert ("torn and is dropped" in journal.repaired) == (cut != first and not complete)
            if not complete:
                journal.append(a_trial(2))
        assert path.read_bytes() == content
        assert torn_line(path) == ""


def test_a_last_line_without_its_newline_is_checked_like_any_other(tmp_path) -> None:
    path = tmp_path / "trials.jsonl"
    content = written(path, 2).removesuffix(b"\n").replace(b'"number":2', b'"number":3')
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"trials.jsonl:2: trial 2 expected here, found 3"):
        read_trials(path)


def test_damage_inside_names_its_line(tmp_path) -> None:
    path = tmp_path / "trials.jsonl"
    lines = written(path, 3).splitlines(keepends=True)
    path.write_bytes(lines[0] + b"garbage\n" + lines[2])
    with pytest.raises(UserError, match=r"trials.jsonl:2: damaged record"):
        read_trials(path)
    path.write_bytes(lines[0] + lines[2])
    with pytest.raises(UserError, match=r"trials.jsonl:2: trial 2 expected here, found 3"):
        read_trials(path)
    path.write_bytes(lines[0] + b"\xff\xfe\n")
    with pytest.raises(UserError, match=r"trials.jsonl:2: damaged record"):
        read_trials(path)


def test_a_second_process_is_refused(tmp_path) -> None:
    path = tmp_path / "trials.jsonl"
    script = f"from pathlib import Path; from analognas.record.journal import Journal; Journal(Path({str(path)!r}))"
    with Journal(path):
        assert is_locked(path)
        second = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        assert "another process is running this search" in second.stderr
    assert not is_locked(path)
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_full_disk_leaves_the_journal_as_it_was(tmp_path, monkeypatch) -> None:
    path = tmp_path / "trials.jsonl"
    before = written(path, 1)
    journal = Journal(path)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("analognas.record.journal.os.fsync", full)
    with pytest.raises(UserError, match=r"No space left on device.*analognas resume"):
        journal.append(a_trial(2))
    journal.close()
    assert path.read_bytes() == before


@pytest.mark.parametrize("n_bytes", [0, 40])
def test_a_disk_that_becomes_read_only_costs_the_trial_alone(tmp_path, monkeypatch, n_bytes) -> None:
    path = tmp_path / "trials.jsonl"
    before = written(path, 2)
    write = os.write
    room = [n_bytes]

    def read_only(*_: object) -> int:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    def until_then(descriptor: int, data: bytes) -> int:
        left, room[0] = room[0], 0
        return write(descriptor, data[:left]) if left else read_only()

    with Journal(path) as journal:
        monkeypatch.setattr(os, "write", until_then)
        monkeypatch.setattr(os, "ftruncate", read_only)
        with pytest.raises(
            UserError,
            match=r"trial 3 could not be written: Read-only .*; make it writable and run `analognas",
        ):
            journal.append(a_trial(3))
        monkeypatch.undo()
    assert path.read_bytes()[: len(before)] == before
    assert len(read_trials(path)) == 2
    assert written(path, 0) == before


def test_a_disk_that_cannot_lock_is_not_taken_for_another_process(tmp_path, monkeypatch) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(UserError, match=r"trials.jsonl: cannot be locked: No locks available; move the run"):
        Journal(tmp_path / "trials.jsonl")


@pytest.mark.parametrize("how", ["removed", "moved", "replaced"])
def test_a_journal_that_is_no_longer_under_its_name_ends_the_search(tmp_path, how) -> None:
    path = tmp_path / "run" / "trials.jsonl"
    path.parent.mkdir()
    with Journal(path) as journal:
        journal.append(a_trial(1))
        path.parent.rename(tmp_path / "moved")
        if how == "removed":
            shutil.rmtree(tmp_path / "moved")
        if how == "replaced":
            shutil.copytree(tmp_path / "moved", path.parent)
        with pytest.raises(
            UserError, match=r"was removed, replaced or moved while the search ran; put .* back"
        ):
            journal.append(a_trial(2))
    if how == "moved":
        assert len(read_trials(tmp_path / "moved" / "trials.jsonl")) == 2
