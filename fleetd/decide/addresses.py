"""Addresses that must not be mirrored: who may write a Service in one cluster must not choose what Pods of another one reach.

An Endpoints object may name any address; one that names the node itself, its cloud's metadata service or an API server leads around
whatever guards these (CVE-2021-25740). What a trigger made of an event is refused with such an address, unless its author allows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any

from fleetd.domain.objects import Manifest, ref_of

ALLOW = "fleetd.io/allow-addresses"
"""Annotation of a trigger, profile or template: `loopback`, `link-local`, `api-server`, with commas between."""
LOOPBACK, LINK_LOCAL, API_SERVER = "loopback", "link-local", "api-server"
CLASSES = (LOOPBACK, LINK_LOCAL, API_SERVER)

_SERVER = re.compile(r"^\s*(?:- )?\"?server\"?:\s*[\"']?https?://(?:[^/@\s\"']*@)?(\[[^\]]+\]|[^/:\s\"',}]+)", re.MULTILINE)
_METADATA = frozenset({"metadata.google.internal"})


def server_hosts(kubeconfig: str) -> frozenset[str]:
    """The hosts of the API servers in a kubeconfig, read as text: a wrong one has none, and is told by who connects."""
    return frozenset(_plain(host) for host in _SERVER.findall(kubeconfig))


def allowed(*annotations: Mapping[str, str] | None) -> frozenset[str]:
    """What any of these annotations allows."""
    return frozenset(word.strip() for one in annotations for word in (one or {}).get(ALLOW, "").split(","))


def refused(manifest: Manifest, api_servers: Mapping[str, Iterable[str]], allow: frozenset[str]) -> str:
    """Why an object may not be mirrored, or empty.

    Args:
        api_servers: host → the clusters whose API server it is.
    """
    for host in hosts_of(manifest):
        plain = _plain(host)
        kind = _class_of(plain) or (API_SERVER if plain in api_servers else "")
        if kind and kind not in allow:
            where = f" of {', '.join(sorted(api_servers[plain])[:3])}" if kind == API_SERVER else ""
            what = {LOOPBACK: "a loopback address", LINK_LOCAL: "a link-local address", API_SERVER: f"the address of the API server{where}"}
            return f"{ref_of(manifest)} leads to {host}, {what[kind]}: not mirrored unless the annotation {ALLOW} says {kind}"
    return ""


def hosts_of(manifest: Manifest) -> Iterator[str]:
    """Where an object leads to; objects of most kinds lead nowhere."""
    match manifest.get("apiVersion"), manifest.get("kind"):
        case "v1", "Endpoints":
            for subset in _list(manifest.get("subsets")):
                for part in ("addresses", "notReadyAddresses"):
                    yield from _texts(address.get("ip") for address in _list(subset.get(part)))
        case str(version), "EndpointSlice" if version.startswith("discovery.k8s.io/"):
            for endpoint in _list(manifest.get("endpoints")):
                yield from _texts(endpoint.get("addresses"))
        case "v1", "Service":
            spec = manifest.get("spec")
            if isinstance(spec, dict):
                yield from _texts([spec.get("externalName")])
                yield from _texts(spec.get("externalIPs"))


def _list(value: Any) -> Iterator[dict[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


def _texts(values: Any) -> Iterator[str]:
    if isinstance(values, Iterable) and not isinstance(values, str):
        yield from (value for value in values if isinstance(value, str) and value)


def _plain(host: str) -> str:
    """One way to write a host: IPv4 in IPv6 as IPv4, names in small letters without a dot at the end."""
    bare = host.strip("[]").partition("%")[0].rstrip(".").lower()
    try:
        address = ip_address(bare)
    except ValueError:
        return bare
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def _class_of(plain: str) -> str:
    try:
        address = ip_address(plain)
    except ValueError:
        if plain == "localhost" or plain.endswith(".localhost"):
            return LOOPBACK
        return LINK_LOCAL if plain in _METADATA else ""
    if address.is_loopback or address.is_unspecified:
        return LOOPBACK
    return LINK_LOCAL if address.is_link_local else ""
