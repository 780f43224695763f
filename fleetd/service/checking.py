"""The checker before anything that is declared: the one that `fleetd lint` shows, whoever brings the object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fleetd.decide.engines.annotations import ENGINE, FORM, Engine, Form, Language
from fleetd.decide.lint.check import check
from fleetd.decide.lint.languages import annotations_of
from fleetd.domain.documents import Document
from fleetd.domain.errors import EvaluationFailed, InvalidInput, OverBudget
from fleetd.domain.findings import Severity
from fleetd.domain.objects import Manifest
from fleetd.service.compilers import Engines
from fleetd.store.bodies import REDACTED

NO_TEMPLATE = "FD203"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a document cannot be taken; `exit_code` is the error's, `code` the checker's, where it found it."""

    sentence: str
    exit_code: int = InvalidInput.exit_code
    code: str = ""

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class Judged:
    """What is said of documents before anything is written: with problems nothing may be."""

    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]


def judged(documents: Sequence[Document]) -> Judged:
    """The checker's findings about one input, and values that were redacted when they were read."""
    findings = check(documents, Engines())
    problems = [Problem(f"{one} [{one.code}]", code=one.code) for one in findings if one.severity is Severity.ERROR]
    warnings = [f"{one} [{one.code}]" for one in findings if one.severity is Severity.WARNING]
    problems += [Problem(sentence) for document in documents for sentence in _redacted(document)]
    return Judged(tuple(problems), tuple(warnings))


def judged_alone(document: Document | Manifest, before: Manifest | None = None) -> tuple[str, ...]:
    """The warnings about one object that comes in by itself.

    Args:
        before: what it was; nothing is said of what the checker had against that already, so that it can still be changed elsewhere.

    Raises:
        InvalidInput: something is wrong with it.
    """
    given = document if isinstance(document, Document) else Document(document, "", 0)
    said = judged([given])
    if said.problems and _speaks_jinja(given):
        said = Judged(tuple(one for one in said.problems if one.code != NO_TEMPLATE), said.warnings)
    if before is not None and (said.problems or said.warnings):
        known = judged([Document(before, "", 0)])
        said = Judged(
            tuple(one for one in said.problems if one not in known.problems),
            tuple(one for one in said.warnings if one not in known.warnings),
        )
    if said.problems:
        raise InvalidInput("; ".join(map(str, said.problems)))
    return said.warnings


def _speaks_jinja(document: Document) -> bool:
    """Whether templates that are none of Go's may be those of who refers to them: alone they do not say in which language they are."""
    named = annotations_of(document)
    if document.manifest.get("kind") not in ("ConfigMap", "Secret") or ENGINE in named:
        return False
    engines, language = Engines(), Language(Engine.JINJA2, Form.STRUCTURED if named.get(FORM) == Form.STRUCTURED else Form.TEXT)
    for part in ("data", "stringData"):
        held = document.manifest.get(part)
        for text in held.values() if isinstance(held, dict) else ():
            try:
                engines.in_language(str(text), language)
            except (EvaluationFailed, OverBudget):
                return False
    return True


def _redacted(document: Document) -> Iterator[str]:
    manifest = document.manifest
    if manifest.get("kind") != "Secret":
        return
    for part in ("data", "stringData"):
        held = manifest.get(part)
        for key, value in held.items() if isinstance(held, dict) else ():
            if value == REDACTED:
                line, column = document.place_of((part, key))
                place = f"{document.source}:{line}:{column}: " if line else ""
                yield f"{place}{part}.{key} holds {REDACTED!r}: that is how a Secret is shown, not its value"
