"""The same call once more, with what was wrong in it put right or when the world is back, for whoever was told what would do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from fleetd.domain.errors import FleetdError
from fleetd.service.answers import Hint
from fleetd.service.teaching import Code, Lesson

_LONGEST = 200
_WHY = "the same, with what was meant perhaps"
_AGAIN = "the same again, when the database answers as it should"
_LATER = frozenset({Code.UNAVAILABLE, Code.RATE_LIMITED})


def with_the_call_meant(lesson: Lesson, tool: str, arguments: Mapping[str, Any], read: Callable[[Mapping[str, Any]], object]) -> Lesson:
    """The lesson with the corrected call, where it names a better word for one argument and no call of its own; with the same call
    where nothing was wrong with it.

    Args:
        read: takes the arguments of a call; it raises where they are still none, and then nothing is proposed.
    """
    meant = None if lesson.next else _meant(lesson, arguments)
    why = _WHY
    if meant is None and lesson.next is None and lesson.code in _LATER:
        meant, why = dict(arguments), _AGAIN if lesson.code is Code.UNAVAILABLE else "the same again, a little later"
    if meant is None or any(isinstance(value, str) and len(value) > _LONGEST for value in meant.values()):
        return lesson
    try:
        read(meant)
    except FleetdError:
        return lesson
    return replace(lesson, next=Hint(why=why, tool=tool, arguments=meant))


def _meant(lesson: Lesson, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    words = lesson.allowed if lesson.code is Code.AS_OF_OUT_OF_RANGE else lesson.did_you_mean
    name, _, place = lesson.field.partition(".")
    if not words or name not in arguments:
        return None
    if lesson.code is Code.UNKNOWN_ARGUMENT:
        rest = {other: value for other, value in arguments.items() if other != name}
        return None if words[0] in rest else {**rest, words[0]: arguments[name]}
    value: Any = int(words[0]) if isinstance(arguments[name], int) and words[0].isdecimal() else words[0]
    if isinstance(arguments[name], list):
        place = place or ("0" if len(arguments[name]) == 1 else "")
        value = [value if str(number) == place else one for number, one in enumerate(arguments[name])]
    return {**arguments, name: value}
