"""Which objects a patch is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import re2

from fleetd.decide.definitions import Target
from fleetd.decide.linear_patterns import compile_linear, why_not
from fleetd.domain.errors import EvaluationFailed
from fleetd.domain.objects import Manifest, gvk_of
from fleetd.kubeapi.refusals import ApiRefusal
from fleetd.kubeapi.selectors import parse_labels

_LARGEST = 1000
"""Instructions of a pattern's program: it is asked of every object, and no budget stops it."""

Hits = Callable[[Manifest], bool]


def everything(_manifest: Manifest) -> bool:
    """Without a target a patch is for every object."""
    return True


@lru_cache(1024)
def compile_target(target: Target | None) -> Hits:
    """Says of a manifest whether it is meant. Regular expressions are RE2's and match anywhere in the text.

    Raises:
        EvaluationFailed: an expression or selector cannot be read.
    """
    if target is None:
        return everything
    searches = [
        (name, _expression(name, pattern))
        for name, pattern in (
            ("group", target.group),
            ("version", target.version),
            ("kind", target.kind),
            ("namespace", target.namespace),
            ("name", target.name),
        )
        if pattern
    ]
    labels, annotations = _selector("labelSelector", target.labels), _selector("annotationSelector", target.annotations)

    def hits(manifest: Manifest) -> bool:
        named = _named(manifest)
        if any(expression.search(named[name]) is None for name, expression in searches):
            return False
        metadata = manifest.get("metadata") or {}
        return labels(metadata.get("labels") or {}) and annotations(metadata.get("annotations") or {})

    return hits


def _named(manifest: Manifest) -> Mapping[str, str]:
    gvk, metadata = gvk_of(manifest), manifest.get("metadata") or {}
    return {
        "group": gvk.group,
        "version": gvk.version,
        "kind": gvk.kind,
        "namespace": str(metadata.get("namespace") or ""),
        "name": str(metadata.get("name") or ""),
    }


def _expression(name: str, pattern: str) -> Any:
    try:
        compiled = compile_linear(pattern)
    except re2.error as error:
        raise EvaluationFailed(f"target.{name} {pattern!r} is no regular expression: {why_not(error)}") from error
    if compiled.programsize > _LARGEST:
        raise EvaluationFailed(f"target.{name} {pattern!r} is too large a regular expression: repeat less in it")
    return compiled


def _selector(name: str, text: str) -> Callable[[Mapping[str, str]], bool]:
    if not text:
        return lambda _labels: True
    try:
        requirements = parse_labels(text)
    except ApiRefusal as error:
        raise EvaluationFailed(f"target.{name} {text!r} is no selector: {error.message}") from error
    return lambda labels: all(requirement.holds(labels) for requirement in requirements)
