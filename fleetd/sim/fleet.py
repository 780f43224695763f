"""Simulated clusters that live in this process and serve real clients."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Literal, Self
from uuid import UUID

from fleetd.domain.errors import InvalidInput
from fleetd.kubeapi.memory import MemoryStorage
from fleetd.kubeapi.server import ApiServer
from fleetd.kubeapi.writing import Extras
from fleetd.sim.authentication import ADMIN
from fleetd.sim.certificates import Authority
from fleetd.sim.cluster import ClusterSpec, SimulatedCluster, Trust
from fleetd.sim.kubeconfig import certificate_credentials, merged, write_private
from fleetd.sim.rbac import RoleBasedAccess, default_roles
from fleetd.sim.rules import compile_rule

Auth = Literal["token", "certificate"]
EXTRAS = Extras(compile_rule=compile_rule)


class SimulatedFleet:
    """Clusters with one certificate authority; `async with` starts and stops them.

    Args:
        specs: the clusters it begins with.
        seed: uids (that of kube-system too) and load balancer addresses are the same for the same seed and name.
        tls: without it benchmarks save its cost; kubectl and client-go show no token on a plain connection.
        load_balancers: Services of type LoadBalancer are given addresses.
        auth: what the administrators' kubeconfigs authenticate with; certificates need `tls`.
    """

    def __init__(
        self, specs: Iterable[ClusterSpec], *, seed: int = 0, tls: bool = True, load_balancers: bool = True, auth: Auth = "token"
    ) -> None:
        if auth == "certificate" and not tls:
            raise InvalidInput("client certificates need TLS: leave out one of auth='certificate' and tls=False")
        self.clusters: dict[str, SimulatedCluster] = {}
        self._specs = tuple(specs)
        self._seed = seed
        self._load_balancers = load_balancers
        self._trust = _trust(auth) if tls else None

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

    async def add(self, spec: ClusterSpec) -> SimulatedCluster:
        """Starts one more.

        Raises:
            InvalidInput: a cluster of this name is there.
        """
        if spec.name in self.clusters:
            raise InvalidInput(f"there is a cluster {spec.name} already: names are unique in a fleet")
        uids = Random(f"{self._seed}/{spec.name}/uids")
        storage = MemoryStorage()
        access = RoleBasedAccess()
        storage.listen(access.told)
        api = ApiServer(storage, clock=_now, new_uid=lambda: str(UUID(int=uids.getrandbits(128), version=4)), may=access, extras=EXTRAS)
        cluster = SimulatedCluster(spec, api, storage, seed=self._seed, trust=self._trust, load_balancers=self._load_balancers)
        self.clusters[spec.name] = cluster
        for role in default_roles():
            await cluster.create(role)
        await cluster.start()
        return cluster

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
    authority = Authority(_now())
    admin = certificate_credentials(authority.client(ADMIN)) if auth == "certificate" else None
    return Trust(authority.server_context(), authority.pem, admin)


def _now() -> datetime:
    return datetime.now(UTC)
