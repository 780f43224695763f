"""Objects: declared ones with their past, and those that fleetd put on clusters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import orjson

from fleetd.domain.kinds.registry import kind_by_name
from fleetd.service.answers import Answer, Hint, Page
from fleetd.service.arguments import DEFAULT_LIMIT, About, AsOf, Cursor, Limit, Ref
from fleetd.service.asking import Question
from fleetd.service.foreign import WITHHELD, plain_text, plain_value, safe_ref
from fleetd.service.naming import Named, not_declared, read_ref
from fleetd.service.questions.ground import Ground, Listing, any_of
from fleetd.service.teaching import Code, Lesson, Taught
from fleetd.service.times import point, said
from fleetd.store.moments import moment
from fleetd.store.reading import Record

_QUIET = ("managedFields", "uid", "selfLink")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An object: declared, or put on a cluster by a profile."""

    ref: str
    state: str
    profile: str = ""
    since: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindObjects(Question[Page[Found]]):
    """Which objects have a word in their name: declared ones, or with clusters= those that fleetd put there."""

    query: Annotated[str, About("part of a name; empty: all of these kinds")] = ""
    kinds: Annotated[tuple[str, ...], About("only these kinds: EventTrigger, ConfigMap")] = ()
    clusters: Annotated[str, About("objects on these clusters, instead of declared ones: env=prod, eu-*")] = ""
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor = ""

    def answered(self, ground: Ground) -> Page[Found]:
        if not (self.query or self.kinds or self.clusters):
            sentence = "name a part of a name, a kind, or clusters: there may be very many objects"
            raise Taught(Lesson(code=Code.TOO_BROAD, sentence=sentence, field="query"))
        values: dict[str, Any] = {}
        where = [_contains(self.query, values)] if self.query else []
        if self.clusters:
            where.append(ground.choose(self.clusters, "o.cluster", values))
            if self.kinds:
                where.append(any_of("o.object_kind", "kind", self.kinds, values))
            key = {"cluster": "o.cluster", "object_ref": "o.object_ref"}
            listing = Listing(self, "o.*", "fleet_objects o", key, tuple(where), values)
            part = ground.part(listing, limit=self.limit, cursor=self.cursor)
            return ground.page(part, tuple(_put(row) for row in part.rows))
        if self.kinds:
            where.append(any_of("o.kind", "kind", tuple(kind_by_name(kind).gvk.kind for kind in self.kinds), values))
        listing = Listing(self, "o.ref, o.state, o.created_at", "fleet_declared o", {"ref": "o.ref"}, tuple(where), values)
        part = ground.part(listing, limit=self.limit, cursor=self.cursor)
        items = tuple(Found(ref=safe_ref(row["ref"]), state=row["state"], since=row["created_at"]) for row in part.rows)
        hints = () if items else (Hint(why="on clusters", tool="find_objects", arguments={"query": safe_ref(self.query), "clusters": "*"}),)
        return ground.page(part, items, hints)


def _contains(query: str, values: dict[str, Any]) -> str:
    values["query"] = "%" + query.replace("\\", "").replace("%", "\\%").replace("_", "\\_").lower() + "%"
    return "LOWER(o.name) LIKE :query ESCAPE '\\'"


def _put(row: Record) -> Found:
    ref = f"{safe_ref(row['object_ref'])}@{safe_ref(row['cluster'])}"
    return Found(ref=ref, state="applied", profile=safe_ref(row["profile"]), since=row["applied_at"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A version of a declared object."""

    resource_version: int
    generation: int
    valid_from: str
    valid_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectPage:
    """One object. The manifest is stripped, values of Secrets are never in it."""

    ref: str
    state: str
    profile: str = ""
    addon: str = ""
    applied_at: str | None = None
    resource_version: int | None = None
    set_by: tuple[str, ...] = ()
    revisions: tuple[Revision, ...] = ()
    unsupported: tuple[str, ...] = ()
    reason_untrusted: str = ""
    manifest_untrusted: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetObject(Question[Answer[ObjectPage]]):
    """What one object is: a declared object with its manifest and past revisions, or what fleetd knows of one on a cluster.

    fleetd holds no copy of live objects on clusters: for those it says who put them there and when, not their content.
    """

    ref: Ref
    view: Annotated[Literal["summary", "spec", "manifest"], About("how much of the manifest")] = "spec"
    as_of: AsOf = ""

    def answered(self, ground: Ground) -> Answer[ObjectPage]:
        named = read_ref(self.ref)
        if named.cluster:
            return ground.answer(_on_cluster(ground, named))
        row = self._row(ground, named)
        manifest = orjson.loads(row["manifest"])
        page = ObjectPage(
            ref=safe_ref(row["ref"]),
            state=row.get("state", "past"),
            resource_version=row["resource_version"],
            set_by=_managers(manifest),
            revisions=_revisions(ground, str(named.ref)),
            unsupported=tuple(plain_text(path, most=120) for path in orjson.loads(row.get("unsupported") or "[]")),
            reason_untrusted=plain_text(row.get("reason")),
            manifest_untrusted=_shown(manifest, self.view),
        )
        arguments = {"ref": page.ref}
        return ground.answer(page, (Hint(why="what names it, and what it names", tool="list_references", arguments=arguments),))

    def _row(self, ground: Ground, named: Named) -> Record:
        then = point(self.as_of, "as_of", ground.now)
        if then is None:
            found = ground.row("SELECT * FROM fleet_declared WHERE ref = :ref", ref=str(named.ref))
            if found is None:
                raise not_declared(ground, named.ref, "ref")
            return found
        found = ground.row(
            "SELECT * FROM fleet_declared_history WHERE ref = :ref AND valid_from <= :then AND (valid_to IS NULL OR valid_to > :then)",
            ref=str(named.ref),
            then=then,
        )
        if found is not None:
            return found
        first = ground.row("SELECT MIN(valid_from) AS at FROM fleet_declared_history WHERE ref = :ref", ref=str(named.ref))
        if first is None or first["at"] is None:
            raise not_declared(ground, named.ref, "ref")
        sentence = f"it was not declared at {said(then)}; the first revision that is kept is of {said(moment(first['at']))}"
        raise Taught(Lesson(code=Code.AS_OF_OUT_OF_RANGE, sentence=sentence, field="as_of", got=said(then)))


def _on_cluster(ground: Ground, named: Named) -> ObjectPage:
    cluster = ground.cluster(named.cluster, "ref")
    row = ground.row("SELECT * FROM fleet_objects WHERE cluster = :cluster AND object_ref = :ref", cluster=cluster, ref=str(named.ref))
    if row is not None:
        return ObjectPage(
            ref=f"{safe_ref(row['object_ref'])}@{safe_ref(cluster)}",
            state="applied",
            profile=safe_ref(row["profile"]),
            addon=safe_ref(row["addon"]),
            applied_at=row["applied_at"],
        )
    raise not_ours(ground, named, cluster)


def not_ours(ground: Ground, named: Named, cluster: str) -> Taught:
    """The lesson for an object on a cluster that fleetd did not put there."""
    seen = ground.row(
        "SELECT verdict FROM fleet_verdicts WHERE cluster = :cluster AND object_ref = :ref", cluster=cluster, ref=str(named.ref)
    )
    sentence = "fleetd did not put this object on the cluster, so it cannot know what it is now: ask the cluster (kubectl get)"
    if seen:
        sentence = (
            "fleetd watches this object but did not put it there, and keeps no copy of it: ask the cluster (kubectl get) what it is now"
        )
    hint = Hint(why="what fleetd put there", tool="find_objects", arguments={"clusters": safe_ref(cluster)})
    return Taught(Lesson(code=Code.NOT_FOUND, sentence=sentence, field="ref", got=plain_text(str(named), most=120), next=hint))


def _managers(manifest: dict[str, Any]) -> tuple[str, ...]:
    entries = (manifest.get("metadata") or {}).get("managedFields") or ()
    return tuple(dict.fromkeys(safe_ref(str(entry.get("manager", ""))) for entry in entries))


def _revisions(ground: Ground, ref: str) -> tuple[Revision, ...]:
    rows = ground.rows("SELECT * FROM fleet_declared_history WHERE ref = :ref ORDER BY valid_from DESC LIMIT 10", ref=ref)
    return tuple(
        Revision(
            resource_version=row["resource_version"], generation=row["generation"], valid_from=row["valid_from"], valid_to=row["valid_to"]
        )
        for row in rows
    )


def _shown(manifest: dict[str, Any], view: str) -> dict[str, Any]:
    if view == "summary":
        return {}
    metadata = {key: value for key, value in (manifest.get("metadata") or {}).items() if key not in _QUIET}
    kept = {**manifest, "metadata": metadata}
    if view == "spec":
        kept = {key: value for key, value in kept.items() if key not in ("metadata", "status", "apiVersion", "kind")}
    plain: dict[str, Any] = plain_value(kept)
    if manifest.get("kind") == "Secret":
        for part in ("data", "stringData"):
            plain = _withheld(plain, part)
    return plain


def _withheld(manifest: dict[str, Any], part: str) -> dict[str, Any]:
    """A Secret shows the names of its keys only, whatever the store redacted already."""
    held = manifest.get(part)
    return {**manifest, part: dict.fromkeys(held, WITHHELD)} if isinstance(held, dict) else manifest
