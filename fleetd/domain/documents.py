"""Manifests out of files: read as kubectl reads them, checked against their kind, with the place of every mistake."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from fleetd.domain.errors import InvalidInput
from fleetd.domain.findings import CODES, Finding
from fleetd.domain.json_reader import read_json
from fleetd.domain.kinds.base import KubernetesObject
from fleetd.domain.kinds.defaults import with_defaults
from fleetd.domain.kinds.mistakes import Mistake, Path, mistakes_of
from fleetd.domain.kinds.naming import naming_mistake
from fleetd.domain.kinds.registry import KINDS
from fleetd.domain.objects import Manifest, gvk_of
from fleetd.domain.yaml_reader import Place, RawDocument, UnreadableText, read_yaml

__all__ = [
    "Document",
    "InvalidManifest",
    "UnreadableText",
    "findings_of",
    "parse",
    "read_documents",
    "read_markdown",
    "read_page",
    "strip_server_fields",
    "with_defaults",
]

_FENCE = re.compile(r"^(?P<indent>[ \t]*)(?P<marks>`{3,}|~{3,})[ \t]*(?P<language>[A-Za-z0-9_+-]*)")
_SERVER_METADATA = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink", "deletionTimestamp",
                    "deletionGracePeriodSeconds")  # fmt: skip
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


class InvalidManifest(InvalidInput):
    """A manifest that its kind does not allow; `findings` holds every mistake, the text the first."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        super().__init__(f"{findings[0]}{more}")
        self.findings = findings


@dataclass(frozen=True)
class _Text:
    """The text that documents came from; one for all of them, so that places are looked for once."""

    text: str = field(repr=False)
    source: str

    @cached_property
    def places(self) -> list[Mapping[Path, Place]]:
        try:
            return [document.places for document in read_yaml(self.text, source=self.source, with_places=True)]
        except UnreadableText:
            # JSON may hold escapes that YAML refuses; then only the line of the document is known.
            return []

    @cached_property
    def lines(self) -> list[str]:
        return self.text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")


@dataclass(frozen=True)
class _Origin:
    """A document's place in its text, counted from 0."""

    text: _Text
    number: int

    @property
    def places(self) -> Mapping[Path, Place]:
        return self.text.places[self.number] if self.number < len(self.text.places) else {}


@dataclass(frozen=True)
class Document:
    """A manifest and where it stands. `line` is that of its first key, 1-based; an entry of a List has its own line."""

    manifest: Manifest
    source: str
    line: int
    origin: _Origin | None = field(default=None, repr=False, compare=False)
    prefix: Path = field(default=(), repr=False, compare=False)

    @cached_property
    def places(self) -> Mapping[Path, tuple[int, int]]:
        """Line and column, 1-based, of every field's name and every list entry, by path. Found on first use."""
        return {path: (place.line, place.column) for path, place in self._own.items()}

    @cached_property
    def _own(self) -> Mapping[Path, Place]:
        if self.origin is None:
            return {}
        depth = len(self.prefix)
        return {path[depth:]: place for path, place in self.origin.places.items() if path[:depth] == self.prefix and len(path) > depth}

    def place_of(self, path: Path) -> tuple[int, int]:
        """The place of a path, or of the nearest part above it that stands in the text."""
        for length in range(len(path), 0, -1):
            found = self.places.get(path[:length])
            if found is not None:
                return found
        return self.line, 1

    def place_inside(self, path: Path, line: int, column: int) -> tuple[int, int]:
        """Where a place of a text value (1-based, in the value's own text) stands in the file.

        Exact for literal blocks and for text on one line; for folded text it is where the value begins.
        """
        place = self._own.get(path)
        if place is None or line < 1:
            return self.place_of(path)
        line, column = _inside_text(str(self._value(path)), line, max(column, 1))
        if place.style == "|":
            return place.value_line + line, self._block_indent(path, place) + column
        if place.style == ">" or line > 1:
            return place.value_line, place.value_column
        return place.value_line, place.value_column + column - 1 + (1 if place.style in ("'", '"') else 0)

    def _block_indent(self, path: Path, place: Place) -> int:
        text = next((text for text in str(self._value(path)).split("\n") if text.strip(" ")), "")
        lines = self.origin.text.lines if self.origin else []
        written = next((text for text in lines[place.value_line :] if text.strip(" ")), "")
        return max(0, (len(written) - len(written.lstrip(" "))) - (len(text) - len(text.lstrip(" "))))

    def _value(self, path: Path) -> Any:
        value: Any = self.manifest
        for step in path:
            value = value[step]
        return value

    def finding(self, path: Path, code: str, message: str, fix: str = "") -> Finding:
        """A finding at a path of this document; its severity is the code's."""
        return Finding(self.source, *self.place_of(path), code, CODES[code].severity, message, fix)


def _inside_text(text: str, line: int, column: int) -> tuple[int, int]:
    """The place, or the end of the last line with something in it when the place is behind that."""
    lines = text.rstrip().split("\n")
    return (line, column) if line <= len(lines) else (len(lines), len(lines[-1]) + 1)


def read_documents(text: str, *, source: str) -> list[Document]:
    """The manifests of a file, as kubectl reads it; `kind: List` is taken apart, and loses what the server wrote.

    YAML or JSON; `source` is the name that errors carry. A source that ends in `.md` is read by `read_markdown`.

    Raises:
        UnreadableText: the text is no YAML, a key stands twice, or a document is no mapping.
    """
    if source.lower().endswith((".md", ".markdown")):
        return read_markdown(text, source=source)
    return _read(text, source=source)


def read_markdown(text: str, *, source: str) -> list[Document]:
    """The manifests in the fenced `yaml`, `yml` and `json` blocks of a page; blocks without a kind are no manifests.

    Raises:
        UnreadableText: a block is no YAML; line and column are those of the page.
    """
    documents, unreadable = read_page(text, source=source)
    if unreadable:
        raise unreadable[0]
    return documents


def read_page(text: str, *, source: str) -> tuple[list[Document], list[UnreadableText]]:
    """As `read_markdown`; what is wrong with a block does not keep the others from being read."""
    documents: list[Document] = []
    unreadable: list[UnreadableText] = []
    for first_line, block in _fenced(text):
        # Blank lines above keep the line numbers of the page, in documents and in errors alike.
        try:
            documents.extend(_read("\n" * first_line + block, source=source, manifests_only=True))
        except UnreadableText as error:
            unreadable.append(error)
    return documents, unreadable


def _fenced(text: str) -> list[tuple[int, str]]:
    blocks: list[tuple[int, str]] = []
    open_fence: re.Match[str] | None = None
    begin, held = 0, list[str]()
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n")):
        fence = _FENCE.match(line)
        if open_fence is None:
            if fence:
                open_fence, begin, held = fence, number + 1, []
        elif fence and fence["marks"].startswith(open_fence["marks"]) and not fence["language"]:
            if open_fence["language"].lower() in ("yaml", "yml", "json"):
                blocks.append((begin, "\n".join(held)))
            open_fence = None
        else:
            # In an indented fence a document separator must come back to the margin; all else may stay indented.
            held.append(line.strip() if line.strip() in ("---", "...") else line)
    return blocks


def _read(text: str, *, source: str, manifests_only: bool = False) -> list[Document]:
    raw = read_json(text)
    if raw is None:
        raw = read_yaml(text, source=source)
    documents: list[Document] = []
    whole = _Text(text, source)
    for number, one in enumerate(raw):
        if manifests_only and not (isinstance(one.value, dict) and one.value.get("apiVersion") and one.value.get("kind")):
            continue
        if not isinstance(one.value, dict):
            raise UnreadableText(source, one.line, 1, "a document must be a mapping with apiVersion, kind and metadata")
        documents.extend(_taken_apart(one, _Origin(whole, number)))
    return documents


def _taken_apart(raw: RawDocument, origin: _Origin) -> list[Document]:
    manifest: Manifest = raw.value
    items = manifest.get("items")
    kind = manifest.get("kind")
    if not (isinstance(kind, str) and kind.endswith("List") and isinstance(items, list)):
        return [Document(manifest, origin.text.source, raw.line, origin)]
    entries = []
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise UnreadableText(origin.text.source, raw.line, 1, f"items[{index}] of the List is no mapping")
        place = origin.places.get(("items", index))
        line = place.line if place else raw.line
        # A typed list (`ConfigMapList`) leaves the kind of its entries out.
        named = {"apiVersion": manifest.get("apiVersion"), "kind": kind.removesuffix("List")} if kind != "List" else {}
        entries.append(Document(strip_server_fields({**named, **item}), origin.text.source, line, origin, ("items", index)))
    return entries


def strip_server_fields(manifest: Manifest) -> Manifest:
    """A manifest without status and without what only a server writes, as somebody would have written it."""
    stripped = {key: value for key, value in manifest.items() if key != "status"}
    metadata = manifest.get("metadata")
    if isinstance(metadata, dict):
        kept = {key: value for key, value in metadata.items() if key not in _SERVER_METADATA}
        annotations = kept.get("annotations")
        if isinstance(annotations, dict) and _LAST_APPLIED in annotations:
            kept["annotations"] = {key: value for key, value in annotations.items() if key != _LAST_APPLIED}
            if not kept["annotations"]:
                del kept["annotations"]
        stripped["metadata"] = kept
    return stripped


def parse(document: Document | Manifest) -> KubernetesObject:
    """The model of a manifest.

    Raises:
        InvalidManifest: its kind is not known, or does not allow it.
    """
    document = document if isinstance(document, Document) else Document(document, "", 0)
    model, mistakes = _checked(document.manifest)
    if model is None:
        raise InvalidManifest(tuple(_at(document, mistake) for mistake in mistakes))
    return model


def findings_of(document: Document) -> list[Finding]:
    """What `parse` would complain of."""
    return [_at(document, mistake) for mistake in _checked(document.manifest)[1]]


def _at(document: Document, mistake: Mistake) -> Finding:
    return document.finding(mistake.path, mistake.code, mistake.message, mistake.fix)


def _checked(manifest: Manifest) -> tuple[KubernetesObject | None, list[Mistake]]:
    misnamed = naming_mistake(manifest)
    if misnamed is not None:
        return None, [misnamed]
    spec = KINDS[gvk_of(manifest)]
    metadata = manifest.get("metadata")
    mistakes: list[Mistake] = []
    if isinstance(metadata, dict | None) and not (metadata or {}).get("name") and not (metadata or {}).get("generateName"):
        mistakes.append(Mistake(("metadata",), "FD103", "metadata.name is missing"))
    if not spec.namespaced and isinstance(metadata, dict) and metadata.get("namespace"):
        message = f"{spec.gvk.kind} belongs to the whole fleet and has no namespace"
        mistakes.append(Mistake(("metadata", "namespace"), "FD108", message, "leave metadata.namespace out"))
    try:
        model = spec.model.model_validate(manifest)
    except ValidationError as error:
        mistakes.extend(mistakes_of(error, manifest, spec.model))
        return None, mistakes
    return (None if mistakes else model), mistakes
