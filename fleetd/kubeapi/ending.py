"""How objects end: at once, or when nothing holds them any more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleetd.kubeapi.definitions import CLEANUP, DEFINITIONS
from fleetd.kubeapi.kinds import Kind
from fleetd.kubeapi.metadata import ordered
from fleetd.kubeapi.options import DeleteOptions
from fleetd.kubeapi.refusals import forbidden, unmet_precondition
from fleetd.kubeapi.storage import Record
from fleetd.kubeapi.targets import Target

KEPT_NAMESPACES = ("default", "kube-system", "kube-public")


def check_preconditions(target: Target, live: Record, options: DeleteOptions) -> None:
    """Whether the object is the one that is meant, and may be deleted. Raises ApiRefusal (403, 409)."""
    kind, name = target.kind, target.name
    uid = live.metadata["uid"]
    if options.uid and options.uid != uid:
        why = f"the UID in the precondition ({options.uid}) does not match the UID in record ({uid})."
        raise unmet_precondition(kind, name, f"{why} The object might have been deleted and then recreated")
    if options.version and options.version != str(live.version):
        had = f"does not match the ResourceVersion in record ({live.version})"
        why = f"the ResourceVersion in the precondition ({options.version}) {had}. The object might have been modified"
        raise unmet_precondition(kind, name, why)
    if kind.resource == "namespaces" and name in KEPT_NAMESPACES:
        raise forbidden(kind, name, "this namespace may not be deleted")


def ending(kind: Kind, live: Record, now: str, finalizers: tuple[str, ...] = ()) -> dict[str, Any]:
    """The object as it waits for what holds it: its finalizers and these."""
    body = live.copy()
    metadata = body["metadata"]
    metadata["deletionTimestamp"] = now
    if finalizers:
        metadata["finalizers"] = list(dict.fromkeys((*(metadata.get("finalizers") or ()), *finalizers)))
    if kind.resource == DEFINITIONS:
        _ending_definition(body, now)
        return ordered(body)
    if kind.resource == "namespaces":
        body["status"] = {**body.get("status", {}), "phase": "Terminating"}
    else:
        metadata["deletionGracePeriodSeconds"] = 0
    if "generation" in metadata:
        metadata["generation"] += 1
    return ordered(body)


def _ending_definition(body: dict[str, Any], now: str) -> None:
    """A definition waits for the objects of its kind, and says so."""
    metadata, status = body["metadata"], body["status"]
    metadata["finalizers"] = list(dict.fromkeys((*(metadata.get("finalizers") or ()), CLEANUP)))
    said = {
        "type": "Terminating",
        "status": "True",
        "lastTransitionTime": now,
        "reason": "InstanceDeletionPending",
        "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
    }
    status["conditions"] = [*(status.get("conditions") or ()), said]


def is_held(kind: Kind, body: Mapping[str, Any]) -> bool:
    """Whether finalizers hold an object; a definition is always held at first, for the objects of its kind."""
    if kind.resource == DEFINITIONS and not body["metadata"].get("deletionTimestamp"):
        return True
    if body["metadata"].get("finalizers"):
        return True
    return kind.resource == "namespaces" and bool(body.get("spec", {}).get("finalizers"))


def may_go(kind: Kind, body: Mapping[str, Any]) -> bool:
    """Whether an ending object has nothing left that holds it."""
    return bool(body["metadata"].get("deletionTimestamp")) and not is_held(kind, body)
