"""The columns of tables: what people see of each kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from fleetd.kubeapi.jsonpath import first
from fleetd.kubeapi.kinds import Kind

Body = Mapping[str, Any]
Cell = Callable[[Body, datetime], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; `cell` reads an object's body. Those of a `priority` above 0 are shown on request only."""

    name: str
    type: str
    description: str
    cell: Cell
    format: str = ""
    priority: int = 0

    def definition(self) -> dict[str, Any]:
        told = {"name": self.name, "type": self.type, "format": self.format, "description": self.description}
        return {**told, "priority": self.priority}


def age(since: str, now: datetime) -> str:
    """The time since a moment (RFC 3339, whole seconds), as people read it."""
    try:
        made = datetime.strptime(since, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return "<invalid>"
    seconds = max(0, int((now - made).total_seconds()))
    for size, unit, until in ((1, "s", 120), (60, "m", 120 * 60), (3600, "h", 48 * 3600)):
        if seconds < until:
            return f"{seconds // size}{unit}"
    return f"{seconds // 86400}d"


def at(path: str, default: Any = None) -> Cell:
    """The value at a path of names."""
    steps = path.split(".")

    def cell(body: Body, _now: datetime) -> Any:
        found: Any = body
        for step in steps:
            found = found.get(step) if isinstance(found, Mapping) else None
        return default if found is None else found

    return cell


def _share(ready: str, whole: str) -> Cell:
    def cell(body: Body, now: datetime) -> str:
        return f"{at(ready, 0)(body, now)}/{at(whole, 0)(body, now)}"

    return cell


def _containers_ready(body: Body, _now: datetime) -> str:
    told = (body.get("status") or {}).get("containerStatuses") or ()
    return f"{sum(bool(one.get('ready')) for one in told)}/{len((body.get('spec') or {}).get('containers') or ())}"


def _restarts(body: Body, _now: datetime) -> int:
    return sum(one.get("restartCount", 0) for one in (body.get("status") or {}).get("containerStatuses") or ())


def _phase(body: Body, _now: datetime) -> str:
    if body["metadata"].get("deletionTimestamp"):
        return "Terminating"
    phase = str((body.get("status") or {}).get("phase", ""))
    return {"Succeeded": "Completed", "Failed": "Error"}.get(phase, phase) if body.get("kind") == "Pod" else phase


def _external(body: Body, _now: datetime) -> str:
    spec = body["spec"]
    shown = ((body.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    told = [str(one.get("ip") or one.get("hostname")) for one in shown] + list(spec.get("externalIPs") or ())
    if spec.get("type") == "ExternalName":
        return str(spec.get("externalName", ""))
    return ",".join(told) or ("<pending>" if spec.get("type") == "LoadBalancer" else "<none>")


def _ports(body: Body, _now: datetime) -> str:
    return ",".join(
        f"{port.get('port')}{':' + str(port['nodePort']) if port.get('nodePort') else ''}/{port.get('protocol', 'TCP')}"
        for port in body["spec"].get("ports") or ()
    )


def _job_status(body: Body, _now: datetime) -> str:
    for one in (body.get("status") or {}).get("conditions") or ():
        if one.get("status") == "True":
            return str(one["type"])
    return "Running"


def _count(*keys: str) -> Cell:
    return lambda body, _now: sum(len(body.get(key) or ()) for key in keys)


def _text(name: str, description: str, cell: Cell, kind: str = "string", **more: Any) -> Column:
    return Column(name, kind, description, cell, **more)


NAME = Column("Name", "string", "The object's name.", lambda body, _now: body["metadata"]["name"], "name")
AGE = Column("Age", "string", "The time since the object was made.", lambda body, now: age(body["metadata"]["creationTimestamp"], now))
STATUS = _text("Status", "The phase that it is in.", _phase)
READY = _text("Ready", "How many are ready of how many.", _share("status.readyReplicas", "spec.replicas"))


def _number(name: str, path: str) -> Column:
    return _text(name, f"The number at {path}.", at(path, 0), "integer")


TYPE = _text("Type", "The type.", at("type", ""))
COLUMNS: dict[str, tuple[Column, ...]] = {
    "configmaps": (NAME, _text("Data", "How many keys there are.", _count("data", "binaryData")), AGE),
    "secrets": (NAME, TYPE, _text("Data", "How many keys there are.", _count("data")), AGE),
    "namespaces": (NAME, STATUS, AGE),
    "pods": (
        NAME,
        _text("Ready", "How many containers are ready.", _containers_ready),
        STATUS,
        _text("Restarts", "How often containers were started again.", _restarts, "integer"),
        AGE,
    ),
    "services": (
        NAME,
        _text("Type", "The type.", at("spec.type", "")),
        _text("Cluster-IP", "The address inside of the cluster.", at("spec.clusterIP", "<none>")),
        _text("External-IP", "The address outside of it.", _external),
        _text("Port(s)", "The ports.", _ports),
        AGE,
    ),
    "persistentvolumeclaims": (NAME, STATUS, _text("Volume", "The volume it is bound to.", at("spec.volumeName", "")), AGE),
    "deployments.apps": (
        NAME,
        READY,
        _number("Up-to-date", "status.updatedReplicas"),
        _number("Available", "status.availableReplicas"),
        AGE,
    ),
    "replicasets.apps": (
        NAME,
        _number("Desired", "spec.replicas"),
        _number("Current", "status.replicas"),
        _number("Ready", "status.readyReplicas"),
        AGE,
    ),
    "statefulsets.apps": (NAME, READY, AGE),
    "daemonsets.apps": (
        NAME,
        _number("Desired", "status.desiredNumberScheduled"),
        _number("Current", "status.currentNumberScheduled"),
        _number("Ready", "status.numberReady"),
        AGE,
    ),
    "jobs.batch": (
        NAME,
        _text("Status", "How it ended, or that it runs.", _job_status),
        _text("Completions", "How many have succeeded of how many.", _share("status.succeeded", "spec.completions")),
        AGE,
    ),
    "events": (
        _text("Last Seen", "When it happened last.", lambda body, now: age(str(body.get("lastTimestamp") or ""), now)),
        TYPE,
        _text("Reason", "Why.", at("reason", "")),
        _text("Object", "What it is about.", lambda body, _now: _object(body)),
        _text("Message", "What happened.", at("message", "")),
    ),
    "customresourcedefinitions.apiextensions.k8s.io": (
        NAME,
        _text("Created At", "When it was made.", at("metadata.creationTimestamp", ""), "date"),
    ),
}


def _object(body: Body) -> str:
    about = body.get("involvedObject") or body.get("regarding") or {}
    return f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"


@lru_cache(1024)
def columns_of(kind: Kind) -> tuple[Column, ...]:
    """The columns of a kind; a custom one says them itself, in a path of names."""
    if not kind.columns:
        return COLUMNS.get(kind.shelf, (NAME, AGE))
    return (NAME, *(_custom(one) for one in kind.columns))


FITTING: Mapping[str, tuple[type, ...]] = {"integer": (int,), "number": (int, float), "boolean": (bool,)}


def _custom(said: Mapping[str, Any]) -> Column:
    path, sort = str(said.get("jsonPath", "")), str(said.get("type", "string"))
    told = str(said.get("description") or f"Custom resource definition column (in JSONPath format): {path}")

    def cell(body: Body, now: datetime) -> Any:
        found = first(path, body)
        if sort == "date" and isinstance(found, str):
            return age(found, now)
        fitting = FITTING.get(sort)
        if found is None or fitting is None:
            return found if found is None else str(found)
        return found if isinstance(found, fitting) else None

    return Column(str(said.get("name", "")), sort, told, cell, str(said.get("format") or ""), int(said.get("priority") or 0))
