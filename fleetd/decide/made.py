"""Text into objects: the documents as kubectl splits them, each with an identity that a cluster could take."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Any

from fleetd.decide.spots import Path
from fleetd.domain.documents import Document, read_documents
from fleetd.domain.errors import EvaluationFailed
from fleetd.domain.objects import Manifest
from fleetd.domain.yaml_reader import UnreadableText

_MOST = 253
_SHOWN = 60


class Unmade(EvaluationFailed):
    """What is wrong with a text, or one of its documents, at a line and column of it."""


def made(text: str, source: str) -> tuple[Manifest, ...]:
    """The objects that a text of YAML or JSON holds, in their order; a List is taken apart.

    Raises:
        Unmade: it is no YAML, or a document is no Kubernetes object.
    """
    try:
        documents = read_documents(text, source=source)
    except UnreadableText as error:
        raise Unmade(error.sentence, line=error.line, column=error.column) from error
    objects = []
    for document in documents:
        wrong = fault_of(document.manifest)
        if wrong is not None:
            line, column = _place(document, wrong.path)
            raise Unmade(wrong.sentence, line=line, column=column)
        objects.append(document.manifest)
    return tuple(objects)


def _place(document: Document, path: Path) -> tuple[int, int]:
    return document.place_inside(path, 1, 1) if path in document.places else document.place_of(path)


@dataclass(frozen=True, slots=True)
class Fault:
    """What keeps something from being a Kubernetes object, and at which field."""

    path: Path
    sentence: str


def fault_of(manifest: Manifest) -> Fault | None:
    """Why something is no Kubernetes object; None when it is one."""
    metadata = manifest.get("metadata")
    if not manifest.get("apiVersion") or not manifest.get("kind") or not isinstance(metadata, dict) or not metadata.get("name"):
        return Fault((), "the document is no Kubernetes object: apiVersion, kind and metadata.name are needed")
    for name, value in (("apiVersion", manifest["apiVersion"]), ("kind", manifest["kind"])):
        if not isinstance(value, str) or any(sign.isspace() for sign in value) or value.count("/") > (name == "apiVersion"):
            return Fault((name,), f"{name} is {_shown(value)}, which is none")
    for name in ("name", "namespace"):
        wrong = _misnamed(metadata.get(name))
        if wrong:
            return Fault(("metadata", name), f"metadata.{name} {wrong}")
    for name in ("labels", "annotations"):
        wrong = _no_texts(metadata.get(name))
        if wrong:
            return Fault(("metadata", name), f"metadata.{name}{wrong}")
    return None


def _misnamed(value: Any) -> str:
    """Any path segment may be a name somewhere (roles have colons); a cluster says what its kinds ask for beyond that."""
    if value is None or value == "":
        return ""
    if not isinstance(value, str):
        return f"is {_shown(value)}, which is no text: put it into quotes"
    if value in (".", "..") or len(value) > _MOST or any(sign in "/%" or sign.isspace() or not sign.isprintable() for sign in value):
        return f"is {_shown(value)}, which is no name that a cluster takes"
    return ""


def _no_texts(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, dict):
        return " is no mapping"
    wrong = next((key for key, one in value.items() if not isinstance(one, str | None)), None)
    return "" if wrong is None else f"[{_shown(wrong)}] is {_shown(value[wrong])}, which is no text: put it into quotes"


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else "true" if value is True else "false" if value is False else str(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def as_stored(manifest: Manifest) -> Manifest:
    """A Secret's `stringData` as the `data` that the server makes of it, so that we own what we compare."""
    if manifest.get("kind") != "Secret" or manifest.get("apiVersion") != "v1" or not isinstance(manifest.get("stringData"), dict):
        return manifest
    coded = {key: base64.b64encode(str(value).encode()).decode() for key, value in manifest["stringData"].items()}
    rest = {key: value for key, value in manifest.items() if key != "stringData"}
    return {**rest, "data": {**(manifest.get("data") or {}), **coded}}


_SEPARATOR = re.compile(r"(?m)^---[ \t]*\r?$")
_WHOLE = re.compile(r"(?m)^(%|\.\.\.|\ufeff)")


def documents_of(text: str) -> list[str]:
    """The documents of a text, so that each can be read by itself: lines of `---` part them wherever they stand in YAML.

    A text with directives stays whole, as does JSON without such lines.
    """
    return [text] if _WHOLE.search(text) else [one for one in _SEPARATOR.split(text) if one.strip()]
