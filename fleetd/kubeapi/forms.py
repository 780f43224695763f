"""Forms of an answer: whole objects, metadata only, tables; as JSON or YAML."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Any

import orjson

from fleetd.kubeapi.apply_merge import copied
from fleetd.kubeapi.columns import columns_of
from fleetd.kubeapi.exchange import Request, Response
from fleetd.kubeapi.kinds import Kind
from fleetd.kubeapi.refusals import not_acceptable
from fleetd.kubeapi.storage import Record
from fleetd.kubeapi.structural import fill, lacks, pruned
from fleetd.kubeapi.yamls import to_yaml

META = "meta.k8s.io/v1"
AVAILABLE = (
    "application/json, application/yaml, application/vnd.kubernetes.protobuf, "
    "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"
)


class Form(Enum):
    """What is told of an object."""

    WHOLE = "whole"
    METADATA = "metadata"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The form that a client and this server agree on."""

    form: Form
    yaml: bool = False


FORMS = {
    "PartialObjectMetadata": Form.METADATA,
    "PartialObjectMetadataList": Form.METADATA,
    "Table": Form.TABLE,
}


@lru_cache(256)
def accepted(header: str) -> Accepted:
    """The first form in an Accept header that there is. Raises ApiRefusal (406)."""
    if not header.strip():
        return Accepted(Form.WHOLE)
    for part in header.split(","):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        said = dict(piece.partition("=")[::2] for piece in parameters)
        if media not in ("application/json", "application/yaml", "application/*", "*/*"):
            continue
        if "as" not in said:
            return Accepted(Form.WHOLE, media == "application/yaml")
        if said["as"] in FORMS and said.get("g") == "meta.k8s.io" and said.get("v") == "v1":
            return Accepted(FORMS[said["as"]], media == "application/yaml")
    raise not_acceptable(AVAILABLE)


def answered(request: Request, body: Mapping[str, Any], status: int = 200) -> Response:
    """Any object as an answer, in JSON or YAML."""
    return _response(accepted(request.headers.get("accept", "")), orjson.dumps(body), status)


def _response(form: Accepted, text: bytes, status: int = 200) -> Response:
    if not form.yaml:
        return Response(status, text)
    return Response(status, to_yaml(orjson.loads(text)), "application/yaml")


def _whole(kind: Kind) -> Callable[[dict[str, Any]], bytes]:
    if kind.conversion is not None:
        shown = kind.conversion.shown
        return lambda body: orjson.dumps(shown(body))

    def text(body: dict[str, Any]) -> bytes:
        shown = body
        if body["apiVersion"] != kind.api_version:
            # Another version shows of the object what it has a place for.
            shown = pruned(kind.schema, body, root=True) if kind.schema and kind.schema.get("properties") else body
            shown = {**shown, "apiVersion": kind.api_version}
        if kind.fills and kind.schema is not None and lacks(kind.schema, shown):
            shown = copied(shown)
            fill(kind.schema, shown, copied)
        return orjson.dumps(shown)

    return text


def _metadata(body: dict[str, Any]) -> bytes:
    return orjson.dumps({"kind": "PartialObjectMetadata", "apiVersion": META, "metadata": body["metadata"]})


def text_of(record: Record, kind: Kind, form: Form) -> bytes:
    """One object in a form other than a table, as JSON."""
    if form is Form.METADATA:
        return record.text(("metadata", ""), _metadata)
    return record.text(("whole", kind.shown_as), _whole(kind))


def _shown(record: Record, kind: Kind, include: str) -> Any:
    """What a row tells of its object, as JSON that is ready."""
    if include == "None":
        return None
    return orjson.Fragment(text_of(record, kind, Form.WHOLE if include == "Object" else Form.METADATA))


def table(kind: Kind, records: Sequence[Record], metadata: Mapping[str, Any], now: datetime, include: str = "Metadata") -> dict[str, Any]:
    """A table of objects; `include` is what a row tells of its object: None, Metadata or Object."""
    columns = columns_of(kind)
    return {
        "kind": "Table",
        "apiVersion": META,
        "metadata": dict(metadata),
        "columnDefinitions": [column.definition() for column in columns],
        "rows": [
            {"cells": [column.cell(record.body, now) for column in columns], "object": _shown(record, kind, include)} for record in records
        ],
    }


def one(request: Request, kind: Kind, record: Record, now: datetime, status: int = 200) -> Response:
    """One object as the client wants it. Raises ApiRefusal (406)."""
    form = accepted(request.headers.get("accept", ""))
    if form.form is Form.TABLE:
        rows = table(kind, [record], {"resourceVersion": str(record.version)}, now, request.first("includeObject"))
        return _response(form, orjson.dumps(rows), status)
    return _response(form, text_of(record, kind, form.form), status)


def many(request: Request, kind: Kind, records: Sequence[Record], metadata: Mapping[str, Any], now: datetime) -> Response:
    """A list as the client wants it; items of built-in kinds leave kind and apiVersion to the list. Raises ApiRefusal (406)."""
    form = accepted(request.headers.get("accept", ""))
    if form.form is Form.TABLE:
        return _response(form, orjson.dumps(table(kind, records, metadata, now, request.first("includeObject"))))
    head: dict[str, Any] = {"kind": kind.kind_of_list, "apiVersion": kind.api_version, "metadata": dict(metadata)}
    if kind.custom:
        head["metadata"].setdefault("continue", "")
    if form.form is Form.METADATA:
        head.update(kind="PartialObjectMetadataList", apiVersion=META)
    texts = [text_of(record, kind, form.form) for record in records]
    if form.form is Form.WHOLE and not kind.custom:
        begin = len(orjson.dumps({"kind": kind.kind, "apiVersion": kind.api_version})[:-1]) + 1
        texts = [b"{" + text[begin:] for text in texts]
    return _response(form, b'%b,"items":[%b]}' % (orjson.dumps(head)[:-1], b",".join(texts)))
