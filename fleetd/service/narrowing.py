"""What to say instead of an answer that is too large: counts by the best grouping, and the call to make next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any

from fleetd.service.answers import Group, Hint, Page
from fleetd.service.asking import Question, Questions
from fleetd.service.teaching import Code, Lesson, Taught

_MOST_GROUPS = 50
_SIGNS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Size:
    """How large an answer would be, and how large it may be, in bytes."""

    found: int
    most: int


@dataclass(frozen=True, slots=True)
class _Way:
    """An argument that chooses one group; `form` makes its value of the group's key."""

    by: str
    argument: str
    form: str = "{}"


_WAYS = {
    "list_clusters": (
        _Way("namespace", "clusters", "{}/*"),
        _Way("kubernetes_version", "version"),
        _Way("connection", "status"),
    ),
    "list_events": (_Way("cluster", "clusters"), _Way("event_source", "source")),
    "list_addons": (_Way("profile", "profile"), _Way("cluster", "clusters"), _Way("state", "status")),
    "get_drift": (_Way("cluster", "clusters"), _Way("profile", "profile"), _Way("outcome", "only")),
}
_SMALLER = (("view", "manifest", "spec"), ("view", "spec", "summary"), ("detail", "full", "brief"))


async def too_broad(questions: Questions, question: Question[Any], answer: Mapping[str, Any], size: Size) -> Taught:
    """The lesson for an answer (as JSON) that is too large to be sent."""
    sentence = f"the answer would have {size.found // _SIGNS_PER_TOKEN} tokens, {size.most // _SIGNS_PER_TOKEN} at most are sent"
    returned = len(answer.get("items", ()))
    fits = max(1, returned * size.most // size.found * 3 // 4)
    if returned > 1 and (best := await _best(questions, question)) is not None:
        way, groups = best
        sentence += f": choose a group with {way.argument}, or ask with limit={fits}"
        arguments = _given(question) | {way.argument: _value(question, way.argument, groups[0].key)}
        if groups[0].count > fits:
            arguments["limit"] = fits
        return _lesson(question, sentence, way.argument, arguments, groups)
    for name, held, smaller in _SMALLER:
        if getattr(question, name, None) == held:
            ways = f"{name}={smaller}" + (f", or with limit={fits}" if returned > 1 else "")
            return _lesson(question, f"{sentence}: ask with {ways}", name, _given(question) | {name: smaller})
    if returned > 1:
        return _lesson(question, f"{sentence}: ask with limit={fits}", "limit", _given(question) | {"limit": fits})
    if hasattr(question, "limit"):
        fewer = max(1, question.limit * size.most // size.found * 3 // 4)
        return _lesson(question, f"{sentence}: ask with limit={fewer}", "limit", _given(question) | {"limit": fewer})
    return Taught(Lesson(code=Code.TOO_BROAD, sentence=sentence))


def _lesson(question: Question[Any], sentence: str, field: str, arguments: dict[str, Any], groups: tuple[Group, ...] = ()) -> Taught:
    why = "the largest of the groups" if groups else "as much as fits"
    hint = Hint(why=why, tool=question.name(), arguments=arguments)
    return Taught(Lesson(code=Code.TOO_BROAD, sentence=sentence, field=field, groups=groups, next=hint))


async def _best(questions: Questions, question: Question[Any]) -> tuple[_Way, tuple[Group, ...]] | None:
    """The grouping that is whole and whose largest group is the smallest; its keys are values of the argument."""
    found: list[tuple[bool, int, _Way, tuple[Group, ...]]] = []
    for way in _WAYS.get(question.name(), ()):
        page: Page[Any] = await questions.ask(replace(question, group_by=way.by, cursor=""))  # type: ignore[call-arg]
        groups = tuple(Group(key=way.form.format(group.key), count=group.count) for group in page.groups if group.key != "(none)")
        if len(groups) > 1:
            found.append((len(groups) >= _MOST_GROUPS, groups[0].count, way, groups))
    if not found:
        return None
    _, _, way, groups = min(found, key=lambda one: one[:2])
    return way, groups


def _given(question: Question[Any]) -> dict[str, Any]:
    """The arguments as they were given; a cursor is of another question then."""
    given = {}
    for one in fields(question):
        held = getattr(question, one.name)
        default = one.default_factory() if one.default_factory is not MISSING else one.default
        if one.name != "cursor" and held != default:
            given[one.name] = list(held) if isinstance(held, tuple) else held
    return given


def _value(question: Question[Any], argument: str, key: str) -> Any:
    return [key] if isinstance(getattr(question, argument), tuple) else key
