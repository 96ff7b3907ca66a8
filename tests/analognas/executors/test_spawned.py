"""What a worker process imports of the script that started it: nothing."""

import subprocess
import sys

import pytest

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
