"""The cloud's part of a Service of type LoadBalancer: an address, written to its status."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from ipaddress import IPv4Network
from random import Random
from typing import Any

import orjson

from fleetd.domain.errors import FleetdError, NotFound
from fleetd.domain.objects import Manifest
from fleetd.kubeapi.exchange import Stream
from fleetd.sim.inprocess import InProcess

log = logging.getLogger(__name__)

SERVICES = "/api/v1/services"
MANAGER = "cloud-controller-manager"
BENCHMARK_NETWORK = IPv4Network("198.18.0.0/15")
"""Set aside for tests (RFC 2544): nothing on the internet answers there, and it has room for 130,000 Services."""

Key = tuple[str, str]


class AddressPool:
    """The addresses of one cluster: each pool begins elsewhere in the network, the same place for the same seed."""

    def __init__(self, seed: str) -> None:
        self._size = BENCHMARK_NETWORK.num_addresses
        self._next = Random(seed).randrange(self._size)
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
    """Watches the Services of a cluster and gives addresses; Services with a `loadBalancerClass` are left to another controller."""

    def __init__(self, api: InProcess, seed: str) -> None:
        self._api = api
        self._pool = AddressPool(seed)
        self._addresses: dict[Key, str] = {}
        self._waiting: dict[Key, Manifest | None] = {}
        self._woken = asyncio.Event()
        self._stream: Stream | None = None
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Lists, then watches; returns when no change can be missed any more."""
        await self._open()
        self._running = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        if self._stream is not None:
            self._stream.stop()
            self._stream = None

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

    async def _open(self) -> None:
        listed = await self._api.list(SERVICES)
        found = {_key(item): item for item in listed["items"]}
        self._waiting.update({key: None for key in self._addresses if key not in found})
        self._waiting.update(found)
        self._woken.set()
        self._stream = await self._api.watch(SERVICES, listed["metadata"]["resourceVersion"])
        self._stream.start(self._heard, self._closed)

    def _heard(self, frame: bytes) -> None:
        for line in frame.splitlines():
            event = orjson.loads(line)
            match event["type"]:
                case "ADDED" | "MODIFIED":
                    self._waiting[_key(event["object"])] = event["object"]
                case "DELETED":
                    self._waiting[_key(event["object"])] = None
                case "ERROR":
                    self._closed()
        self._woken.set()

    def _closed(self) -> None:
        if self._stream is not None:
            self._stream.stop()
            self._stream = None
        self._woken.set()

    async def _run(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            if self._stream is None:
                await self._open()
            while self._waiting:
                key = next(iter(self._waiting))
                try:
                    await self._settle(key, self._waiting.pop(key))
                except NotFound:
                    self._release(key)
                except FleetdError:
                    log.exception("no load balancer for Service %s/%s", *key)

    async def _settle(self, key: Key, service: Manifest | None) -> None:
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


def _key(service: Manifest) -> Key:
    metadata = service["metadata"]
    return metadata["namespace"], metadata["name"]


def _wants(service: Manifest) -> bool:
    spec = service["spec"]
    deleting = "deletionTimestamp" in service["metadata"]
    return spec.get("type") == "LoadBalancer" and not spec.get("loadBalancerClass") and not deleting


def _shown(service: Manifest) -> list[str]:
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    return [entry.get("ip", "") for entry in ingress]
