"""Bodies of requests: bytes into manifests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import yaml

from fleetd.kubeapi.exchange import Request
from fleetd.kubeapi.kinds import Kind
from fleetd.kubeapi.protobuf import MEDIA_TYPE, from_protobuf
from fleetd.kubeapi.refusals import bad_request, invalid, unsupported_media_type
from fleetd.kubeapi.rules import wrong_value
from fleetd.kubeapi.syntax import first_wrong
from fleetd.kubeapi.typed import json_type
from fleetd.kubeapi.types import type_of

JSON = "application/json"
YAML = "application/yaml"
SCHEME = "pkg/api/legacyscheme/scheme.go:30"
ACCEPTED = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
SUMMARY = 30
HEAD = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
DEPTH = 256
"""Levels that a body may nest; what reads it is recursive."""
NODES = 1_000_000


class _Loader(yaml.CSafeLoader):
    """YAML 1.1 as Kubernetes reads it: a single y or n is a truth value, timestamps stay text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^[yYnN]$"), list("yYnN"))
_Loader.add_constructor("tag:yaml.org,2002:bool", lambda _loader, node: node.value.lower() in ("y", "yes", "true", "on"))


def media_type(request: Request) -> str:
    """The Content-Type without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _key(value: Any) -> str:
    return {True: "true", False: "false"}.get(value, str(value)) if not isinstance(value, str) else value


class _Plain:
    """Makes keys of maps text, as in JSON; stops where aliases would grow a small text into a large value."""

    def __init__(self) -> None:
        self._left = NODES

    def of(self, value: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise ValueError("document contains excessive aliasing")
        if isinstance(value, dict):
            return {_key(key): self.of(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.of(inner) for inner in value]
        return value


def from_yaml(text: bytes) -> Any:
    """One document; JSON is YAML too. Raises ApiRefusal (400)."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return _Plain().of(yaml.load(text, _Loader))  # noqa: S506  # a subclass of the safe loader
    except yaml.MarkedYAMLError as error:
        line = max(1, error.problem_mark.line) if error.problem_mark else 1
        raise bad_request(f"error decoding YAML: error converting YAML to JSON: yaml: line {line}: {error.problem}") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise bad_request("error decoding YAML: error converting YAML to JSON: yaml: the document cannot be read") from error


def _no_json(text: bytes, kind: str, why: str) -> Exception:
    said = f"couldn't get version/kind; json parse error: {why} ({_summary(text)})"
    return bad_request(f"the object provided is unrecognized (must be of type {kind}): {said}")


def _summary(text: bytes) -> str:
    """How messages show a body: its beginning, in hexadecimal digits where it does not look like JSON."""
    if not text:
        return "<empty>"
    begin = text[:SUMMARY]
    shown = begin.decode("utf-8", "replace") if text.startswith(b"{") else begin.hex()
    return f"{shown} ..." if len(text) > SUMMARY else shown


def object_of(text: bytes, kind: str) -> dict[str, Any]:
    """The JSON object of a body that is to be of a kind. Raises ApiRefusal (400)."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise _no_json(text, kind, first_wrong(text.decode("utf-8", "replace"))) from error
    if not isinstance(found, dict):
        raise _no_json(text, kind, f"json: cannot unmarshal {json_type(found)} into Go value of type {HEAD}")
    return found


def manifest(request: Request, kind: Kind) -> dict[str, Any]:
    """The object of a POST or PUT, of the path's kind. Raises ApiRefusal (400, 415)."""
    form = media_type(request)
    if form not in ("", JSON, YAML, MEDIA_TYPE):
        raise unsupported_media_type(ACCEPTED)
    body: Any
    if form == MEDIA_TYPE:
        body = from_protobuf(request.body)
    elif form == YAML:
        body = from_yaml(request.body)
    else:
        body = object_of(request.body, kind.kind)
    if not isinstance(body, dict):
        raise _no_json(request.body, kind.kind, f"json: cannot unmarshal {json_type(body)} into Go value of type {HEAD}")
    refuse_depth(request.body, body)
    return of_kind(body, kind)


def of_kind(body: dict[str, Any], kind: Kind) -> dict[str, Any]:
    """The body, checked to be of a kind; a body that names none is taken as of that kind. Raises ApiRefusal (400)."""
    said_kind, said_version = body.setdefault("kind", kind.kind), body.setdefault("apiVersion", kind.api_version)
    if kind.custom and said_kind != kind.kind and said_version == kind.api_version:
        named = body.get("metadata")
        name = str(named.get("name") or "") if isinstance(named, dict) else ""
        raise invalid(kind.group, str(said_kind), name, [wrong_value("kind", str(said_kind), f"must be {kind.kind}")])
    why = "" if kind.custom else other_kind(said_kind, said_version, kind)
    if why:
        raise bad_request(f'{said_kind} in version "{str(said_version).rpartition("/")[2]}" cannot be handled as a {kind.kind}: {why}')
    if said_version != kind.api_version:
        raise bad_request(f"the API version in the data ({said_version}) does not match the expected API version ({kind.api_version})")
    metadata = body.setdefault("metadata", {})
    if not isinstance(metadata, dict):
        raise unreadable(
            kind, f"json: cannot unmarshal {json_type(metadata)} into Go struct field {kind.kind}.metadata of type v1.ObjectMeta"
        )
    return body


def other_kind(said: Any, version: Any, kind: Kind) -> str:
    """Why an object that says to be of some kind cannot be had as one of a built-in kind; nothing if it can."""
    if type_of(str(version), str(said)) is None:
        return f'no kind "{said}" is registered for version "{version}" in scheme "{SCHEME}"'
    if said == kind.kind:
        return ""
    internal = kind.group.partition(".")[0] or "core"
    return f"converting ({str(version).rpartition('/')[2]}.{said}) to ({internal}.{kind.kind}): unknown conversion"


def unreadable(kind: Kind, why: str) -> Exception:
    """400: the body does not have the form of its kind."""
    return bad_request(f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {why}')


@contextmanager
def in_its_form(kind: Kind) -> Iterator[None]:
    """Around the rules of a kind, which read an object as if it had the kind's form. Raises ApiRefusal (400) where it has not."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise unreadable(kind, "a part of the object does not have the form that the kind gives it") from error


def refuse_depth(text: bytes, value: Any) -> None:
    """Raises ApiRefusal (400) for a value that nests too deeply; most texts are too short for it to need a look."""
    if text.count(b"{") + text.count(b"[") > DEPTH and not _depth_within(value):
        raise bad_request(f"the body of the request nests more than {DEPTH} levels deep")


def _depth_within(value: Any) -> bool:
    level = [value]
    for _ in range(DEPTH):
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return True
    return False
