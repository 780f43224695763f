"""ResourceQuotas: what is used of them, and what would be too much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from fleetd.kubeapi.admission import Asked, Operation
from fleetd.kubeapi.defaults_pods import struct, structs
from fleetd.kubeapi.quantities import amount, shown_amount
from fleetd.kubeapi.refusals import forbidden
from fleetd.kubeapi.storage import Storage

Body = dict[str, Any]
QUOTAS = "resourcequotas"
OBJECTS = ("configmaps", "persistentvolumeclaims", "pods", "replicationcontrollers", "resourcequotas", "secrets", "services")
"""What a quota counts by its bare name; everything else that has a namespace is `count/RESOURCE`."""
OVER = ("Succeeded", "Failed")


def usage(resource: str, body: Mapping[str, Any]) -> dict[str, Fraction]:
    """What one object takes of a quota, by the names that a quota has for it."""
    one = Fraction(1)
    taken = {f"count/{resource}": one}
    if resource in OBJECTS:
        taken[resource] = one
    if resource == "services":
        kind = (body.get("spec") or {}).get("type")
        taken |= {"services.loadbalancers": one} if kind == "LoadBalancer" else {}
        taken |= {"services.nodeports": one} if kind in ("LoadBalancer", "NodePort") else {}
    if resource == "persistentvolumeclaims":
        requests = struct(struct(dict(body), "spec"), "resources").get("requests") or {}
        taken["requests.storage"] = amount(requests.get("storage", "0"))
    if resource == "pods":
        if (body.get("status") or {}).get("phase") in OVER:
            return {f"count/{resource}": one}
        for name, value in _of_containers(struct(dict(body), "spec")):
            taken[name] = taken.get(name, Fraction(0)) + value
    return taken


def _of_containers(spec: Body) -> Iterator[tuple[str, Fraction]]:
    for container in structs(spec, "containers"):
        resources = struct(container, "resources")
        for name, value in (resources.get("requests") or {}).items():
            yield f"requests.{name}", amount(value)
            yield name, amount(value)
        for name, value in (resources.get("limits") or {}).items():
            yield f"limits.{name}", amount(value)


async def used(storage: Storage, namespace: str, names: Mapping[str, Any]) -> dict[str, Fraction]:
    """What is used of the names of a quota in a namespace."""
    told = {name: Fraction(0) for name in names}
    for resource in {_resource_of(name) for name in names}:
        for record in (await storage.listing(resource, namespace)).records:
            for name, value in usage(resource, record.body).items():
                if name in told:
                    told[name] += value
    return told


def _resource_of(name: str) -> str:
    if name.startswith("count/"):
        return name.removeprefix("count/")
    if name.startswith("services."):
        return "services"
    if name == "requests.storage":
        return "persistentvolumeclaims"
    return name if name in OBJECTS else "pods"


async def within_quota(storage: Storage, asked: Asked) -> None:
    """Whether a new object fits into the quotas of its namespace. Raises ApiRefusal (403)."""
    if asked.operation is not Operation.CREATE or not asked.namespace or asked.after is None or asked.subresource:
        return
    for record in (await storage.listing(QUOTAS, asked.namespace)).records:
        hard = struct(struct(record.body, "spec"), "hard")
        wanted = {name: value for name, value in usage(asked.kind.resource, asked.after).items() if name in hard}
        if asked.kind.resource == "pods":
            _says_all(asked, record.metadata["name"], hard)
        there = await used(storage, asked.namespace, wanted)
        over = [name for name in sorted(wanted) if there[name] + wanted[name] > amount(hard[name])]
        if over:
            lists = {
                "requested": {name: wanted[name] for name in over},
                "used": {name: there[name] for name in over},
                "limited": {name: amount(hard[name]) for name in over},
            }
            said = ", ".join(
                f"{word}: {','.join(f'{name}={shown_amount(value)}' for name, value in of.items())}" for word, of in lists.items()
            )
            raise forbidden(asked.kind, asked.name, f"exceeded quota: {record.metadata['name']}, {said}")


def _says_all(asked: Asked, quota: str, hard: Mapping[str, Any]) -> None:
    """A pod has to say what a quota counts of its containers. Raises ApiRefusal (403)."""
    spec = struct(asked.after or {}, "spec")
    wanted = [name for name in sorted(hard) if name in ("cpu", "memory") or name.startswith(("limits.", "requests."))]
    lacking = []
    for name in (one for one in wanted if one != "requests.storage"):
        side, _, what = name.rpartition(".")
        missing = [
            one["name"] for one in structs(spec, "containers") if what not in (struct(one, "resources").get(side or "requests") or {})
        ]
        if missing:
            lacking.append(f"{name} for: {','.join(missing)}")
    if lacking:
        raise forbidden(asked.kind, asked.name, f"failed quota: {quota}: must specify {'; '.join(lacking)}")
