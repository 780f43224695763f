"""What the server refuses of Services: first by rule, then because somebody else has the address or the port."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from fleetd.kubeapi.checks_containers import PROTOCOLS
from fleetd.kubeapi.defaults_pods import structs
from fleetd.kubeapi.refusals import Cause, invalid
from fleetd.kubeapi.rules import (
    LABEL,
    NOT_A_LABEL,
    NOT_A_SUBDOMAIN,
    SUBDOMAIN,
    duplicate,
    in_json,
    label_causes,
    not_allowed,
    port_causes,
    port_or_name_causes,
    qualified_name,
    required,
    unsupported,
    wrong,
    wrong_value,
)
from fleetd.kubeapi.services import FIRST_PORT, PORTS, Allocation, reached_from_outside

Body = Mapping[str, Any]
TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
POLICIES = ("Cluster", "Local")
WORDS = {"type": TYPES, "sessionAffinity": ("ClientIP", "None"), "externalTrafficPolicy": POLICIES, "internalTrafficPolicy": POLICIES}
WORDS["ipFamilyPolicy"] = ("PreferDualStack", "RequireDualStack", "SingleStack")
FAMILIES = ("IPv4", "IPv6")
NOT_AN_ADDRESS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
DAY = 86400
RANGE = IPv4Network("10.96.0.0/12")


def service(body: Body, live: Body | None) -> Iterator[Cause]:
    """Services: their words, ports and addresses."""
    spec = body["spec"]
    if not spec.get("ports") and spec["type"] != "ExternalName" and spec.get("clusterIP") != "None":
        yield required("spec.ports")
    yield from _ports(spec)
    if isinstance(spec.get("selector"), dict):
        yield from label_causes(spec["selector"], "spec.selector")
    for key, known in WORDS.items():
        if spec.get(key) not in (None, *known):
            yield unsupported(f"spec.{key}", spec[key], known)
    if spec["type"] == "ExternalName":
        name = spec.get("externalName", "")
        if not name:
            yield required("spec.externalName")
        elif not SUBDOMAIN.fullmatch(name.rstrip(".")):
            yield wrong_value("spec.externalName", name, NOT_A_SUBDOMAIN)
    elif spec["type"] == "LoadBalancer" and spec.get("clusterIP") == "None":
        yield wrong_value("spec.clusterIPs[0]", "None", "may not be set to 'None' for LoadBalancer services")
    yield from _affinity(spec)
    yield from _outside(spec)
    yield from _addresses(spec, live["spec"] if live else {})


def _affinity(spec: Body) -> Iterator[Cause]:
    chosen, here = spec.get("sessionAffinityConfig"), "spec.sessionAffinityConfig"
    if spec.get("sessionAffinity") == "None" and chosen is not None:
        yield not_allowed(here, "must not be set when session affinity is None")
    elif spec.get("sessionAffinity") == "ClientIP":
        seconds = ((chosen or {}).get("clientIP") or {}).get("timeoutSeconds")
        if seconds is None:
            yield required(f"{here}.clientIP.timeoutSeconds")
        elif not 0 < seconds <= DAY:
            yield wrong(f"{here}.clientIP.timeoutSeconds", str(seconds), f"must be greater than 0 and less than {DAY}")


def _outside(spec: Body) -> Iterator[Cause]:
    """What only a Service has that is reached from without the cluster."""
    for number, address in enumerate(spec.get("externalIPs") or ()):
        if _address(address) is None and ":" not in address:
            yield wrong_value(f"spec.externalIPs[{number}]", address, NOT_AN_ADDRESS)
    if spec.get("externalTrafficPolicy") and not reached_from_outside(spec):
        why = "may only be set for externally-accessible services"
        yield wrong_value("spec.externalTrafficPolicy", spec["externalTrafficPolicy"], why)
    if spec["type"] != "LoadBalancer":
        why = "may only be used when `type` is 'LoadBalancer'"
        if spec.get("loadBalancerSourceRanges"):
            yield not_allowed("spec.LoadBalancerSourceRanges", why)
        if spec.get("loadBalancerClass"):
            yield not_allowed("spec.loadBalancerClass", why)
    for number, family in enumerate(spec.get("ipFamilies") or ()):
        if family not in FAMILIES:
            yield unsupported(f"spec.ipFamilies[{number}]", family, FAMILIES)


def _ports(spec: Body) -> Iterator[Cause]:
    ports = list(structs(dict(spec), "ports"))
    names: set[str] = set()
    places: set[tuple[Any, ...]] = set()
    for number, port in enumerate(ports):
        here, name = f"spec.ports[{number}]", port.get("name", "")
        if not name and len(ports) > 1:
            yield required(f"{here}.name")
        elif name and (not LABEL.fullmatch(name) or len(name) > 63):
            yield wrong_value(f"{here}.name", name, NOT_A_LABEL)
        elif name and name in names:
            yield duplicate(f"{here}.name", name)
        names.add(name)
        yield from port_causes(f"{here}.port", port.get("port"))
        protocol = port.get("protocol", "TCP")
        yield from _port(here, port, spec["type"])
        place = (port.get("port"), protocol)
        if place in places:
            said = f'{{"Name":"","Protocol":"{protocol}","AppProtocol":null,"Port":{place[0]},"TargetPort":0,"NodePort":0}}'
            yield Cause("FieldValueDuplicate", f"Duplicate value: {said}", here)
        places.add(place)


def _port(here: str, port: Body, kind: str) -> Iterator[Cause]:
    if port.get("protocol", "TCP") not in PROTOCOLS:
        yield unsupported(f"{here}.protocol", port["protocol"], PROTOCOLS)
    if isinstance(port.get("targetPort"), int | str):
        yield from port_or_name_causes(f"{here}.targetPort", port["targetPort"])
    for why in qualified_name(port["appProtocol"]) if port.get("appProtocol") else ():
        yield wrong_value(f"{here}.appProtocol", port["appProtocol"], why)
    if not isinstance(port.get("nodePort", 0), int):
        yield Cause("FieldValueInvalid", "Invalid value: must be a number", f"{here}.nodePort")
    elif port.get("nodePort") and kind == "ClusterIP":
        yield Cause("FieldValueForbidden", "Forbidden: may not be used when `type` is 'ClusterIP'", f"{here}.nodePort")


def _addresses(spec: Body, old: Body) -> Iterator[Cause]:
    before, after = old.get("clusterIPs"), spec.get("clusterIPs")
    if not isinstance(after or [], list) or not all(isinstance(address, str) for address in after or ()):
        yield wrong("spec.clusterIPs", in_json(after), "must be a list of addresses")
        return
    for number, address in enumerate((after or ()) if before != after else ()):
        if address != "None" and _address(address) is None:
            yield wrong_value(f"spec.clusterIPs[{number}]", address, NOT_AN_ADDRESS)
    if before and after and before != after and old.get("type") != "ExternalName":
        yield wrong("spec.clusterIPs[0]", in_json(after), "may not change once set")


def _address(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except ValueError:
        return None


def taken(body: Body, held: Allocation) -> None:
    """Whether what the Service wants to have is free. Raises ApiRefusal (422)."""
    causes = list(_taken(body, held))
    if causes:
        raise invalid("", "Service", body["metadata"].get("name", ""), causes)


def _taken(body: Body, held: Allocation) -> Iterator[Cause]:
    metadata, spec = body["metadata"], body["spec"]
    key = f"{metadata.get('namespace', '')}/{metadata['name']}"
    for address in spec.get("clusterIPs") or ():
        if held.addresses.get(address) == key:
            continue
        found = _address(address)
        whole, failed = in_json(spec["clusterIPs"]), f"failed to allocate IP {address}: "
        if found is not None and found not in RANGE:
            where = f"the provided IP ({address}) is not in the valid range. The range of valid IPs is {RANGE}"
            yield wrong("spec.clusterIPs", whole, failed + where)
        elif found is not None and held.addresses.get(address, key) != key:
            yield wrong("spec.clusterIPs", whole, f"{failed}provided IP is already allocated")
    for number, port in enumerate(structs(dict(spec), "ports")):
        wanted = port.get("nodePort")
        if not isinstance(wanted, int) or not wanted:
            continue
        field = f"spec.ports[{number}].nodePort"
        if not FIRST_PORT <= wanted < FIRST_PORT + PORTS:
            where = f"The range of valid ports is {FIRST_PORT}-{FIRST_PORT + PORTS - 1}"
            yield wrong(field, str(wanted), f"provided port is not in the valid range. {where}")
        elif held.ports.get(wanted, key) != key:
            yield wrong(field, str(wanted), "provided port is already allocated")
