"""What an evaluation wrote, kept in a file of the run directory that bears the name of its candidate."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from analognas.executors.attempts import Attempt
from analognas.executors.executor import now_utc


def write_log(logs: Path | None, attempt: Attempt, text: str) -> None:
    """Append what an attempt wrote; nothing for no text or no folder.

    A log that cannot be written, on a full disk or behind a symbolic link, is no reason to stop a search.
    """
    if logs is None or not text:
        return
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    with suppress(OSError), os.fdopen(os.open(logs / f"{attempt.job.key}.log", flags, 0o644), "w") as file:
        file.write(f"attempt {attempt.number}, {now_utc()}\n{text}\n")
