"""What the server refuses of Ingresses and their classes, NetworkPolicies, EndpointSlices and Endpoints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from fleetd.kubeapi.checks_containers import PROTOCOLS
from fleetd.kubeapi.defaults_pods import struct, structs
from fleetd.kubeapi.refusals import Cause
from fleetd.kubeapi.rules import (
    LABEL,
    NOT_A_LABEL,
    NOT_A_SUBDOMAIN,
    NOT_A_WILDCARD,
    SUBDOMAIN,
    WILDCARD,
    duplicate,
    immutable,
    in_json,
    name_faults,
    not_allowed,
    one_label_causes,
    port_causes,
    port_or_name_causes,
    required,
    unsupported,
    wrong,
    wrong_value,
)
from fleetd.kubeapi.rules_selectors import selector_causes

Body = Mapping[str, Any]
PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
CLASS = "kubernetes.io/ingress.class"
NOT_AN_ADDRESS = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
NOT_A_NETWORK = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
LOCAL = (
    ("is_unspecified", "may not be unspecified (0.0.0.0 or ::)"),
    ("is_loopback", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
    ("is_link_local", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
    ("is_multicast", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
)


def ingress_class(body: Body, live: Body | None) -> Iterator[Cause]:
    """IngressClasses: whose they are is for good."""
    name = struct(dict(body), "spec").get("controller", "")
    if not name:
        yield required("spec.controller")
    else:
        domain, _, path = name.partition("/")
        if not domain or not path:
            yield wrong_value("spec.controller", name, 'must be a domain-prefixed path (such as "acme.io/foo")')
        elif not SUBDOMAIN.fullmatch(domain):
            yield wrong_value("spec.controller", domain, NOT_A_SUBDOMAIN)
    if live is not None and struct(dict(live), "spec").get("controller", "") != name:
        yield immutable("spec.controller", name)


def ingress(body: Body, live: Body | None) -> Iterator[Cause]:
    """Ingresses: rules or a default, and paths that say their type."""
    spec = dict(body["spec"])
    if not spec.get("rules") and not spec.get("defaultBackend"):
        yield wrong("spec", in_json(spec.get("rules")), "either `defaultBackend` or `rules` must be specified")
    if isinstance(spec.get("defaultBackend"), dict):
        yield from _backend("spec.defaultBackend", spec["defaultBackend"])
    for number, rule in enumerate(structs(spec, "rules")):
        yield from _rule(f"spec.rules[{number}]", rule)
    for number, one in enumerate(structs(spec, "tls")):
        for index, host in enumerate(one.get("hosts") or ()):
            yield from _host(f"spec.tls[{number}].hosts[{index}]", host)
        for why in name_faults("secrets", one.get("secretName") or "x"):
            yield wrong_value(f"spec.tls[{number}].secretName", one["secretName"], why)
    chosen = spec.get("ingressClassName")
    for why in name_faults("ingressclasses", chosen) if chosen is not None else ():
        yield wrong_value("spec.ingressClassName", str(chosen), why)
    annotated = (body["metadata"].get("annotations") or {}).get(CLASS)
    if live is None and annotated is not None and chosen is not None and annotated != chosen:
        yield wrong_value(f"annotations.{CLASS}", annotated, "must match `ingressClassName` when both are specified")


def _host(here: str, host: str) -> Iterator[Cause]:
    if "*" in host:
        if not WILDCARD.fullmatch(host):
            yield wrong_value(here, host, NOT_A_WILDCARD)
    elif not SUBDOMAIN.fullmatch(host):
        yield wrong_value(here, host, NOT_A_SUBDOMAIN)


def _rule(here: str, rule: Body) -> Iterator[Cause]:
    host = rule.get("host", "")
    if host:
        if _address(host) is not None:
            yield wrong_value(f"{here}.host", host, "must be a DNS name, not an IP address")
        yield from _host(f"{here}.host", host)
    if isinstance(rule.get("http"), dict):
        paths = list(structs(rule["http"], "paths"))
        if not paths:
            yield required(f"{here}.http.paths")
        for index, path in enumerate(paths):
            yield from _path(f"{here}.http.paths[{index}]", path)


def _path(here: str, path: Body) -> Iterator[Cause]:
    kind, text = path.get("pathType"), path.get("path", "")
    if kind is None:
        yield required(f"{here}.pathType", "pathType must be specified")
    elif kind not in PATH_TYPES:
        yield unsupported(f"{here}.pathType", kind, PATH_TYPES)
    elif not text.startswith("/") and (text or kind != "ImplementationSpecific"):
        yield wrong_value(f"{here}.path", text, "must be an absolute path")
    if kind in ("Exact", "Prefix"):
        for bad in ("//", "/./", "/../", "%2f", "%2F"):
            if bad in text:
                yield wrong_value(f"{here}.path", text, f"must not contain '{bad}'")
        for bad in ("/..", "/."):
            if text.endswith(bad):
                yield wrong_value(f"{here}.path", text, f"cannot end with '{bad}'")
    yield from _backend(f"{here}.backend", struct(dict(path), "backend"))


def _backend(here: str, backend: Body) -> Iterator[Cause]:
    service, resource = backend.get("service"), backend.get("resource")
    if service is not None and resource is not None:
        yield wrong(here, '""', "cannot set both resource and service backends")
    elif resource is not None:
        for key in ("kind", "name"):
            if not resource.get(key):
                yield required(f"{here}.resource.{key}")
    elif service is not None:
        yield from _service(here, service)
    else:
        yield wrong(here, '""', "resource or service backend is required")


def _service(here: str, service: Body) -> Iterator[Cause]:
    port, name = service.get("port") or {}, service.get("name", "")
    if not name:
        yield required(f"{here}.service.name")
    for why in name_faults("services", name or "x"):
        yield wrong_value(f"{here}.service.name", name, why)
    if port.get("name") and port.get("number"):
        yield wrong(here, '""', "cannot set both port name & port number")
    elif port.get("name"):
        yield from port_or_name_causes(f"{here}.service.port.name", port["name"])
    elif port.get("number"):
        yield from port_causes(f"{here}.service.port.number", port["number"])
    else:
        yield required(here, "port name or number is required")


def network_policy(body: Body, _live: Body | None) -> Iterator[Cause]:
    """NetworkPolicies."""
    spec = body["spec"]
    yield from selector_causes("spec.podSelector", struct(dict(spec), "podSelector"))
    for key, whom in (("ingress", "from"), ("egress", "to")):
        for number, rule in enumerate(structs(dict(spec), key)):
            here = f"spec.{key}[{number}]"
            for index, port in enumerate(structs(rule, "ports")):
                yield from _policy_port(f"{here}.ports[{index}]", port)
            for index, peer in enumerate(structs(rule, whom)):
                yield from _peer(f"{here}.{whom}[{index}]", peer)
    kinds = spec.get("policyTypes") or ()
    if len(kinds) > 2:
        yield wrong("spec.policyTypes", in_json(kinds), "may not specify more than two policyTypes")
        return
    for number, kind in enumerate(kinds):
        if kind not in ("Ingress", "Egress"):
            yield unsupported(f"spec.policyTypes[{number}]", kind, ("Egress", "Ingress"))


def _policy_port(here: str, port: Body) -> Iterator[Cause]:
    wanted, last = port.get("port"), port.get("endPort")
    if port.get("protocol", "TCP") not in PROTOCOLS:
        yield unsupported(f"{here}.protocol", port["protocol"], ("TCP", "UDP", "SCTP"))
    if wanted is not None:
        yield from port_or_name_causes(f"{here}.port", wanted)
    if last is None:
        return
    if wanted is None:
        yield wrong(f"{here}.endPort", str(last), "may not be specified when `port` is not specified")
    elif isinstance(wanted, str):
        yield wrong(f"{here}.endPort", str(last), "may not be specified when `port` is non-numeric")
    else:
        if last < wanted:
            yield wrong(f"{here}.endPort", str(wanted), "must be greater than or equal to `port`")
        yield from port_causes(f"{here}.endPort", last)


def _peer(here: str, peer: Body) -> Iterator[Cause]:
    given = [key for key in ("podSelector", "namespaceSelector", "ipBlock") if isinstance(peer.get(key), dict)]
    for key in given[: len(given) - ("ipBlock" in given)]:
        yield from selector_causes(f"{here}.{key}", peer[key])
    if "ipBlock" in given:
        yield from _block(f"{here}.ipBlock", peer["ipBlock"])
    if not given:
        yield required(here, "must specify a peer")
    elif len(given) > 1 and "ipBlock" in given:
        yield not_allowed(here, "may not specify both ipBlock and another peer")


def _block(here: str, block: Body) -> Iterator[Cause]:
    text = block.get("cidr", "")
    if not text:
        yield required(f"{here}.cidr")
        return
    whole = _network(text)
    if whole is None:
        yield wrong_value(f"{here}.cidr", text, NOT_A_NETWORK)
        return
    for number, one in enumerate(block.get("except") or ()):
        at, part = f"{here}.except[{number}]", _network(one)
        if part is None:
            yield wrong_value(at, one, NOT_A_NETWORK)
        elif part.network_address not in whole or whole.prefixlen >= part.prefixlen:
            yield wrong_value(at, one, "must be a strict subset of `cidr`")


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False) if "/" in text else None
    except ValueError:
        return None


def _address(text: str) -> Any:
    try:
        return ip_address(text)
    except ValueError:
        return None


def endpoint_slice(body: Body, live: Body | None) -> Iterator[Cause]:
    """EndpointSlices: the sort of address is for good."""
    known, kind = ("FQDN", "IPv4", "IPv6"), body.get("addressType")
    if not kind:
        yield required("addressType")
    elif kind not in known:
        yield unsupported("addressType", kind, known)
    for number, endpoint in enumerate(structs(dict(body), "endpoints")):
        here = f"endpoints[{number}].addresses"
        if not endpoint.get("addresses"):
            yield required(here, "must contain at least 1 address")
        for index, text in enumerate(endpoint.get("addresses") or ()):
            yield from _endpoint(f"{here}[{index}]", text, str(kind))
    yield from _slice_ports(body)
    if live is not None and live.get("addressType") != kind:
        yield immutable("addressType", str(kind))


def _slice_ports(body: Body) -> Iterator[Cause]:
    names: set[str] = set()
    for number, port in enumerate(structs(dict(body), "ports")):
        at, name = f"ports[{number}]", port.get("name") or ""
        if name and (not LABEL.fullmatch(name) or len(name) > 63):
            yield wrong_value(f"{at}.name", name, NOT_A_LABEL)
        if name in names:
            yield duplicate(f"{at}.name", name)
        names.add(name)
        if port.get("protocol", "TCP") not in PROTOCOLS:
            yield unsupported(f"{at}.protocol", port["protocol"], PROTOCOLS)


def _endpoint(here: str, text: str, kind: str) -> Iterator[Cause]:
    address = _address(text)
    if kind == "FQDN":
        if not SUBDOMAIN.fullmatch(text):
            yield wrong_value(here, text, NOT_A_SUBDOMAIN)
    elif kind in ("IPv4", "IPv6"):
        if address is None or address.version != int(kind[-1]):
            yield wrong_value(here, text, f"must be a valid {kind} address")
        else:
            yield from _nobodys(here, text, address)


def _nobodys(here: str, text: str, address: Any) -> Iterator[Cause]:
    for key, why in LOCAL:
        if getattr(address, key):
            yield wrong_value(here, text, why)


def endpoints(body: Body, _live: Body | None) -> Iterator[Cause]:
    """Endpoints."""
    for number, subset in enumerate(structs(dict(body), "subsets")):
        here = f"subsets[{number}]"
        if not subset.get("addresses") and not subset.get("notReadyAddresses"):
            yield required(here, "must specify `addresses` or `notReadyAddresses`")
        for key in ("addresses", "notReadyAddresses"):
            for index, one in enumerate(structs(subset, key)):
                at, text = f"{here}.{key}[{index}].ip", one.get("ip", "")
                address = _address(text)
                if address is None:
                    yield wrong_value(at, text, NOT_AN_ADDRESS)
                else:
                    yield from _nobodys(at, text, address)
        ports = list(structs(subset, "ports"))
        for index, port in enumerate(ports):
            at = f"{here}.ports[{index}]"
            if port.get("name") or len(ports) > 1:
                yield from one_label_causes(f"{at}.name", port.get("name", ""))
            yield from port_causes(f"{at}.port", port.get("port"))
            if port.get("protocol", "TCP") not in PROTOCOLS:
                yield unsupported(f"{at}.protocol", port["protocol"], PROTOCOLS)
