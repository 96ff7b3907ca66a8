"""The errors that analognas raises on purpose, and how the command line shows them.

===============================  ==============================================================  =========
class                            raised when                                                     exit code
===============================  ==============================================================  =========
`AnalognasError`                 never itself: the base class, to catch every error below
`UserError`                      a value, a file or a directory does not fit; the message says   2
                                 the rule, the value, the place and the remedy
`MisfitError`                    a `UserError`: a valid value of a configuration does not fit    2
                                 the data, the machine or another value
`ConfigError`                    a `UserError`: all mistakes of one configuration, with places   2
`ExportError`                    a `UserError`: a format cannot express the network              2
`NoBestNetworkError`             a `UserError`: a run has no trained network yet                 2
`BenchError`                     a `UserError`: a strategy, a table or an option of a benchmark    2
                                 does not fit
`NoFeasibleArchitectureError`    no candidate met the hard constraints, or none could be         3
                                 trained
`EvaluationError`                a candidate could not be evaluated; the search records the
                                 reason and goes on
===============================  ==============================================================  =========

The command line shows a message without a traceback. `hwsim`, `search_spaces` and `surrogates` serve alone, too: they
raise TypeError for a value of another type and ValueError for one out of range. So do the conformance suites of
`analognas.testing`, whose errors are ValueErrors for the tests of those who extend analognas.
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
    errno.EISDIR: "move the folder away",
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


@dataclass(frozen=True)
class Wording:
    """A text of a message that Python and the command line word differently.

    Attributes:
        python: for somebody who called a function.
        command_line: for somebody who gave a command.
    """

    python: str
    command_line: str

    def __str__(self) -> str:
        """Return it as Python says it."""
        return self.python

    def on_command_line(self) -> str:
        """Return it as the command line says it."""
        return self.command_line


class AnalognasError(Exception):
    """The base class of every error that analognas raises on purpose."""


class UserError(AnalognasError):
    """A mistake that the user can mend: the message states the rule, the value, the place and the remedy.

    Args:
        parts: of the message, in order.
    """

    def __init__(self, *parts: str | Argument | Wording) -> None:
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


class NoBestNetworkError(UserError, ValueError):
    """A run has no trained network: it has not ended yet, or trains none."""


class NoFeasibleArchitectureError(AnalognasError):
    """No candidate met the hard constraints, or none could be trained."""


class EvaluationError(AnalognasError):
    """A candidate could not be evaluated; the message is the reason kept in its trial record."""
