"""What can be a user's mistake, and how it is told.

Every error below `UserError` is shown as its message alone, without a traceback, and ends the command with exit code 2;
`NoFeasibleArchitectureError` ends it with 3.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Final

REMEDIES: Final = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EACCES: "allow it",
    errno.EPERM: "allow it",
    errno.EROFS: "make it writable",
    errno.ENAMETOOLONG: "choose a shorter one",
}
"""What helps against errors of the system that are nobody's fault in here, wherever they come from."""


def remedy(error: OSError) -> str:
    """Return what helps against an error of the system.

    >>> remedy(PermissionError(errno.EACCES, "Permission denied"))
    'allow it'
    """
    return REMEDIES.get(error.errno or 0, "mend that")


@dataclass(frozen=True)
class Argument:
    """An argument that a message names: `--out` on the command line, `out` in Python.

    Attributes:
        name: in Python.
        option: on the command line; by default the same word.
        value: that was given, where the message shows it; None for none.
    """

    name: str
    option: str | None = None
    value: str | None = None

    def __str__(self) -> str:
        """Return it as Python writes it."""
        return f"`{self.name}`" if self.value is None else f"{self.name} {self.value}"

    def on_command_line(self) -> str:
        """Return it as the command line writes it."""
        return f"--{self.option or self.name}" + ("" if self.value is None else f" {self.value}")


class UserError(Exception):
    """A mistake that the user can mend: the message states the rule, the value, the place and the remedy.

    Args:
        parts: of the message, in order.
    """

    def __init__(self, *parts: str | Argument) -> None:
        super().__init__(*parts)
        self.parts = parts

    def __str__(self) -> str:
        """Return the message for somebody who called a function."""
        return "".join(map(str, self.parts))

    def on_command_line(self) -> str:
        """Return the message for somebody who gave a command."""
        return "".join(part if isinstance(part, str) else part.on_command_line() for part in self.parts)


class MisfitError(UserError):
    """A value of a configuration is valid by itself and fits neither the others, nor the data, nor the machine.

    Args:
        message: the rule, the value and the remedy.
        paths: of the keys that it is about; the one that is shown is the first that the user wrote.
    """

    def __init__(self, message: str, *paths: tuple[str | int, ...]) -> None:
        super().__init__(f"{'.'.join(map(str, paths[0]))}: {message}")
        self.message = message
        self.paths = paths


class NoFeasibleArchitectureError(Exception):
    """No candidate met the hard constraints, or none could be trained."""


class EvaluationError(Exception):
    """A candidate could not be evaluated; the message is the reason kept in its trial record."""
