"""Errors that teach, on a command line: the sentence, what was meant perhaps, and the command that would do."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fleetd.service.answers import Hint
from fleetd.service.teaching import Lesson

_ALLOWED = 12
"""So many words are worth reading when none of them is near."""
Arguments = Mapping[str, Any]


def lesson_lines(lesson: Lesson) -> Iterator[str]:
    """What to tell, the sentence first."""
    said = re.search(rf"(?<![\w-]){re.escape(lesson.got)}(?![\w-])", lesson.sentence)
    sentence = in_commands(lesson.sentence)
    if lesson.field and sentence.startswith(f"{lesson.field} is "):
        sentence = f"--{lesson.field.replace('_', '-')}{sentence.removeprefix(lesson.field)}"
    yield f"fleetd: {f'{lesson.got}: ' if lesson.got and not said else ''}{sentence}"
    if lesson.did_you_mean:
        yield f"did you mean: {', '.join(lesson.did_you_mean)}"
    elif lesson.allowed and len(lesson.allowed) <= _ALLOWED and not all(word in lesson.sentence for word in lesson.allowed):
        yield f"write one of: {', '.join(lesson.allowed)}"
    for group in lesson.groups:
        yield f"  {group.count} {group.key}"
    if lesson.retry_after is not None:
        yield f"again after {lesson.retry_after:g} s"
    if lesson.next is not None:
        yield from hint_lines(lesson.next)


def hint_lines(hint: Hint) -> Iterator[str]:
    """A next step as a command; none where no command does the same."""
    command = command_of(hint)
    if command:
        yield f"next: {command}   ({hint.why})"


def command_of(hint: Hint) -> str:
    """`fleetd …` for a hint; empty where there is no such command."""
    words = _COMMANDS[hint.tool](hint.arguments) if hint.tool in _COMMANDS else ()
    return " ".join(map(_quoted, ["fleetd", *words])) if words else ""


def _quoted(word: str) -> str:
    """A word as people write it for a shell: a text with single quotes in it stands in double ones, where it may."""
    return f'"{word}"' if "'" in word and not set(word) & set('"$`\\!') else shlex.quote(word)


def in_commands(text: str) -> str:
    """A sentence of the service that names tools and arguments, as one that names commands and options."""
    text = _TOOLS.sub(lambda found: f"`fleetd {_PLAIN[found[0]]}`", text)
    return _ARGUMENTS.sub(lambda found: _OPTIONS[found[0]], text)


def _clusters(given: Arguments) -> list[str]:
    return ["cluster", "list", *_option("-l", given, "clusters"), *(word for one in given.get("has", ()) for word in ("--has", one))]


def _objects(given: Arguments) -> list[str]:
    if given.get("query") and not given.get("kinds"):
        view, column = ("fleet_objects", "object_ref") if given.get("clusters") else ("fleet_declared", "ref")
        named = str(given["query"]).replace("'", "''")
        return ["sql", f"SELECT * FROM {view} WHERE {column} LIKE '%{named}%'"]
    if given.get("clusters"):
        return ["get", "objects", "-l", given["clusters"]]
    kinds = given.get("kinds") or ("all",)
    return ["get", str(kinds[0]).lower(), "-A"]


def _addons(given: Arguments) -> list[str]:
    if given.get("group_by") == "profile":
        return ["addons"]
    return ["addons", *_option("--profile", given, "profile"), *(word for one in given.get("status", ()) for word in ("--state", one))]


def _option(name: str, given: Arguments, key: str) -> list[str]:
    return [name, str(given[key])] if given.get(key) else []


def _trigger(given: Arguments) -> list[str]:
    options = [word for name in ("cluster", "object", "event") for word in _option(f"--{name}", given, name)]
    return ["explain", "trigger", str(given["trigger"]), *options]


_COMMANDS: dict[str, Callable[[Arguments], list[str]]] = {
    "describe_schema": lambda _: ["views"],
    "explain_addon": lambda given: ["explain", "profile", str(given["profile"]), *_option("--cluster", given, "cluster")],
    "explain_trigger": _trigger,
    "find_objects": _objects,
    "get_cluster": lambda given: ["cluster", "describe", str(given["cluster"])],
    "get_event": lambda given: ["trace", f"event:{given['event_id']}", "--down"],
    "get_object": lambda given: ["get", str(given["ref"]), "-o", "yaml"],
    "get_request": lambda _: ["get", "requests"],
    "list_addons": _addons,
    "list_clusters": _clusters,
    "list_events": lambda _: ["events"],
    "list_references": lambda given: ["describe", str(given["ref"])],
    "list_rows": lambda given: ["get", str(given["view"]).removeprefix("fleet_")],
}
_PLAIN = {
    "describe_schema": "views",
    "explain_addon": "explain profile",
    "explain_trigger": "explain trigger",
    "find_objects": "get objects",
    "get_cluster": "cluster describe",
    "get_event": "trace event:ID --down",
    "get_object": "get",
    "get_request": "get requests",
    "get_timeline": "timeline",
    "list_addons": "addons",
    "list_clusters": "cluster list",
    "list_events": "events",
    "list_references": "describe",
    "trace_lineage": "trace",
}
_TOOLS = re.compile(rf"\b(?:{'|'.join(_PLAIN)})\b")
_OPTIONS = {"as_of": "--as-of", "clusters=": "-l ", "limit=": "--limit ", "older_than": "--older-than", "until=": "--until "}
_ARGUMENTS = re.compile(rf"(?<![\w-])(?:{'|'.join(_OPTIONS)})")
