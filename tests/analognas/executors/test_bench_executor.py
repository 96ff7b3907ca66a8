"""The benchmark of the executors as a command; what it measures takes minutes."""

import subprocess
import sys

from tests.analognas.small_search import ROOT, environment


def test_a_part_that_the_benchmark_lacks_is_told_with_those_it_has() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "bench_executor.py"), "--only", "driver,ray"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    assert done.returncode == 2
    assert done.stderr.endswith("must be of driver, efficiency, noop, order, simulated, resume, got ray\n")
