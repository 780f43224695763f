"""What fleetd may do on a cluster, asked of the cluster itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson

from fleetd.cluster.decoding import part, whole_object
from fleetd.cluster.http import JSON, Api, Ask
from fleetd.cluster.settings import ClusterSettings

AT_ONCE = 8
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """To do something with a resource (its plural, or `*`), in one namespace or, with an empty one, in all."""

    verb: str
    resource: str
    group: str = ""
    namespace: str = ""

    def __str__(self) -> str:
        named = f"{self.resource}.{self.group}" if self.group else self.resource
        if self.resource == "*":
            named = "every resource" if self.group in {"", "*"} else f"every resource of {self.group}"
        return f"{self.verb} {named}" + (f" in {self.namespace}" if self.namespace else "")


@dataclass(frozen=True, slots=True)
class Missing:
    """A right that was asked for and is not there; `reason` is the cluster's own, often empty."""

    right: Right
    reason: str = ""


TO_WATCH = tuple(Right(verb, "*", "*") for verb in ("get", "list", "watch"))
TO_DEPLOY = tuple(Right(verb, "*", "*") for verb in ("create", "patch", "delete"))
TO_KNOW = (Right("get", "namespaces"),)
EVERYTHING = TO_KNOW + TO_WATCH + TO_DEPLOY


async def missing_rights(api: Api, wanted: Iterable[Right], settings: ClusterSettings) -> tuple[Missing, ...]:
    """Those of the wanted rights that the cluster denies, in their order. Raises as `Cluster` says."""
    few = asyncio.Semaphore(AT_ONCE)

    async def answered(right: Right) -> Missing | None:
        async with few:
            return await _denied(api, right, settings)

    answers = await asyncio.gather(*(answered(right) for right in wanted))
    return tuple(answer for answer in answers if answer is not None)


async def _denied(api: Api, right: Right, settings: ClusterSettings) -> Missing | None:
    attributes = {"verb": right.verb, "group": right.group, "resource": right.resource, "namespace": right.namespace}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
    }
    ask = Ask("POST", REVIEWS, (), orjson.dumps(review), JSON, what=f"ask whether it may {right}")
    status = part(whole_object(await api.call(ask, settings)), "status")
    return None if status.get("allowed") is True else Missing(right, str(status.get("reason") or ""))


def said(missing: Sequence[Missing]) -> str:
    """One sentence about what is missing, or the empty string."""
    return f"it may not {', '.join(str(one.right) for one in missing)}" if missing else ""
