"""Services: their defaults, and the addresses and node ports that they are given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any

from fleetd.kubeapi.storage import Change

Body = dict[str, Any]
FIRST_ADDRESS = int(IPv4Address("10.96.0.10"))
ADDRESSES = 2**20 - 16
FIRST_PORT = 30000
PORTS = 2768
OUTSIDE = ("NodePort", "LoadBalancer")


@dataclass
class Allocation:
    """What the Services of one server hold: by address and by port, the Service's key."""

    addresses: dict[str, str] = field(default_factory=dict)
    ports: dict[int, str] = field(default_factory=dict)
    _next_address: int = 0
    _next_port: int = 0

    def tell(self, change: Change) -> None:
        """Follows the changes of a storage."""
        if change.resource == "services":
            if change.before is not None:
                self._forget(change.key, change.before.body)
            if change.after is not None:
                self.hold(change.key, change.after.body)

    def hold(self, key: str, body: Mapping[str, Any]) -> None:
        for address in _addresses(body):
            self.addresses[address] = key
        for port in _node_ports(body):
            self.ports[port] = key

    def _forget(self, key: str, body: Mapping[str, Any]) -> None:
        for address in _addresses(body):
            if self.addresses.get(address) == key:
                del self.addresses[address]
        for port in _node_ports(body):
            if self.ports.get(port) == key:
                del self.ports[port]

    def address(self) -> str:
        """A free address; raises OverflowError where there is none."""
        for _ in range(ADDRESSES):
            found = str(IPv4Address(FIRST_ADDRESS + self._next_address % ADDRESSES))
            self._next_address += 1
            if found not in self.addresses:
                return found
        raise OverflowError("no address is left for a Service")

    def port(self) -> int:
        for _ in range(PORTS):
            found = FIRST_PORT + self._next_port % PORTS
            self._next_port += 1
            if found not in self.ports:
                return found
        raise OverflowError("no node port is left for a Service")


def _addresses(body: Mapping[str, Any]) -> Iterator[str]:
    for address in body["spec"].get("clusterIPs") or ():
        if address != "None":
            yield address


def _node_ports(body: Mapping[str, Any]) -> Iterator[int]:
    spec = body["spec"]
    for port in (*(one.get("nodePort") for one in spec.get("ports") or ()), spec.get("healthCheckNodePort")):
        if port:
            yield port


def reached_from_outside(spec: Mapping[str, Any]) -> bool:
    """Whether a Service has a way in from without the cluster."""
    return spec.get("type") in OUTSIDE or (spec.get("type") == "ClusterIP" and bool(spec.get("externalIPs")))


def defaults(body: Body) -> None:
    """The defaults that need no look at other Services."""
    spec = body.setdefault("spec", {})
    kind = spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    if spec["sessionAffinity"] == "ClientIP":
        spec.setdefault("sessionAffinityConfig", {"clientIP": {"timeoutSeconds": 10800}})
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        if port.get("targetPort") in (None, 0, ""):
            port["targetPort"] = port.get("port")
    if kind != "ExternalName":
        spec.setdefault("internalTrafficPolicy", "Cluster")
    if reached_from_outside(spec):
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if kind == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    status = body.setdefault("status", {})
    for ingress in status.setdefault("loadBalancer", {}).get("ingress") or ():
        if ingress.get("ip"):
            ingress.setdefault("ipMode", "VIP")


def complete(body: Body, live: Mapping[str, Any] | None, held: Allocation) -> None:
    """Puts what is allocated into a Service with its defaults, and takes out what its type has not; `live` is its state before, whose
    addresses it keeps."""
    spec = body["spec"]
    old: Mapping[str, Any] = live["spec"] if live else {}
    if spec["type"] == "ExternalName":
        _drop(spec, "clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")
    else:
        _addressed(spec, old, held)
    _outside(spec, old, held)
    if spec["type"] != "LoadBalancer":
        body["status"]["loadBalancer"] = {}


def _drop(spec: Body, *keys: str) -> None:
    for key in keys:
        spec.pop(key, None)


def _addressed(spec: Body, old: Mapping[str, Any], held: Allocation) -> None:
    one, several = spec.get("clusterIP"), spec.get("clusterIPs")
    if not one and not several and old.get("clusterIP"):
        one, several = old["clusterIP"], old["clusterIPs"]
    elif one and old.get("clusterIPs") == several and old.get("clusterIP") != one:
        several = [one]
    elif not one and several:
        one = several[0]
    one = one or held.address()
    spec["clusterIP"], spec["clusterIPs"] = one, several or [one]
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")


def _outside(spec: Body, old: Mapping[str, Any], held: Allocation) -> None:
    kind = spec["type"]
    if kind not in OUTSIDE:
        if old.get("type") in OUTSIDE:
            for port in spec.get("ports") or ():
                port.pop("nodePort", None)
        _drop(spec, "allocateLoadBalancerNodePorts", "healthCheckNodePort")
        if old.get("externalTrafficPolicy") == spec.get("externalTrafficPolicy") and not reached_from_outside(spec):
            _drop(spec, "externalTrafficPolicy")
        return
    if kind != "LoadBalancer":
        _drop(spec, "allocateLoadBalancerNodePorts")
    if spec.get("allocateLoadBalancerNodePorts", True):
        before = {(port.get("port"), port.get("protocol")): port.get("nodePort") for port in old.get("ports") or ()}
        for port in spec.get("ports") or ():
            if not port.get("nodePort"):
                port["nodePort"] = before.get((port["port"], port["protocol"])) or held.port()
    if kind == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local":
        spec["healthCheckNodePort"] = spec.get("healthCheckNodePort") or old.get("healthCheckNodePort") or held.port()
    else:
        _drop(spec, "healthCheckNodePort")
