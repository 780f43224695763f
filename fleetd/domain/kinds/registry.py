"""Every declared kind that fleetd has a model for, and how people name it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fleetd.domain.errors import InvalidInput
from fleetd.domain.kinds import classify, clusters, core, events, health, operations, profiles, promotion, pull, reports, tenancy
from fleetd.domain.kinds.base import KubernetesObject
from fleetd.domain.refs import GroupKind, GroupVersionKind

CONFIG_GROUP = "config.projectsveltos.io"
LIB_GROUP = "lib.projectsveltos.io"
CLUSTER_API_GROUP = "cluster.x-k8s.io"
SVELTOS_VERSION = "v1beta1"


@dataclass(frozen=True, slots=True)
class KindSpec:
    """A declared kind. `supported` means that fleetd acts on it; others are taken, kept and served."""

    gvk: GroupVersionKind
    plural: str
    namespaced: bool
    model: type[KubernetesObject]
    status_subresource: bool = True
    supported: bool = False

    @property
    def crd_name(self) -> str:
        return f"{self.plural}.{self.gvk.group}" if self.gvk.group else self.plural


def _sveltos(
    group: str, model: type[KubernetesObject], *, namespaced: bool, status: bool = True, supported: bool = False, plural: str = ""
) -> KindSpec:
    kind = model.__name__
    return KindSpec(GroupVersionKind(group, SVELTOS_VERSION, kind), plural or f"{kind.lower()}s", namespaced, model, status, supported)


_SPECS: tuple[KindSpec, ...] = (
    _sveltos(CONFIG_GROUP, profiles.ClusterProfile, namespaced=False, supported=True),
    _sveltos(CONFIG_GROUP, profiles.Profile, namespaced=True, supported=True),
    _sveltos(CONFIG_GROUP, profiles.ClusterSummary, namespaced=True, plural="clustersummaries"),
    _sveltos(CONFIG_GROUP, reports.ClusterConfiguration, namespaced=True),
    _sveltos(CONFIG_GROUP, reports.ClusterReport, namespaced=True),
    _sveltos(CONFIG_GROUP, promotion.ClusterPromotion, namespaced=False),
    _sveltos(LIB_GROUP, profiles.ClusterSet, namespaced=False, supported=True),
    _sveltos(LIB_GROUP, profiles.Set, namespaced=True, supported=True),
    _sveltos(LIB_GROUP, clusters.SveltosCluster, namespaced=True, supported=True),
    _sveltos(LIB_GROUP, classify.Classifier, namespaced=False),
    _sveltos(LIB_GROUP, classify.ClassifierReport, namespaced=True),
    _sveltos(LIB_GROUP, classify.ManagementClusterClassifier, namespaced=False),
    _sveltos(LIB_GROUP, classify.ManagementClusterClassifierReport, namespaced=True),
    _sveltos(LIB_GROUP, events.EventSource, namespaced=False, status=False, supported=True),
    _sveltos(LIB_GROUP, events.EventReport, namespaced=True),
    _sveltos(LIB_GROUP, events.EventTrigger, namespaced=False, supported=True),
    _sveltos(LIB_GROUP, health.HealthCheck, namespaced=False, status=False),
    _sveltos(LIB_GROUP, health.HealthCheckReport, namespaced=True),
    _sveltos(LIB_GROUP, health.ClusterHealthCheck, namespaced=False),
    _sveltos(LIB_GROUP, tenancy.RoleRequest, namespaced=False),
    _sveltos(LIB_GROUP, tenancy.AccessRequest, namespaced=True),
    _sveltos(LIB_GROUP, reports.Reloader, namespaced=False, status=False),
    _sveltos(LIB_GROUP, reports.ReloaderReport, namespaced=True),
    _sveltos(LIB_GROUP, reports.ResourceSummary, namespaced=True, plural="resourcesummaries"),
    _sveltos(LIB_GROUP, pull.ConfigurationGroup, namespaced=True),
    _sveltos(LIB_GROUP, pull.ConfigurationBundle, namespaced=True),
    _sveltos(LIB_GROUP, operations.DebuggingConfiguration, namespaced=False, status=False),
    _sveltos(LIB_GROUP, operations.Techsupport, namespaced=False),
    _sveltos(LIB_GROUP, operations.SveltosLicense, namespaced=False),
    KindSpec(GroupVersionKind("", "v1", "ConfigMap"), "configmaps", True, core.ConfigMap, False, True),
    KindSpec(GroupVersionKind("", "v1", "Secret"), "secrets", True, core.Secret, False, True),
    KindSpec(GroupVersionKind("", "v1", "Namespace"), "namespaces", False, core.Namespace, True, True),
    KindSpec(GroupVersionKind(CLUSTER_API_GROUP, "v1beta2", "Cluster"), "clusters", True, clusters.ClusterAPICluster, True, True),
    KindSpec(GroupVersionKind(CLUSTER_API_GROUP, "v1beta1", "Cluster"), "clusters", True, clusters.ClusterAPICluster, True, True),
)

KINDS: Mapping[GroupVersionKind, KindSpec] = MappingProxyType({spec.gvk: spec for spec in _SPECS})
"""All declared kinds; a Cluster API Cluster stands at both of its versions, the newer first."""

_SHORT_NAMES = {"cm": "configmap", "ns": "namespace"}


def spec_of(group_kind: GroupKind) -> KindSpec | None:
    """The kind at its newest version, or None when fleetd has no model for it."""
    return next((spec for spec in _SPECS if spec.gvk.group_kind == group_kind), None)


def kind_by_name(text: str) -> KindSpec:
    """Reads a kind as people write it: `eventsource`, `EventSources`, `cm`, `EventSource.lib.projectsveltos.io`.

    Raises:
        InvalidInput: there is no such kind; the text names the nearest.
    """
    wanted = text.strip().lower()
    for spec in _SPECS:
        if _SHORT_NAMES.get(wanted, wanted) in _names(spec):
            return spec
    known = [name for spec in _SPECS for name in (spec.gvk.kind.lower(), spec.plural)]
    near = difflib.get_close_matches(wanted.partition(".")[0], known, n=1)
    hint = f"did you mean {near[0]}?" if near else "it is neither one of Sveltos nor ConfigMap, Secret, Namespace or Cluster"
    raise InvalidInput(f"there is no kind {text!r}: {hint}")


def _names(spec: KindSpec) -> Iterator[str]:
    for name in (spec.gvk.kind.lower(), spec.plural):
        yield name
        if spec.gvk.group:
            yield f"{name}.{spec.gvk.group}"
            yield f"{name}.{spec.gvk.version}.{spec.gvk.group}"
