"""Patches on rendered objects: strategic merge where the kind's merge keys are known, JSON merge where not, and JSON6902.

What kustomize does, which Sveltos (release 1.14) patches with: an object keeps its identity; in lists with merge keys what the
patch adds stands first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fleetd.decide.definitions import Target
from fleetd.decide.patching.operations import Operation, carry_out, read_operations
from fleetd.decide.patching.targets import Hits, compile_target
from fleetd.decide.spots import Flaw, Misrendered, Spot
from fleetd.domain.errors import EvaluationFailed
from fleetd.domain.mergefacts import facts_of
from fleetd.domain.objects import Manifest, gvk_of, holds_secrets, ref_of
from fleetd.domain.refs import ObjectRef
from fleetd.domain.yaml_reader import UnreadableText, read_yaml
from fleetd.kubeapi.refusals import ApiRefusal
from fleetd.kubeapi.strategic import PATCH, strategic


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch, ready to be carried out; `place` is where it was written.

    Either `merge` or `operations`. `names` is the object that a merge without a target was written for. A `secretive` one has
    a Secret's contents in it, or reads them.
    """

    place: str
    hits: Hits
    merge: Manifest | None = field(repr=False)
    operations: tuple[Operation, ...] = field(repr=False)
    names: ObjectRef | None = None
    secretive: bool = False
    spot: Spot | None = None


@dataclass(frozen=True, slots=True)
class Patched:
    """The objects that are left, in their order, and the places of the patches that one of them was meant by."""

    objects: tuple[Manifest, ...] = field(repr=False)
    used: frozenset[str]


def read_patch(text: str, target: Target | None, place: str) -> Patch:
    """A patch from its rendered text.

    Raises:
        EvaluationFailed: it is neither a strategic merge document nor a list of operations, or its target cannot be read.
    """
    try:
        documents = read_yaml(text, source=place)
    except UnreadableText as error:
        raise EvaluationFailed(f"{place}: line {error.line}, column {error.column} of the patch: {error.sentence}") from error
    if len(documents) != 1:
        raise EvaluationFailed(f"{place} holds {len(documents) or 'no'} documents; a patch is one")
    try:
        return _read(documents[0].value, target, place)
    except EvaluationFailed as error:
        raise EvaluationFailed(f"{place}: {error}") from error


def _read(value: Any, target: Target | None, place: str) -> Patch:
    hits = compile_target(target)
    if isinstance(value, list):
        return Patch(place, hits, None, read_operations(value))
    if not isinstance(value, dict):
        raise EvaluationFailed("it is neither a strategic merge document nor a list of operations")
    metadata = value.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str) or not metadata["name"]:
        raise EvaluationFailed("a strategic merge patch must carry metadata.name; a list of operations needs none")
    return Patch(place, hits, value, (), ref_of(value) if target is None else None)


def apply_patches(objects: Sequence[Manifest], patches: Sequence[Patch]) -> Patched:
    """Carries all patches out, one after the other, each on every object that it is for.

    Raises:
        EvaluationFailed: one does not fit its object; the sentence names both.
    """
    used: set[str] = set()
    for patch in patches:
        changed: list[Manifest] = []
        only = _named(patch, objects)
        for manifest in objects:
            if (only and id(manifest) not in only) or not patch.hits(manifest):
                changed.append(manifest)
                continue
            used.add(patch.place)
            made = _patched(manifest, patch)
            if made is not None:
                changed.append(made)
        objects = changed
    return Patched(tuple(objects), frozenset(used))


def _named(patch: Patch, objects: Sequence[Manifest]) -> set[int]:
    """A merge without a target is for the object that it names, if that is there; otherwise for all."""
    if patch.names is None:
        return set()
    return {id(one) for one in objects if _same(ref_of(one), patch.names)}


def _same(ref: ObjectRef, named: ObjectRef) -> bool:
    return (ref.kind, ref.group, ref.name) == (named.kind, named.group, named.name) and named.namespace in ("", ref.namespace)


def _patched(manifest: Manifest, patch: Patch) -> Manifest | None:
    ref = ref_of(manifest)
    try:
        if patch.merge is not None:
            return _merged(manifest, patch.merge)
        made = carry_out(manifest, patch.operations, secretive=patch.secretive or holds_secrets(manifest))
    except (EvaluationFailed, ApiRefusal) as error:
        said = "it does not fit the object" if patch.secretive and isinstance(error, ApiRefusal) else str(error)
        raise _misfit(patch, f"{ref}: {said}") from error
    if ref_of(made) != ref or gvk_of(made) != gvk_of(manifest):
        raise _misfit(patch, f"{ref}: a patch may not change what the object is called, nor its kind")
    return made


def _misfit(patch: Patch, said: str) -> EvaluationFailed:
    sentence = f"{patch.place} on {said}"
    return EvaluationFailed(sentence) if patch.spot is None else Misrendered(sentence, Flaw(patch.spot))


def _merged(manifest: Manifest, patch: Manifest) -> Manifest | None:
    """The object keeps its identity, whatever the patch is called; None where the patch takes the object out."""
    if patch.get(PATCH) == "delete":
        return None
    metadata = {key: value for key, value in patch["metadata"].items() if key not in ("name", "namespace")}
    said = {key: value for key, value in patch.items() if key not in ("apiVersion", "kind", "metadata")}
    if metadata:
        said["metadata"] = metadata
    kept = {key: manifest[key] for key in ("apiVersion", "kind")}
    made = strategic(manifest, said, facts_of(gvk_of(manifest)).root)
    own = manifest["metadata"]
    identity = {key: own[key] for key in ("name", "namespace") if key in own}
    return {**kept, **made, "metadata": {**(made.get("metadata") or {}), **identity}}
