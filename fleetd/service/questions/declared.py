"""Declared objects with their manifests, as their owners get them back: what is shown here can be declared again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fleetd.domain.kinds.registry import kind_by_name
from fleetd.domain.refs import ObjectRef
from fleetd.service.answers import Answer
from fleetd.service.arguments import About, AsOf, Ref
from fleetd.service.asking import Question
from fleetd.service.naming import not_declared, read_ref
from fleetd.service.questions.beside import Row, decoded
from fleetd.service.questions.ground import Ground
from fleetd.service.questions.statuses import status_of
from fleetd.service.selectors import label_selector
from fleetd.store.reading import Record

_OBJECTS = """
SELECT ref, kind, api_group, api_version, namespace, name, uid, resource_version, generation, created_at, updated_at, manifest,
 unsupported, state, reason, status FROM fleet_declared
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """Declared objects as rows of `fleet_declared`, whole."""

    objects: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDeclared(Question[Answer[Declared]]):
    """Which objects are declared, whole: all, or those of a kind, in all namespaces or in one."""

    kind: Annotated[str, About("a kind as kubectl takes it; empty: all")] = ""
    namespace: Annotated[str, About("only in this one; counts for namespaced kinds only")] = ""
    labels: Annotated[str, About("a label selector on the objects themselves")] = ""
    as_of: AsOf = ""

    def answered(self, ground: Ground) -> Answer[Declared]:
        ground.back(self.as_of, "fleet_declared")
        parts, values = ["1 = 1"], dict[str, Any]()
        if self.kind:
            spec = kind_by_name(self.kind)
            parts.append("api_group = :api_group AND kind = :kind")
            values |= {"api_group": spec.gvk.group, "kind": spec.gvk.kind}
        if self.namespace and not (self.kind and not spec.namespaced):
            parts.append("namespace = :namespace")
            values["namespace"] = self.namespace
        rows = [_whole(ground, row) for row in ground.rows(f"{_OBJECTS} WHERE {' AND '.join(parts)} ORDER BY namespace, name, ref", values)]
        if self.labels:
            selects = label_selector(self.labels)
            rows = [row for row in rows if selects(labels_of(row))]
        return ground.answer(Declared(objects=tuple(rows)))


@dataclass(frozen=True, slots=True, kw_only=True)
class GetDeclared(Question[Answer[Declared]]):
    """One declared object, whole, as it is or as it was."""

    ref: Ref
    as_of: AsOf = ""

    def answered(self, ground: Ground) -> Answer[Declared]:
        ground.back(self.as_of, "fleet_declared")
        return ground.answer(Declared(objects=(declared_row(ground, self.ref),)))


def declared_row(ground: Ground, text: str) -> Row:
    """A row of `fleet_declared`.

    Raises:
        Taught: no such object is declared.
    """
    ref = read_ref(text).ref
    found = ground.row(f"{_OBJECTS} WHERE ref = :ref", ref=str(ref))
    if found is None:
        raise not_declared(ground, ref, "ref")
    return _whole(ground, found)


def _whole(ground: Ground, row: Record) -> Row:
    """With its status within its manifest, where kubectl shows it."""
    found = dict(decoded(row))
    status = status_of(ground, ObjectRef.parse(found["ref"]), found["manifest"], found.pop("status"))
    return {**found, "manifest": {**found["manifest"], "status": status}} if status else found


def labels_of(row: Mapping[str, Any]) -> Mapping[str, str]:
    """The labels of a declared object."""
    labels: Mapping[str, str] = (row["manifest"].get("metadata") or {}).get("labels") or {}
    return labels
