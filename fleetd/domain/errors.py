"""Every error, named by what happens next.

::

    FleetdError
    ├── InvalidInput          the person corrects it; nothing was changed            exit 2
    │   └── NotFound          what was named is not there                            exit 1
    ├── Refused               somebody may not, or must first say so                 exit 4
    │   ├── NotPermitted      the caller lacks the right
    │   └── Conflict          somebody else holds it, or it changed meanwhile
    ├── TryLater              the world is away; the same again, after a while       exit 3
    │   ├── Unreachable       a cluster, database or server cannot be spoken to
    │   └── Overloaded        it says when to come again
    └── GiveUp                the same again would fail again, until its cause changes
        ├── EvaluationFailed  a condition or template could not be evaluated
        └── OverBudget        it took more time, memory or steps than it may
"""

from __future__ import annotations

LONGEST_SENTENCE = 1000
"""Characters of a sentence about what a stranger wrote: it goes into rows, logs and answers."""


def in_short(sentence: str) -> str:
    """Without the middle, where it quotes too much of what it is about."""
    if len(sentence) <= LONGEST_SENTENCE:
        return sentence
    return f"{sentence[: LONGEST_SENTENCE - 300]} … {sentence[-297:]}"


class FleetdError(Exception):
    """Any error that fleetd raises on purpose; its text is one sentence for a person."""

    exit_code = 1


class InvalidInput(FleetdError):
    """What was given cannot be taken; the text says where and how to mend it."""

    exit_code = 2


class NotFound(InvalidInput):
    """What was named is not there."""

    exit_code = 1


class Refused(FleetdError):
    """It is not allowed as it stands."""

    exit_code = 4


class NotPermitted(Refused):
    """The caller lacks the right."""


class Conflict(Refused):
    """Somebody else holds it, or it changed meanwhile."""


class TryLater(FleetdError):
    """The world is away; the same again after a while.

    Args:
        after: seconds that the other side asked for, when it did.
    """

    exit_code = 3

    def __init__(self, message: str, *, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class Unreachable(TryLater):
    """A cluster, database or server cannot be spoken to."""


class Overloaded(TryLater):
    """The other side has no place for another request now."""


class GiveUp(FleetdError):
    """The same again would fail again, until its cause changes."""


class EvaluationFailed(GiveUp):
    """A condition or template could not be evaluated.

    Args:
        line: 1-based, in the expression's or template's own text; 0 when not known.
        column: 1-based; 0 when not known.
    """

    def __init__(self, message: str, *, line: int = 0, column: int = 0) -> None:
        super().__init__(in_short(message))
        self.line = line
        self.column = column


class OverBudget(GiveUp):
    """It took more time, memory or steps than it may."""
