"""RoleRequest and AccessRequest: who may do what on which clusters."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fleetd.domain.kinds.base import KubernetesObject, Model, Whole
from fleetd.domain.kinds.shared import ClusterInfo, ObjectReference, Port, RoleRef, Selector


class RoleRequestSpec(Model):
    """A tenant (a ServiceAccount of the management plane), its clusters and its rights there."""

    cluster_selector: Selector | None = None
    service_account_name: str
    service_account_namespace: str
    role_refs: tuple[RoleRef, ...] = ()
    expiration_seconds: Whole | None = None


class RoleRequestStatus(Model):
    """Where the rights have been given."""

    matching_clusters: tuple[ObjectReference, ...] = ()
    cluster_info: tuple[ClusterInfo, ...] = ()
    failure_message: str | None = None


class RoleRequest(KubernetesObject):
    """Rights of a tenant on clusters."""

    spec: RoleRequestSpec | None = None
    status: RoleRequestStatus | None = None


class ControlPlaneEndpoint(Model):
    """Where the management plane answers."""

    host: Annotated[str, Field(min_length=1, max_length=512)]
    port: Port


class AccessRequestSpec(Model):
    """The account that an agent needs in the management plane."""

    namespace: str
    name: str
    type: Literal["SveltosAgent", "Different"]
    control_plane_endpoint: ControlPlaneEndpoint


class AccessRequestStatus(Model):
    """Where the kubeconfig is."""

    secret_ref: ObjectReference | None = None
    failure_message: str | None = None


class AccessRequest(KubernetesObject):
    """Access of an agent to the management plane."""

    spec: AccessRequestSpec | None = None
    status: AccessRequestStatus | None = None
