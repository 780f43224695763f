"""Templates of events: the variables they may use, and the annotation that makes them templates."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fleetd.decide.engines.annotations import ENGINE, FORM
from fleetd.decide.lint.given import Given, at, references, texts
from fleetd.domain.documents import Document
from fleetd.domain.findings import CODES, Finding
from fleetd.domain.kinds.mistakes import Path, dotted

INSTANTIATE = "projectsveltos.io/instantiate"
TEMPLATE = "projectsveltos.io/template"
TEMPLATED = (INSTANTIATE, TEMPLATE)
LUA = "projectsveltos.io/lua"

GENERATORS = ("configMapGenerator", "secretGenerator")
"""What they name is a template of the event without any mark."""
_EVENT_FIELDS = (
    "helmCharts",
    "kustomizationRefs",
    "policyRefs",
    "templateResourceRefs",
    "destinationCluster",
    "profileNameFormat",
    "cloudEventAction",
    *GENERATORS,
)
_STOP = re.compile(r"`|\"|/\*|\}\}")
_CLOSED_BY = {"`": re.compile("`"), '"': re.compile(r'(?<!\\)(?:\\\\)*"'), "/*": re.compile(r"\*/")}
_VARIABLE = re.compile(r"(?<![\w.)\]])\$?\.(MatchingResources?|Resources?|CloudEvents?)\b")
_BY_IDENTIFIER = re.compile(r"(?<![\w.])(getResource|copy|getField|setField|removeField)\s+$")
_PLURAL_OF = {"Resource": "Resources", "MatchingResource": "MatchingResources", "CloudEvent": "CloudEvents"}
_SINGULAR_OF = {plural: singular for singular, plural in _PLURAL_OF.items()}


def carries(document: Document, annotation: str) -> bool:
    """Whether the annotation is there; its value means nothing."""
    annotations = at(document.manifest, "metadata", "annotations")
    return isinstance(annotations, dict) and annotation in annotations


def in_other_language(document: Document) -> bool:
    """Whether its texts are no Go templates that make text."""
    annotations = at(document.manifest, "metadata", "annotations")
    if not isinstance(annotations, dict):
        return False
    return LUA in annotations or annotations.get(ENGINE, "go") != "go" or annotations.get(FORM, "text") != "text"


def event_texts(document: Document) -> Iterator[tuple[Path, str]]:
    """The texts of an EventTrigger that are templates over the event."""
    if in_other_language(document):
        return
    for name in _EVENT_FIELDS:
        yield from texts(at(document.manifest, "spec", name), ("spec", name))


def variables_in(text: str) -> Iterator[tuple[str, int, int]]:
    """Event variables in the actions of a template: name, line and column, 1-based; quoted text is none."""
    for start, end in _spoken_parts(text):
        for match in _VARIABLE.finditer(text, start, end):
            at_ = match.start()
            yield match[1], text.count("\n", 0, at_) + 1, at_ - text.rfind("\n", 0, at_)


def _spoken_parts(text: str) -> Iterator[tuple[int, int]]:
    """The stretches of a template that are code: inside `{{ }}`, outside quotes and comments. What is not closed ends it."""
    position = text.find("{{")
    while position >= 0:
        position += 2
        while (stop := _STOP.search(text, position)) is not None:
            yield position, stop.start()
            position = stop.end()
            if stop[0] == "}}":
                break
            closed = _CLOSED_BY[stop[0]].search(text, position)
            if closed is None:
                return
            position = closed.end()
        else:
            return
        position = text.find("{{", position)


def check_variables(given: Given) -> Iterator[Finding]:
    """Variables that are not there in the templates of each trigger, and content that is not marked as a template."""
    for trigger in given.of_kind("EventTrigger"):
        source = _source_of(trigger, given)
        for path, text in event_texts(trigger):
            yield from _wrong_variables(trigger, path, text, trigger, source)
        for path, kind, namespace, name in references(trigger):
            content = given.find(kind, namespace, name)
            if content is not None:
                yield from _content(content, trigger, source, marked=path[1] in GENERATORS or carries(content, INSTANTIATE))


def _source_of(trigger: Document, given: Given) -> Document | None:
    name = at(trigger.manifest, "spec", "eventSourceName")
    return given.find("EventSource", "", name) if isinstance(name, str) else None


def _content(content: Document, trigger: Document, source: Document | None, *, marked: bool) -> Iterator[Finding]:
    if in_other_language(content) or in_other_language(trigger):
        return
    name = "data" if content.manifest.get("kind") == "ConfigMap" else "stringData"
    for path, text in texts(content.manifest.get(name), (name,)):
        if marked:
            yield from _wrong_variables(content, path, text, trigger, source)
            continue
        used = next(variables_in(text), None)
        if used is not None:
            message = f"{dotted(path)} uses .{used[0]}, but the object has no annotation {INSTANTIATE}: the braces would stay as they are"
            instead = f"; {TEMPLATE} knows nothing of the event" if carries(content, TEMPLATE) else ""
            yield _at(content, path, used[1:], "FD303", message, f'add {INSTANTIATE}: "true"{instead}')
            return


def _wrong_variables(document: Document, path: Path, text: str, trigger: Document, source: Document | None) -> Iterator[Finding]:
    yield from _wrong_functions(document, path, text)
    one = at(trigger.manifest, "spec", "oneForEvent") is True
    who = at(trigger.manifest, "metadata", "name")
    for variable, line, column in variables_in(text):
        other = (_SINGULAR_OF if one else _PLURAL_OF).get(variable)
        if other:
            mode = "with oneForEvent: true there is one object" if one else "without oneForEvent there are all objects"
            message = f".{variable} is not there for EventTrigger {who}: {mode}, .{other}"
            yield _at(document, path, (line, column), "FD301", message, _fix(one=one, other=other))
        elif variable in ("Resource", "Resources") and source is not None and not _collects(source):
            named = at(source.manifest, "metadata", "name")
            message = f".{variable} is empty: EventSource {named} has no collectResources: true"
            yield _at(document, path, (line, column), "FD302", message, f"set collectResources: true in EventSource {named}")


def _wrong_functions(document: Document, path: Path, text: str) -> Iterator[Finding]:
    for start, end in _spoken_parts(text):
        called = _BY_IDENTIFIER.search(text, start, end) if text[end] in ('"', "`") else None
        if called is not None:
            at_ = called.start()
            place = text.count("\n", 0, at_) + 1, at_ - text.rfind("\n", 0, at_)
            message = f"{dotted(path)}: {called[1]} takes an object at the moment of an event, not an identifier"
            yield _at(document, path, place, "FD304", message, f"write {called[1]} .Resource, or let the deployment render it")


def _fix(*, one: bool, other: str) -> str:
    return f"write .{other}" if one else f"range over .{other}, or set oneForEvent: true"


def _collects(source: Document) -> bool:
    return at(source.manifest, "spec", "collectResources") is True


def _at(document: Document, path: Path, place: tuple[int, int], code: str, message: str, fix: str) -> Finding:
    line, column = document.place_inside(path, *place)
    return Finding(document.source, line, column, code, CODES[code].severity, message, fix)
