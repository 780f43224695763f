"""What a declared object names, and what names it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import orjson

from fleetd.decide.definitions import compile_trigger
from fleetd.decide.members import Member, template_data
from fleetd.decide.rendering import Render
from fleetd.decide.select import Operator, Selector
from fleetd.domain.errors import GiveUp, InvalidInput
from fleetd.domain.refs import ObjectRef
from fleetd.service.answers import Hint, Page, Total
from fleetd.service.arguments import About, Limit, Ref
from fleetd.service.asking import Question
from fleetd.service.choosing import Choice, LabelTerm, condition
from fleetd.service.foreign import plain_text, safe_ref
from fleetd.service.naming import not_declared, read_ref
from fleetd.service.questions.ground import Ground, Part, any_of
from fleetd.store.reading import Record

Direction = Literal["in", "out", "both"]
_OUT = "SELECT from_ref, field_path, to_ref, resolved FROM fleet_references WHERE from_ref = :ref ORDER BY field_path"
_IN = "SELECT from_ref, field_path, to_ref, resolved FROM fleet_references WHERE to_ref = :ref ORDER BY from_ref, field_path"
_TEMPLATED = """
SELECT from_ref, field_path, to_ref, resolved FROM fleet_references
WHERE to_ref LIKE :start AND to_ref LIKE '%{{%' ORDER BY from_ref, field_path
"""
_TRIGGER = "SELECT manifest FROM fleet_declared WHERE ref = :ref"
_MEMBERS = """
SELECT c.cluster, c.kind, c.namespace, c.name, c.ready, (
 SELECT d.manifest FROM fleet_declared d
 WHERE d.ref = c.kind || CASE c.kind WHEN 'Cluster' THEN '.cluster.x-k8s.io/' ELSE '.lib.projectsveltos.io/' END
  || c.namespace || '/' || c.name
) AS manifest
FROM fleet_clusters c WHERE {of} ORDER BY c.cluster LIMIT {most}
"""
_LABELS = "SELECT cluster, label_key, label_value FROM fleet_cluster_labels WHERE {of}"
_SHORT = re.compile(r"\{\{.*?\}\}")
MOST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """One object names another in a field. A templated name stands once for each cluster that it was rendered for."""

    from_ref: str
    field_path: str
    to_ref: str
    resolved: bool
    for_cluster: str = ""
    template_untrusted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListReferences(Question[Page[Edge]]):
    """Which declared objects reference this one, and which it references.

    All EventTriggers of an EventSource: ref="EventSource/x", direction="in", kinds=["EventTrigger"].
    """

    ref: Ref
    direction: Annotated[Direction, About("in: what references it; out: what it references")] = "both"
    kinds: Annotated[tuple[str, ...], About("only these kinds at the other end")] = ()
    limit: Limit = 100

    def answered(self, ground: Ground) -> Page[Edge]:
        named = read_ref(self.ref).ref
        edges: list[Edge] = []
        if self.direction in ("in", "both"):
            edges += _into(ground, named)
        if self.direction in ("out", "both"):
            edges += [edge for row in ground.rows(_OUT, ref=str(named)) for edge in _from(ground, row)]
        if not ground.rows("SELECT 1 AS one FROM fleet_declared WHERE ref = :ref", ref=str(named)):
            if not edges:
                raise not_declared(ground, named, "ref")
            ground.mistakes.append("the object itself is not declared: these references lead nowhere")
        if self.kinds:
            wanted = {kind.lower() for kind in self.kinds}
            edges = [edge for edge in edges if _kind(edge, named).lower() in wanted]
        shown = edges[: self.limit]
        warnings = (f"{len(edges) - len(shown)} more: raise limit, or name kinds",) if len(edges) > len(shown) else ()
        return ground.page(Part((), Total(count=len(edges)), warnings=warnings), tuple(shown), _hints(shown))


def _hints(edges: list[Edge]) -> tuple[Hint, ...]:
    trigger = next((edge.from_ref for edge in edges if edge.from_ref.startswith("EventTrigger.")), None)
    return (Hint(why=f"whether {trigger} fires", tool="explain_trigger", arguments={"trigger": trigger}),) if trigger else ()


def _kind(edge: Edge, named: ObjectRef) -> str:
    """The kind of the other end."""
    other = edge.to_ref if edge.from_ref == str(named) else edge.from_ref
    return other.partition("/")[0].partition(".")[0]


def _into(ground: Ground, named: ObjectRef) -> Iterator[Edge]:
    for row in ground.rows(_IN, ref=str(named)):
        yield _edge(row)
    start = f"{named.group_kind}/".replace("%", "").replace("_", "\\_") + "%"
    for row in ground.rows(_TEMPLATED.replace(":start", ":start ESCAPE '\\'"), start=start):
        yield from (edge for edge in _from(ground, row) if edge.to_ref == str(named))


def _from(ground: Ground, row: Record) -> Iterator[Edge]:
    """One edge; one for each selected cluster where the name is a template that a cluster's data fill in."""
    if "{{" not in row["to_ref"]:
        yield _edge(row)
        return
    found = [*_rendered(ground, row)]
    yield from found or [_edge(row)]


def _edge(row: Record) -> Edge:
    template = row["to_ref"] if "{{" in row["to_ref"] else ""
    to_ref = _SHORT.sub("*", row["to_ref"]) if template else row["to_ref"]
    return Edge(
        from_ref=safe_ref(row["from_ref"]),
        field_path=row["field_path"],
        to_ref=to_ref if template else safe_ref(to_ref),
        resolved=row["resolved"],
        template_untrusted=plain_text(template),
    )


def _rendered(ground: Ground, row: Record) -> Iterator[Edge]:
    kind, namespace, name = row["to_ref"].split("/", 2)
    for member in _selected(ground, row["from_ref"]):
        render = Render(ground.now)
        try:
            texts = [render.deploy(text, template_data(member), row["field_path"]) for text in (namespace, name)]
        except GiveUp:
            continue
        to_ref = f"{kind}/{texts[0]}/{texts[1]}"
        yield Edge(
            from_ref=safe_ref(row["from_ref"]),
            field_path=row["field_path"],
            to_ref=safe_ref(to_ref),
            resolved=bool(ground.rows("SELECT 1 AS one FROM fleet_declared WHERE ref = :ref", ref=to_ref)),
            for_cluster=safe_ref(member.cluster),
            template_untrusted=plain_text(row["to_ref"]),
        )


def _selected(ground: Ground, trigger: str) -> list[Member]:
    """The clusters whose events an EventTrigger hears; none where the object is another kind."""
    found = ground.row(_TRIGGER, ref=trigger)
    if found is None or not trigger.startswith("EventTrigger."):
        return []
    try:
        sources = compile_trigger(orjson.loads(found["manifest"])).sources
    except InvalidInput:
        return []
    return members(ground, sources)


def selected(sources: Selector, column: str, values: dict[str, Any]) -> str:
    """SQL that holds where the cluster in the column is chosen; a selector without terms chooses nothing."""
    terms = [LabelTerm(term.key, tuple(sorted(term.values)), term.operator in (Operator.IN, Operator.EXISTS)) for term in sources.terms]
    return condition(Choice(labels=tuple(terms)), column, values) if terms else "1 = 0"


def count_selected(ground: Ground, sources: Selector) -> int:
    """How many clusters a selector chooses."""
    values: dict[str, Any] = {}
    sql = f"SELECT COUNT(*) AS n FROM fleet_clusters c WHERE {selected(sources, 'c.cluster', values)}"
    return int(ground.rows(sql, values)[0]["n"])


def members(ground: Ground, chosen: Selector | str, *, most: int = MOST) -> list[Member]:
    """Clusters of the fleet as rules see them: those that a selector chooses, or the one of a name."""
    values: dict[str, Any] = {}
    of = condition(Choice(names=(chosen,)), "c.cluster", values) if isinstance(chosen, str) else selected(chosen, "c.cluster", values)
    rows = ground.rows(_MEMBERS.format(of=of, most=most), values)
    names = tuple(row["cluster"] for row in rows)
    marks: dict[str, dict[str, str]] = {name: {} for name in names}
    values = {}
    for row in ground.rows(_LABELS.format(of=any_of("cluster", "on", names, values)), values) if names else ():
        marks[row["cluster"]][row["label_key"]] = row["label_value"]
    return [
        Member(
            cluster=row["cluster"],
            kind=row["kind"],
            namespace=row["namespace"],
            name=row["name"],
            labels=marks[row["cluster"]],
            manifest=orjson.loads(row["manifest"] or "{}"),
            ready=row["ready"],
        )
        for row in rows
    ]
