"""Everything about one thing: its facts, and the rows of the views that speak of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from fleetd.domain.refs import ObjectRef
from fleetd.service.answers import Answer
from fleetd.service.arguments import About, AsOf, Ref
from fleetd.service.asking import Question
from fleetd.service.naming import not_declared, read_ref
from fleetd.service.questions.beside import Row, profile_of, whole
from fleetd.service.questions.declared import declared_row, labels_of
from fleetd.service.questions.ground import Ground
from fleetd.service.questions.rows import order_of

_LATELY = 20
_NOT_SHOWN = ("apiVersion", "kind", "metadata")


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """Rows of a view that belong to it; the newest where there are very many."""

    title: str
    view: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """One thing. `body` is what its manifest says beside its metadata."""

    facts: dict[str, Any]
    body: dict[str, Any] = field(default_factory=dict)
    parts: tuple[Related, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeObject(Question[Answer[Description]]):
    """A declared object, or what a trigger made, with its state, what belongs to it, and what was decided about it lately."""

    ref: Ref
    as_of: AsOf = ""

    def answered(self, ground: Ground) -> Answer[Description]:
        ground.back(self.as_of, "fleet_declared", "fleet_pending_events", "fleet_addons", "fleet_journal")
        ref = read_ref(self.ref).ref
        if not ground.rows("SELECT 1 AS one FROM fleet_declared WHERE ref = :ref", ref=str(ref)):
            return ground.answer(_generated(ground, ref))
        row = declared_row(ground, self.ref)
        metadata = row["manifest"].get("metadata") or {}
        facts = {name: row[name] for name in ("ref", "state", "reason", "generation", "created_at", "updated_at")}
        facts["not_acted_on_yet"] = row["unsupported"]
        facts |= {"labels": labels_of(row), "annotations": metadata.get("annotations") or {}}
        body = {name: value for name, value in row["manifest"].items() if name not in _NOT_SHOWN}
        parts = [*_related(ground, ref), *_held_back(ground, ref, self.as_of), *_edges(ground, ref), _journal(ground, ref)]
        return ground.answer(Description(facts=facts, body=body, parts=_kept(parts)))


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeCluster(Question[Answer[Description]]):
    """One cluster with its labels, what stands on it, what is wrong with it, and what was decided about it lately."""

    cluster: Annotated[str, About("namespace/name, or the name alone")]
    as_of: AsOf = ""

    def answered(self, ground: Ground) -> Answer[Description]:
        ground.back(self.as_of, "fleet_clusters", "fleet_pending_events", "fleet_addons", "fleet_journal")
        cluster = ground.cluster(self.cluster, "cluster")
        (row,) = _rows(ground, "fleet_clusters", "cluster = :cluster", {"cluster": cluster})
        on_it = {"cluster": cluster}
        parts = [
            _part(ground, "Add-ons", "fleet_addons", "cluster = :cluster", on_it),
            _part(
                ground,
                "Events not acted on",
                "fleet_pending_events",
                "COALESCE(cluster, source_cluster) = :cluster",
                on_it,
                most=_LATELY,
            ),
            _part(ground, "Drift", "fleet_drift_incidents", "cluster = :cluster", on_it, most=10),
            _lately(ground, "subject_ref = :subject OR cluster = :cluster", {"subject": f"SveltosCluster/{cluster}", **on_it}),
        ]
        facts = {name: value for name, value in row.items() if name not in ("namespace", "name")}
        return ground.answer(Description(facts=facts, parts=_kept(parts)))


def _generated(ground: Ground, ref: ObjectRef) -> Description:
    """What a trigger made: nobody declared it, so there is no declaration to show."""
    made = ground.row("SELECT * FROM fleet_generated WHERE ref = :ref", ref=str(ref))
    if made is None:
        raise not_declared(ground, ref, "ref")
    facts = {name: made[name] for name in ("ref", "event_trigger", "cluster", "object_ref", "generated_at", "cause_id")}
    parts = _related(ground, ref)
    if ref.kind in ("ClusterProfile", "Profile"):
        named = {"profile": profile_of(ref)}
        parts += [
            _part(ground, "Objects on clusters", "fleet_objects", "profile = :profile", named),
            _part(ground, "Matches", "fleet_trigger_matches", "profile = :profile", named, most=_LATELY),
        ]
    return Description(facts=facts, parts=_kept([*parts, _journal(ground, ref)]))


def _related(ground: Ground, ref: ObjectRef) -> list[Related]:
    match ref.kind:
        case "EventSource":
            named = {"name": ref.name}
            return [
                _part(ground, "Events", "fleet_events", "event_source = :name", named, most=10),
                _part(ground, "Verdicts", "fleet_verdicts", "event_source = :name", named, most=_LATELY),
            ]
        case "EventTrigger":
            named = {"name": ref.name}
            return [
                _part(ground, "Events not acted on", "fleet_pending_events", "event_trigger = :name", named, most=_LATELY),
                _part(ground, "Matches", "fleet_trigger_matches", "event_trigger = :name", named, most=_LATELY),
            ]
        case "ClusterProfile" | "Profile":
            return [_part(ground, "Add-ons", "fleet_addons", "profile = :profile", {"profile": profile_of(ref)})]
        case "SveltosCluster":
            on_it = {"cluster": f"{ref.namespace}/{ref.name}"}
            return [
                _part(ground, "Cluster", "fleet_clusters", "cluster = :cluster", on_it),
                _part(ground, "Add-ons", "fleet_addons", "cluster = :cluster", on_it),
            ]
        case _:
            return []


def _held_back(ground: Ground, ref: ObjectRef, as_of: str) -> list[Related]:
    """What of it waits for a person, and what waits to be quiet; neither keeps a past."""
    if as_of or ref.kind not in ("EventSource", "EventTrigger", "ClusterProfile", "Profile"):
        return []
    profile = ref.kind.endswith("Profile")
    name = profile_of(ref)
    about = {"name": f"Profile/{name}" if profile else name}
    whose = "subject = :name OR substr(subject, 1, length(:name) + 1) = :name || '@'"
    return [
        _part(
            ground, "Proposals", "fleet_proposals", f"({whose}) AND ended_at IS NULL AND state NOT IN ('applied', 'stale')", about, most=10
        ),
        _part(ground, "Held back", "fleet_damped", "subject_ref = :name", {"name": name}, most=_LATELY),
    ]


def _edges(ground: Ground, ref: ObjectRef) -> list[Related]:
    return [
        _part(ground, "Refers to", "fleet_references", "from_ref = :ref", {"ref": str(ref)}),
        _part(ground, "Referred to by", "fleet_references", "to_ref = :ref", {"ref": str(ref)}),
    ]


def _journal(ground: Ground, ref: ObjectRef) -> Related:
    short = f"{ref.kind}/{ref.namespace}/{ref.name}" if ref.namespace else f"{ref.kind}/{ref.name}"
    return _lately(ground, "subject_ref IN (:subject, :ref)", {"subject": short, "ref": str(ref)})


def _lately(ground: Ground, where: str, values: Mapping[str, str]) -> Related:
    """The last decisions, the oldest of them first."""
    found = _part(ground, "Journal", "fleet_journal", where, values, most=_LATELY)
    return Related(title=found.title, view=found.view, rows=found.rows[::-1])


def _part(ground: Ground, title: str, view: str, where: str, values: Mapping[str, str], *, most: int = 50) -> Related:
    return Related(title=title, view=view, rows=tuple(_rows(ground, view, where, values, most=most)))


def _rows(ground: Ground, view: str, where: str, values: Mapping[str, str], *, most: int = 50) -> list[Row]:
    order = order_of(view)
    by = ", ".join(f"{name} DESC" if order.newest else name for name in order.key)
    return whole(ground.rows, view, ground.rows(f"SELECT * FROM {view} WHERE {where} ORDER BY {by} LIMIT {most}", values))


def _kept(parts: Sequence[Related]) -> tuple[Related, ...]:
    return tuple(part for part in parts if part.rows)
