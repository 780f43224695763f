"""What a row of a list says beside its view: what waits for an event, who looks after it, what an add-on was made for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fleetd.service.questions.addons import profile_ref
from fleetd.service.questions.ground import Ground
from fleetd.store.reading import Record

AT_ONCE = 200
"""So many rows are asked for by one statement."""

_PENDING = "SELECT event_id, event_trigger, cluster, state, reason FROM fleet_pending_events WHERE event_id IN ({})"
_FIRST = "SELECT event_id, MIN(object_ref) AS first_object, COUNT(*) AS n FROM fleet_event_objects WHERE event_id IN ({}) GROUP BY event_id"
_FIELDS = "SELECT incident_id, field_path FROM fleet_drift_fields WHERE incident_id IN ({}) ORDER BY incident_id, field_path"
_MADE = "SELECT ref, event_trigger, object_ref FROM fleet_generated WHERE ref IN ({})"
_KNOWN = """
SELECT subject, actor, reason FROM fleet_requests WHERE verb = 'acknowledge' AND created_at <= :now AND subject IN ({}) ORDER BY created_at
"""
_WORST = ("failed", "blocked", "acting", "pending")


def complete(ground: Ground, sheet: str, rows: list[Record]) -> None:
    """Adds to rows of some lists what their view does not hold."""
    for add in _ADDED.get(sheet, ()):
        for start in range(0, len(rows), AT_ONCE):
            add(ground, rows[start : start + AT_ONCE])


def acknowledged(ground: Ground, events: Sequence[str]) -> dict[str, str]:
    """Who said last that they look after an event, and why they say so; nobody takes that back, so that it holds of the past, too."""
    if not events:
        return {}
    names, values = _listed([f"event:{event}" for event in events])
    # Requests keep no past of their own: when one was made says enough.
    rows = ground.reader.rows(_KNOWN.format(names), {**values, "now": ground.now})
    return {row["subject"].removeprefix("event:"): f"{row['actor']}: {row['reason']}" for row in rows}


def _listed(values: Sequence[Any]) -> tuple[str, dict[str, Any]]:
    """Parameters for `IN (…)`, and what they hold."""
    return ", ".join(f":i{place}" for place in range(len(values))), {f"i{place}": value for place, value in enumerate(values)}


def _by(ground: Ground, sql: str, values: Sequence[Any], name: str) -> dict[str, list[Record]]:
    """Rows of a statement over a list of values, by one of their columns."""
    names, given = _listed(values)
    found: dict[str, list[Record]] = defaultdict(list)
    for row in ground.rows(sql.format(names), given) if values else ():
        found[row[name]].append(row)
    return found


def _add_what_waits(ground: Ground, rows: Sequence[Record]) -> None:
    """Events with the worst of what their triggers made of them, where, why, and with their objects."""
    ids = [row["event_id"] for row in rows]
    waiting = _by(ground, _PENDING, ids, "event_id")
    objects = _by(ground, _FIRST, ids, "event_id")
    for row in rows:
        here = waiting[row["event_id"]]
        worst = min(here, key=lambda one: _WORST.index(one["state"]) if one["state"] in _WORST else 9, default=None)
        first = next(iter(objects[row["event_id"]]), None)
        row |= {
            "state": worst["state"] if worst else "settled",
            "waiting": len(here),
            "blocked_by": f"{worst['event_trigger']} on {worst['cluster'] or '(no cluster yet)'}" if worst else "",
            "reason": worst["reason"] if worst else "",
            "object_ref": first["first_object"] if first else "",
            "object_count": first["n"] if first else 0,
        }


def _add_who_knows(ground: Ground, rows: Sequence[Record]) -> None:
    """Events with who looks after them."""
    known = acknowledged(ground, list(dict.fromkeys(row["event_id"] for row in rows if row["event_id"])))
    for row in rows:
        row["looked_after"] = known.get(row["event_id"] or "", "")


def _add_what_for(ground: Ground, rows: Sequence[Record]) -> None:
    """Add-ons with the trigger that made their profile, and the object that it was made for."""
    refs = {row["profile"]: str(profile_ref(row["profile"])) for row in rows}
    made = _by(ground, _MADE, list(dict.fromkeys(refs.values())), "ref")
    for row in rows:
        found = next(iter(made[refs[row["profile"]]]), None)
        row["made_for"] = f"{found['event_trigger']}: {found['object_ref'] or '(all together)'}" if found else ""


def _add_fields(ground: Ground, rows: Sequence[Record]) -> None:
    fields = _by(ground, _FIELDS, [row["incident_id"] for row in rows], "incident_id")
    for row in rows:
        row["fields"] = [field["field_path"] for field in fields[row["incident_id"]]]


_ADDED: Mapping[str, tuple[Callable[[Ground, Sequence[Record]], None], ...]] = {
    "events": (_add_what_waits, _add_who_knows),
    "pending": (_add_who_knows,),
    "addons": (_add_what_for,),
    "drift": (_add_fields,),
}
