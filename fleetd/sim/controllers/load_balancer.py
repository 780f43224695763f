"""The cloud's part of a Service of type LoadBalancer: an address, written to its status."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from ipaddress import IPv4Network
from typing import Any

from fleetd.domain.errors import NotFound
from fleetd.domain.objects import Manifest
from fleetd.kubeapi.storage import Change
from fleetd.sim.controllers.loop import Key, itself
from fleetd.sim.inprocess import InProcess

MANAGER = "cloud-controller-manager"
BENCHMARK_NETWORK = IPv4Network("198.18.0.0/15")
"""Set aside for tests (RFC 2544): nothing on the internet answers there, and it has room for 130,000 Services."""


class AddressPool:
    """The addresses of one cluster: each pool begins elsewhere in the network, the same place for the same seed."""

    def __init__(self, seed: str) -> None:
        self._size = BENCHMARK_NETWORK.num_addresses
        self._next = int.from_bytes(blake2b(seed.encode(), digest_size=8).digest()) % self._size
        self._taken: set[str] = set()

    def take(self) -> str:
        """A free address; one that was given back comes again only after all others."""
        for address in self._following():
            if address not in self._taken:
                self._taken.add(address)
                return address
        raise NotFound(f"all addresses of {BENCHMARK_NETWORK} are taken")

    def claim(self, address: str) -> None:
        """Marks an address that somebody already has."""
        self._taken.add(address)

    def give_back(self, address: str) -> None:
        self._taken.discard(address)

    def _following(self) -> Iterator[str]:
        for _ in range(self._size):
            self._next = (self._next + 1) % self._size
            if self._next % 256 not in {0, 255}:
                yield str(BENCHMARK_NETWORK[self._next])


class LoadBalancers:
    """Gives the Services of a cluster their addresses; those with a `loadBalancerClass` are left to another controller."""

    resources = ("services",)

    def __init__(self, api: InProcess, seed: str) -> None:
        self._api = api
        self._seed = seed
        self._made: AddressPool | None = None
        self._addresses: dict[Key, str] = {}

    @property
    def _pool(self) -> AddressPool:
        if self._made is None:
            self._made = AddressPool(self._seed)
        return self._made

    def concerned(self, change: Change) -> Iterator[Key]:
        return itself(change)

    async def reassign(self, namespace: str, name: str) -> str:
        """Gives the Service another address, as a cloud does when a load balancer is made anew; returns it.

        Raises:
            NotFound: no such Service, or it has no address.
        """
        key = namespace, name
        before = self._addresses.get(key)
        if before is None:
            raise NotFound(f"Service {namespace}/{name} has no load balancer")
        address = self._addresses[key] = self._pool.take()
        await self._write(key, {"ingress": [{"ip": address}]})
        self._pool.give_back(before)
        return address

    async def settle(self, key: Key) -> None:
        try:
            await self._settle_found(key, await self._api.get("v1", "Service", *key))
        except NotFound:
            # Deleted while it was being settled.
            self._release(key)

    async def _settle_found(self, key: Key, service: Manifest | None) -> None:
        if service is None:
            self._release(key)
            return
        shown = _shown(service)
        if not _wants(service):
            self._release(key)
            if shown:
                await self._write(key, {"ingress": None})
            return
        if key not in self._addresses:
            self._addresses[key] = self._first_address(shown)
        if shown != [self._addresses[key]]:
            await self._write(key, {"ingress": [{"ip": self._addresses[key]}]})

    def _first_address(self, shown: list[str]) -> str:
        if not shown:
            return self._pool.take()
        self._pool.claim(shown[0])
        return shown[0]

    def _release(self, key: Key) -> None:
        address = self._addresses.pop(key, None)
        if address is not None:
            self._pool.give_back(address)

    async def _write(self, key: Key, balancer: dict[str, Any]) -> None:
        namespace, name = key
        patch = {"status": {"loadBalancer": balancer}}
        await self._api.patch("v1", "Service", namespace, name, patch, subresource="status", manager=MANAGER)


def _wants(service: Manifest) -> bool:
    spec = service["spec"]
    deleting = "deletionTimestamp" in service["metadata"]
    return spec.get("type") == "LoadBalancer" and not spec.get("loadBalancerClass") and not deleting


def _shown(service: Manifest) -> list[str]:
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    return [entry.get("ip", "") for entry in ingress]
