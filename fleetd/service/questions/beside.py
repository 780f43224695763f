"""Rows of a view as people and scripts get them: its JSON as values, and what belongs to a row beside the view's columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from fleetd.domain.errors import InvalidInput
from fleetd.domain.refs import ObjectRef
from fleetd.store.reading import Record

Row = dict[str, Any]
Read = Callable[[str, Mapping[str, Any]], list[Record]]
AT_ONCE = 500
"""Values in one statement; SQLite takes some thousands."""
JSON_COLUMNS = frozenset({"manifest", "spec", "status", "lost", "unsupported"})
PROFILES = "config.projectsveltos.io"

_FIELDS = "SELECT incident_id, field_path FROM fleet_drift_fields WHERE incident_id IN ({}) ORDER BY incident_id, field_path"
_OBJECTS = """
SELECT event_id, MIN(object_ref) AS first_object, COUNT(*) AS object_count FROM fleet_event_objects WHERE event_id IN ({}) GROUP BY event_id
"""
_MADE = "SELECT ref, event_trigger, object_ref FROM fleet_generated WHERE ref IN ({})"
_LABELS = "SELECT cluster, label_key, label_value FROM fleet_cluster_labels WHERE cluster IN ({}) ORDER BY cluster, label_key"


def whole(read: Read, view: str, rows: Sequence[Record]) -> list[Row]:
    """The rows, longer by what belongs to them.

    A cluster has its `labels`; an incident `fields`, the paths that somebody changed; an event `first_object` and `object_count`;
    an add-on the `event_trigger` and `object_ref` that its profile was generated for (both None where people wrote the profile).
    """
    found = [decoded(row) for row in rows]
    added = _BESIDE.get(view)
    return added(read, found) if added is not None and found else found


def decoded(row: Record) -> Row:
    """A row whose JSON columns are values."""
    return {name: _value(value) if name in JSON_COLUMNS and isinstance(value, str) else value for name, value in row.items()}


def profile_ref(profile: str) -> ObjectRef:
    """The declared or generated object of a profile, by the name that views give it."""
    kind, *namespace, name = profile.split("/")
    return ObjectRef(kind, PROFILES, namespace[0] if namespace else "", name)


def profile_of(ref: ObjectRef) -> str:
    """What the views call a profile."""
    return f"{ref.kind}/{ref.namespace}/{ref.name}" if ref.namespace else f"{ref.kind}/{ref.name}"


def reason_of(row: Mapping[str, Any]) -> str:
    """A row's reason, without the name of the cluster that the row has beside it."""
    return str(row.get("reason") or "").removeprefix(f"{row.get('cluster')}: ")


def _value(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidInput("a column that should hold JSON does not: run fleetd db check") from error


def _with_labels(read: Read, rows: Sequence[Row]) -> list[Row]:
    labels: dict[str, dict[str, str]] = {}
    for found in _matching(read, _LABELS, (row["cluster"] for row in rows)):
        labels.setdefault(found["cluster"], {})[found["label_key"]] = found["label_value"]
    return [{**row, "labels": labels.get(row["cluster"], {})} for row in rows]


def _with_fields(read: Read, rows: Sequence[Row]) -> list[Row]:
    fields: dict[str, list[str]] = {}
    for found in _matching(read, _FIELDS, (row["incident_id"] for row in rows)):
        fields.setdefault(found["incident_id"], []).append(found["field_path"])
    return [{**row, "fields": fields.get(row["incident_id"], [])} for row in rows]


def _with_objects(read: Read, rows: Sequence[Row]) -> list[Row]:
    objects = {found["event_id"]: found for found in _matching(read, _OBJECTS, (row["event_id"] for row in rows))}
    return [{**row, **_of(objects.get(row["event_id"]), first_object=None, object_count=0)} for row in rows]


def _with_trigger(read: Read, rows: Sequence[Row]) -> list[Row]:
    refs = {row["profile"]: str(profile_ref(row["profile"])) for row in rows}
    made = {found["ref"]: found for found in _matching(read, _MADE, refs.values())}
    return [{**row, **_of(made.get(refs[row["profile"]]), event_trigger=None, object_ref=None)} for row in rows]


_BESIDE: dict[str, Callable[[Read, Sequence[Row]], list[Row]]] = {
    "fleet_addons": _with_trigger,
    "fleet_addon_history": _with_trigger,
    "fleet_clusters": _with_labels,
    "fleet_drift_incidents": _with_fields,
    "fleet_events": _with_objects,
}


def _of(found: Mapping[str, Any] | None, **otherwise: Any) -> Row:
    return {name: found[name] if found else value for name, value in otherwise.items()}


def _matching(read: Read, sql: str, values: Iterable[str]) -> Iterator[Record]:
    every = list(dict.fromkeys(values))
    for start in range(0, len(every), AT_ONCE):
        named = {f"v{place}": value for place, value in enumerate(every[start : start + AT_ONCE])}
        yield from read(sql.format(", ".join(f":{name}" for name in named)), named)
