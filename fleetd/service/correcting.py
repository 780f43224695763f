"""The same call once more, with what was wrong in it put right or when the world is back, for whoever was told what would do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from fleetd.domain.errors import FleetdError
from fleetd.service.answers import Hint
from fleetd.service.teaching import Code, Lesson

_LONGEST = 200
_WHY = "the same, with what was meant perhaps"
_AGAIN = "the same again, when the database answers as it should"
_TO_LEAVE_OUT = frozenset({Code.UNKNOWN_ARGUMENT, Code.BAD_ARGUMENT})
_PLAIN = re.compile(r"[A-Za-z0-9@._:/*=!,()+-]{0,200}")
_LATER = frozenset({Code.UNAVAILABLE, Code.RATE_LIMITED})


def with_the_call_meant(lesson: Lesson, tool: str, arguments: Mapping[str, Any], read: Callable[[Mapping[str, Any]], object]) -> Lesson:
    """The lesson with the corrected call, where it names a better word for one argument and no call of its own; with the same call
    where nothing was wrong with it.

    Args:
        read: takes the arguments of a call; it raises where they are still none, and then nothing is proposed.
    """
    meant, why = (None, "") if lesson.next else _proposed(lesson, arguments)
    if meant is None or any(isinstance(value, str) and len(value) > _LONGEST for value in meant.values()):
        return lesson
    try:
        read(meant)
    except FleetdError:
        return lesson
    return replace(lesson, next=Hint(why=why, tool=tool, arguments=meant))


def _proposed(lesson: Lesson, arguments: Mapping[str, Any]) -> tuple[dict[str, Any] | None, str]:
    """Arguments that would do, and why. Prose is not repeated: it may be somebody else's."""
    if (meant := _meant(lesson, arguments)) is not None:
        return meant, _WHY
    if not all(_PLAIN.fullmatch(word) for word in _words(list(arguments.values()))):
        return None, ""
    if lesson.code in _LATER:
        return dict(arguments), _AGAIN if lesson.code is Code.UNAVAILABLE else "the same again, a little later"
    name = lesson.field.partition(".")[0]
    if lesson.code is Code.BAD_ARGUMENT and lesson.sentence == f"{name} is missing":
        return {**arguments, name: f"<{name}>"}, f"the same with {name} filled in"
    if lesson.code in _TO_LEAVE_OUT and name in arguments:
        return {other: value for other, value in arguments.items() if other != name}, f"the same without {name}"
    return None, ""


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _words(one)
    elif not isinstance(value, bool | int | float | None):
        yield str(value)


def _meant(lesson: Lesson, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    words = lesson.allowed if lesson.code is Code.AS_OF_OUT_OF_RANGE else lesson.did_you_mean
    name, _, place = lesson.field.partition(".")
    if not words or name not in arguments:
        return None
    if lesson.code is Code.UNKNOWN_ARGUMENT:
        rest = {other: value for other, value in arguments.items() if other != name}
        return None if words[0] in rest else {**rest, words[0]: arguments[name]}
    value: Any = int(words[0]) if isinstance(arguments[name], int) and words[0].isdecimal() else words[0]
    if lesson.allowed == ("true", "false"):
        value = words[0] == "true"
    if isinstance(arguments[name], list):
        place = place or ("0" if len(arguments[name]) == 1 else "")
        value = [value if str(number) == place else one for number, one in enumerate(arguments[name])]
    return {**arguments, name: value}
