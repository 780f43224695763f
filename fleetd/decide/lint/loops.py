"""Triggers that deploy, on the clusters that they watch, what they watch for: each event would make the next."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fleetd.decide.lint.given import Given, at, references, texts
from fleetd.decide.observe import Condition, Source, Wish, compile_source, judge
from fleetd.decide.select import compile_selector
from fleetd.domain.documents import Document, findings_of
from fleetd.domain.errors import InvalidInput
from fleetd.domain.findings import Finding, Severity
from fleetd.domain.kinds.mistakes import dotted
from fleetd.domain.objects import Manifest, Observed, gvk_of, ref_of
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import VerdictState
from fleetd.domain.yaml_reader import UnreadableText, read_yaml

_CONTROL = re.compile(
    r"^[ \t]*\{\{-?\s*(?:if|else|end|range|with|define|template|block|break|continue|/\*|\$\w+\s*:?=).*\}\}[ \t]*$", re.MULTILINE
)
_ACTION = re.compile(r"\{\{.{0,2000}?\}\}", re.DOTALL)
_FILLED = "templated"


def check_loops(given: Given) -> Iterator[Finding]:
    """Each trigger whose content its own source would select."""
    for trigger in given.of_kind("EventTrigger"):
        source = _source_of(trigger, given)
        if source is None or not _sound(trigger) or not _comes_back(trigger.manifest):
            continue
        for path, kind, namespace, name in references(trigger):
            content = given.find(kind, namespace, name)
            if content is None:
                continue
            for made in _deployed(content):
                if _selected(source, made):
                    said = f"EventSource {source.name} selects the {made['kind']} that it deploys to the same clusters"
                    message = f"{dotted(path)}: {said}: each event makes the next one"
                    yield trigger.finding(
                        path, "FD406", message, f"narrow the EventSource, for example by a label that {name} does not set"
                    )
                    break


def _source_of(trigger: Document, given: Given) -> Source | None:
    name = at(trigger.manifest, "spec", "eventSourceName")
    found = given.find("EventSource", "", name) if isinstance(name, str) else None
    return compile_source(found.manifest) if found is not None and _sound(found) else None


def _sound(document: Document) -> bool:
    return not any(one.severity is Severity.ERROR for one in findings_of(document))


def _comes_back(manifest: Manifest) -> bool:
    """Whether every source cluster is a destination; what may only sometimes be so is not told."""
    spec = manifest.get("spec")
    if not isinstance(spec, dict) or spec.get("destinationCluster"):
        return False
    destinations = spec.get("destinationClusterSelector")
    if not destinations:
        return True
    try:
        return set(compile_selector(destinations).terms) <= set(compile_selector(spec.get("sourceClusterSelector") or {}).terms)
    except InvalidInput:
        return False


def _deployed(content: Document) -> Iterator[Manifest]:
    """The manifests that the content becomes, with a word in the place of everything that a template fills in."""
    name = "data" if content.manifest.get("kind") == "ConfigMap" else "stringData"
    for _, text in texts(content.manifest.get(name)):
        bare = _ACTION.sub(_FILLED, _CONTROL.sub("", text))
        try:
            documents = read_yaml(bare, source="")
        except UnreadableText:
            continue
        for document in documents:
            value = document.value
            if isinstance(value, dict) and isinstance(value.get("kind"), str) and isinstance(value.get("metadata"), dict):
                yield value


def _selected(source: Source, made: Manifest) -> bool:
    gvk = gvk_of(made)
    conditions = source.conditions.get(gvk, ())
    return any(_says_yes(source, condition, made) for condition in conditions)


def _says_yes(source: Source, condition: Condition, made: Manifest) -> bool:
    """A script may say anything, and is not asked."""
    metadata = {**made["metadata"], **_likely(made["metadata"], condition)}
    if not isinstance(metadata.get("labels") or {}, dict):
        return False
    filled: Mapping[str, Any] = {**made, "metadata": metadata}
    ref = ref_of(filled)
    alone = Source(source.name, collect=False, conditions={gvk_of(filled): (condition,)})
    answer = judge(alone, gvk_of(filled), Observed(ObjectRef(ref.kind, ref.group, ref.namespace, ref.name), "", "", filled))
    return not isinstance(answer, Wish) and answer.state is VerdictState.MATCH


def _likely(metadata: Mapping[str, Any], condition: Condition) -> dict[str, str]:
    """A name and a namespace that a template fills in may well be those that the selector asks for."""
    wanted = {"name": condition.name, "namespace": condition.namespace}
    return {key: value for key, value in wanted.items() if value and _FILLED in str(metadata.get(key) or "")}
