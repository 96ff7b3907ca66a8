"""Libraries that a few functions need and `hwsim` by itself does not require."""

from __future__ import annotations

from importlib.util import find_spec


def needs(library: str, what: str, distribution: str = "") -> None:
    """Check that a library is there before it is imported.

    Args:
        library: its name.
        what: that needs it, the subject of the message.
        distribution: what pip calls it, where that is another name.

    Raises:
        ModuleNotFoundError: where it is not installed, with the command that installs it.
    """
    if find_spec(library) is None:
        called = distribution or library
        raise ModuleNotFoundError(
            f"{what} needs {called}, which is not installed: `pip install {called}`", name=library
        )
