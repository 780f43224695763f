"""Which clusters there are, what is wrong on them, and one of them closely."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from fleetd.service.answers import Answer, Hint, Page
from fleetd.service.arguments import BRIEF, DEFAULT_LIMIT, About, AsOf, Clusters, Cursor, Detail, Limit
from fleetd.service.asking import Question
from fleetd.service.foreign import LONGEST, plain_text, safe_labels, safe_ref, safe_version
from fleetd.service.questions.ground import Ground, Listing, any_of
from fleetd.service.questions.paging import in_order
from fleetd.service.teaching import bad
from fleetd.service.times import age
from fleetd.store.reading import Record

Has = Literal["pending_events", "failed_addons", "drift", "paused", "stale", "not_ready"]
Status = Literal["connecting", "ready", "degraded", "unreachable", "paused", "removing"]
GroupClusters = Literal["", "connection", "kubernetes_version", "kind", "namespace", "mode"]

WAITS_ON = "COALESCE(p.cluster, p.source_cluster)"
"""Where a pending event waits: on its destination, or where it happened while no destination is settled."""
_VERSION = re.compile(r"v\d+(\.\d+){0,2}[A-Za-z0-9+.-]*")
_HAS = {
    # What is in disorder is found by its state, not cluster by cluster.
    "failed_addons": "c.cluster IN (SELECT a.cluster FROM fleet_addons a WHERE a.state IN ('failed', 'conflict'))",
    "drift": "c.cluster IN (SELECT i.cluster FROM fleet_drift_incidents i WHERE i.outcome = 'open')",
    "paused": "c.paused",
    # In other words than the column's: a cluster that was heard of lately is passed over without a word on when that was.
    "stale": "NOT EXISTS (SELECT 1 FROM fleet_heartbeats h WHERE h.cluster = c.cluster AND NOT h.stale)",
    "not_ready": "(NOT c.ready OR c.connection <> 'ready')",
}
_FEW = {"pending_events", "failed_addons", "drift"}
_KEPT = ("pending_events", "failed_addons", "drift", "paused", "not_ready")
_UNHEARD = "when clusters were heard of is not kept: last_seen_at and stale are not known of a past time"
_LABELS = "SELECT cluster, label_key, label_value FROM fleet_cluster_labels WHERE {of} ORDER BY cluster, label_key"
_PENDING = f"""
SELECT * FROM (
 SELECT {WAITS_ON} AS waits_on, p.event_id, p.event_source, p.event_trigger, p.source_cluster, p.stage, p.state, p.reason, p.age_seconds,
  COUNT(*) OVER (PARTITION BY {WAITS_ON}) AS waiting,
  ROW_NUMBER() OVER (PARTITION BY {WAITS_ON} ORDER BY p.detected_at, p.event_id, p.event_trigger) AS place
 FROM (
  SELECT * FROM fleet_pending_events WHERE {{there}}
  UNION ALL SELECT * FROM fleet_pending_events WHERE cluster IS NULL AND {{here}}
 ) p
) w WHERE place = 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OldestPending:
    """The event that waits longest on a cluster, what should act on it, and why it has not."""

    event_id: str
    event_trigger: str
    event_source: str
    source_cluster: str
    stage: str
    state: str
    age_seconds: int
    reason_untrusted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterRow:
    """A cluster and what is not in order on it; `pending_events` wait to be acted on there. `stale` is null of a past time."""

    cluster: str
    connection: str
    ready: bool
    stale: bool | None
    paused: bool
    pending_events: int
    failed_addons: int
    open_drift: int
    kubernetes_version: str = ""
    last_seen_at: str | None = None
    oldest_pending: OldestPending | None = None
    reason_untrusted: str = ""
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastEvent:
    """An event that was seen on the cluster."""

    event_id: str
    event_source: str
    detected_at: str
    matching_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedProfile:
    """A profile on the cluster: how many of its add-ons are in which state."""

    profile: str
    states: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterPage:
    """One cluster: its state, what acts on it, and what happened last."""

    cluster: ClusterRow
    kind: str
    mode: str
    since: str | None
    objects: int
    profiles: tuple[DeployedProfile, ...] = ()
    last_events: tuple[LastEvent, ...] = ()
    fires_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListClusters(Question[Page[ClusterRow]]):
    """Which clusters are in the fleet, and on which of them something is not in order.

    has=["pending_events"] answers which clusters have a pending event that has not been acted on, with the oldest one in each row.
    """

    clusters: Clusters = ""
    has: Annotated[tuple[Has, ...], About("only clusters with all of these")] = ()
    status: Annotated[tuple[Status, ...], About("only in one of these states of the connection")] = ()
    version: Annotated[str, About("only this Kubernetes version or line: 1.29, v1.30.2")] = ""
    older_than: Annotated[str, About("only with an event pending longer than this: 10m, 2h, 1d")] = ""
    group_by: Annotated[GroupClusters, About("counts instead of rows")] = ""
    as_of: AsOf = ""
    detail: Annotated[Detail, About("full adds the labels")] = "brief"
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor = ""

    def answered(self, ground: Ground) -> Page[ClusterRow]:
        group = f"c.{self.group_by}" if self.group_by else ""
        part = ground.part(self.listing(ground), limit=self.limit, cursor=self.cursor, group_by=group)
        items = cluster_rows(ground, part.rows, full=self.detail == "full")
        return ground.page(part, items, _hints(items))

    def listing(self, ground: Ground) -> Listing:
        """The rows that are meant."""
        ground.back(self.as_of, "fleet_clusters", "fleet_pending_events")
        ground.nothing_of_then(_UNHEARD)
        if ground.then is not None and "stale" in self.has:
            raise bad("has", "stale", "when a cluster was heard of last is not kept, so nobody knows which were stale then", allowed=_KEPT)
        values: dict[str, Any] = {}
        where = [ground.choose(self.clusters, "c.cluster", values)]
        if _FEW.intersection(self.has) or self.older_than:
            # Those with something in disorder are few: a label is looked up for each of them.
            where = [in_order(where[0], ground.reader.dialect)]
        where += [_HAS[one] for one in self.has if one != "pending_events"]
        if "pending_events" in self.has or self.older_than:
            where.append(_waits(ground, self.older_than, values))
        if self.status:
            where.append(any_of("c.connection", "status", self.status, values))
        if self.version:
            where.append(_line(self.version, values))
        return Listing(self, "c.*", "fleet_clusters c", {"cluster": "c.cluster"}, tuple(where), values)


def _line(version: str, values: dict[str, Any]) -> str:
    """A condition on a version: `1.29` means every 1.29.x, `v1.29.4` that one, and what its vendor adds to it."""
    plain = "v" + version.strip().removeprefix("v")
    if not _VERSION.fullmatch(plain):
        raise bad("version", version[:40], "this is no version: write 1.29 or v1.29.4")
    values |= {"version": plain, "dotted": f"{plain}.%", "built": f"{plain}+%", "suffixed": f"{plain}-%"}
    likes = " OR ".join(f"c.kubernetes_version LIKE :{name}" for name in ("dotted", "built", "suffixed"))
    return f"(c.kubernetes_version = :version OR {likes})"


def _waits(ground: Ground, older_than: str, values: dict[str, Any]) -> str:
    inner = "SELECT w.waits_on FROM fleet_waits w"
    if older_than:
        values["before"] = ground.now - age(older_than, "older_than")
        inner += " WHERE w.detected_at < :before"
    return f"c.cluster IN ({inner})"


def _hints(items: Sequence[ClusterRow]) -> tuple[Hint, ...]:
    waiting = next((row for row in items if row.oldest_pending is not None), None)
    if waiting is None or waiting.oldest_pending is None:
        return ()
    oldest = waiting.oldest_pending
    arguments = {"trigger": oldest.event_trigger, "cluster": oldest.source_cluster}
    return (Hint(why=f"why {oldest.event_trigger} has not acted on {waiting.cluster}", tool="explain_trigger", arguments=arguments),)


def cluster_rows(ground: Ground, rows: Sequence[Record], *, full: bool) -> tuple[ClusterRow, ...]:
    """Rows of `fleet_clusters` with the oldest pending event of each; in full with their labels and all that is said."""
    if not rows:
        return ()
    names = tuple(row["cluster"] for row in rows)
    values: dict[str, Any] = {}
    # Two parts, so that each finds its rows by an index.
    sql = _PENDING.format(there=any_of("cluster", "on", names, values), here=any_of("source_cluster", "on", names, values))
    pending = {row["waits_on"]: row for row in ground.rows(sql, values)}
    marks: dict[str, dict[str, str]] = {}
    if full:
        values = {}
        for row in ground.rows(_LABELS.format(of=any_of("cluster", "on", names, values)), values):
            marks.setdefault(row["cluster"], {})[row["label_key"]] = row["label_value"]
    most = LONGEST if full else BRIEF // 2  # two of them in a row
    return tuple(_cluster(row, pending.get(row["cluster"]), marks.get(row["cluster"], {}), most) for row in rows)


def _cluster(row: Record, pending: Record | None, labels: dict[str, str], most: int) -> ClusterRow:
    return ClusterRow(
        cluster=safe_ref(row["cluster"]),
        connection=row["connection"],
        ready=row["ready"],
        stale=row["stale"],
        paused=row["paused"],
        pending_events=pending["waiting"] if pending else 0,
        failed_addons=row["failed_addons"],
        open_drift=row["open_drift"],
        kubernetes_version=safe_version(row["kubernetes_version"]),
        last_seen_at=row["last_seen_at"],
        oldest_pending=_oldest(pending, most) if pending else None,
        reason_untrusted=plain_text(row["reason"], most=most),
        labels=safe_labels(labels),
    )


def _oldest(row: Record, most: int) -> OldestPending:
    return OldestPending(
        event_id=row["event_id"],
        event_trigger=safe_ref(row["event_trigger"]),
        event_source=safe_ref(row["event_source"]),
        source_cluster=safe_ref(row["source_cluster"]),
        stage=row["stage"],
        state=row["state"],
        age_seconds=row["age_seconds"],
        reason_untrusted=plain_text(row["reason"], most=most),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCluster(Question[Answer[ClusterPage]]):
    """What one cluster's state is, what is deployed on it, and what happened there last."""

    cluster: Annotated[str, About("namespace/name, or the name alone")]
    as_of: AsOf = ""
    detail: Annotated[Detail, About("full: 200 profiles and triggers, 20 events; brief: 20 and 5")] = "brief"

    def answered(self, ground: Ground) -> Answer[ClusterPage]:
        ground.back(self.as_of, "fleet_clusters", "fleet_pending_events", "fleet_events")
        ground.nothing_of_then(_UNHEARD)
        found = _cluster_page(ground, ground.cluster(self.cluster, "cluster"), full=self.detail == "full")
        return ground.answer(found, _hints([found.cluster]))


def _cluster_page(ground: Ground, name: str, *, full: bool) -> ClusterPage:
    wide, last = (200, 20) if full else (20, 5)
    row = ground.rows("SELECT * FROM fleet_clusters WHERE cluster = :cluster", cluster=name)[0]
    states: dict[str, dict[str, int]] = {}
    for addon in ground.rows(
        "SELECT profile, state, COUNT(*) AS n FROM fleet_addons WHERE cluster = :cluster GROUP BY profile, state ORDER BY profile, state",
        cluster=name,
    ):
        states.setdefault(safe_ref(addon["profile"]), {})[addon["state"]] = addon["n"]
    events = ground.rows(
        "SELECT event_id, event_source, detected_at, matching_count FROM fleet_events WHERE cluster = :cluster"
        " ORDER BY detected_at DESC, event_id DESC LIMIT :last",
        cluster=name,
        last=last,
    )
    heard = ground.rows(
        "SELECT t.name FROM fleet_event_triggers t WHERE t.name IN"
        " (SELECT m.event_trigger FROM fleet_trigger_matches m WHERE m.cluster = :cluster) ORDER BY t.name LIMIT :most",
        cluster=name,
        most=wide + 1,
    )
    for what, count in (("profiles", len(states)), ("triggers", len(heard))):
        if count > wide:
            ground.remark(f"there are more {what}: the first {wide} are shown" + ("" if full else "; detail=full shows more"))
    objects = ground.rows("SELECT COUNT(*) AS n FROM fleet_objects WHERE cluster = :cluster", cluster=name)[0]["n"]
    return ClusterPage(
        cluster=cluster_rows(ground, [row], full=True)[0],
        kind=row["kind"],
        mode=row["mode"],
        since=row["since"],
        objects=objects,
        profiles=tuple(DeployedProfile(profile=profile, states=counts) for profile, counts in list(states.items())[:wide]),
        last_events=tuple(
            LastEvent(
                event_id=event["event_id"],
                event_source=safe_ref(event["event_source"]),
                detected_at=event["detected_at"],
                matching_count=event["matching_count"],
            )
            for event in events
        ),
        fires_for=tuple(safe_ref(trigger["name"]) for trigger in heard[:wide]),
    )
