"""Speaks to a cluster before it becomes a member: is it reached, who is it, and what may we do there?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fleetd.cli.output import say, yaml_text
from fleetd.cluster.connect import KubeCluster, connect
from fleetd.cluster.identity import own_name
from fleetd.cluster.registration import INLINED
from fleetd.cluster.rights import EVERYTHING, missing_rights, said
from fleetd.cluster.service_account import account_manifests, create_account, issue
from fleetd.cluster.settings import ClusterSettings
from fleetd.domain.errors import Conflict, FleetdError, NotPermitted, Unreachable
from fleetd.service.local import LocalQuestions
from fleetd.service.questions.membership import FindIdentity


@dataclass(frozen=True, slots=True)
class Way:
    """Which member is meant, and the database that knows the others."""

    name: str
    namespace: str
    database: str

    @property
    def cluster(self) -> str:
        return f"{self.namespace}/{self.name}"


async def checked(kubeconfig: Mapping[str, Any], way: Way, allowed_exec: frozenset[str]) -> None:
    """Reaches the cluster with what the daemon will use, and says what is missing.

    Raises:
        Unreachable: it does not answer.
        NotPermitted: it does not say who it is.
        Conflict: it is another cluster than this member was, or another member is this cluster.
    """
    cluster = await connect(way.cluster, kubeconfig, settings=ClusterSettings(allowed_exec=allowed_exec))
    try:
        found = await cluster.identity()
        who = await _who(cluster)
        missing = await missing_rights(cluster.api, EVERYTHING, cluster.settings)
    except NotPermitted as error:
        raise NotPermitted(f"{error}; nothing was registered (give credentials that may read namespaces, or --skip-check)") from error
    except Unreachable as error:
        raise Unreachable(f"{error}; nothing was registered (--skip-check registers it unseen)") from error
    finally:
        await cluster.close()
    say(f"{way.cluster}: reached, Kubernetes {found.version}, as {who}")
    if missing:
        say(f"warning: {way.cluster}: {said(missing)}; what needs that will fail there")
    await _same_cluster(way, found.uid)


async def _who(cluster: KubeCluster) -> str:
    try:
        return await own_name(cluster.api, cluster.settings) or "nobody"
    except FleetdError:
        # Servers before 1.28 do not tell.
        return "somebody whom it does not name"


async def _same_cluster(way: Way, uid: str) -> None:
    service = LocalQuestions(way.database)
    try:
        identity = (await service.ask(FindIdentity(cluster=way.cluster, uid=uid))).result
    finally:
        await service.close()
    known, others = identity.known_uid, identity.others
    if known and known != uid:
        raise Conflict(
            f"this is another cluster than {way.cluster} was (its kube-system is {uid}, {way.cluster}'s was {known}); "
            "deregister it first if that is meant"
        )
    if others:
        raise Conflict(f"this cluster is a member already, as {', '.join(others)}: two members would work against each other")


async def account_kubeconfig(own: Mapping[str, Any], way: Way, seconds: int, allowed_exec: frozenset[str]) -> tuple[dict[str, Any], str]:
    """Makes the ServiceAccount with the operator's credentials; a kubeconfig with its token, and when that ends."""
    manifests = account_manifests()
    say(f"{way.cluster}: making a ServiceAccount of fleetd's own; this is what it may do:")
    say(yaml_text(manifests[2]).rstrip())
    cluster = await connect(way.cluster, own, settings=ClusterSettings(allowed_exec=allowed_exec))
    try:
        await create_account(cluster, manifests)
        issued = await issue(cluster, own, INLINED, seconds=seconds)
    finally:
        await cluster.close()
    return issued.kubeconfig, issued.expires
