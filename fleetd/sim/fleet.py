"""Simulated clusters that live in this process and serve real clients."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from fleetd.domain.errors import InvalidInput
from fleetd.kubeapi.exchange import User
from fleetd.kubeapi.memory import MemoryStorage
from fleetd.kubeapi.metadata import stamp
from fleetd.kubeapi.rbac import RoleBasedAccess
from fleetd.kubeapi.server import ApiServer
from fleetd.kubeapi.writing import Extras
from fleetd.sim.authentication import ADMIN
from fleetd.sim.certificates import Authority
from fleetd.sim.clock import Clock, by_the_machine
from fleetd.sim.cluster import Api, ClusterSpec, SimulatedCluster, Trust, Ways
from fleetd.sim.controllers.chosen import NONE, USUAL, Chosen
from fleetd.sim.front import Front
from fleetd.sim.furniture import furniture
from fleetd.sim.identity import Uids
from fleetd.sim.kubeconfig import certificate_credentials, merged, write_private
from fleetd.sim.rules import compile_rule

Auth = Literal["token", "certificate"]
Ports = Literal["own", "shared", "none"]


class SimulatedFleet:
    """Clusters with one certificate authority; `async with` starts and stops them.

    Args:
        specs: the clusters it begins with.
        seed: uids (that of kube-system too) and load balancer addresses are the same for the same seed and name.
        tls: without it benchmarks save its cost; kubectl and client-go show no token on a plain connection.
        load_balancers: Services of type LoadBalancer are given addresses.
        auth: what the administrators' kubeconfigs authenticate with; certificates need `tls`.
        ports: a port for each cluster; one for all, with a path for each; or none, for tests in the same process.
        controllers: which of them run (see `Chosen`).
    """

    clock: Callable[[], datetime] = staticmethod(by_the_machine)
    """The time of all clusters; a test may put its own here before it starts the fleet."""

    def __init__(
        self,
        specs: Iterable[ClusterSpec],
        *,
        seed: int = 0,
        tls: bool = True,
        load_balancers: bool = True,
        auth: Auth = "token",
        ports: Ports = "own",
        controllers: Chosen = USUAL,
    ) -> None:
        if auth == "certificate" and not tls:
            raise InvalidInput("client certificates need TLS: leave out one of auth='certificate' and tls=False")
        self.clusters: dict[str, SimulatedCluster] = {}
        self._specs = tuple(specs)
        self._seed = seed
        self._chosen = controllers if load_balancers else replace(controllers, load_balancers=False)
        trust = _trust(auth) if tls else None
        self._front = Front(trust.context if trust else None) if ports == "shared" else None
        self._ways = Ways(trust, self._front, ports != "none")

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()

    async def start(self) -> None:
        """All clusters take connections when it returns."""
        try:
            for spec in self._specs:
                await self.add(spec)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Ends all clusters; they are gone with what they held."""
        for name in tuple(self.clusters):
            await self.remove(name)
        if self._front is not None:
            await self._front.close()

    async def add(self, spec: ClusterSpec) -> SimulatedCluster:
        """Starts one more.

        Raises:
            InvalidInput: a cluster of this name is there.
        """
        if spec.name in self.clusters:
            raise InvalidInput(f"there is a cluster {spec.name} already: names are unique in a fleet")
        clock = Clock(self.clock)
        make = self._maker(spec.name)
        cluster = SimulatedCluster(spec, make, seed=self._seed, ways=self._ways, chosen=self._chosen, clock=clock)
        self.clusters[spec.name] = cluster
        await cluster.start()
        return cluster

    def _maker(self, name: str) -> Callable[[Clock, int], tuple[Api, MemoryStorage]]:
        async def knows(token: str) -> User | None:
            return await self.clusters[name].whose(token)

        def make(clock: Clock, generation: int) -> tuple[Api, MemoryStorage]:
            seed = f"{self._seed}/{name}" + (f"/{generation}" if generation else "")
            storage = MemoryStorage(given=furniture(seed, stamp(clock())))
            extras = Extras(
                ends_namespaces=self._chosen.namespaces,
                compile_rule=compile_rule,
                rights=RoleBasedAccess(),
                knows=knows,
                audience=lambda: self.clusters[name].audience,
                furnished=True,
                holds_dependents=self._chosen.garbage or self._chosen == NONE,
                protects_volumes=self._chosen.volumes or self._chosen == NONE,
                wants_accounts=self._chosen == NONE,
            )
            return ApiServer(storage, clock=clock, new_uid=Uids(seed), extras=extras), storage

        return make

    async def remove(self, name: str) -> None:
        """Ends one; its port is closed for good."""
        await self.clusters.pop(name).stop()

    def write_kubeconfigs(self, folder: Path) -> list[Path]:
        """Writes `NAME.yaml` (an administrator) and `NAME.limited.yaml` (no rights) of each cluster, and `merged.yaml` with all contexts.

        The files are readable by their owner only. Returns those that were written.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        configs = {f"{name}.yaml": cluster.kubeconfig() for name, cluster in self.clusters.items()}
        limited = {f"{name}.limited.yaml": cluster.limited_kubeconfig() for name, cluster in self.clusters.items()}
        files = configs | limited | {"merged.yaml": merged(configs.values())}
        for name, config in files.items():
            write_private(folder / name, config)
        return [folder / name for name in files]


def _trust(auth: Auth) -> Trust:
    authority = Authority(by_the_machine())
    admin = certificate_credentials(authority.client(ADMIN)) if auth == "certificate" else None
    return Trust(authority.server_context(), authority.pem, admin)
