"""Clusters as the stages see them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

from fleetd.decide.digest import digest
from fleetd.domain.errors import GiveUp
from fleetd.domain.objects import Manifest
from fleetd.domain.refs import MANAGEMENT_CLUSTER, ObjectRef

WITHDRAW = "fleetd.io/withdraw"
"""Annotation of a cluster that is to leave with nothing of ours on it."""

API_VERSIONS = {"SveltosCluster": "lib.projectsveltos.io/v1beta1", "Cluster": "cluster.x-k8s.io/v1beta2"}


@dataclass(frozen=True, slots=True)
class Member:
    """A cluster of the fleet with what selectors and templates read of it. `manifest` carries no status.

    A `leaving` cluster is given nothing any more, and what it was given is withdrawn.
    """

    cluster: str
    kind: str
    namespace: str
    name: str
    labels: Mapping[str, str]
    manifest: Manifest = field(repr=False)
    ready: bool
    paused: bool = False
    leaving: bool = False

    @property
    def type(self) -> str:
        """Sveltos' word for the kind of cluster: `Capi` or `Sveltos`."""
        return "Capi" if self.kind == "Cluster" else "Sveltos"

    @property
    def digest(self) -> str:
        """Over what templates and selectors may read."""
        return digest([self.cluster, self.kind, self.manifest])

    @property
    def summary(self) -> str:
        """The value of the annotation `projectsveltos.io/clustersummary`."""
        return f"{self.type.lower()}-{self.namespace}-{self.name}"

    @property
    def local(self) -> bool:
        """Whether this is the management plane itself."""
        return self.cluster == MANAGEMENT_CLUSTER

    def reference(self) -> dict[str, str]:
        """As `clusterRefs` name it."""
        return {"apiVersion": API_VERSIONS[self.kind], "kind": self.kind, "namespace": self.namespace, "name": self.name}


def template_data(member: Member) -> Manifest:
    """`.Cluster` and its short forms, as every template sees them."""
    return {"Cluster": member.manifest, "ClusterNamespace": member.namespace, "ClusterName": member.name}


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where a member's kubeconfig lies: a Secret, and a key in it (empty: its first)."""

    secret: ObjectRef
    key: str


def credentials_of(member: Member) -> Credentials:
    """SveltosCluster: `spec.kubeconfigName`, else `<name>-sveltos-kubeconfig`; Cluster API: `<name>-kubeconfig`, key `value`."""
    if member.kind == "Cluster":
        return Credentials(ObjectRef("Secret", "", member.namespace, f"{member.name}-kubeconfig"), "value")
    spec = member.manifest.get("spec") or {}
    name = spec.get("kubeconfigName") or f"{member.name}-sveltos-kubeconfig"
    return Credentials(ObjectRef("Secret", "", member.namespace, name), spec.get("kubeconfigKeyName") or "")


def kubeconfig_text(member: Member, secret: Manifest | None) -> str:
    """The kubeconfig as text.

    Raises:
        GiveUp: the Secret or the key is not there, or its value is no text.
    """
    where = credentials_of(member)
    if secret is None:
        raise GiveUp(f"Secret {where.secret.namespace}/{where.secret.name} with the kubeconfig does not exist")
    data = secret.get("data") or {}
    key = where.key or next(iter(data), "")
    if key not in data:
        raise GiveUp(f"Secret {where.secret.namespace}/{where.secret.name} has no key {key or 'at all'}")
    try:
        return base64.b64decode(data[key], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise GiveUp(f"Secret {where.secret.namespace}/{where.secret.name}: {key} is no base64 of text") from None
