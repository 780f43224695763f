"""Keeps requests away from link-local addresses, where clouds answer with credentials of the machine we run on."""

from __future__ import annotations

import socket
from ipaddress import IPv6Address, ip_address

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from fleetd.domain.errors import InvalidInput


def forbidden(address: str) -> bool:
    """Whether this is a link-local, multicast or unspecified address, in any of its spellings."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or parsed.sixtofour or parsed
    return parsed.is_link_local or parsed.is_multicast or parsed.is_unspecified or str(parsed) == "fd00:ec2::254"


def check_literal(host: str) -> None:
    """Refuses a server that is written as such an address. Raises `InvalidInput`."""
    if forbidden(host):
        raise InvalidInput(f"the kubeconfig's server {host} is a link-local address: no API server lives there")


class GuardedResolver(AbstractResolver):
    """Looks names up and leaves such addresses out: what was checked is what is connected to."""

    def __init__(self) -> None:
        self._inner = ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        allowed = [result for result in found if not forbidden(result["host"])]
        if not allowed:
            raise OSError(None, "the name leads to a link-local address only")
        return allowed

    async def close(self) -> None:
        await self._inner.close()
