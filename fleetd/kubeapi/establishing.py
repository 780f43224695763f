"""Whether a definition's names are free, and with that whether its kind is served."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fleetd.kubeapi.definitions import DEFINITIONS
from fleetd.kubeapi.metadata import stamp
from fleetd.kubeapi.storage import Record, Storage, Write

Body = dict[str, Any]


def condition(body: Mapping[str, Any], kind: str) -> Body | None:
    """A condition of an object's status by its type."""
    conditions = (body.get("status") or {}).get("conditions") or ()
    return next((one for one in conditions if one.get("type") == kind), None)


def is_established(body: Mapping[str, Any]) -> bool:
    """Whether the kind that a definition defines is served."""
    return (condition(body, "Established") or {}).get("status") == "True"


@dataclass(frozen=True, slots=True)
class Establishing:
    """Follows every write of a definition with the status that it leads to."""

    storage: Storage
    clock: Callable[[], datetime]

    async def settle(self, name: str) -> None:
        """Writes the status of one definition (empty: of none), and of those that wait for their names."""
        definitions = (await self.storage.listing(DEFINITIONS)).records
        for record in sorted(definitions, key=lambda record: record.metadata["name"] != name):
            if record.metadata["name"] == name or not is_established(record.body):
                await self._settle(record)

    async def _settle(self, record: Record) -> None:
        if record.metadata.get("deletionTimestamp"):
            return
        group = record.body["spec"]["group"]
        others = [
            other.body["status"].get("acceptedNames") or {}
            for other in (await self.storage.listing(DEFINITIONS)).records
            if other.metadata["name"] != record.metadata["name"] and other.body["spec"]["group"] == group
        ]
        body = record.copy()
        _rename(body, others, stamp(self.clock()))
        if body["status"] != record.body["status"]:
            await self.storage.commit(Write(DEFINITIONS, "", record.metadata["name"], body, record.version))


def _taken(others: Iterable[Mapping[str, Any]], *keys: str) -> Iterator[str]:
    for names in others:
        for key in keys:
            value = names.get(key) or ()
            yield from (value,) if isinstance(value, str) else value


def _rename(body: Body, others: list[Mapping[str, Any]], now: str) -> None:
    """Puts accepted names, stored versions and conditions into a definition."""
    wanted, status = body["spec"]["names"], body["status"]
    accepted = dict(status.get("acceptedNames") or {})
    resources = set(_taken(others, "plural", "singular", "shortNames"))
    kinds = set(_taken(others, "kind", "listKind"))
    why = None
    for key, reason, taken in (
        ("plural", "PluralConflict", resources),
        ("singular", "SingularConflict", resources),
        ("shortNames", "ShortNamesConflict", resources),
        ("kind", "KindConflict", kinds),
        ("listKind", "ListKindConflict", kinds),
    ):
        value = wanted.get(key)
        clash = [one for one in ((value,) if isinstance(value, str) else value or ()) if one in taken]
        if clash:
            why = (reason, f'"{clash[0]}" is already in use')
        elif value:
            accepted[key] = value
        else:
            accepted.pop(key, None)
    if wanted.get("categories"):
        accepted["categories"] = wanted["categories"]
    names = _condition("NamesAccepted", *(("False", *why) if why else ("True", "NoConflicts", "no conflicts found")))
    before = condition(body, "Established")
    established = before or _condition("Established", "False", "NotAccepted", "not all names are accepted")
    if established["status"] != "True" and not why:
        established = _condition("Established", "True", "InitialNamesAccepted", "the initial names have been accepted")
    stored = [one["name"] for one in body["spec"].get("versions") or () if one.get("storage")]
    status["acceptedNames"] = accepted
    status["storedVersions"] = list(dict.fromkeys((*(status.get("storedVersions") or ()), *stored)))
    status["conditions"] = [_since(body, one, now) for one in (names, established)]


def _condition(kind: str, status: str, reason: str, message: str) -> Body:
    return {"type": kind, "status": status, "lastTransitionTime": "", "reason": reason, "message": message}


def _since(body: Mapping[str, Any], new: Body, now: str) -> Body:
    """The condition with the time at which its status became what it is."""
    old = condition(body, new["type"])
    kept = old is not None and old["status"] == new["status"]
    return {**new, "lastTransitionTime": old["lastTransitionTime"] if old is not None and kept else now}
