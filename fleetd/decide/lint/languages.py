"""In which languages contents are rendered: their own annotation says so, or that of who refers to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from fleetd.decide.engines.annotations import Language, language_of
from fleetd.decide.lint.given import Given, at, references
from fleetd.domain.documents import Document
from fleetd.domain.errors import EvaluationFailed

REFERRING = ("EventTrigger", "ClusterProfile", "Profile")


def languages(given: Given) -> Mapping[int, frozenset[Language]]:
    """The `id` of a document → the languages in which those in the input that refer to it have it rendered."""
    found: dict[int, set[Language]] = defaultdict(set)
    for document in given.of_kind(*REFERRING):
        for _, kind, namespace, name in references(document):
            content = given.find(kind, namespace, name)
            if content is not None:
                try:
                    found[id(content)].add(language_of(annotations_of(content), annotations_of(document)))
                except EvaluationFailed:
                    continue  # told where the annotation stands
    return {key: frozenset(value) for key, value in found.items()}


def annotations_of(document: Document) -> Mapping[str, str]:
    """Those that are texts, of a manifest that may be malformed."""
    held = at(document.manifest, "metadata", "annotations")
    return {key: value for key, value in held.items() if isinstance(value, str)} if isinstance(held, dict) else {}
