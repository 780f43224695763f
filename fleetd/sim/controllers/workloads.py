"""ReplicaSets, StatefulSets, DaemonSets and Jobs: their Pods, and a status that tells of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import blake2b

import orjson

from fleetd.domain.objects import Manifest
from fleetd.kubeapi.metadata import stamp
from fleetd.kubeapi.storage import Change
from fleetd.sim.controllers.endpoints import ready
from fleetd.sim.controllers.loop import Key, itself
from fleetd.sim.controllers.pods import PodSet, condition, owner_keys
from fleetd.sim.inprocess import InProcess

MANAGER = "kube-controller-manager"
Now = Callable[[], datetime]


class _OfPods:
    """What the controllers have in common: they hear of their kind, and of the Pods that it owns."""

    api_version = "apps/v1"
    kind = ""
    resources: tuple[str, ...] = ()

    def __init__(self, api: InProcess, now: Now) -> None:
        self._api = api
        self._now = now

    def concerned(self, change: Change) -> Iterator[Key]:
        return owner_keys(change, self.kind) if change.resource == "pods" else itself(change)

    async def settle(self, key: Key) -> None:
        found = await self._api.get(self.api_version, self.kind, *key)
        if found is not None and "deletionTimestamp" not in found["metadata"]:
            owned = PodSet(self._api, found, MANAGER)
            await self._settle(found, owned, await owned.pods())

    async def _settle(self, found: Manifest, owned: PodSet, pods: list[Manifest]) -> None:
        raise NotImplementedError


class ReplicaSets(_OfPods):
    """As many Pods as are wanted; the unready ones go first."""

    kind = "ReplicaSet"
    resources = ("replicasets.apps", "pods")

    async def _settle(self, found: Manifest, owned: PodSet, pods: list[Manifest]) -> None:
        wanted = found["spec"].get("replicas", 1)
        for _ in range(wanted - len(pods)):
            await owned.create(found["spec"]["template"])
        for pod in sorted(pods, key=ready)[: max(0, len(pods) - wanted)]:
            await owned.delete(pod)
        pods = await owned.pods()
        count = sum(map(ready, pods))
        told = {"replicas": len(pods), "fullyLabeledReplicas": len(pods), "readyReplicas": count, "availableReplicas": count}
        await owned.report({**told, "observedGeneration": found["metadata"]["generation"]})


class StatefulSets(_OfPods):
    """Pods with numbers; one of an older template is put in place of anew."""

    kind = "StatefulSet"
    resources = ("statefulsets.apps", "pods")

    async def _settle(self, found: Manifest, owned: PodSet, pods: list[Manifest]) -> None:
        spec, name = found["spec"], found["metadata"]["name"]
        revision = f"{name}-{revision_of(spec['template'])}"
        wanted = [f"{name}-{number}" for number in range(spec.get("replicas", 1))]
        for pod in pods:
            labels = pod["metadata"].get("labels") or {}
            if pod["metadata"]["name"] not in wanted or labels.get("controller-revision-hash") != revision:
                await owned.delete(pod)
        have = {pod["metadata"]["name"] for pod in await owned.pods()}
        for missing in (each for each in wanted if each not in have):
            labels = {"controller-revision-hash": revision, "statefulset.kubernetes.io/pod-name": missing}
            await owned.create(labelled(spec["template"], labels), missing)
        pods = await owned.pods()
        count = sum(map(ready, pods))
        told = {"replicas": len(pods), "readyReplicas": count, "availableReplicas": count, "currentReplicas": len(pods)}
        told |= {"updatedReplicas": len(pods), "collisionCount": 0, "observedGeneration": found["metadata"]["generation"]}
        await owned.report({**told, "currentRevision": revision, "updateRevision": revision})


class DaemonSets(_OfPods):
    """One Pod, on the one node that there is."""

    kind = "DaemonSet"
    resources = ("daemonsets.apps", "pods")

    async def _settle(self, found: Manifest, owned: PodSet, pods: list[Manifest]) -> None:
        template = found["spec"]["template"]
        revision = revision_of(template)
        for pod in pods:
            if (pod["metadata"].get("labels") or {}).get("controller-revision-hash") != revision:
                await owned.delete(pod)
        if not await owned.pods():
            await owned.create(labelled(template, {"controller-revision-hash": revision}))
        count = sum(map(ready, await owned.pods()))
        told = {"currentNumberScheduled": 1, "desiredNumberScheduled": 1, "updatedNumberScheduled": 1, "numberMisscheduled": 0}
        told |= {"numberReady": count, "numberAvailable": count, "numberUnavailable": 1 - count}
        await owned.report({**told, "observedGeneration": found["metadata"]["generation"]})


class Jobs(_OfPods):
    """Pods until enough have succeeded, or too many have failed."""

    api_version = "batch/v1"
    kind = "Job"
    resources = ("jobs.batch", "pods")

    async def _settle(self, found: Manifest, owned: PodSet, pods: list[Manifest]) -> None:
        status, spec = found.get("status") or {}, found["spec"]
        if any(one["type"] in ("Complete", "Failed") and one["status"] == "True" for one in status.get("conditions") or ()):
            return
        phases = [(pod.get("status") or {}).get("phase", "Pending") for pod in pods]
        done, failed = phases.count("Succeeded"), phases.count("Failed")
        active = len(phases) - done - failed
        wanted, limit = spec.get("completions") or 1, spec.get("backoffLimit", 6)
        over = done >= wanted or failed > limit
        if not over and not spec.get("suspend"):
            parallel = min(spec.get("parallelism", 1), wanted - done)
            for _ in range(parallel - active):
                labels = {"batch.kubernetes.io/job-name": found["metadata"]["name"], "job-name": found["metadata"]["name"]}
                await owned.create(labelled(spec["template"], labels))
            active = max(active, parallel)
        now = self._now()
        told: Manifest = {"active": 0 if over else active, "succeeded": done, "failed": failed, "ready": 0}
        told["startTime"] = status.get("startTime") or stamp(now)
        if done >= wanted:
            said = condition("Complete", True, "CompletionsReached", "Reached expected number of succeeded pods", found, now)
            told |= {"conditions": [said], "completionTime": stamp(now)}
        elif over:
            told["conditions"] = [
                condition("Failed", True, "BackoffLimitExceeded", "Job has reached the specified backoff limit", found, now)
            ]
        await owned.report(told)


def labelled(template: Manifest, labels: dict[str, str]) -> Manifest:
    """A template whose Pods have these labels too."""
    metadata = template.get("metadata") or {}
    return {**template, "metadata": {**metadata, "labels": {**(metadata.get("labels") or {}), **labels}}}


def revision_of(template: Manifest) -> str:
    """What tells one template from another, short enough for names and labels."""
    return blake2b(orjson.dumps(template, option=orjson.OPT_SORT_KEYS), digest_size=5).hexdigest()
