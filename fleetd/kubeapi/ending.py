"""How objects end: at once, or when nothing holds them any more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from fleetd.kubeapi.definitions import CLEANUP, DEFINITIONS
from fleetd.kubeapi.kinds import Kind
from fleetd.kubeapi.metadata import ordered, stamp
from fleetd.kubeapi.options import DeleteOptions
from fleetd.kubeapi.refusals import forbidden, unmet_precondition
from fleetd.kubeapi.storage import Record
from fleetd.kubeapi.targets import Target

ORPHANING = ("jobs.batch", "replicationcontrollers")
"""Kinds whose dependents stay where a deletion does not say what becomes of them."""
CHILDLESS = ("events", "events.events.k8s.io", DEFINITIONS)
"""Kinds that do not wait for dependents."""
OF_THE_COLLECTOR = ("orphan", "foregroundDeletion")
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


def finalizers_after(kind: Kind, body: Mapping[str, Any], options: DeleteOptions) -> list[str]:
    """What is to hold an object that is deleted: its own finalizers, and that for which a collector of garbage is waited."""
    held = list(body["metadata"].get("finalizers") or ())
    if kind.resource in CHILDLESS:
        return held
    wanted = {"Foreground": "foregroundDeletion", "Orphan": "orphan", "Background": ""}.get(options.propagation)
    if wanted is None:
        usual = "orphan" if kind.resource in ORPHANING else ""
        wanted = next((one for one in held if one in OF_THE_COLLECTOR), usual)
    if wanted in held and sum(one in OF_THE_COLLECTOR for one in held) == 1:
        return held
    return [*(one for one in held if one not in OF_THE_COLLECTOR), *filter(None, (wanted,))]


def grace_of(kind: Kind, body: Mapping[str, Any], options: DeleteOptions) -> int:
    """How many seconds what runs has to end, which only a Pod on a node takes."""
    if kind.resource != "pods":
        return 0
    spec, status = body["spec"], body.get("status") or {}
    if not spec.get("nodeName") or status.get("phase") in ("Succeeded", "Failed"):
        return 0
    asked = options.grace if options.grace is not None else spec.get("terminationGracePeriodSeconds", 30)
    known = body["metadata"].get("deletionGracePeriodSeconds")
    return int(asked) if known is None else min(int(asked), int(known))


def ending(kind: Kind, live: Record, now: datetime, finalizers: list[str], grace: int = 0) -> dict[str, Any]:
    """The object as it waits for what holds it: these finalizers, or what still runs for so many seconds."""
    body = live.copy()
    metadata = body["metadata"]
    begun = "deletionTimestamp" in metadata
    if not begun or kind.resource == "pods":
        metadata["deletionTimestamp"] = stamp(now + timedelta(seconds=grace))
    if finalizers:
        metadata["finalizers"] = finalizers
    else:
        metadata.pop("finalizers", None)
    if kind.resource == DEFINITIONS:
        _ending_definition(body, stamp(now))
        return ordered(body)
    if kind.resource == "namespaces":
        body["status"] = {**body.get("status", {}), "phase": "Terminating"}
    else:
        metadata["deletionGracePeriodSeconds"] = grace
    if "generation" in metadata and not begun:
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
    """Whether an ending object has nothing left that holds it: no finalizer, and nothing that runs."""
    metadata = body["metadata"]
    return bool(metadata.get("deletionTimestamp")) and not metadata.get("deletionGracePeriodSeconds") and not is_held(kind, body)
