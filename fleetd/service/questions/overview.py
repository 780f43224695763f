"""The fleet at a glance: counts, and what is worst."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fleetd.service.answers import COUNTED, Answer, Hint
from fleetd.service.asking import Question
from fleetd.service.foreign import plain_text, safe_ref
from fleetd.service.questions.clusters import WAITS_ON
from fleetd.service.questions.ground import Ground

_BY_STATE = "SELECT {state} AS state, COUNT(*) AS n FROM {view} GROUP BY {state} ORDER BY {state}"
_PENDING = f"""
SELECT event_trigger, state, COUNT(*) AS n, MAX(age_seconds) AS oldest, MIN(waits_on) AS waits_on, MAX(reason) AS reason FROM (
 SELECT p.event_trigger, p.state, p.age_seconds, p.reason, {WAITS_ON} AS waits_on FROM fleet_pending_events p LIMIT {COUNTED}
) w GROUP BY event_trigger, state ORDER BY oldest DESC, event_trigger, state LIMIT 10
"""
_FAILED = """
SELECT profile, state, COUNT(*) AS n, MIN(cluster) AS cluster, MAX(reason) AS reason FROM fleet_addons
WHERE state IN ('failed', 'conflict') GROUP BY profile, state ORDER BY n DESC, profile LIMIT 5
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that is not in order: how often, where it is seen, and one of the reasons given."""

    what: str
    ref: str
    count: int
    cluster: str = ""
    oldest_seconds: int | None = None
    reason_untrusted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Counts by state, and what is worst first."""

    clusters: dict[str, int]
    pending_events: dict[str, int]
    addons: dict[str, int]
    open_drift: int
    declared_not_in_force: int
    broken_references: int
    waiting_proposals: int
    waiting_requests: int
    troubles: tuple[Trouble, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetOverview(Question[Answer[Overview]]):
    """How the fleet is as a whole: clusters, pending events, add-ons, drift and open decisions in counts, and the worst troubles."""

    def answered(self, ground: Ground) -> Answer[Overview]:
        found = Overview(
            clusters=_counts(ground, "fleet_clusters", "connection"),
            pending_events=_counts(ground, "fleet_pending_events", "state"),
            addons=_counts(ground, "fleet_addons", "state"),
            open_drift=_count(ground, "fleet_drift_incidents WHERE outcome = 'open'"),
            declared_not_in_force=_count(ground, "fleet_declared WHERE state <> 'ready'"),
            broken_references=_count(ground, "fleet_references WHERE NOT resolved AND to_ref NOT LIKE '%{{%'"),
            waiting_proposals=_count(ground, "fleet_proposals WHERE state = 'waiting'"),
            waiting_requests=_count(ground, "fleet_requests WHERE state = 'waiting'"),
            troubles=tuple(_troubles(ground)),
        )
        hints = [Hint(why="where events wait", tool="list_clusters", arguments={"has": ["pending_events"]})] if found.pending_events else []
        if found.addons.get("failed") or found.addons.get("conflict"):
            hints.append(Hint(why="add-ons that failed", tool="list_addons", arguments={"status": ["failed", "conflict"]}))
        return ground.answer(found, tuple(hints))


def _counts(ground: Ground, view: str, state: str) -> dict[str, int]:
    return {row["state"]: row["n"] for row in ground.rows(_BY_STATE.format(view=view, state=state))}


def _count(ground: Ground, rows: str) -> int:
    return int(ground.rows(f"SELECT COUNT(*) AS n FROM {rows}")[0]["n"])


def _troubles(ground: Ground) -> Iterator[Trouble]:
    coverage = ground.coverage()
    if coverage.unreachable_count:
        yield Trouble(what="clusters unreachable", ref=coverage.unreachable[0], count=coverage.unreachable_count)
    for row in ground.rows(_PENDING):
        yield Trouble(
            what=f"events {row['state']}",
            ref=f"EventTrigger/{safe_ref(row['event_trigger'])}",
            count=row["n"],
            cluster=safe_ref(row["waits_on"]),
            oldest_seconds=row["oldest"],
            reason_untrusted=plain_text(row["reason"], most=160),
        )
    for row in ground.rows(_FAILED):
        yield Trouble(
            what=f"add-ons {row['state']}",
            ref=safe_ref(row["profile"]),
            count=row["n"],
            cluster=safe_ref(row["cluster"]),
            reason_untrusted=plain_text(row["reason"], most=160),
        )
    for row in ground.rows("SELECT ref, state, reason FROM fleet_declared WHERE state <> 'ready' ORDER BY ref LIMIT 5"):
        reason = plain_text(row["reason"], most=160)
        yield Trouble(what=f"declared, but {row['state']}", ref=safe_ref(row["ref"]), count=1, reason_untrusted=reason)
