"""CEL, Lua and templates: do they compile, and do they speak of what is there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from fleetd.decide.cel.rules import ENGINE, Engine, engine_named
from fleetd.decide.engines.annotations import ENGINE as TEMPLATE_ENGINE
from fleetd.decide.engines.annotations import FORM, PLAIN, Language, language_of
from fleetd.decide.lint.compilers import Compilers
from fleetd.decide.lint.given import Given, entries, texts
from fleetd.decide.lint.languages import annotations_of, languages
from fleetd.decide.lint.lua_code import scripts_of
from fleetd.decide.lint.variables import TEMPLATED, carries, event_texts, in_other_language
from fleetd.domain.documents import Document
from fleetd.domain.errors import EvaluationFailed, InvalidInput, OverBudget
from fleetd.domain.findings import CODES, Finding
from fleetd.domain.kinds.mistakes import Path, dotted

_QUOTED = re.compile(r"""\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'""")
_OTHER_OBJECT = re.compile(r"(?<![\w.])(self|object|obj)(?=\s*[.\[])")
_FIELD_PATH = re.compile(r"(?<![\w.])resource(?:\.\w+|\[[^\]]*\])+")


def check_expressions(given: Given) -> Iterator[Finding]:
    """CEL rules that name another variable, and rules that look as if they should narrow each other."""
    for document in given.documents:
        for path, text in _cel(document):
            yield from _other_variable(document, path, text)
        yield from _alternatives(document)
        yield from _engines(document)


def _other_variable(document: Document, path: Path, text: str) -> Iterator[Finding]:
    bare = _QUOTED.sub(lambda match: " " * len(match[0]), text)
    for match in _OTHER_OBJECT.finditer(bare):
        word = match[1]
        if re.search(rf"\(\s*{word}\s*,", bare):
            continue
        line = bare.count("\n", 0, match.start()) + 1
        column = match.start() - bare.rfind("\n", 0, match.start())
        message = f"{dotted(path)}: there is no variable {word!r}; the object is called 'resource'"
        yield _inside(document, path, (line, column), "FD204", message, f"write resource for {word}")


def _alternatives(document: Document) -> Iterator[Finding]:
    manifest = document.manifest
    for list_name in ("resourceSelectors", "matchResources"):
        for path, selector in entries(manifest, "spec", list_name):
            rules = [entry.get("rule") for _, entry in entries(selector, "evaluateCEL")]
            fields = [frozenset(_FIELD_PATH.findall(rule)) for rule in rules if isinstance(rule, str)]
            if len(fields) > 1 and all(fields) and _disjoint(fields):
                message = f"{dotted(path)}.evaluateCEL: an object is taken when one of these {len(fields)} rules is true, not all of them"
                yield document.finding(
                    (*path, "evaluateCEL"), "FD205", message, "join them with && in one rule when all of them must be true"
                )


def _disjoint(fields: list[frozenset[str]]) -> bool:
    # Rules about one field with several values are honest alternatives; rules about different fields look like conditions.
    return sum(len(one) for one in fields) == len(frozenset().union(*fields))


def broken_scripts(documents: Iterable[Document], compilers: Compilers) -> frozenset[tuple[int, Path]]:
    """The scripts that do not compile, as `Given` has them."""
    broken = set()
    for document in documents:
        for path, text in scripts_of(document):
            try:
                compilers.lua(text)
            except (EvaluationFailed, OverBudget):
                broken.add((id(document), path))
    return frozenset(broken)


def check_syntax(given: Given, compilers: Compilers) -> Iterator[Finding]:
    """What does not compile, with the place in the file."""
    spoken = languages(given)
    for document in given.documents:
        engine = engine_of(document)
        for path, text in _cel(document):
            yield from _rule(document, path, text, compilers, engine)
        for path, text in scripts_of(document):
            if (id(document), path) in given.broken:
                yield from _compiled(document, path, text, compilers.lua, "FD202")
        by_others = spoken.get(id(document))
        if by_others is None or PLAIN in by_others:
            for path, text in _templates(document):
                yield from _compiled(document, path, text, compilers.template, "FD203")
        yield from _other_languages(document, compilers, by_others)


def engine_of(document: Document) -> Engine:
    """Who evaluates a document's CEL; our own where it names nobody that there is."""
    try:
        return engine_named(annotations_of(document))
    except InvalidInput:
        return Engine.OWN


def _rule(document: Document, path: Path, text: str, compilers: Compilers, engine: Engine) -> Iterator[Finding]:
    try:
        remark = compilers.cel(text, engine)
    except (EvaluationFailed, OverBudget):
        yield from _compiled(document, path, text, lambda rule: compilers.cel(rule, engine), "FD201")
        return
    if remark:
        yield _inside(document, path, (1, 1), "FD213", f"{dotted(path)} {remark}")


def _engines(document: Document) -> Iterator[Finding]:
    try:
        engine_named(annotations_of(document))
    except InvalidInput as error:
        yield document.finding(("metadata", "annotations", ENGINE), "FD105", str(error))


def _compiled(document: Document, path: Path, text: str, compile_: Callable[[str], object], code: str) -> Iterator[Finding]:
    try:
        compile_(text)
    except EvaluationFailed as error:
        place = (error.line, max(error.column, 1)) if error.line else (1, 1)
        yield _inside(document, path, place, code, f"{dotted(path)}: {error}")
    except OverBudget as error:
        yield document.finding(path, code, f"{dotted(path)}: {error}")


def _cel(document: Document) -> Iterator[tuple[Path, str]]:
    for path, text in texts(document.manifest.get("spec"), ("spec",)):
        if len(path) > 3 and path[-1] == "rule" and path[-3] == "evaluateCEL":
            yield path, text


def _templates(document: Document) -> Iterator[tuple[Path, str]]:
    if document.manifest.get("kind") == "EventTrigger":
        yield from ((path, text) for path, text in event_texts(document) if "{{" in text)
    elif document.manifest.get("kind") in ("ConfigMap", "Secret") and any(carries(document, mark) for mark in TEMPLATED):
        yield from () if in_other_language(document) else _content(document)


def _other_languages(document: Document, compilers: Compilers, by_others: frozenset[Language] | None) -> Iterator[Finding]:
    """Templates that are not Go's: what their annotation names, or that of who refers to them, and whether they are what it says."""
    named = annotations_of(document)
    try:
        own = language_of(named)
    except EvaluationFailed as error:
        name = TEMPLATE_ENGINE if str(error).startswith(TEMPLATE_ENGINE) else FORM
        yield document.finding(("metadata", "annotations", name), "FD105", str(error))
        return
    spoken = frozenset([own]) if by_others is None else by_others
    if document.manifest.get("kind") not in ("ConfigMap", "Secret") or not any(carries(document, one) for one in TEMPLATED):
        return
    for language in sorted(spoken - {PLAIN}, key=str):
        for path, text in _content(document):
            yield from _compiled(document, path, text, partial(_in_language, compilers, language), "FD203")


def _in_language(compilers: Compilers, language: Language, text: str) -> None:
    compilers.in_language(text, language)


def _content(document: Document) -> Iterator[tuple[Path, str]]:
    name = "data" if document.manifest.get("kind") == "ConfigMap" else "stringData"
    yield from texts(document.manifest.get(name), (name,))


def _inside(document: Document, path: Path, place: tuple[int, int], code: str, message: str, fix: str = "") -> Finding:
    line, column = document.place_inside(path, *place)
    return Finding(document.source, line, column, code, CODES[code].severity, message, fix)
