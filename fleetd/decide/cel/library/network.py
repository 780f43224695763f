"""Addresses, networks and URLs, as Kubernetes has them in conditions."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import SplitResult, parse_qs, urlsplit

from fleetd.decide.cel.library.function import Functions, fixed, refuse, want

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Interface | ipaddress.IPv6Interface


@dataclass(frozen=True, slots=True)
class Address:
    """An IP address; those of IPv4 written inside IPv6, and zones, are none."""

    address: _Address
    cel_type: ClassVar[str] = "net.IP"

    @property
    def cel_text(self) -> str:
        return str(self.address)


@dataclass(frozen=True, slots=True)
class Network:
    """An address with the length of its network."""

    interface: _Network
    cel_type: ClassVar[str] = "net.CIDR"

    @property
    def cel_text(self) -> str:
        return str(self.interface)


@dataclass(frozen=True, slots=True)
class Url:
    """An absolute URL, or an absolute path."""

    parts: SplitResult
    cel_type: ClassVar[str] = "kubernetes.URL"


def _address_of(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id or (address.ipv4_mapped and "." in text):
            return None
        # Written in hexadecimal it is taken, as the address of IPv4 that it is (the specification's cases; Kubernetes refuses both).
        address = address.ipv4_mapped or address
    return Address(address)


def _network_of(text: str) -> Network | None:
    try:
        interface = ipaddress.ip_interface(text)
    except ValueError:
        return None
    length = text.partition("/")[2]
    if not length.isdigit() or str(int(length)) != length or _address_of(text.partition("/")[0]) is None:
        return None
    return Network(interface)


def _url_of(text: str) -> Url | None:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError:
        return None
    if any(letter.isspace() or ord(letter) < 32 for letter in text):
        return None
    return Url(parts) if parts.scheme or text.startswith("/") else None


def _ip(value: Any) -> Address:
    if type(value) is Network:
        return Address(value.interface.ip)
    want(str, value)
    found = _address_of(value)
    if found is None:
        raise refuse(f"{value!r} is no IP address")
    return found


def _is_ip(text: Any) -> bool:
    want(str, text)
    return _address_of(text) is not None


def _is_canonical(text: Any) -> bool:
    return bool(_ip(text).cel_text == text)


def _cidr(text: Any) -> Network:
    want(str, text)
    found = _network_of(text)
    if found is None:
        raise refuse(f"{text!r} is no network: write for example 10.0.0.0/8")
    return found


def _is_cidr(text: Any) -> bool:
    want(str, text)
    return _network_of(text) is not None


def _url(text: Any) -> Url:
    want(str, text)
    found = _url_of(text)
    if found is None:
        raise refuse(f"{text!r} is no absolute URL")
    return found


def _is_url(text: Any) -> bool:
    want(str, text)
    return _url_of(text) is not None


def _contains_ip(network: Any, value: Any) -> bool:
    want(Network, network)
    address = value if type(value) is Address else _ip(value)
    inside = network.interface.network
    return bool(address.address.version == inside.version and address.address in inside)


def _contains_cidr(network: Any, value: Any) -> bool:
    want(Network, network)
    other = (value if type(value) is Network else _cidr(value)).interface.network
    mine = network.interface.network
    return bool(other.version == mine.version and other.subnet_of(mine))


def _masked(network: Any) -> Network:
    want(Network, network)
    return Network(ipaddress.ip_interface(str(network.interface.network)))


def _prefix_length(network: Any) -> int:
    want(Network, network)
    return int(network.interface.network.prefixlen)


def _family(address: Any) -> int:
    want(Address, address)
    return int(address.address.version)


def _address_is(name: str) -> Any:
    def run(address: Any) -> bool:
        want(Address, address)
        return bool(getattr(address.address, name))

    return fixed(run, 1)


def _is_global_unicast(address: Any) -> bool:
    want(Address, address)
    found = address.address
    broadcast = found.version == 4 and int(found) == 2**32 - 1
    return not (broadcast or found.is_unspecified or found.is_loopback or found.is_multicast or _is_link_local(found))


def _is_link_local(address: _Address) -> bool:
    """Unicast only; ``is_link_local`` of Python says the same for both versions."""
    return bool(address.is_link_local)


def _is_link_local_multicast(address: Any) -> bool:
    want(Address, address)
    found = address.address
    if found.version == 4:
        return found in ipaddress.ip_network("224.0.0.0/24")
    return bool(found.is_multicast and found.packed[1] & 0x0F == 2)


def _part(read: Any) -> Any:
    def run(url: Any) -> Any:
        want(Url, url)
        return read(url.parts)

    return fixed(run, 1)


def _host(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


def _host_name(parts: SplitResult) -> str:
    host = _host(parts)
    if host.startswith("["):
        return host[1 : host.find("]")]
    return host.partition(":")[0]


GLOBAL: Functions = {
    "ip": fixed(_ip, 1),
    "isIP": fixed(_is_ip, 1),
    "ip.isCanonical": fixed(_is_canonical, 1),
    "cidr": fixed(_cidr, 1),
    "isCIDR": fixed(_is_cidr, 1),
    "url": fixed(_url, 1),
    "isURL": fixed(_is_url, 1),
}
MEMBER: Functions = {
    "ip": fixed(_ip, 1),
    "family": fixed(_family, 1),
    "isUnspecified": _address_is("is_unspecified"),
    "isLoopback": _address_is("is_loopback"),
    "isLinkLocalUnicast": _address_is("is_link_local"),
    "isLinkLocalMulticast": fixed(_is_link_local_multicast, 1),
    "isGlobalUnicast": fixed(_is_global_unicast, 1),
    "containsIP": fixed(_contains_ip, 2),
    "containsCIDR": fixed(_contains_cidr, 2),
    "masked": fixed(_masked, 1),
    "prefixLength": fixed(_prefix_length, 1),
    "getScheme": _part(lambda parts: parts.scheme),
    "getHost": _part(_host),
    "getHostname": _part(_host_name),
    "getPort": _part(lambda parts: "" if parts.port is None else str(parts.port)),
    "getEscapedPath": _part(lambda parts: parts.path),
    "getQuery": _part(lambda parts: parse_qs(parts.query, keep_blank_values=True)),
}
