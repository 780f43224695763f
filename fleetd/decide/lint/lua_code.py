"""Lua as the checker reads it: words and signs with their places, without comments; nothing is run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fleetd.decide.lint.given import Given, texts
from fleetd.decide.lint.variables import carries
from fleetd.domain.documents import Document
from fleetd.domain.findings import CODES, Finding
from fleetd.domain.kinds.mistakes import Path

_TOKEN = re.compile(
    r"(?P<comment>--\[(?P<level>=*)\[.*?(?:\](?P=level)\]|\Z)|--[^\n]*)"
    r"|(?P<long>\[(?P<marks>=*)\[.*?(?:\](?P=marks)\]|\Z))"
    r"|(?P<text>\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?)"
    r"|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<number>\d[\w.]*)"
    r"|(?P<sign>\.\.\.|\.\.|==|~=|<=|>=|[^\s\w])",
    re.DOTALL,
)
_LONGEST = 200_000
"""Characters of a script that are looked at; longer ones only have their syntax checked."""

FIELDS = frozenset(
    {"evaluate", "aggregatedSelection", "evaluateHealth", "condition", "script", "aggregatedClassification", "classificationLua"}
)
_IN_LISTS = frozenset({"evaluate", "condition", "script"})


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is `word`, `text`, `number` or `sign`; a text keeps its quotes."""

    kind: str
    text: str
    offset: int


def tokens_of(script: str) -> Sequence[Token]:
    """The tokens of a script, which need not be a right one; none of one that is too long."""
    if len(script) > _LONGEST:
        return ()
    found = []
    for match in _TOKEN.finditer(script):
        kind = match.lastgroup or ""
        if kind != "comment":
            found.append(Token("text" if kind == "long" else kind, match[0], match.start()))
    return found


def scripts_of(document: Document) -> Iterator[tuple[Path, str]]:
    """The scripts of a document, with the field that each stands in; not those that stand where no script is read."""
    for path, text in texts(document.manifest.get("spec"), ("spec",)):
        if path[-1] in FIELDS and text.strip() and (path[-1] not in _IN_LISTS or isinstance(path[-2], int)):
            yield path, text
    kind = document.manifest.get("kind")
    if kind in ("ConfigMap", "Secret") and carries(document, "projectsveltos.io/lua"):
        name = "data" if kind == "ConfigMap" else "stringData"
        yield from texts(document.manifest.get(name), (name,))


def readable_scripts(given: Given) -> Iterator[tuple[Document, Path, str]]:
    """The scripts of an input that compile, as far as that was looked at."""
    for document in given.documents:
        for path, script in scripts_of(document):
            if (id(document), path) not in given.broken:
                yield document, path, script


def finding_at(document: Document, path: Path, script: str, offset: int, said: Mapping[str, str]) -> Finding:
    """A finding at a place of a script: `said` has code, message and fix."""
    line = script.count("\n", 0, offset) + 1
    place = document.place_inside(path, line, offset - script.rfind("\n", 0, offset))
    return Finding(document.source, *place, said["code"], CODES[said["code"]].severity, said["message"], said.get("fix", ""))
