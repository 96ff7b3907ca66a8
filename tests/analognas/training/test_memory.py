import platform
import subprocess
import sys

import pytest

SCRIPT = """
from pathlib import Path
import torch
from analognas.training.memory import keep_memory

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6

kept = {setting}
torch.set_num_threads(1)
before = resident_mb()
parts = [torch.ones(2_000_000) for _ in range(16)]
del parts
print(kept, resident_mb() - before)
"""


def left_mb(setting: str) -> tuple[str, float]:
    """Memory that a process still holds after it has freed 128 MB in blocks of 8 MB."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(setting=setting)], capture_output=True, text=True, check=True
    )
    kept, megabytes = done.stdout.split()
    return kept, float(megabytes)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is glibc's")
def test_freed_blocks_stay_with_the_process() -> None:
    kept, megabytes = left_mb("keep_memory()")
    assert kept == "True"
    assert megabytes > 120
    assert left_mb("None")[1] < 40
