"""References to objects that are not in the input: asked for elsewhere, where there is an elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fleetd.decide.lint.given import Given, at, entries, references
from fleetd.domain.documents import Document
from fleetd.domain.findings import Finding, Severity
from fleetd.domain.kinds.mistakes import Path, dotted

Elsewhere = Callable[[str, str, str], bool | None]
"""Whether an object of this kind, namespace and name exists; None when that is not known."""

Reference = tuple[Path, str, str, str]
"""Where it stands, and the kind, namespace and name that it names."""

_NAMED_ALONE = (
    ("setRefs", {"ClusterProfile": "ClusterSet", "Profile": "Set"}),
    ("clusterSetRefs", {"EventTrigger": "ClusterSet"}),
    ("dependsOn", {"ClusterProfile": "ClusterProfile", "Profile": "Profile", "EventTrigger": "ClusterProfile"}),
)


def unknown(kind: str, namespace: str, name: str) -> None:
    """An elsewhere of which nothing is known."""


def check_elsewhere(given: Given, elsewhere: Elsewhere) -> Iterator[Finding]:
    """What is referred to, is not in the input, and is not there or not known to be there."""
    for document in given.documents:
        for path, kind, namespace, name in _outward(document):
            if not _definite(namespace, name) or given.has(kind, namespace, name):
                continue
            there = elsewhere(kind, namespace, name)
            if there:
                continue
            what = f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"
            if there is None:
                message = f"{dotted(path)}: {what} is not in the input"
                found = document.finding(path, "FD407", message)
                yield Finding(found.file, found.line, found.column, found.code, Severity.INFORMATION, message)
            else:
                message = f"{dotted(path)}: there is no {what}, neither in the input nor declared"
                yield document.finding(path, "FD407", message, "declare it, or correct the name")


def _definite(namespace: str, name: str) -> bool:
    """A template names nothing yet."""
    return bool(name) and "{{" not in name and "{{" not in namespace


def _outward(document: Document) -> Iterator[Reference]:
    manifest = document.manifest
    kind = str(manifest.get("kind"))
    own = str(at(manifest, "metadata", "namespace") or "default") if kind in ("Profile", "Set") else ""
    for path, what, namespace, name in references(document):
        optional = at(manifest, *path, "optional") is True
        # Without a namespace it is the cluster's own, which is not known here.
        if not optional and (own or namespace):
            yield path, what, own or namespace, name
    source = at(manifest, "spec", "eventSourceName")
    if kind == "EventTrigger" and isinstance(source, str):
        yield ("spec", "eventSourceName"), "EventSource", "", source
    for field, kinds in _NAMED_ALONE:
        names = at(manifest, "spec", field)
        if kind in kinds and isinstance(names, list):
            yield from ((("spec", field, index), kinds[kind], own, name) for index, name in enumerate(names) if isinstance(name, str))
    for path, check in entries(manifest, "spec", "livenessChecks"):
        name = at(check, "livenessSourceRef", "name")
        if kind == "ClusterHealthCheck" and check.get("type") == "HealthCheck" and isinstance(name, str):
            yield (*path, "livenessSourceRef", "name"), "HealthCheck", "", name
    for path, ref in entries(manifest, "spec", "clusterRefs"):
        namespace, named = own or str(ref.get("namespace") or ""), ref.get("name")
        if ref.get("kind") == "SveltosCluster" and namespace and isinstance(named, str):
            yield (*path, "name"), "SveltosCluster", namespace, named
