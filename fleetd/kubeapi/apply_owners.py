"""Who owns which fields: `metadata.managedFields` read and written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from fleetd.domain.fieldset import FieldSet
from fleetd.domain.objects import Manifest

APPLY = "Apply"
UPDATE = "Update"

MOST_UPDATES = 10
"""How many Update entries an object keeps; the oldest ones are put together."""

ANCIENT = "ancient-changes"


class OwnerKey(NamedTuple):
    """What tells two owners apart; an applier is the same one at every version."""

    manager: str
    operation: str
    api_version: str
    subresource: str


@dataclass(frozen=True, slots=True)
class Owner:
    """One entry of managedFields. `time` is empty where the entry has none."""

    manager: str
    operation: str
    api_version: str
    subresource: str
    time: str
    fields: FieldSet
    entry: Mapping[str, Any] | None = None
    """The entry as it was read, while it says the same."""

    @property
    def key(self) -> OwnerKey:
        return OwnerKey(self.manager, self.operation, "" if self.operation == APPLY else self.api_version, self.subresource)

    def with_fields(self, fields: FieldSet) -> Owner:
        """The same owner with other fields and the same time."""
        return self if fields == self.fields else replace(self, fields=fields, entry=None)

    def as_entry(self) -> dict[str, Any]:
        """Writes the entry, its fields in the server's order."""
        if self.entry is not None:
            return dict(self.entry)
        entry: dict[str, Any] = {"manager": self.manager, "operation": self.operation, "apiVersion": self.api_version}
        if self.time:
            entry["time"] = self.time
        entry |= {"fieldsType": "FieldsV1", "fieldsV1": self.fields.to_fields_v1()}
        return entry | {"subresource": self.subresource} if self.subresource else entry


Owners = dict[OwnerKey, Owner]


def owners_of(manifest: Manifest | None) -> Owners:
    """The owners that an object names; entries that cannot be read are left out."""
    entries = ((manifest or {}).get("metadata") or {}).get("managedFields") or ()
    return {owner.key: owner for entry in entries if (owner := _read(entry)) is not None}


def readable(entries: Any) -> bool:
    """Whether all entries are such as a server writes; of what somebody else wrote, one that is not makes all of them count for nothing."""
    return isinstance(entries, list) and all(
        isinstance(one, Mapping)
        and one.get("operation") in (APPLY, UPDATE)
        and bool(one.get("apiVersion"))
        and one.get("fieldsType") == "FieldsV1"
        and isinstance(one.get("fieldsV1", {}), Mapping)
        for one in entries
    )


def _read(entry: Any) -> Owner | None:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("fieldsV1"), Mapping):
        return None
    return Owner(
        str(entry.get("manager") or ""),
        str(entry.get("operation") or UPDATE),
        str(entry.get("apiVersion") or ""),
        str(entry.get("subresource") or ""),
        str(entry.get("time") or ""),
        FieldSet.from_fields_v1(entry["fieldsV1"]),
        entry,
    )


def with_owners(manifest: Manifest, owners: Iterable[Owner]) -> Manifest:
    """The object with these owners, those without a field left out; only its top and its metadata are new."""
    entries = [owner.as_entry() for owner in sorted(owners, key=_order) if owner.fields]
    metadata = {name: value for name, value in (manifest.get("metadata") or {}).items() if name != "managedFields"}
    if entries:
        metadata["managedFields"] = entries
    return {**manifest, "metadata": metadata}


def _order(owner: Owner) -> tuple[str, str, str, str, str]:
    """Times are RFC 3339 in UTC, so that their text sorts as they do."""
    return (owner.operation, owner.time, owner.manager, owner.api_version, owner.subresource)


def capped(owners: Owners) -> Owners:
    """With at most ten Update entries: of each version the oldest ones become one, named `ancient-changes`."""
    updates = sorted((owner for owner in owners.values() if owner.operation == UPDATE), key=lambda owner: (owner.time, owner.key))
    over = len(updates) - MOST_UPDATES
    if over <= 0:
        return owners
    kept = dict(owners)
    oldest: dict[str, Owner] = {}
    for owner in updates:
        first = oldest.get(owner.api_version)
        if first is None:
            oldest[owner.api_version] = owner
            continue
        if over == 0:
            break
        del kept[owner.key]
        kept.pop(first.key, None)
        joined = Owner(ANCIENT, UPDATE, owner.api_version, "", owner.time, first.fields | owner.fields)
        oldest[owner.api_version] = kept[joined.key] = joined
        over -= 1
    return kept
