"""Which cluster answers: an address may lead to another one tomorrow."""

from __future__ import annotations

import orjson

from fleetd.cluster.decoding import part, whole_object
from fleetd.cluster.http import JSON, Api, Ask
from fleetd.cluster.port import Identity
from fleetd.cluster.settings import ClusterSettings
from fleetd.domain.errors import Unreachable

METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"


async def identity(api: Api, settings: ClusterSettings) -> Identity:
    """The uid of kube-system, which lives as long as the cluster does, and the server's version."""
    path = "/api/v1/namespaces/kube-system"
    system = whole_object(await api.call(Ask("GET", path, accept=METADATA_ONLY, what="ask who it is"), settings))
    version = whole_object(await api.call(Ask("GET", "/version", what="ask its version"), settings))
    uid = str(part(system, "metadata").get("uid") or "")
    if not uid:
        raise Unreachable(f"{api.name}: its kube-system namespace has no uid: it cannot be told from other clusters")
    return Identity(uid, str(version.get("gitVersion") or ""))


async def own_name(api: Api, settings: ClusterSettings) -> str:
    """Who the cluster takes us for (`system:serviceaccount:projectsveltos:fleetd`). Raises as `Cluster` says."""
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    ask = Ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", (), orjson.dumps(asked), JSON, what="ask who we are")
    review = whole_object(await api.call(ask, settings))
    return str(part(review, "status", "userInfo").get("username") or "")
