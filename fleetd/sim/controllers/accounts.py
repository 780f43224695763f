"""What each namespace is given: the ServiceAccount `default`, and the ConfigMap with the authority's certificate."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fleetd.domain.errors import Conflict, NotPermitted
from fleetd.domain.objects import Manifest
from fleetd.kubeapi.storage import Change
from fleetd.sim.controllers.loop import Key, itself
from fleetd.sim.inprocess import InProcess

ROOT_CA = "kube-root-ca.crt"
ABOUT = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or "
    "kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters."
)


class Accounts:
    """Puts both back when somebody deletes them."""

    resources = ("namespaces", "serviceaccounts", "configmaps")

    def __init__(self, api: InProcess, authority: Callable[[], str]) -> None:
        """`authority` is the certificate in PEM, empty for a cluster without TLS."""
        self._api = api
        self._authority = authority

    def concerned(self, change: Change) -> Iterator[Key]:
        if change.resource == "namespaces":
            if change.after is not None:
                yield from itself(change)
        elif change.after is None and change.key.partition("/")[2] in ("default", ROOT_CA):
            yield "", change.namespace

    async def settle(self, key: Key) -> None:
        _, namespace = key
        found = await self._api.get("v1", "Namespace", "", namespace)
        if found is None or "deletionTimestamp" in found["metadata"]:
            return
        bundle = {"metadata": {"annotations": {"kubernetes.io/description": ABOUT}}, "data": {"ca.crt": self._authority()}}
        for kind, name, content in (("ServiceAccount", "default", {}), ("ConfigMap", ROOT_CA, bundle)):
            if await self._api.get("v1", kind, namespace, name) is None:
                await self._create(kind, namespace, name, content)

    async def _create(self, kind: str, namespace: str, name: str, content: Manifest) -> None:
        metadata = {**content.get("metadata", {}), "namespace": namespace, "name": name}
        try:
            await self._api.create({**content, "apiVersion": "v1", "kind": kind, "metadata": metadata})
        except (Conflict, NotPermitted):
            # Somebody else was quicker, or the namespace began to end.
            return
