"""`fleetd describe`."""

from __future__ import annotations

from fleetd.cli.describing import Part, labels_text, write_parts, write_tables
from fleetd.cli.get import manifest_of
from fleetd.cli.naming import refs_named
from fleetd.cli.options import DatabaseOption, NamespaceOption
from fleetd.cli.output import write_line, write_yaml
from fleetd.cli.places import reading
from fleetd.domain.errors import NotFound
from fleetd.domain.refs import ObjectRef
from fleetd.service.queries import Queries, Row, Where


def describe(kind: str, name: str = "", /, *, namespace: NamespaceOption = "default", database: DatabaseOption = None) -> None:
    """Show one declared object: what it says, its state with the reason, what belongs to it, and what was decided about it lately.

    Of what a trigger generated (fleetd addons names such profiles) it shows for what it was made, and how far it is.

    Examples:

        fleetd describe eventtrigger mirror
        fleetd describe clusterprofile/web
    """
    ref = refs_named([word for word in (kind, name) if word], namespace)[0]
    with reading(database) as reader:
        queries = Queries(reader)
        try:
            row = queries.object(ref)
        except NotFound:
            made = queries.generated(ref)
            if made is None:
                raise
            _write_generated(queries, ref, made)
            return
        parts = [*_related(queries, ref), *_edges(queries, ref), _journal(queries, ref)]
    manifest = manifest_of(row)
    metadata = manifest.pop("metadata")
    facts = {name: row[name] for name in ("ref", "state", "reason", "generation", "created_at", "updated_at")}
    unsupported = ", ".join(row["unsupported"])
    labels, annotations = (labels_text(metadata.get(field) or {}) for field in ("labels", "annotations"))
    write_parts({**facts, "not acted on yet": unsupported, "labels": labels, "annotations": annotations})
    rest = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind")}
    if rest:
        write_line("")
        write_yaml(rest)
    write_tables(parts)


def _write_generated(queries: Queries, ref: ObjectRef, made: Row) -> None:
    """What a trigger made: nobody declared it, so there is no declaration to show."""
    facts = {name: made[name] for name in ("ref", "event_trigger", "cluster", "object_ref", "generated_at", "cause_id")}
    parts = _related(queries, ref)
    if ref.kind in ("ClusterProfile", "Profile"):
        named = Where("profile = :profile", {"profile": _profile(ref)})
        parts += [
            Part("Objects on clusters", "fleet_objects", queries.rows("fleet_objects", named, most=50)),
            Part("Matches", "fleet_trigger_matches", queries.rows("fleet_trigger_matches", named, most=20)),
        ]
    write_parts(facts, [*parts, _journal(queries, ref)])


def _related(queries: Queries, ref: ObjectRef) -> list[Part]:
    """Rows of the views that speak of an object of this kind."""
    by_name = {"name": ref.name}
    match ref.kind:
        case "EventSource":
            named = Where("event_source = :name", by_name)
            return [
                Part("Events", "fleet_events", queries.listed("fleet_events", named, most=10)),
                Part("Verdicts", "fleet_verdicts", queries.rows("fleet_verdicts", named, most=20)),
            ]
        case "EventTrigger":
            named = Where("event_trigger = :name", by_name)
            return [
                Part("Events not acted on", "fleet_pending_events", queries.rows("fleet_pending_events", named, most=20)),
                Part("Matches", "fleet_trigger_matches", queries.rows("fleet_trigger_matches", named, most=20)),
            ]
        case "ClusterProfile" | "Profile":
            return [
                Part("Add-ons", "fleet_addons", queries.listed("fleet_addons", Where("profile = :profile", {"profile": _profile(ref)})))
            ]
        case "SveltosCluster":
            on_it = Where("cluster = :cluster", {"cluster": f"{ref.namespace}/{ref.name}"})
            return [
                Part("Cluster", "fleet_clusters", queries.rows("fleet_clusters", on_it)),
                Part("Add-ons", "fleet_addons", queries.listed("fleet_addons", on_it, most=50)),
            ]
        case _:
            return []


def _profile(ref: ObjectRef) -> str:
    return f"{ref.kind}/{ref.namespace}/{ref.name}" if ref.namespace else f"{ref.kind}/{ref.name}"


def _edges(queries: Queries, ref: ObjectRef) -> list[Part]:
    values = {"ref": str(ref)}
    return [
        Part("Refers to", "fleet_references", queries.rows("fleet_references", Where("from_ref = :ref", values), most=50)),
        Part("Referred to by", "fleet_references", queries.rows("fleet_references", Where("to_ref = :ref", values), most=50)),
    ]


def _journal(queries: Queries, ref: ObjectRef) -> Part:
    place = f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name
    return Part("Journal", "fleet_journal", queries.journal([str(ref), f"{ref.kind}/{place}"]))
