"""What children are asked to render, and what they answered: a rule that needs an answer is tried again when it is there.

An answer is known by what was asked (language, text, data), so nothing is rendered twice while it is remembered. Who asks says who
waits; an answer that nobody waits for any more, because something newer is asked, is dropped.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from fleetd.decide.digest import canonical, digest
from fleetd.decide.gotemplate.values import Struct
from fleetd.domain.errors import EvaluationFailed, GiveUp

Waiter = tuple[Any, ...]
"""Whoever asks, by its key."""
LUA = "lua"
"""The task of a Lua script that yields resources; other tasks are those of templates."""
_KEPT_CHARACTERS = 64 * 1024 * 1024
_TOLD = {"jinja2": "Jinja2", "jsonnet": "Jsonnet", LUA: "Lua"}


class Awaited(GiveUp):
    """Not known yet: a child was asked, and it is tried again when it has answered."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """What a child is asked: `argument` is JSON, `{"data": …, "now": …}`; of Lua the resources alone."""

    key: str
    task: str
    text: str = field(repr=False)
    argument: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rendered:
    """The answer: a text, or one sentence and its line."""

    text: str | None = field(default=None, repr=False)
    error: str = ""
    line: int = 0


class Answers:
    """Belongs to the plane."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Rendered] = OrderedDict()
        self._size = 0
        self._waiting: dict[str, set[Waiter]] = defaultdict(set)
        self._awaited: dict[Waiter, set[str]] = defaultdict(set)
        self._asked: set[str] = set()
        self._new: list[Rendering] = []

    def asked(self) -> list[Rendering]:
        """What is to be asked since the last time."""
        new, self._new = self._new, []
        return new

    def begin(self, waiter: Waiter) -> None:
        """The waiter is looked at anew: it waits only for what it asks from now on."""
        for key in self._awaited.pop(waiter, ()):
            self._waiting[key].discard(waiter)
            if not self._waiting[key]:
                del self._waiting[key]

    def get(self, waiter: Waiter, rendering: Rendering) -> Rendered | None:
        """The answer; without one it is asked, once for all who wait, and None returned."""
        found = self._known.get(rendering.key)
        if found is not None:
            self._known.move_to_end(rendering.key)
            return found
        self._waiting[rendering.key].add(waiter)
        self._awaited[waiter].add(rendering.key)
        if rendering.key not in self._asked:
            self._asked.add(rendering.key)
            self._new.append(rendering)
        return None

    def put(self, key: str, rendered: Rendered) -> Iterable[Waiter]:
        """Takes an answer; who waited for it. An answer that nobody waits for is dropped."""
        self._asked.discard(key)
        waiters = self._waiting.pop(key, set())
        for waiter in waiters:
            self._awaited[waiter].discard(key)
        if waiters:
            self._known[key] = rendered
            self._size += _size(rendered)
            while self._size > _KEPT_CHARACTERS and len(self._known) > 1:
                self._size -= _size(self._known.popitem(last=False)[1])
        return waiters


def _size(rendered: Rendered) -> int:
    return 512 + len(rendered.text or rendered.error)


@dataclass(frozen=True, slots=True)
class Asking:
    """Renders by children, on behalf of one waiter.

    Args:
        answers: None where nobody could ask: then it is an error that says so.
    """

    answers: Answers | None = None
    waiter: Waiter = ()

    def text(self, task: str, text: str, data: Mapping[str, Any], now: datetime) -> str:
        """The rendered text.

        Raises:
            EvaluationFailed: the answer is an error; it has the line.
            Awaited: there is no answer yet.
        """
        language = _TOLD.get(task.split(" ", 1)[0], task)
        if self.answers is None:
            raise EvaluationFailed(f"{language} is run by the daemon, in processes of its own, and not here")
        found = self.answers.get(self.waiter, _rendering(task, text, data, now))
        if found is None:
            raise Awaited(f"waits for its {language} to be run")
        if found.text is None:
            raise EvaluationFailed(found.error, line=found.line)
        return found.text

    def foresee(self, task: str, texts: Iterable[str], data: Mapping[str, Any], now: datetime) -> None:
        """Asks for all at once what will be asked for one by one."""
        if self.answers is not None:
            for text in texts:
                self.answers.get(self.waiter, _rendering(task, text, data, now))


def _rendering(task: str, text: str, data: Mapping[str, Any], now: datetime) -> Rendering:
    plain = _plain(data)
    argument = canonical(plain) if task == LUA else orjson.dumps({"data": plain, "now": now.isoformat()})
    return Rendering(digest([task, text, plain]), task, text, argument)


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _referred(value) for name, value in data.items()}


def _referred(value: Any) -> Any:
    """References are structs of Go; in other languages they are maps with the same names."""
    if isinstance(value, Struct):
        return value.fields
    return [_referred(element) for element in value] if isinstance(value, list) and value and isinstance(value[0], Struct) else value
