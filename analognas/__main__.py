"""The command `analognas`, and `python -m analognas`.

The command line is imported below, so that a Ctrl-C meanwhile is a line and an exit code; nothing has been begun then.
"""

import gc
import os
import signal
from types import FrameType

EXIT_INTERRUPTED = 130
"""That of `analognas.interruption`, which is not imported yet when it is needed."""
COLLECTIONS = (10_000, 20, 50)
"""Thresholds of the collector. Imports make many objects and few cycles: with Python's own thresholds it looks through
all of them again and again, a tenth of the processor time of a short search."""


def main() -> None:
    """Run the command that the arguments of this process name."""
    gc.set_threshold(*COLLECTIONS)
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)
    from analognas.cli.main import app
    from analognas.cli.streams import end_output, prepare_streams

    signal.signal(signal.SIGINT, before)
    prepare_streams()
    try:
        app(prog_name="analognas")
    except SystemExit as end:
        if end.code == EXIT_INTERRUPTED:
            end_output()
        raise


def _end(_signal: int, _frame: FrameType | None) -> None:
    os.write(2, b"interrupted; nothing was begun\n")
    os._exit(EXIT_INTERRUPTED)


if __name__ == "__main__":
    main()
