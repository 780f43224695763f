"""What somebody else changed on an object of ours.

Ours is what our managedFields entry covered right after the last apply. A label that somebody adds is not drift; one of
ours that somebody changes or removes is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from fleetd.decide.digest import Digest, canonical, digest
from fleetd.decide.exclusions import pruned, without
from fleetd.decide.ownership import HASH, MANAGER, entry_of, marks
from fleetd.domain.fieldset import MISSING, FieldSet, path_text, project, value_at
from fleetd.domain.records import DriftField

HIDDEN = '"***"'


def fields_of_entry(live: Mapping[str, Any]) -> str:
    """Our entry's fieldsV1 as compact JSON; empty when we hold nothing."""
    entry = entry_of(live)
    return canonical(entry).decode() if entry is not None else ""


def owned_digest(live: Mapping[str, Any], by: Digest = digest, excluded: Sequence[str] = ()) -> str:
    """Digest of the part of the live object that our entry covers, and of the entry itself, without what is left to others."""
    entry = entry_of(live)
    if entry is None:
        return ""
    if excluded:
        entry, live = without(entry, dict(live), excluded), pruned(dict(live), excluded)
    return by([project(live, FieldSet.from_fields_v1(entry)), entry])


def drifted_fields(
    live: Mapping[str, Any] | None, wanted: Mapping[str, Any], fields: str, excluded: Sequence[str] = ()
) -> tuple[DriftField, ...]:
    """Which of our fields (`fields`: fieldsV1 JSON of the last apply) differ from what we want; the whole object when it is gone.

    Args:
        excluded: JSON pointers of what is left to others.
    """
    if live is None:
        return (DriftField("", "present", "absent"),)
    secret = wanted.get("kind") == "Secret"
    found = []
    covered = field_set(fields)
    if excluded:
        covered = FieldSet.from_fields_v1(without(covered.to_fields_v1(), dict(wanted), excluded))
    for path in covered.leaves():
        ours, theirs = value_at(wanted, path), value_at(live, path)
        if ours is not MISSING and ours != theirs:
            hide = secret and path[0] in ("f:data", "f:stringData")
            found.append(DriftField(path_text(path), HIDDEN if hide else _json(ours), HIDDEN if hide else _json(theirs)))
    return tuple(found)


def brought(live: Mapping[str, Any], wanted: Mapping[str, Any], excluded: Sequence[str] = ()) -> bool:
    """Whether this is our own apply of what is wanted, whatever we remember of it: a daemon may die before it has noted one."""
    fields = fields_of_entry(live)
    return bool(fields) and marks(live).get(HASH) == marks(wanted).get(HASH) and not drifted_fields(live, wanted, fields, excluded)


def field_set(fields: str) -> FieldSet:
    """The set that fieldsV1 JSON stands for; empty text is the empty set."""
    return FieldSet.from_fields_v1(orjson.loads(fields)) if fields else FieldSet()


def held_paths(fields: str) -> frozenset[str]:
    """Every path of a set, as Kubernetes writes them in conflicts."""
    return frozenset(path_text(path) for path in field_set(fields).paths())


def changed_by(live: Mapping[str, Any] | None) -> str:
    """The manager that wrote last, other than us; empty when the object does not tell."""
    if live is None:
        return ""
    entries = (live.get("metadata") or {}).get("managedFields") or ()
    others = [entry for entry in entries if entry.get("manager") != MANAGER and not entry.get("subresource")]
    return str(max(others, key=lambda entry: str(entry.get("time") or ""))["manager"]) if others else ""


def _json(value: Any) -> str:
    return "absent" if value is MISSING else orjson.dumps(value).decode()
