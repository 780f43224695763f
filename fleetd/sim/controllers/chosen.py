"""Which controllers run in a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from fleetd.kubeapi.storage import Storage
from fleetd.sim.controllers.accounts import Accounts
from fleetd.sim.controllers.aggregation import Aggregation
from fleetd.sim.controllers.budgets import Budgets, Nodes, Quotas
from fleetd.sim.controllers.deployments import Deployments
from fleetd.sim.controllers.endpoints import ServiceEndpoints
from fleetd.sim.controllers.garbage import GarbageCollector
from fleetd.sim.controllers.loop import Controller
from fleetd.sim.controllers.pods import Kubelet
from fleetd.sim.controllers.volumes import UnusedVolumes, Volumes
from fleetd.sim.controllers.workloads import DaemonSets, Jobs, ReplicaSets, StatefulSets
from fleetd.sim.inprocess import InProcess


@dataclass(frozen=True, slots=True)
class Chosen:
    """Each can be switched on by itself.

    `namespaces`: what is in a deleted namespace goes with it. `accounts`: the ServiceAccount `default` and the ConfigMap `kube-root-ca.crt`
    in every namespace. `workloads`: Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs and their Pods on one node, and what
    disruption budgets and quotas say of them.
    `load_balancers`: addresses for Services of that type.
    """

    namespaces: bool = True
    load_balancers: bool = True
    garbage: bool = True
    aggregation: bool = True
    volumes: bool = False
    accounts: bool = False
    workloads: bool = False
    endpoints: bool = False


USUAL = Chosen()
EVERYTHING = Chosen(volumes=True, accounts=True, workloads=True, endpoints=True)
NONE = Chosen(namespaces=False, load_balancers=False, garbage=False, aggregation=False)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What controllers work with: the API, what is stored, the time, and the authority's certificate."""

    api: InProcess
    storage: Storage
    now: Callable[[], datetime]
    authority: Callable[[], str]


def controllers(chosen: Chosen, around: Surroundings) -> Iterator[Controller]:
    """Those that were chosen, but for load balancers, whose addresses others ask for."""
    api, now = around.api, around.now
    if chosen.garbage:
        yield GarbageCollector(api)
    if chosen.aggregation:
        yield Aggregation(api)
    if chosen.volumes:
        yield Volumes(api)
        yield UnusedVolumes(api)
    if chosen.accounts:
        yield Accounts(api, around.authority)
    if chosen.endpoints:
        yield ServiceEndpoints(api)
    if chosen.workloads:
        yield Nodes(api, now)
        yield Kubelet(api, now)
        yield Budgets(api, around.storage)
        yield Quotas(api, around.storage)
        yield Deployments(api, now)
        for kind in (ReplicaSets, StatefulSets, DaemonSets, Jobs):
            yield kind(api, now)
