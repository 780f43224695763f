"""YAML text to values as Kubernetes' library reads it on the way to JSON: every number is a float64.

Values are built here from the parser's events, because the C library's own composer has no limit on nesting and takes the
process down with it.
"""

from __future__ import annotations

import base64
import binascii
import math
from typing import Any

import yaml

from fleetd.decide.gotemplate.formatting import shortest, special
from fleetd.decide.gotemplate.run import Run
from fleetd.decide.gotemplate.values import from_utf8
from fleetd.decide.gotemplate.yaml_scalars import resolve

DEPTH = 100
"""Collections may nest this deep."""

_CORE = "tag:yaml.org,2002:"


def read_yaml(text: str, run: Run) -> Any:
    """The first document's value; None when there is none.

    Raises:
        ValueError: the text is no YAML.
    """
    run.spend(len(text) >> 4)
    try:
        loader = yaml.CSafeLoader(text)
        try:
            return _Reader(loader, run).document()
        finally:
            loader.dispose()
    except _Unfit as unfit:
        raise ValueError(f"error converting YAML to JSON: {unfit}") from unfit
    except (yaml.YAMLError, UnicodeError) as broken:
        raise ValueError(f"error converting YAML to JSON: yaml: {_reason(broken)}") from broken


class _Unfit(yaml.YAMLError):
    """What YAML can say and JSON cannot."""


class _Reader:
    """Builds one document's value."""

    def __init__(self, events: Any, run: Run) -> None:
        self.events = events
        self.run = run
        self.anchors: dict[str, Any] = {}
        self.depth = 0

    def document(self) -> Any:
        self.events.get_event()
        if isinstance(self.events.get_event(), yaml.StreamEndEvent):
            return None
        value = self.value(self.events.get_event())
        self.events.get_event()  # what is wrong behind the value, up to the document's end, is wrong with it
        return value

    def value(self, event: Any) -> Any:
        self.run.spend(3)
        match event:
            case yaml.AliasEvent():
                if event.anchor not in self.anchors:
                    raise yaml.YAMLError(f"unknown anchor '{event.anchor}' referenced")
                return self.anchors[event.anchor]
            case yaml.ScalarEvent():
                value = _scalar(event)
                if event.anchor:
                    self.anchors[event.anchor] = value
                return value
        self.depth += 1
        if self.depth > DEPTH:
            raise yaml.YAMLError(f"exceeded max depth of {DEPTH}")
        value = self.sequence(event) if isinstance(event, yaml.SequenceStartEvent) else self.mapping(event)
        self.depth -= 1
        return value

    def sequence(self, start: Any) -> list[Any]:
        made: list[Any] = []
        if start.anchor:
            self.anchors[start.anchor] = made
        while not isinstance(event := self.events.get_event(), yaml.SequenceEndEvent):
            made.append(self.value(event))
        return made

    def mapping(self, start: Any) -> dict[str, Any]:
        made: dict[str, Any] = {}
        merged: list[dict[str, Any]] = []
        if start.anchor:
            self.anchors[start.anchor] = made
        while not isinstance(event := self.events.get_event(), yaml.MappingEndEvent):
            merges = isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.implicit[0]
            key = self.value(event)
            value = self.value(self.events.get_event())
            if merges:
                merged.extend(_mergeable(value))
            else:
                made[_key(key)] = value
        for one in merged:
            self.run.spend(len(one))
            for name, value in one.items():
                made.setdefault(name, value)
        return made


def _scalar(event: Any) -> Any:
    tag = event.tag
    if tag is None or tag == "!":
        if not event.implicit[0]:
            return event.value
    elif tag == _CORE + "binary":
        return _binary(event.value)
    elif tag not in {_CORE + "int", _CORE + "float", _CORE + "bool", _CORE + "null"}:
        return event.value
    value = resolve(event.value)
    if isinstance(value, float) and not math.isfinite(value):
        raise _Unfit(f"json: unsupported value: {special(value)}")
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _binary(text: str) -> str:
    try:
        return from_utf8(base64.b64decode("".join(text.split()), validate=True))
    except (binascii.Error, ValueError) as broken:
        raise yaml.YAMLError("!!binary value contains invalid base64 data") from broken


def _mergeable(value: Any) -> list[dict[str, Any]]:
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(one, dict) for one in found):
        raise yaml.YAMLError("map merge requires map or sequence of maps as the value")
    return [dict(one) for one in found]


def _key(key: Any) -> str:
    match key:
        case str():
            return key
        case bool():
            return "true" if key else "false"
        case float():
            return str(int(key)) if key.is_integer() and abs(key) < 1 << 63 else shortest(key, low=-4, high=6)
        case None:
            raise _Unfit("unsupported map key of type: %!s(<nil>), key: <nil>, value: <nil>")
    raise yaml.YAMLError("a key is neither a text, a number nor a boolean")


def _reason(broken: Exception) -> str:
    """The problem behind its line as the library counts it: the first line is not named, and only the scanner counts from 1."""
    if isinstance(broken, yaml.reader.ReaderError):
        return "control characters are not allowed"
    marks = [getattr(broken, name, None) for name in ("context_mark", "problem_mark")]
    line = next((mark.line for mark in marks if mark is not None and mark.line), 0)
    problem = getattr(broken, "problem", None) or str(broken)
    return f"line {line + isinstance(broken, yaml.scanner.ScannerError)}: {problem}" if line else str(problem)
