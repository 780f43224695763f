"""Clusters join and leave the fleet: a SveltosCluster and the Secret with its kubeconfig."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from fleetd.domain.errors import NotFound
from fleetd.domain.objects import Manifest
from fleetd.domain.refs import ObjectRef
from fleetd.service.admission import Admission, Admitted

SVELTOS_API = "lib.projectsveltos.io/v1beta1"


def member_ref(name: str, namespace: str = "default") -> ObjectRef:
    """The declared object of a member."""
    return ObjectRef("SveltosCluster", "lib.projectsveltos.io", namespace, name)


def kubeconfig_ref(name: str, namespace: str = "default") -> ObjectRef:
    """The Secret of a member that fleetd registered."""
    return ObjectRef("Secret", "", namespace, f"{name}-sveltos-kubeconfig")


def member_manifests(name: str, namespace: str, labels: Mapping[str, str], kubeconfig: str) -> tuple[Manifest, Manifest]:
    """The Secret and the SveltosCluster, in the order in which they are to be declared."""
    secret: Manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": kubeconfig_ref(name, namespace).name, "namespace": namespace},
        "type": "Opaque",
        "data": {"kubeconfig": base64.b64encode(kubeconfig.encode()).decode()},
    }
    cluster: Manifest = {
        "apiVersion": SVELTOS_API,
        "kind": "SveltosCluster",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels)},
        "spec": {"kubeconfigName": secret["metadata"]["name"], "kubeconfigKeyName": "kubeconfig"},
    }
    return secret, cluster


async def join(admission: Admission, name: str, namespace: str, labels: Mapping[str, str], kubeconfig: str, *, now: datetime) -> Admitted:
    """Declares a member; `kubeconfig` must stand by itself (no files, no plugins)."""
    secret, cluster = member_manifests(name, namespace, labels, kubeconfig)
    await admission.apply(secret, now=now, force=True)
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
