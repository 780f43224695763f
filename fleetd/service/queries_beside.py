"""What rows of some views are shown with beside their columns: facts of other views, read once for all rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from fleetd.domain.refs import ObjectRef
from fleetd.store.reading import Reader, Record

AT_ONCE = 500
"""Values in one question; SQLite takes some thousands."""

PROFILES = "config.projectsveltos.io"
_FIELDS = "SELECT incident_id, field_path FROM fleet_drift_fields WHERE incident_id IN ({}) ORDER BY incident_id, field_path"
_OBJECTS = """
SELECT event_id, MIN(object_ref) AS first_object, COUNT(*) AS object_count FROM fleet_event_objects WHERE event_id IN ({}) GROUP BY event_id
"""
_MADE = "SELECT ref, event_trigger, object_ref FROM fleet_generated WHERE ref IN ({})"


def with_beside(reader: Reader, view: str, rows: Sequence[Record]) -> list[Record]:
    """The rows, longer by what belongs to them.

    An incident has `fields`, the paths that somebody changed; an event `first_object` and `object_count`; an add-on the
    `event_trigger` and `object_ref` that its profile was generated for (both None where people wrote the profile).
    """
    added = _BESIDE.get(view)
    return added(reader, rows) if added is not None and rows else list(rows)


def profile_ref(profile: str) -> ObjectRef:
    """The declared or generated object of a profile, by the name that views give it."""
    kind, *namespace, name = profile.split("/")
    return ObjectRef(kind, PROFILES, namespace[0] if namespace else "", name)


def _with_fields(reader: Reader, rows: Sequence[Record]) -> list[Record]:
    fields: dict[str, list[str]] = {}
    for found in _matching(reader, _FIELDS, (row["incident_id"] for row in rows)):
        fields.setdefault(found["incident_id"], []).append(found["field_path"])
    return [{**row, "fields": fields.get(row["incident_id"], [])} for row in rows]


def _with_objects(reader: Reader, rows: Sequence[Record]) -> list[Record]:
    objects = {found["event_id"]: found for found in _matching(reader, _OBJECTS, (row["event_id"] for row in rows))}
    return [{**row, **_of(objects.get(row["event_id"]), first_object=None, object_count=0)} for row in rows]


def _with_trigger(reader: Reader, rows: Sequence[Record]) -> list[Record]:
    refs = {row["profile"]: str(profile_ref(row["profile"])) for row in rows}
    made = {found["ref"]: found for found in _matching(reader, _MADE, refs.values())}
    return [{**row, **_of(made.get(refs[row["profile"]]), event_trigger=None, object_ref=None)} for row in rows]


_BESIDE: dict[str, Callable[[Reader, Sequence[Record]], list[Record]]] = {
    "fleet_addons": _with_trigger,
    "fleet_drift_incidents": _with_fields,
    "fleet_events": _with_objects,
}


def _of(found: Mapping[str, Any] | None, **otherwise: Any) -> Record:
    return {name: found[name] if found else value for name, value in otherwise.items()}


def _matching(reader: Reader, sql: str, values: Iterable[str]) -> Iterator[Record]:
    every = list(dict.fromkeys(values))
    for start in range(0, len(every), AT_ONCE):
        named = {f"v{place}": value for place, value in enumerate(every[start : start + AT_ONCE])}
        yield from reader.rows(sql.format(", ".join(f":{name}" for name in named)), named)
