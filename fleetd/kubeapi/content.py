"""What of an object a request may write, and what the server adds to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleetd.kubeapi.apply_merge import copied
from fleetd.kubeapi.checks_services import taken
from fleetd.kubeapi.defaults import DEFAULTS
from fleetd.kubeapi.definitions import DEFINITIONS, unestablished
from fleetd.kubeapi.kinds import Kind
from fleetd.kubeapi.services import Allocation, complete
from fleetd.kubeapi.storage import Record
from fleetd.kubeapi.structural import fill
from fleetd.kubeapi.targets import Target
from fleetd.kubeapi.typed import fits, kept
from fleetd.kubeapi.zeros import counted, furnished, tidy, timed

Body = dict[str, Any]


def with_defaults(kind: Kind, body: Body) -> None:
    """Adds the defaults of the kind, which whoever writes the object owns, and gives quantities the server's form."""
    if kind.schema is not None:
        fill(kind.schema, body, copied)
    if kind.type is not None:
        tidy(kind.type, body)
        furnished(kind.type, kind.facts.root, body)
        if kind.type.holds_forms and not fits(kind.type, body):
            body |= kept(kind.type, body)
    add = DEFAULTS.get(kind.resource)
    if add is not None:
        add(body)
    if kind.type is not None and "status" in body and isinstance(body["status"], dict) and "status" in kind.type.fields:
        counted(kind.type.fields["status"], body["status"])
        timed(kind.type.fields["status"], body["status"])


def completed(kind: Kind, body: Body, live: Mapping[str, Any] | None, held: Allocation) -> None:
    """What the server adds on its own account, and nobody owns."""
    if kind.resource == "services":
        complete(body, live, held)
    elif kind.resource == "namespaces" and live is None:
        body["spec"] = {"finalizers": ["kubernetes"], **body.get("spec", {})}
    elif kind.resource == DEFINITIONS and live is None:
        unestablished(body)


WRITTEN_BESIDE = ("labels", "annotations", "ownerReferences", "finalizers")


def _metadata_beside(kind: Kind, old: Body, new: Body) -> Body:
    """The metadata after a write to the status: that of custom kinds stays, that of most others may be written along."""
    free = (
        () if kind.custom or kind.resource == DEFINITIONS else WRITTEN_BESIDE[1:] if kind.resource == "deployments.apps" else WRITTEN_BESIDE
    )
    written = {key: new[key] for key in free if new.get(key)}
    return {**{key: value for key, value in old.items() if key not in free}, **written, "managedFields": new.get("managedFields")}


def what_the_path_writes(target: Target, live: Record, body: Body) -> Body:
    """The new object as far as its path may write it: status is written through its own path only, and that path writes nothing else."""
    kind = target.kind
    kept = live.copy()
    if target.subresource in ("status", "approval"):
        metadata = _metadata_beside(kind, kept["metadata"], body["metadata"])
        return {**kept, "metadata": metadata, "status": body.get("status") or {}}
    if target.subresource == "ephemeralcontainers":
        more = (body.get("spec") or {}).get("ephemeralContainers")
        body["spec"] = {**kept["spec"], **({"ephemeralContainers": more} if more else {})}
    if kind.has_status:
        body.pop("status", None)
        if "status" in kept:
            body["status"] = kept["status"]
    if kind.resource == "namespaces":
        finalizers = (body if target.subresource == "finalize" else kept).get("spec", {}).get("finalizers")
        body["spec"] = {**(body.get("spec") or {}), "finalizers": finalizers} if finalizers else {}
    return body


def free(kind: Kind, body: Mapping[str, Any], held: Allocation) -> None:
    """Whether the addresses and ports that the object names are free. Raises ApiRefusal (422)."""
    if kind.resource == "services":
        taken(body, held)
