"""Errors that teach: a code, one sentence, what was wrong with which argument, and a call that would do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from fleetd.domain.errors import (
    Conflict,
    FleetdError,
    GiveUp,
    InvalidInput,
    NotFound,
    NotPermitted,
    OverBudget,
    Refused,
    TryLater,
)
from fleetd.service.answers import Group, Hint


class Code(StrEnum):
    """Why a question or an action was not taken."""

    UNKNOWN_ARGUMENT = "unknown_argument"
    BAD_ARGUMENT = "bad_argument"
    BAD_SELECTOR = "bad_selector"
    NOT_FOUND = "not_found"
    AMBIGUOUS_REF = "ambiguous_ref"
    TOO_BROAD = "too_broad"
    STALE_CURSOR = "stale_cursor"
    AS_OF_OUT_OF_RANGE = "as_of_out_of_range"
    NOT_PERMITTED = "not_permitted"
    NEEDS_PROPOSAL = "needs_proposal"
    CONFLICT = "conflict"
    RATE_LIMITED = "rate_limited"
    READ_ONLY_MODE = "read_only_mode"
    OVER_BUDGET = "over_budget"
    UNAVAILABLE = "unavailable"
    CLUSTER_UNREACHABLE = "cluster_unreachable"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What to tell whoever asked. `column` is 1-based, in the text of the argument `field`; `said_untrusted` is what somebody else said."""

    code: Code
    sentence: str
    field: str = ""
    got: str = ""
    column: int | None = None
    allowed: tuple[str, ...] = ()
    did_you_mean: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()
    retry_after: float | None = None
    next: Hint | None = None
    said_untrusted: str = ""


_EXITS = {
    Code.NOT_FOUND: NotFound.exit_code,
    Code.NOT_PERMITTED: Refused.exit_code,
    Code.CONFLICT: Refused.exit_code,
    Code.NEEDS_PROPOSAL: Refused.exit_code,
    Code.READ_ONLY_MODE: Refused.exit_code,
    Code.RATE_LIMITED: TryLater.exit_code,
    Code.UNAVAILABLE: TryLater.exit_code,
    Code.CLUSTER_UNREACHABLE: TryLater.exit_code,
    Code.OVER_BUDGET: GiveUp.exit_code,
    Code.FAILED: GiveUp.exit_code,
}


class Taught(FleetdError):
    """Something was asked that cannot be answered as it stands; the lesson says how it could be."""

    def __init__(self, lesson: Lesson) -> None:
        super().__init__(f"{lesson.sentence}: {lesson.said_untrusted}" if lesson.said_untrusted else lesson.sentence)
        self.lesson = lesson
        self.exit_code = _EXITS.get(lesson.code, InvalidInput.exit_code)


def lesson_of(error: FleetdError) -> Lesson:
    """Any of our errors as a lesson."""
    match error:
        case Taught():
            return error.lesson
        case NotFound():
            return Lesson(code=Code.NOT_FOUND, sentence=str(error))
        case InvalidInput():
            return Lesson(code=Code.BAD_ARGUMENT, sentence=str(error))
        case NotPermitted():
            return Lesson(code=Code.NOT_PERMITTED, sentence=str(error))
        case Conflict() | Refused():
            return Lesson(code=Code.CONFLICT, sentence=str(error))
        case TryLater():
            return Lesson(code=Code.UNAVAILABLE, sentence=str(error), retry_after=error.after)
        case OverBudget():
            return Lesson(code=Code.OVER_BUDGET, sentence=str(error))
        case _:
            return Lesson(code=Code.FAILED, sentence=str(error))


def bad(field: str, got: str, sentence: str, *, allowed: Iterable[str] = (), column: int | None = None, next: Hint | None = None) -> Taught:  # noqa: A002  # the catalogue's word
    """An argument that cannot be taken; a near one of those allowed is named."""
    allowed = tuple(allowed)
    code = Code.BAD_SELECTOR if column is not None else Code.BAD_ARGUMENT
    lesson = Lesson(
        code=code, sentence=sentence, field=field, got=got, column=column, allowed=allowed, did_you_mean=near(got, allowed), next=next
    )
    return Taught(lesson)


def missing(what: str, got: str, names: Iterable[str], *, field: str, next: Hint | None = None, since: str = "") -> Taught:  # noqa: A002  # as above
    """What was named is not there; the nearest names, and until when it was there."""
    sentence = f"there is no {what} of that name"
    if since:
        sentence = f"this {what} existed until {since}"
    return Taught(Lesson(code=Code.NOT_FOUND, sentence=sentence, field=field, got=got, did_you_mean=near(got, names), next=next))


def near(got: str, names: Iterable[str], *, most: int = 3) -> tuple[str, ...]:
    """The names most like what was given; a bare name counts as the last part of a path."""
    known = dict.fromkeys(names)
    ends = {name.rpartition("/")[2]: name for name in reversed(known)}
    found = difflib.get_close_matches(got.lower(), known, n=most) + [
        ends[end] for end in difflib.get_close_matches(got.lower().rpartition("/")[2], ends, n=most)
    ]
    return tuple(dict.fromkeys(found))[:most]
