"""What can be a user's mistake, and how it is told.

Every error below `UserError` is shown as its message alone, without a traceback, and ends the command with exit code 2;
`NoFeasibleArchitectureError` ends it with 3.
"""

from __future__ import annotations


class UserError(Exception):
    """A mistake that the user can mend: the message states the rule, the value, the place and the remedy."""


class NoFeasibleArchitectureError(Exception):
    """No candidate met the constraints, or none could be trained."""


class EvaluationError(Exception):
    """A candidate could not be evaluated; the message is the reason kept in its trial record."""
