"""Clusters join and leave the fleet: a SveltosCluster and the Secret with its kubeconfig."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fleetd.domain.errors import NotFound
from fleetd.domain.objects import Manifest
from fleetd.domain.refs import ObjectRef
from fleetd.service.admission import Admission, Admitted

SVELTOS_API = "lib.projectsveltos.io/v1beta1"
TOKEN_ENDS = "fleetd.io/token-ends"  # noqa: S105 - an annotation's name
TOKEN_SECONDS = "fleetd.io/token-seconds"  # noqa: S105 - an annotation's name
"""On the Secret: when the token of a ServiceAccount of ours ends (RFC 3339), and for how long it was asked."""


def member_ref(name: str, namespace: str = "default") -> ObjectRef:
    """The declared object of a member."""
    return ObjectRef("SveltosCluster", "lib.projectsveltos.io", namespace, name)


def kubeconfig_ref(name: str, namespace: str = "default") -> ObjectRef:
    """The Secret of a member that fleetd registered."""
    return ObjectRef("Secret", "", namespace, f"{name}-sveltos-kubeconfig")


@dataclass(frozen=True, slots=True)
class TokenLife:
    """When a token of a ServiceAccount of ours ends (RFC 3339, UTC), and for how many seconds it was asked."""

    ends: str
    seconds: int


def credentials_manifest(name: str, namespace: str, kubeconfig: str, token: TokenLife | None = None) -> Manifest:
    """The Secret with a member's kubeconfig."""
    metadata: dict[str, Any] = {"name": kubeconfig_ref(name, namespace).name, "namespace": namespace}
    if token is not None and token.ends:
        metadata["annotations"] = {TOKEN_ENDS: token.ends, TOKEN_SECONDS: str(token.seconds)}
    data = {"kubeconfig": base64.b64encode(kubeconfig.encode()).decode()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": data}


def member_manifest(name: str, namespace: str, labels: Mapping[str, str]) -> Manifest:
    """The SveltosCluster of a member whose kubeconfig lies in the Secret of `credentials_manifest`."""
    return {
        "apiVersion": SVELTOS_API,
        "kind": "SveltosCluster",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels)},
        "spec": {"kubeconfigName": kubeconfig_ref(name, namespace).name, "kubeconfigKeyName": "kubeconfig"},
    }


async def join(
    admission: Admission,
    name: str,
    namespace: str,
    labels: Mapping[str, str],
    kubeconfig: str,
    *,
    now: datetime,
    token: TokenLife | None = None,
) -> Admitted:
    """Declares a member; `kubeconfig` must stand by itself (no files, no plugins). With `token` it is renewed in time."""
    cluster = member_manifest(name, namespace, labels)
    await admission.apply(credentials_manifest(name, namespace, kubeconfig, token), now=now, force=True)
    return await admission.apply(cluster, now=now, force=True)


async def leave(admission: Admission, name: str, namespace: str = "default", *, now: datetime) -> Admitted:
    """Takes a member out of the fleet; what stands on it stays.

    Raises:
        NotFound: there is no such member.
    """
    gone = await admission.delete(member_ref(name, namespace), now=now)
    with suppress(NotFound):
        await admission.delete(kubeconfig_ref(name, namespace), now=now)
    return gone
