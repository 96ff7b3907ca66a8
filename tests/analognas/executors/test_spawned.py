"""Worker processes: scripts that start them, and memory that they share."""

import subprocess
import sys
from multiprocessing.context import SpawnProcess

import pytest

from analognas.errors import UserError
from analognas.executors.spawned import start
from tests.analognas.executors import evaluations
from tests.analognas.small_search import ROOT, environment

SCRIPT = """\
import sys
from tests.analognas.executors.drive import process_executor
from tests.analognas.executors.evaluations import a_job, instant

print("this script runs", flush=True)
pool = process_executor(instant)
for number in range(4):
    pool.submit(a_job(number))
print(sorted(pool.next_outcome().job.seed for _ in range(4)))
pool.close()
assert sys.modules["__main__"].a_job is a_job
"""


@pytest.mark.parametrize("how", ["file", "-c"])
def test_a_script_without_a_guard_runs_once(tmp_path, how) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, *([script] if how == "file" else ["-c", SCRIPT])],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
        cwd=ROOT,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["this script runs", "[0, 1, 2, 3]"]


def test_data_beyond_the_shared_memory_are_told(monkeypatch) -> None:
    def full(_process: SpawnProcess) -> None:
        raise RuntimeError(
            "unable to allocate shared memory(shm) for file </torch_1>: No space left on device"
        )

    monkeypatch.setattr(SpawnProcess, "start", full)
    with pytest.raises(
        UserError, match=r"^executor: .*No space left on device.*/dev/shm.*executor\.kind"
    ) as told:
        start(evaluations.die)
    assert len(str(told.value).splitlines()) == 1
