"""The same on the command line, and as a call of the MCP server: what `@` shows, so that the terminal teaches both."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import datetime
from typing import Any

import orjson

from fleetd.service.asking import Question
from tui.places import Place

_OURS = frozenset({"list_keys", "read_rows", "pulse", "reach", "fleet_then", "addon_matrix", "who_looks_after", "made_by"})
"""Questions that only a terminal asks."""

_GET = {"clusters": "clusters", "sources": "eventsources", "triggers": "eventtriggers", "profiles": "clusterprofiles", "declared": "all -A"}
_ROWS = {
    "matches": "matches",
    "verdicts": "verdicts",
    "objects": "objects",
    "journal": "journal",
    "requests": "requests",
    "proposals": "proposals",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """Something that was asked for, at a time."""

    at: datetime
    screen: str
    call: str
    command: str


@dataclass(slots=True)
class Log:
    """What was asked lately, the newest last; the same again is not written twice."""

    entries: deque[Asked] = field(default_factory=lambda: deque(maxlen=200))

    def note(self, entry: Asked) -> None:
        """Keeps it."""
        known = {(one.call, one.command) for one in list(self.entries)[-8:]}
        if (entry.call, entry.command) not in known:
            self.entries.append(entry)


def call_of(question: Question[Any]) -> str:
    """The call of the MCP server that gives the same answer; empty where only the terminal asks so."""
    if question.name() in _OURS:
        return ""
    given = {}
    for one in fields(question):
        value = getattr(question, one.name)
        if one.default is MISSING or value != one.default:
            given[one.name] = list(value) if isinstance(value, tuple) else value
    return f"{question.name()} {orjson.dumps(given).decode()}"


def command_of(place: Place) -> str:
    """The command that shows the same; empty where there is none."""
    if place.screen in _PAGES:
        return _PAGES[place.screen](place)
    if place.screen in _GET:
        return f"fleetd get {_GET[place.screen]}" + (f" -l {place.clusters}" if place.clusters else "")
    return f"fleetd get {place.screen}" if place.screen in _ROWS else ""


def _explained(place: Place) -> str:
    kind, _, name = place.subject.partition("/")
    on = f" --cluster {place.cluster}" if place.cluster else ""
    return f"trigger {name}{on}" if kind.startswith("EventTrigger") else f"profile {place.subject}{on}"


def _object(place: Place) -> str:
    kind, _, rest = place.subject.partition("/")
    namespace, _, name = rest.rpartition("/")
    way = "describe" if place.screen == "object" else "get"
    return (
        f"fleetd {way} {kind.partition('.')[0].lower()} {name}{f' -n {namespace}' if namespace else ''}{' -o yaml' if way == 'get' else ''}"
    )


_PAGES: Mapping[str, Callable[[Place], str]] = {
    "pulse": lambda _: "fleetd get clusters",
    "events": lambda _: "fleetd events",
    "pending": lambda _: "fleetd events --pending",
    "drift": lambda _: "fleetd drift",
    "incident": lambda _: "fleetd drift",
    "addons": lambda _: "fleetd addons",
    "cluster": lambda place: f"fleetd cluster describe {place.subject}",
    "why": lambda place: f"fleetd explain {_explained(place)}",
    "trigger": lambda place: f"fleetd describe eventtrigger {place.subject}",
    "trace": lambda place: f"fleetd trace {place.subject}{' --down' if place.of == 'down' else ''}",
    "timeline": lambda place: f"fleetd timeline {place.subject}" if place.subject else "fleetd get journal",
    "object": lambda place: "" if "@" in place.subject else _object(place),
    "yaml": lambda place: "" if "@" in place.subject else _object(place),
}
