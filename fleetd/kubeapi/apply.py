"""Server-side apply, and who owns what after any other write.

The rules are those of Kubernetes' structured merge and diff: an applier owns the fields of its configuration, what it leaves out
goes unless somebody else owns it, and a field that another one owns with another value is a conflict.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from fleetd.domain.errors import Conflict, InvalidInput
from fleetd.domain.fieldset import UNOWNED_METADATA, FieldSet, NotMergeable, fields_of, path_text
from fleetd.domain.mergefacts import Facts, facts_of
from fleetd.domain.objects import Manifest, gvk_of
from fleetd.kubeapi.apply_compare import Comparison, compare
from fleetd.kubeapi.apply_merge import copied, merge, take_out, without_nulls
from fleetd.kubeapi.apply_owners import APPLY, UPDATE, Owner, OwnerKey, Owners, capped, owners_of, readable, with_owners

BEFORE_FIRST_APPLY = "before-first-apply"

_KEPT = UNOWNED_METADATA - {"name", "namespace"}
"""What an applied configuration cannot set in metadata; uid and resourceVersion are preconditions, for the caller to check."""


class ManagedFieldsGiven(InvalidInput):
    """An applied configuration says who owns its fields, which only the server does (400)."""


class NotTyped(InvalidInput):
    """An applied configuration does not fit its kind's lists; the server answers it with 500."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A field that another owner holds with another value."""

    manager: str
    operation: str
    api_version: str
    subresource: str
    path: str

    @property
    def holder(self) -> str:
        """The other owner as messages name it: `"kubectl-edit" using v1`."""
        text = f'"{self.manager}"'
        if self.subresource:
            text += f' with subresource "{self.subresource}"'
        return f"{text} using {self.api_version}" if self.operation == UPDATE else text

    @property
    def message(self) -> str:
        return f"conflict with {self.holder}"


class ApplyConflict(Conflict):
    """Others own fields that the apply would change; its text is the server's message (409)."""

    def __init__(self, causes: tuple[Cause, ...]) -> None:
        super().__init__(_sentence(causes))
        self.causes = causes


def _sentence(causes: tuple[Cause, ...]) -> str:
    if len(causes) == 1:
        return f"Apply failed with 1 conflict: {causes[0].message}: {causes[0].path}"
    lines = []
    for holder in dict.fromkeys(cause.holder for cause in causes):
        lines.append(f"conflicts with {holder}:")
        lines += [f"- {cause.path}" for cause in causes if cause.holder == holder]
    return f"Apply failed with {len(causes)} conflicts: " + "\n".join(lines)


def apply_patch(
    live: Manifest | None, applied: Manifest, *, manager: str, force: bool, subresource: str, now: str, facts: Facts | None = None
) -> Manifest:
    """The object after a server-side apply, with its owners; equal to `live` when nothing changed.

    Defaults and what else the server fills in come after it, and belong to nobody. Metadata that the server keeps (uid,
    resourceVersion and so on) is `live`'s; of a new object it is left to the caller. The result shares
    nothing with `live` and `applied` but the entries of managedFields.

    Args:
        live: None when there is none yet.
        now: RFC 3339 in UTC, to the second.
        facts: those of the applied kind, when they are not the built-in ones.

    Raises:
        ApplyConflict: others own fields that would change, and `force` is not set.
        ManagedFieldsGiven: the configuration has managedFields.
        NotTyped: a list of the configuration does not fit its keys.
    """
    facts = facts or facts_of(gvk_of(applied))
    config = _configuration(applied, subresource, facts)
    mine = Owner(manager, APPLY, str(applied.get("apiVersion") or ""), subresource, "", _covered(config, applied, facts))
    base = _bare(live)
    owners = owners_of(live) or _first_owner(base, facts, now)
    last = owners.get(mine.key)
    others = {key: owner for key, owner in owners.items() if key != mine.key}
    merged = merge(base, config, facts.root) if base else copied(config)
    if last is not None:
        _prune(merged, last.fields, mine.fields, others, facts)
    if others and merged != base:
        others = _take_over(others, _apart(compare(base, merged, facts.root), subresource, facts), force=force)
    if facts.typed:
        merged = without_nulls(merged, facts.root)
    if live is not None and merged == base:
        mine = replace(mine, time=last.time if last else "")
        mine = last if last and last.fields == mine.fields and last.api_version == mine.api_version else mine
    else:
        mine = replace(mine, time=now)
    return with_owners(merged, [*others.values(), mine])


def _configuration(applied: Manifest, subresource: str, facts: Facts) -> Manifest:
    """The part of what was given that this way of writing may set."""
    metadata = applied.get("metadata") or {}
    if metadata.get("managedFields") is not None:
        raise ManagedFieldsGiven("metadata.managedFields must be nil")
    config = {**applied, "metadata": {name: value for name, value in metadata.items() if name not in _KEPT}}
    if subresource == "status":
        return {name: value for name, value in config.items() if name in ("apiVersion", "kind", "status")}
    if facts.status_apart and not subresource:
        config.pop("status", None)
    return config


def _covered(config: Manifest, applied: Manifest, facts: Facts) -> FieldSet:
    try:
        return fields_of(config, facts)
    except NotMergeable as error:
        gvk, metadata = gvk_of(applied), applied.get("metadata") or {}
        which = f"{metadata.get('namespace') or ''}/{metadata.get('name') or ''}; {gvk.group}/{gvk.version}, Kind={gvk.kind}"
        raise NotTyped(f"failed to create typed patch object ({which}): {error}") from error


def _bare(live: Manifest | None) -> Manifest:
    """The object without its owners; only its top and its metadata are new."""
    if live is None:
        return {}
    return {**live, "metadata": {name: value for name, value in (live.get("metadata") or {}).items() if name != "managedFields"}}


def _first_owner(base: Manifest, facts: Facts, now: str) -> Owners:
    """An object that was never tracked is owned as a whole by whoever made it, so that the first apply cannot change it unseen."""
    if not base:
        return {}
    fields = compare(_empty(base), base, facts.root).written.owned()
    owner = Owner(BEFORE_FIRST_APPLY, UPDATE, str(base.get("apiVersion") or ""), "", now, fields)
    return {owner.key: owner} if fields else {}


def _empty(manifest: Manifest) -> Manifest:
    """The object as it is before anything was written; what is always there is for the comparison to know."""
    return {name: value for name, value in manifest.items() if name in ("apiVersion", "kind")}


def _prune(merged: Manifest, last: FieldSet, now: FieldSet, others: Owners, facts: Facts) -> None:
    if last == now:
        return
    held = now
    for owner in others.values():
        held = held | owner.fields
    # The metadata is always there, whoever owns something in it.
    take_out(merged, last.root, {"f:metadata": {}} | held.root, facts.root)


def _apart(comparison: Comparison, subresource: str, facts: Facts) -> Comparison:
    """Leaves out what this way of writing does not change: the status, or all but the status."""
    if subresource == "status":
        return comparison.only("status", "metadata")
    return comparison.without("status") if facts.status_apart and not subresource else comparison


def _take_over(owners: Owners, comparison: Comparison, *, force: bool) -> Owners:
    """The other owners after a write: what was removed is nobody's, what was changed is theirs no more."""
    written = comparison.written
    conflicts = {key: shared for key, owner in owners.items() if (shared := owner.fields & written)}
    if conflicts and not force:
        raise ApplyConflict(tuple(_causes(conflicts, owners)))
    left: dict[OwnerKey, Owner] = {}
    for key, owner in owners.items():
        fields = owner.fields - conflicts.get(key, FieldSet()) - comparison.removed
        if fields:
            left[key] = owner.with_fields(fields)
    return left


def _causes(conflicts: dict[OwnerKey, FieldSet], owners: Owners) -> list[Cause]:
    return [
        Cause(key.manager, key.operation, owners[key].api_version, key.subresource, path_text(path))
        for key, shared in sorted(conflicts.items())
        for path in shared.paths()
    ]


def update_managers(
    before: Manifest | None,
    after: Manifest,
    *,
    manager: str,
    operation: str = UPDATE,
    subresource: str = "",
    now: str,
    facts: Facts | None = None,
) -> Manifest:
    """The object with its owners after a create, an update or a patch that is no apply: the writer owns what it changed.

    `after` is the object with its defaults, and before the server allocates anything (addresses, ports), which belongs to
    nobody. Its managedFields count when it has some (`[{}]` clears them), otherwise those of `before`; an object that has none
    stays without. Only the top, the metadata and managedFields of the result are new.

    Args:
        before: None when it is created.
        now: RFC 3339 in UTC, to the second.
    """
    facts = facts or facts_of(gvk_of(after))
    owners = _given_owners(before, after, subresource)
    old, new = _bare(before), _bare(after)
    if before is not None and not owners:
        return new
    comparison = _apart(compare(old or _empty(new), new, facts.root), subresource, facts)
    owners = _take_over(owners, comparison, force=True)
    written = comparison.written.owned()
    if written:
        mine = Owner(manager, operation, str(after.get("apiVersion") or ""), subresource, now, written)
        earlier = owners.get(mine.key)
        owners[mine.key] = replace(mine, fields=earlier.fields | written) if earlier else mine
    return with_owners(new, capped(owners).values())


def _given_owners(before: Manifest | None, after: Manifest, subresource: str) -> Owners:
    given: Any = (after.get("metadata") or {}).get("managedFields")
    if subresource or not given:
        return owners_of(before)
    return {} if given == [{}] else (owners_of(after) if readable(given) else {}) or owners_of(before)
