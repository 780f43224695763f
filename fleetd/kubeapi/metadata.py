"""The part of an object that is the server's: its name, identity, times and counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fleetd.kubeapi.kinds import Kind

ORDER = (
    "name",
    "generateName",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
)
OF_THE_SERVER = ("uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")
NAME_LENGTH = 63
SUFFIX = 5


def owners_once(body: dict[str, Any]) -> list[str]:
    """Takes ownerReferences out that are there twice; their uids."""
    owners = body["metadata"].get("ownerReferences")
    if not isinstance(owners, list) or len(owners) < 2:
        return []
    kept: list[Any] = []
    twice: list[str] = []
    for one in owners:
        if one in kept:
            twice.append(str(one.get("uid", "")) if isinstance(one, dict) else "")
        else:
            kept.append(one)
    if twice:
        body["metadata"]["ownerReferences"] = kept
    return twice


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def generated_name(base: str, uid: str) -> str:
    """`base` with five characters that are taken from the object's own uid."""
    alphabet = "bcdfghjklmnpqrstvwxz2456789"
    number = int.from_bytes(uid.encode(), "big") % len(alphabet) ** SUFFIX
    letters = []
    for _ in range(SUFFIX):
        number, digit = divmod(number, len(alphabet))
        letters.append(alphabet[digit])
    return base[: NAME_LENGTH - SUFFIX] + "".join(letters)


def ordered(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body with kind, apiVersion and metadata first, and without what is empty or unknown in metadata."""
    metadata = body["metadata"]
    kept = {key: metadata[key] for key in ORDER if metadata.get(key) not in (None, {}, [], "")}
    return {"kind": body["kind"], "apiVersion": body["apiVersion"], **body, "metadata": kept}


def born(kind: Kind, body: dict[str, Any], uid: str, now: str) -> None:
    """Puts into a new object what the server says of it; takes out what only the server may say."""
    metadata = body["metadata"]
    for key in OF_THE_SERVER:
        metadata.pop(key, None)
    metadata["uid"] = uid
    metadata["creationTimestamp"] = now
    if kind.counts_generations or kind.custom:
        metadata["generation"] = 1
    if not kind.namespaced:
        metadata.pop("namespace", None)


def carried_over(live: Mapping[str, Any], body: dict[str, Any]) -> None:
    """Keeps in a changed object what the server says of it; who owns its fields may be said anew."""
    old, new = live["metadata"], body["metadata"]
    for key in (*OF_THE_SERVER, "name", "namespace", "generateName", "managedFields"):
        if key == "managedFields" and new.get(key):
            continue
        if key in old:
            new[key] = old[key]
        else:
            new.pop(key, None)


def aged(kind: Kind, live: Mapping[str, Any], body: dict[str, Any]) -> None:
    """Counts a generation if anything but metadata and status has changed."""
    if not (kind.counts_generations or kind.custom):
        return
    beside = {"metadata", "status"} if kind.has_status or not kind.custom else {"metadata"}
    if any(live.get(key) != body.get(key) for key in (live.keys() | body.keys()) - beside):
        body["metadata"]["generation"] = int(live["metadata"].get("generation", 0)) + 1


def _without_times(fields: Any) -> Any:
    return [{key: value for key, value in entry.items() if key != "time"} for entry in fields or ()]


def same(live: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Whether a write changes nothing; when a manager last wrote the same does not count."""
    if live.keys() != body.keys() or any(live[key] != body[key] for key in live.keys() - {"metadata"}):
        return False
    old, new = live["metadata"], body["metadata"]
    beside = {"managedFields", "resourceVersion"}
    if any(old.get(key) != new.get(key) for key in (old.keys() | new.keys()) - beside):
        return False
    before, after = old.get("managedFields"), new.get("managedFields")
    return bool(before == after or _without_times(before) == _without_times(after))
