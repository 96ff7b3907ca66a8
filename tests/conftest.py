"""One torch thread a process: the tests run in several processes at a time."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
