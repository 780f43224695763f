"""Pods: those that a controller wants are made and taken away, and each that there is becomes ready, or ends as a Job's does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from fleetd.domain.errors import Conflict, NotFound, NotPermitted
from fleetd.domain.objects import Manifest
from fleetd.kubeapi.metadata import stamp
from fleetd.kubeapi.storage import Change
from fleetd.sim.controllers.loop import Key, itself
from fleetd.sim.inprocess import InProcess

POD = ("v1", "Pod")
OUTCOME = "sim.fleetd.io/outcome"
"""An annotation of a Pod: `fail` lets the Pods of a Job fail, `pending` leaves any Pod unready."""
NODE = "node-1"


class Kubelet:
    """Runs every Pod at once, and ends it at once."""

    resources = ("pods",)

    def __init__(self, api: InProcess, now: Any) -> None:
        """`now` says the time."""
        self._api = api
        self._now = now

    def concerned(self, change: Change) -> Iterator[Key]:
        return itself(change) if change.after is not None else iter(())

    async def settle(self, key: Key) -> None:
        pod = await self._api.get(*POD, *key)
        if pod is None:
            return
        if "deletionTimestamp" in pod["metadata"]:
            await self._end(pod)
            return
        if (pod.get("status") or {}).get("phase", "Pending") != "Pending":
            return
        outcome = (pod["metadata"].get("annotations") or {}).get(OUTCOME, "")
        if outcome == "pending":
            return
        try:
            await self._api.patch(*POD, *key, {"status": pod_status(pod, outcome, self._now())}, subresource="status", manager="kubelet")
        except NotFound:
            return

    async def _end(self, pod: Manifest) -> None:
        """What runs here needs no time to end."""
        if pod["metadata"].get("deletionGracePeriodSeconds"):
            try:
                await self._api.delete(*POD, pod["metadata"]["namespace"], pod["metadata"]["name"], grace=0)
            except NotFound:
                return


def pod_status(pod: Manifest, outcome: str, now: datetime) -> Manifest:
    """The status of a Pod that runs, or ran: one of a Job, or one that is never started again, is over at once."""
    owners = pod["metadata"].get("ownerReferences") or ()
    over = any(owner["kind"] == "Job" for owner in owners) or pod["spec"].get("restartPolicy") == "Never"
    phase = ("Failed" if outcome == "fail" else "Succeeded") if over else "Running"
    at = stamp(now)
    code = 1 if phase == "Failed" else 0
    state: Manifest = (
        {"terminated": {"exitCode": code, "reason": "Error" if code else "Completed", "startedAt": at, "finishedAt": at}}
        if over
        else {"running": {"startedAt": at}}
    )
    digest = blake2b(pod["metadata"]["uid"].encode(), digest_size=2).digest()
    truth = {"status": "False" if over else "True", "lastTransitionTime": at}
    return {
        "phase": phase,
        "podIP": f"10.244.{digest[0]}.{digest[1]}",
        "hostIP": "192.0.2.1",
        "startTime": at,
        "conditions": [
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": at},
            {"type": "Initialized", "status": "True", "lastTransitionTime": at},
            {"type": "ContainersReady", **truth},
            {"type": "Ready", **truth},
        ],
        "containerStatuses": [
            {
                "name": each["name"],
                "image": each.get("image", ""),
                "imageID": each.get("image", ""),
                "containerID": f"simulated://{blake2b(each['name'].encode(), digest_size=8).hexdigest()}",
                "ready": not over,
                "started": not over,
                "restartCount": 0,
                "state": state,
            }
            for each in pod["spec"].get("containers") or ()
        ],
    }


@dataclass(frozen=True, slots=True)
class PodSet:
    """The Pods of one owner."""

    api: InProcess
    owner: Manifest
    manager: str

    def reference(self) -> Manifest:
        """The owner as its Pods name it."""
        metadata = self.owner["metadata"]
        named = {"apiVersion": self.owner["apiVersion"], "kind": self.owner["kind"], "name": metadata["name"], "uid": metadata["uid"]}
        return {**named, "controller": True, "blockOwnerDeletion": True}

    async def pods(self) -> list[Manifest]:
        """Those that are there and do not end, by name."""
        metadata = self.owner["metadata"]
        found = await self.api.objects(*POD, metadata["namespace"])
        return [pod for pod in found if owned_by(pod, metadata["uid"]) and "deletionTimestamp" not in pod["metadata"]]

    async def create(self, template: Manifest, name: str = "") -> None:
        """One Pod from a template, with this name or a generated one."""
        owner = self.owner["metadata"]
        known = template.get("metadata") or {}
        metadata = {key: known[key] for key in ("labels", "annotations") if known.get(key)}
        metadata |= {"namespace": owner["namespace"], "ownerReferences": [self.reference()]}
        metadata |= {"name": name} if name else {"generateName": f"{owner['name']}-"}
        spec = {**(template.get("spec") or {}), "nodeName": NODE}
        try:
            await self.api.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
        except (Conflict, NotPermitted):
            # It is there, or the namespace ends.
            return

    async def delete(self, pod: Manifest) -> None:
        try:
            await self.api.delete(*POD, pod["metadata"]["namespace"], pod["metadata"]["name"])
        except NotFound:
            return

    async def report(self, status: Manifest) -> None:
        """Writes the owner's status where it says something new."""
        owner, metadata = self.owner, self.owner["metadata"]
        old = owner.get("status") or {}
        if any(old.get(key) != value for key, value in status.items()):
            where = (owner["apiVersion"], owner["kind"], metadata["namespace"], metadata["name"])
            try:
                await self.api.patch(*where, {"status": status}, subresource="status", manager=self.manager)
            except NotFound:
                return


def owned_by(found: Manifest, uid: str) -> bool:
    """Whether an object's controller is the one with this uid."""
    return any(owner["uid"] == uid and owner.get("controller") for owner in found["metadata"].get("ownerReferences") or ())


def owner_keys(change: Change, kind: str) -> Iterator[Key]:
    """The objects of a kind that own what was changed."""
    record = change.after or change.before
    for owner in (record.metadata.get("ownerReferences") or ()) if record is not None else ():
        if owner.get("kind") == kind:
            yield change.namespace, str(owner["name"])


def condition(kind: str, status: bool, reason: str, message: str, old: Manifest, now: datetime) -> Manifest:
    """A condition that keeps its times while its status stays."""
    said = "True" if status else "False"
    before = next((one for one in (old.get("status") or {}).get("conditions") or () if one["type"] == kind), None)
    if before is not None and (before["status"], before["reason"]) == (said, reason):
        return dict(before)
    at = stamp(now)
    return {"type": kind, "status": said, "reason": reason, "message": message, "lastTransitionTime": at, "lastUpdateTime": at}
