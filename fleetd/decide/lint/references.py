"""What documents say of each other and of clusters: identities, selectors, namespaces, Secret types."""

from __future__ import annotations

from collections.abc import Iterator

from fleetd.decide.lint.given import Given, at, entries, in_a_page, ref_of_safely, references
from fleetd.domain.documents import Document
from fleetd.domain.findings import Finding
from fleetd.domain.kinds.core import PROFILE_SECRET_TYPE
from fleetd.domain.kinds.mistakes import Path, dotted
from fleetd.domain.objects import ref_of

_DEPLOYING = ("ClusterProfile", "Profile", "EventTrigger")


def check_identities(given: Given) -> Iterator[Finding]:
    """The same object twice; the version is no part of its identity."""
    first: dict[tuple[str, str], Document] = {}
    for document in given.documents:
        if ref_of_safely(document) is None:
            continue
        ref = str(ref_of(document.manifest))
        # A page may show an object twice, before and after: only within one block it would stand twice.
        block = str(id(document.origin.text)) if in_a_page(document) and document.origin is not None else ""
        before = first.setdefault((block, ref), document)
        if before is not document:
            message = f"{ref.replace('//', ' ')} stands twice; the other one is at {before.source}:{before.line}"
            yield document.finding(("metadata", "name"), "FD109", message, "remove one of them, or give it another name")


def check_selectors(given: Given) -> Iterator[Finding]:
    """Selectors and limits that select nothing, or something else than they seem to."""
    for document in given.documents:
        spec = document.manifest.get("spec")
        if not isinstance(spec, dict):
            continue
        for name, others in (
            ("clusterSelector", ("clusterRefs", "setRefs")),
            ("sourceClusterSelector", ("clusterSetRefs",)),
            ("destinationClusterSelector", ("destinationCluster",)),
        ):
            selector = spec.get(name)
            if _empty(selector) and not any(spec.get(other) for other in others):
                message = f"spec.{name} is empty, so it matches no cluster"
                yield document.finding(("spec", name), "FD401", message, "name a label that the wanted clusters have")
        share = spec.get("maxUpdate")
        if isinstance(share, str) and share.isdigit():
            message = f"spec.maxUpdate: the text {share!r} means {share} %, not {share} clusters"
            yield document.finding(("spec", "maxUpdate"), "FD404", message, f"write {share} without quotes, or {share}%")
        if document.manifest.get("kind") in ("ClusterSet", "Set") and not spec.get("maxReplicas"):
            message = f"the {document.manifest['kind']} selects no cluster while spec.maxReplicas is not set"
            yield document.finding(("spec", "maxReplicas"), "FD405", message, "set spec.maxReplicas")


def _empty(selector: object) -> bool:
    return isinstance(selector, dict) and not any(selector.get(part) for part in ("matchLabels", "matchExpressions"))


def check_references(given: Given) -> Iterator[Finding]:
    """References of Profiles out of their namespace, and Secrets that may not be referred to."""
    for document in given.of_kind("Profile"):
        yield from _leaving(document)
    told: set[int] = set()
    for document in given.of_kind(*_DEPLOYING):
        for _, kind, namespace, name in references(document):
            secret = given.find("Secret", namespace, name) if kind == "Secret" else None
            if secret is None or id(secret) in told or secret.manifest.get("type") == PROFILE_SECRET_TYPE:
                continue
            told.add(id(secret))
            message = f"{ref_of(document.manifest)} refers to this Secret, whose type is {secret.manifest.get('type') or 'Opaque'}"
            yield secret.finding(("type",), "FD403", message, f"set type: {PROFILE_SECRET_TYPE}")


def _leaving(document: Document) -> Iterator[Finding]:
    own = at(document.manifest, "metadata", "namespace") or "default"
    for path, namespace in _named_namespaces(document):
        if isinstance(namespace, str) and namespace and "{{" not in namespace and namespace != own:
            message = f"{dotted(path)} is {namespace!r}, but a Profile reaches only its own namespace {own!r}"
            yield document.finding(path, "FD402", message, "leave it out, or write a ClusterProfile")


def _named_namespaces(document: Document) -> Iterator[tuple[Path, object]]:
    manifest = document.manifest
    for name in ("clusterRefs", "policyRefs", "kustomizationRefs"):
        for path, entry in entries(manifest, "spec", name):
            yield (*path, "namespace"), entry.get("namespace")
            yield (*path, "remoteURL", "secretRef", "namespace"), at(entry, "remoteURL", "secretRef", "namespace")
            for below, value in entries(entry, "valuesFrom"):
                yield (*path, *below, "namespace"), value.get("namespace")
    for path, chart in entries(manifest, "spec", "helmCharts"):
        for part in ("credentials", "ca"):
            place = ("registryCredentialsConfig", part, "namespace")
            yield (*path, *place), at(chart, *place)
