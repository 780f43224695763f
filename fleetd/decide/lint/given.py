"""What the checks look at: all documents of one input, and how they find each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from fleetd.domain.documents import Document
from fleetd.domain.kinds.mistakes import Path
from fleetd.domain.objects import ref_of


@dataclass(frozen=True)
class Given:
    """The documents of one input."""

    documents: tuple[Document, ...]
    broken: frozenset[tuple[int, Path]] = frozenset()
    """Scripts that do not compile: the document's `id`, and the path."""

    def of_kind(self, *kinds: str) -> Iterator[Document]:
        return (document for document in self.documents if document.manifest.get("kind") in kinds)

    def find(self, kind: str, namespace: str, name: str) -> Document | None:
        """The document that a reference means; without a namespace only when there is no doubt.

        A template in a name or a namespace names nothing yet.
        """
        if not name or "{{" in name or "{{" in namespace:
            return None
        found = [document for document in self._by_name.get((kind, name), ()) if not namespace or namespace == _namespace(document)]
        return found[0] if len(found) == 1 else None

    def has(self, kind: str, namespace: str, name: str) -> bool:
        """Whether some document is that object."""
        return any(not namespace or namespace == _namespace(document) for document in self._by_name.get((kind, name), ()))

    @cached_property
    def _by_name(self) -> Mapping[tuple[str, str], list[Document]]:
        index: dict[tuple[str, str], list[Document]] = {}
        for document in self.documents:
            ref = ref_of_safely(document)
            if ref is not None:
                index.setdefault((ref[0], ref[2]), []).append(document)
        return index


def ref_of_safely(document: Document) -> tuple[str, str, str] | None:
    """Kind, namespace and name of a manifest that may be malformed; None where it has no name."""
    if not isinstance(document.manifest.get("metadata"), dict):
        return None
    ref = ref_of(document.manifest)
    return (ref.kind, ref.namespace, ref.name) if ref.name else None


def in_a_page(document: Document) -> bool:
    """Whether it stands in a block of Markdown."""
    return document.source.lower().endswith((".md", ".markdown"))


def _namespace(document: Document) -> str:
    ref = ref_of_safely(document)
    return (ref[1] if ref else "") or "default"


def at(manifest: Mapping[str, Any], *path: str | int) -> Any:
    """The value at a path, or None where the manifest has another shape."""
    value: Any = manifest
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def entries(manifest: Mapping[str, Any], *path: str | int) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The mappings of a list, each with its path."""
    found = at(manifest, *path)
    if isinstance(found, list):
        for index, entry in enumerate(found):
            if isinstance(entry, dict):
                yield (*path, index), entry


def texts(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every text below a value, each with its path."""
    if isinstance(value, str):
        yield path, value
        return
    steps: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        steps = value.items()
    elif isinstance(value, list):
        steps = enumerate(value)
    for step, held in steps:
        yield from texts(held, (*path, step))


def references(document: Document) -> Iterator[tuple[Path, str, str, str]]:
    """ConfigMaps and Secrets that a profile or trigger refers to: path, kind, namespace and name of each."""
    manifest = document.manifest
    lists: list[tuple[str | int, ...]] = [("spec", "policyRefs"), ("spec", "kustomizationRefs"), ("spec", "patchesFrom")]
    for name in ("helmCharts", "kustomizationRefs"):
        lists += [(*path, "valuesFrom") for path, _ in entries(manifest, "spec", name)]
    for path in lists:
        for place, entry in entries(manifest, *path):
            if entry.get("kind") in ("ConfigMap", "Secret"):
                yield place, str(entry["kind"]), str(entry.get("namespace") or ""), str(entry.get("name") or "")
    for name, kind in (("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")):
        for place, entry in entries(manifest, "spec", name):
            yield place, kind, str(entry.get("namespace") or ""), str(entry.get("name") or "")
