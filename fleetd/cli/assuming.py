"""Clusters that nobody named, so that there is something to render for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fleetd.domain.objects import Manifest

NAMESPACE = "assumed"
SELECTORS = {
    "EventTrigger": ("sourceClusterSelector", "destinationClusterSelector"),
    "ClusterProfile": ("clusterSelector",),
    "Profile": ("clusterSelector",),
}
CAPI = "cluster.x-k8s.io"
Labels = tuple[tuple[str, str], ...]


def assumed_clusters(manifests: Sequence[Manifest], named: Sequence[str]) -> list[Manifest]:
    """A cluster for each selector, each cluster that is referred to, and each that objects stand on (`named`).

    Those that objects stand on have the labels of all source clusters.
    """
    deploying = [manifest for manifest in manifests if manifest["kind"] in SELECTORS]
    source = {key: value for labels in _selected(deploying, "EventTrigger", "sourceClusterSelector") for key, value in labels}
    made = [
        _cluster(namespace or NAMESPACE, name, source) for namespace, _, name in (text.rpartition("/") for text in dict.fromkeys(named))
    ]
    kinds = [(kind, name) for kind, names in SELECTORS.items() for name in names if not (named and name == "sourceClusterSelector")]
    wanted = list(dict.fromkeys(labels for kind, name in kinds if kind != "Profile" for labels in _selected(deploying, kind, name)))
    made += [_cluster(NAMESPACE, f"cluster-{number}", dict(labels)) for number, labels in enumerate(wanted, 1)]
    made += [_cluster(namespace, name, {}, api_version) for api_version, namespace, name in dict.fromkeys(_references(deploying))]
    for namespace in dict.fromkeys(one["metadata"]["namespace"] for one in deploying if one["kind"] == "Profile"):
        own = [one for one in deploying if one["kind"] == "Profile" and one["metadata"]["namespace"] == namespace]
        chosen = dict.fromkeys(_selected(own, "Profile", "clusterSelector"))
        made += [_cluster(namespace, f"cluster-{number}", dict(labels)) for number, labels in enumerate(chosen, 1)]
    return made or [_cluster(NAMESPACE, "cluster-1", {})]


def _selected(manifests: Sequence[Manifest], kind: str, name: str) -> Iterator[Labels]:
    """Labels that the selectors choose."""
    for manifest in manifests:
        selector = (manifest.get("spec") or {}).get(name)
        if manifest["kind"] == kind and selector:
            yield tuple(sorted(_labels_for(selector).items()))


def _labels_for(selector: Mapping[str, Any]) -> dict[str, str]:
    labels = dict(selector.get("matchLabels") or {})
    for item in selector.get("matchExpressions") or ():
        if item["operator"] == "In":
            labels.setdefault(item["key"], item["values"][0])
        elif item["operator"] == "Exists":
            labels.setdefault(item["key"], "")
    return labels


def _references(manifests: Sequence[Manifest]) -> Iterator[tuple[str, str, str]]:
    """Clusters by name; one whose name is a template is not known before."""
    for manifest in manifests:
        spec: Mapping[str, Any] = manifest.get("spec") or {}
        for item in (*(spec.get("clusterRefs") or ()), spec.get("destinationCluster") or {}):
            namespace, name = item.get("namespace") or manifest["metadata"].get("namespace") or "", item.get("name") or ""
            if namespace and name and "{" not in namespace + name:
                yield item.get("apiVersion") or "", namespace, name


def _cluster(namespace: str, name: str, labels: Mapping[str, str], api_version: str = "") -> Manifest:
    capi = api_version.startswith(CAPI)
    return {
        "apiVersion": f"{CAPI}/v1beta2" if capi else "lib.projectsveltos.io/v1beta1",
        "kind": "Cluster" if capi else "SveltosCluster",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels)},
        "spec": {},
    }


def told(manifest: Manifest) -> str:
    """The sentence about an assumed cluster."""
    metadata = manifest["metadata"]
    labels = ", ".join(f"{key}={value}" for key, value in metadata["labels"].items()) or "no labels"
    return f"no cluster is given: {metadata['namespace']}/{metadata['name']} is assumed, with {labels}"
