"""What a declared object names, and what names it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import orjson

from fleetd.decide.definitions import compile_trigger
from fleetd.decide.members import Member, template_data
from fleetd.decide.select import Operator, Selector
from fleetd.domain.errors import GiveUp, InvalidInput
from fleetd.domain.kinds.registry import kind_by_name
from fleetd.domain.refs import ObjectRef
from fleetd.service.answers import Hint, Page, Total
from fleetd.service.arguments import About, AsOf, Cursor, Detail, Limit, Ref
from fleetd.service.asking import Question
from fleetd.service.choosing import Choice, LabelTerm, condition
from fleetd.service.cursors import Place, question_digest, read_cursor, write_cursor
from fleetd.service.foreign import plain_text, safe_ref
from fleetd.service.naming import not_declared, read_ref
from fleetd.service.questions.ground import Ground, Part, any_of
from fleetd.service.questions.sets import chosen
from fleetd.service.teaching import bad
from fleetd.store.reading import Record
from fleetd.store.references import edges

Direction = Literal["in", "out", "both"]
_OUT = "SELECT from_ref, field_path, to_ref, resolved FROM fleet_references WHERE from_ref = :ref ORDER BY field_path"
_IN = "SELECT from_ref, field_path, to_ref, resolved FROM fleet_references WHERE to_ref = :ref ORDER BY from_ref, field_path"
_DECLARED_THEN = "SELECT ref, manifest FROM fleet_declared WHERE api_group LIKE '%projectsveltos.io' ORDER BY ref"
_THERE_THEN = "SELECT ref FROM fleet_declared"
_TEMPLATED = """
SELECT from_ref, field_path, to_ref, resolved FROM fleet_references
WHERE to_ref LIKE :start AND to_ref LIKE '%{{%' ORDER BY from_ref, field_path
"""
_TRIGGER = "SELECT manifest FROM fleet_declared WHERE ref = :ref"
_MEMBERS = """
SELECT c.cluster, c.kind, c.namespace, c.name, c.met, (
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
    from_state: str = ""
    to_state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListReferences(Question[Page[Edge]]):
    """Which declared objects reference this one, and which it references.

    All EventTriggers of an EventSource: ref="EventSource/x", direction="in", kinds=["EventTrigger"].
    """

    ref: Ref
    direction: Annotated[Direction, About("in: what references it; out: what it references")] = "both"
    kinds: Annotated[tuple[str, ...], About("only these kinds at the other end")] = ()
    as_of: AsOf = ""
    detail: Annotated[Detail, About("full adds the state of both ends")] = "brief"
    limit: Limit = 100
    cursor: Cursor = ""

    def answered(self, ground: Ground) -> Page[Edge]:
        ground.back(self.as_of, "fleet_declared", "fleet_cluster_labels")
        asked = read_ref(self.ref)
        named, wanted = asked.ref, {_known_kind(kind) for kind in self.kinds}
        if asked.cluster:
            hint = Hint(why="why it is there", tool="trace_lineage", arguments={"ref": safe_ref(str(asked))})
            sentence = "references are those of declared objects: leave @cluster out, or ask where an object on a cluster comes from"
            raise bad("ref", plain_text(self.ref, most=120), sentence, next=hint)
        found: list[Edge] = []
        if self.direction in ("in", "both"):
            found += _into(ground, named)
        if self.direction in ("out", "both"):
            found += [edge for row in named_by(ground, str(named)) for edge in _from(ground, row)]
        if not ground.rows("SELECT 1 AS one FROM fleet_declared WHERE ref = :ref", ref=str(named)):
            if not found:
                raise not_declared(ground, named, "ref")
            ground.mistakes.append("the object itself is not declared: these references lead nowhere")
        if self.kinds:
            kinds = sorted({_kind(edge, named) for edge in found})
            found = [edge for edge in found if _kind(edge, named) in wanted]
            if kinds and not found:
                ground.remark(f"none has one of these kinds at its other end; there are: {', '.join(map(safe_ref, kinds))}")
        found = sorted(dict.fromkeys(found), key=_key)
        question = question_digest(self)
        place = read_cursor(self.cursor, question, 4)
        rest = [edge for edge in found if place is None or _key(edge) > place.key]
        shown = rest[: self.limit]
        part = Part((), Total(count=len(found)))
        if len(rest) > len(shown):
            revision = place.revision if place else ground.moment().revision
            part = replace(part, next_cursor=write_cursor(Place(_key(shown[-1]), revision, ground.asked_at), question))
        return ground.page(part, _with_states(ground, shown) if self.detail == "full" else tuple(shown), _hints(shown))


def _with_states(ground: Ground, edges_shown: list[Edge]) -> tuple[Edge, ...]:
    values: dict[str, Any] = {}
    refs = tuple(dict.fromkeys(ref for edge in edges_shown for ref in (edge.from_ref, edge.to_ref)))
    sql = f"SELECT ref, state FROM fleet_declared WHERE {any_of('ref', 'end', refs, values)}"
    states = {safe_ref(row["ref"]): row["state"] for row in ground.rows(sql, values)} if refs else {}
    return tuple(replace(edge, from_state=states.get(edge.from_ref, ""), to_state=states.get(edge.to_ref, "")) for edge in edges_shown)


def _key(edge: Edge) -> tuple[str, str, str, str]:
    return edge.from_ref, edge.field_path, edge.to_ref, edge.for_cluster


def named_by(ground: Ground, ref: str) -> list[Record]:
    """What an object names: rows as those of `fleet_references`."""
    return ground.rows(_OUT, ref=ref) if ground.then is None else [row for row in _rows_then(ground, ref) if row["from_ref"] == ref]


def _rows_then(ground: Ground, ref: str = "") -> list[Record]:
    """The references of a past time are not kept, but what was declared is: they are read from it again."""
    there = {row["ref"] for row in ground.rows(_THERE_THEN)}
    rows = ground.rows(_TRIGGER, ref=ref) if ref else ground.rows(_DECLARED_THEN)
    return [
        {"from_ref": row.get("ref", ref), "field_path": path, "to_ref": str(to), "resolved": str(to) in there}
        for row in rows
        for path, to in sorted(edges(orjson.loads(row["manifest"])).items())
    ]


def _hints(found: list[Edge]) -> tuple[Hint, ...]:
    trigger = next((edge.from_ref for edge in found if edge.from_ref.startswith("EventTrigger.")), None)
    return (Hint(why=f"whether {trigger} fires", tool="explain_trigger", arguments={"trigger": trigger}),) if trigger else ()


def _known_kind(text: str) -> str:
    """A kind as kubectl takes it (`eventtriggers`, `cm`) by its name; templates may name kinds that are not declared here."""
    try:
        return kind_by_name(text).gvk.kind
    except InvalidInput:
        return text


def _kind(edge: Edge, named: ObjectRef) -> str:
    """The kind of the other end."""
    other = edge.to_ref if edge.from_ref == str(named) else edge.from_ref
    return other.partition("/")[0].partition(".")[0]


def _into(ground: Ground, named: ObjectRef) -> Iterator[Edge]:
    if ground.then is not None:
        start = f"{named.group_kind}/"
        for row in _rows_then(ground):
            if row["to_ref"] == str(named):
                yield _edge(row)
            elif row["to_ref"].startswith(start) and "{{" in row["to_ref"]:
                yield from (edge for edge in _from(ground, row) if edge.to_ref == str(named))
        return
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
    to_ref = "*".join(safe_ref(part) for part in _SHORT.split(row["to_ref"])) if template else safe_ref(row["to_ref"])
    return Edge(
        from_ref=safe_ref(row["from_ref"]),
        field_path=row["field_path"],
        to_ref=to_ref,
        resolved=row["resolved"],
        template_untrusted=plain_text(template),
    )


def _rendered(ground: Ground, row: Record) -> Iterator[Edge]:
    from fleetd.decide.rendering import Render  # the template engine: a server starts without it

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


def _selected(ground: Ground, ref: str) -> list[Member]:
    """The clusters whose events an EventTrigger hears; none where the object is another kind."""
    found = ground.row(_TRIGGER, ref=ref)
    if found is None or not ref.startswith("EventTrigger."):
        return []
    try:
        trigger = compile_trigger(orjson.loads(found["manifest"]))
    except InvalidInput:
        return []
    return heard(ground, trigger.sources, trigger.set_refs)


def selected(sources: Selector, column: str, values: dict[str, Any]) -> str:
    """SQL that holds where the cluster in the column is chosen; a selector without terms chooses nothing."""
    terms = [LabelTerm(term.key, tuple(sorted(term.values)), term.operator in (Operator.IN, Operator.EXISTS)) for term in sources.terms]
    return condition(Choice(labels=tuple(terms)), column, values) if terms else "1 = 0"


def heard(ground: Ground, sources: Selector, sets: Collection[str], *, most: int = MOST) -> list[Member]:
    """The clusters whose events a trigger hears, as rules see them."""
    found = members(ground, sources, most=most)
    known = {item.cluster for item in found}
    more = sorted({cluster for clusters in chosen(ground, sets).values() for cluster in clusters} - known)
    return [*found, *(item for name in more[: most - len(found)] for item in members(ground, name))]


def count_heard(ground: Ground, sources: Selector, sets: Collection[str]) -> int:
    """How many clusters a selector chooses or the sets have."""
    values: dict[str, Any] = {}
    condition = selected(sources, "c.cluster", values)
    more = tuple(sorted({cluster for clusters in chosen(ground, sets).values() for cluster in clusters}))
    if more:
        condition = f"({condition}) OR {any_of('c.cluster', 'had', more, values)}"
    return int(ground.rows(f"SELECT COUNT(*) AS n FROM fleet_clusters c WHERE {condition}", values)[0]["n"])


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
            ready=row["met"],
        )
        for row in rows
    ]
