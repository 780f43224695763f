"""ClusterRoles that gather the rules of others: the rules are written into them, so that people see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fleetd.domain.errors import NotFound
from fleetd.kubeapi.bootstrap import GROUP
from fleetd.kubeapi.rbac import CLUSTER_ROLES, gathered
from fleetd.kubeapi.storage import Change
from fleetd.sim.controllers.loop import Key
from fleetd.sim.inprocess import InProcess

API = f"{GROUP}/v1"


class Aggregation:
    """Settles all gathering roles at once: there are few."""

    resources = (CLUSTER_ROLES,)

    def __init__(self, api: InProcess) -> None:
        self._api = api

    def concerned(self, _change: Change) -> Iterator[Key]:
        yield "", "*"

    async def settle(self, _key: Key) -> None:
        roles = await self._api.objects(API, "ClusterRole")
        for role in roles:
            if not role.get("aggregationRule"):
                continue
            rules = gathered(role, roles)
            if rules != (role.get("rules") or []):
                await self._write(role["metadata"]["name"], rules)

    async def _write(self, name: str, rules: Sequence[Mapping[str, Any]]) -> None:
        try:
            await self._api.patch(API, "ClusterRole", "", name, {"rules": rules}, manager="clusterrole-aggregation-controller")
        except NotFound:
            return
