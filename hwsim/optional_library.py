"""Libraries that a few functions need and `hwsim` by itself does not require."""

from __future__ import annotations

from importlib.util import find_spec


def needs(library: str, what: str) -> None:
    """Check that a library is there before it is imported.

    Args:
        library: its name, which is also that of its distribution.
        what: that needs it, the subject of the message.

    Raises:
        ModuleNotFoundError: where it is not installed, with the command that installs it.
    """
    if find_spec(library) is None:
        raise ModuleNotFoundError(
            f"{what} needs {library}, which is not installed: `pip install {library}`", name=library
        )
