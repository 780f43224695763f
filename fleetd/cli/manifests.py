"""Documents from what `-f` names: files, folders with all below them, and stdin."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fleetd.domain.documents import Document, UnreadableText, read_documents, read_page
from fleetd.domain.errors import InvalidInput
from fleetd.domain.kinds.registry import KINDS
from fleetd.domain.objects import gvk_of
from fleetd.domain.yaml_reader import MAX_TEXT
from fleetd.service.file_texts import TESTS, text_of

SUFFIXES = (".yaml", ".yml", ".json")
PAGES = (".md", ".markdown")
STDIN = "<stdin>"


@dataclass(frozen=True, slots=True)
class Given:
    """All documents of the input, and the files that could not be read."""

    documents: tuple[Document, ...]
    unreadable: tuple[UnreadableText, ...]


def given_documents(paths: Sequence[str], *, pages: bool = False) -> Given:
    """Reads all of them.

    Args:
        pages: whether Markdown files of a folder are read too (a file that is named is always read).

    Raises:
        InvalidInput: a path is not there, or there is nothing to read.
    """
    if not paths:
        raise InvalidInput("nothing to read: name files, folders, or - for stdin")
    documents: list[Document] = []
    unreadable: list[UnreadableText] = []
    for name, path in given_sources(paths, SUFFIXES + (PAGES if pages else ())):
        try:
            text = _text(name, path)
            if name.lower().endswith(PAGES):
                read, bad = read_page(text, source=name)
                unreadable.extend(bad)
            else:
                read = read_documents(text, source=name)
            documents.extend(read)
        except UnreadableText as error:
            unreadable.append(error)
    return Given(tuple(documents), tuple(unreadable))


def given_texts(paths: Sequence[str], *, pages: bool = False) -> Iterator[tuple[str, str]]:
    """Name and text of every file.

    Raises:
        InvalidInput: a path is not there or cannot be read, or none is given.
    """
    if not paths:
        raise InvalidInput("nothing to read: name files, folders, or - for stdin")
    for name, path in given_sources(paths, SUFFIXES + (PAGES if pages else ())):
        yield name, _text(name, path)


def given_sources(paths: Sequence[str], suffixes: tuple[str, ...]) -> Iterator[tuple[str, Path | None]]:
    """Names and paths, each file once; stdin has no path."""
    seen: set[Path] = set()
    for name in paths:
        if name == "-":
            yield STDIN, None
            continue
        for path in _files(name, suffixes):
            if path.resolve() not in seen:
                seen.add(path.resolve())
                yield str(path), path


def stdin_text() -> str:
    """All of stdin.

    Raises:
        InvalidInput: it is no UTF-8 text, or too large.
    """
    try:
        text = sys.stdin.read(MAX_TEXT + 1)
    except UnicodeDecodeError as error:
        raise InvalidInput("stdin is no UTF-8 text") from error
    if len(text) > MAX_TEXT:
        raise InvalidInput(f"stdin is larger than {MAX_TEXT // 2**20} MB")
    return text


def _files(name: str, suffixes: tuple[str, ...]) -> list[Path]:
    if "://" in name:
        raise InvalidInput(f"{name} is an address: fetch it first, then name the file (curl … | fleetd apply -f -)")
    path = Path(name)
    if path.is_dir():
        found = [one for one in sorted(path.rglob("*")) if one.suffix.lower() in suffixes and one.is_file() and not _passed_over(one, path)]
        if not found:
            raise InvalidInput(f"the folder {name} has no {', '.join(suffixes)} files in it")
        return found
    if not path.exists():
        raise InvalidInput(f"there is no file or folder {name}")
    return [path]


def _passed_over(path: Path, folder: Path) -> bool:
    """What is hidden, and tests of manifests, which `fleetd test` reads."""
    return path.name.lower().endswith(TESTS) or any(part.startswith(".") for part in path.relative_to(folder).parts)


def _text(name: str, path: Path | None) -> str:
    """A file's text, or stdin's.

    Raises:
        UnreadableText: it cannot be read, or is no text.
    """
    if path is None:
        return stdin_text()
    try:
        return text_of(path, name)
    except OSError as error:
        raise UnreadableText(name, 1, 1, f"the file cannot be read: {error.strerror}") from error


def in_namespace(document: Document, namespace: str) -> Document:
    """With this namespace where a namespaced object names none.

    Raises:
        InvalidInput: it names another one.
    """
    manifest = document.manifest
    spec, metadata = KINDS.get(gvk_of(manifest)), manifest.get("metadata")
    if not namespace or spec is None or not spec.namespaced or not isinstance(metadata, dict):
        return document
    own = metadata.get("namespace")
    if own and own != namespace:
        raise InvalidInput(f"{document.source}:{document.line}: the object is in namespace {own}, not in {namespace} as -n says")
    return replace(document, manifest={**manifest, "metadata": {**metadata, "namespace": namespace}})
