"""What is below a Pod beside its status: being put on a node, being evicted, its log, and what a simulated Pod does not have."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import orjson

from fleetd.kubeapi.deleting import found
from fleetd.kubeapi.exchange import Request, Response, User
from fleetd.kubeapi.kinds import Kinds
from fleetd.kubeapi.options import Options, options_of, write_options
from fleetd.kubeapi.refusals import ApiRefusal, bad_request, conflict
from fleetd.kubeapi.selectors import selects
from fleetd.kubeapi.storage import Record
from fleetd.kubeapi.targets import Target
from fleetd.kubeapi.writing import Writer, Writing

Body = dict[str, Any]
BUDGETS = "poddisruptionbudgets.policy"
PATHS = ("attach", "binding", "eviction", "exec", "log", "portforward", "proxy")
VIOLATES = "Cannot evict pod as it would violate the pod's disruption budget."
SUCCESS: Body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


@dataclass(frozen=True, slots=True)
class PodPaths:
    """One method for each path; the request is permitted already."""

    writing: Writing
    kinds: Kinds

    async def answer(self, request: Request, target: Target, user: User) -> Response:
        """Raises ApiRefusal."""
        pod = await found(self.writing.storage, replace(target, subresource=""))
        match target.subresource:
            case "log":
                return self._log(request, pod)
            case "binding":
                await self._bind(request, target, user)
            case "eviction":
                await self._evict(request, target, user, pod)
            case _:
                why = f"nothing runs in a simulated pod: there is no {target.subresource}"
                raise ApiRefusal(501, "NotImplemented", why, {"name": target.name, "kind": "pods"})
        return Response(201, orjson.dumps(SUCCESS))

    def _log(self, request: Request, pod: Record) -> Response:
        names = [one["name"] for one in pod.body["spec"].get("containers") or ()]
        asked = request.first("container")
        if asked and asked not in names:
            raise bad_request(f"container {asked} is not valid for pod {pod.metadata['name']}")
        if not asked and len(names) > 1:
            listed = " ".join(names)
            raise bad_request(f"a container name must be specified for pod {pod.metadata['name']}, choose one of: [{listed}]")
        text = f"{asked or names[0]} runs in a simulation, where containers say nothing\n"
        return Response(200, text.encode(), "text/plain")

    async def _bind(self, request: Request, target: Target, user: User) -> None:
        body = _read(request, "Binding")
        node = str((body.get("target") or {}).get("name") or "")

        def bound(pod: Body) -> Body:
            if pod["spec"].get("nodeName"):
                raise conflict(target.kind, target.name, f'pod {target.name} is already assigned to node "{pod["spec"]["nodeName"]}"')
            pod["spec"]["nodeName"] = node
            return pod

        await self.writing.change(replace(target, subresource=""), bound, Writer(user, write_options(request, "CreateOptions")))

    async def _evict(self, request: Request, target: Target, user: User, pod: Record) -> None:
        options = options_of(_read(request, "Eviction").get("deleteOptions") or {})
        if write_options(request, "CreateOptions").dry_run:
            options = replace(options, dry_run=True)
        waiting = (pod.body.get("status") or {}).get("phase") in ("Pending", "Succeeded", "Failed")
        if not waiting and "deletionTimestamp" not in pod.metadata:
            await self._spend(target, pod, user, dry_run=options.dry_run)
        await self.writing.delete(replace(target, subresource=""), options, user)

    async def _spend(self, target: Target, pod: Record, user: User, *, dry_run: bool) -> None:
        """Takes one disruption from the budget that protects the pod. Raises ApiRefusal (429, 500)."""
        budgets = [
            one
            for one in (await self.writing.storage.listing(BUDGETS, target.namespace)).records
            if selects(one.body["spec"].get("selector") or {}, pod.metadata.get("labels") or {})
        ]
        if len(budgets) > 1:
            why = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
            raise ApiRefusal(500, "InternalError", f"Internal error occurred: {why}", {"causes": [{"message": why}]})
        for budget in budgets:
            name, status = budget.metadata["name"], budget.body["status"]
            if status.get("observedGeneration", 0) < budget.metadata.get("generation", 0):
                raise _refused(f"The disruption budget {name} is still being processed by the server.")
            if status.get("disruptionsAllowed", 0) <= 0:
                wanted, healthy = status.get("desiredHealthy", 0), status.get("currentHealthy", 0)
                raise _refused(f"The disruption budget {name} needs {wanted} healthy pods and has {healthy} currently")
            kind = self.kinds.by_kind("policy/v1", "PodDisruptionBudget")
            if kind is not None and not dry_run:
                where = Target(kind, target.namespace, name, "status")
                await self.writing.change(where, _spent, Writer(user, Options("kube-apiserver")))


def _spent(budget: Body) -> Body:
    budget["status"]["disruptionsAllowed"] -= 1
    return budget


def _refused(why: str) -> ApiRefusal:
    return ApiRefusal(429, "TooManyRequests", VIOLATES, {"causes": [{"reason": "DisruptionBudget", "message": why}]})


def _read(request: Request, kind: str) -> Body:
    try:
        body = orjson.loads(request.body or b"{}")
    except orjson.JSONDecodeError as error:
        raise bad_request(f"the object provided is unrecognized (must be of type {kind}): {error}") from error
    if not isinstance(body, dict):
        raise bad_request(f"the object provided is unrecognized (must be of type {kind})")
    return body
