"""Verdicts and the last report make the next report, as a difference, or none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleetd.decide.digest import Digest, digest
from fleetd.domain.objects import Manifest, Observed
from fleetd.domain.records import ChangeKind, ObjectChange, ReportedObject
from fleetd.domain.refs import GroupVersionKind, ObjectRef

UNSHOWN = ("managedFields", "resourceVersion")
"""What every write changes and no template should read; left out, so that it makes no event by itself."""


def reported(gvk: GroupVersionKind, observed: Observed, whole: Manifest | None, by: Digest = digest) -> ReportedObject:
    """An object as a report shows it: the whole of it where the source collects, else its identity."""
    if whole is None:
        return ReportedObject(observed.ref, gvk.api_version, observed.uid, observed.uid)
    body = shown(gvk, whole)
    return ReportedObject(observed.ref, gvk.api_version, observed.uid, by(body), body)


def shown(gvk: GroupVersionKind, manifest: Mapping[str, Any]) -> Manifest:
    """The object without what every write changes; objects of a list come without kind and version, here they get them."""
    metadata = {key: value for key, value in manifest["metadata"].items() if key not in UNSHOWN}
    return {**manifest, "apiVersion": gvk.api_version, "kind": gvk.kind, "metadata": metadata}


def difference(before: Mapping[ObjectRef, ReportedObject], after: Mapping[ObjectRef, ReportedObject | None]) -> tuple[ObjectChange, ...]:
    """What changes when the objects named in `after` become what it says (None: no longer matching); in order of their names."""
    changes = []
    for ref in sorted(after):
        was, now = before.get(ref), after[ref]
        if now is None:
            if was is not None:
                changes.append(ObjectChange(ChangeKind.REMOVED, was))
        elif was is None:
            changes.append(ObjectChange(ChangeKind.ADDED, now))
        elif was.digest != now.digest or was.uid != now.uid:
            changes.append(ObjectChange(ChangeKind.CHANGED, now))
    return tuple(changes)
