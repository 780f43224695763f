"""The fleet at a glance: counts, and what is worst."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fleetd.service.answers import Answer, Hint
from fleetd.service.asking import Question
from fleetd.service.foreign import plain_text, safe_ref
from fleetd.service.questions.ground import Ground
from fleetd.store.moments import moment
from fleetd.store.reading import Record
from fleetd.store.view import UNACTED

_KEPT = "SELECT counted, state, tally FROM fleet_counts ORDER BY counted, state"
_UNSETTLED = "SELECT state, COUNT(*) AS n FROM fleet_waits WHERE cluster IS NULL GROUP BY state"
_PENDING = f"""
SELECT w.event_trigger, w.state, w.waiting, w.oldest_at, COALESCE(d.cluster, m.cluster) AS waits_on, COALESCE(d.reason, m.reason) AS reason
FROM (SELECT * FROM fleet_waiting_triggers ORDER BY oldest_at, event_trigger, state LIMIT 10) w
JOIN fleet_trigger_matches m ON m.match_id = w.oldest_match_id
LEFT JOIN fleet_match_destinations d ON d.match_id = m.match_id AND d.state IN {UNACTED}
ORDER BY w.oldest_at, w.event_trigger, w.state, d.cluster
"""
_WORST = """
SELECT f.profile, f.state, f.n, a.cluster, a.reason FROM (
 SELECT profile, state, COUNT(*) AS n, MIN(cluster) AS cluster FROM fleet_addons
 WHERE state IN ('failed', 'conflict') GROUP BY state, profile ORDER BY n DESC, profile LIMIT 5
) f JOIN fleet_addons a ON a.profile = f.profile AND a.cluster = f.cluster AND a.state = f.state ORDER BY f.n DESC, f.profile, a.addon
"""
_HELD = """
SELECT kind, MIN(subject_ref) AS subject_ref, MIN(cluster) AS cluster, COUNT(*) AS n, MIN(reason) AS reason FROM fleet_damped
WHERE until IS NULL OR until > :now GROUP BY kind ORDER BY n DESC, kind
"""
_DECISIONS = "SELECT id, subject, reason FROM fleet_proposals WHERE state = 'waiting' ORDER BY created_at, id LIMIT 3"
_BROKEN = """
SELECT from_ref, MIN(to_ref) AS to_ref, COUNT(*) AS n FROM fleet_references WHERE NOT resolved AND to_ref NOT LIKE '%{{%'
GROUP BY from_ref ORDER BY from_ref LIMIT 5
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
        kept: dict[str, dict[str, int]] = defaultdict(dict)
        for row in ground.rows(_KEPT):
            kept[row["counted"]][row["state"]] = row["tally"]
        found = Overview(
            clusters=kept["clusters"],
            pending_events=_pending(ground, kept["destinations"]),
            addons=kept["addons"],
            open_drift=kept["drift"].get("open", 0),
            declared_not_in_force=_count(ground, "fleet_not_in_force"),
            broken_references=_count(ground, "fleet_references WHERE NOT resolved AND to_ref NOT LIKE '%{{%'"),
            waiting_proposals=_count(ground, "fleet_proposals WHERE state = 'waiting'"),
            waiting_requests=_count(ground, "fleet_requests WHERE state = 'waiting'"),
            troubles=tuple(_troubles(ground)),
        )
        hints = [Hint(why="where events wait", tool="list_clusters", arguments={"has": ["pending_events"]})] if found.pending_events else []
        if found.broken_references or found.declared_not_in_force:
            hints.append(Hint(why="what is declared and broken", tool="find_objects", arguments={"only": "broken"}))
        if found.addons.get("failed") or found.addons.get("conflict"):
            hints.append(Hint(why="add-ons that failed", tool="list_addons", arguments={"status": ["failed", "conflict"]}))
        return ground.answer(found, tuple(hints))


def _pending(ground: Ground, destinations: dict[str, int]) -> dict[str, int]:
    """By state: what waits on a destination, and what has none yet."""
    found = {state: count for state, count in destinations.items() if state in UNACTED}
    for row in ground.rows(_UNSETTLED):
        found[row["state"]] = found.get(row["state"], 0) + row["n"]
    return dict(sorted(found.items()))


def _count(ground: Ground, rows: str) -> int:
    return int(ground.rows(f"SELECT COUNT(*) AS n FROM {rows}")[0]["n"])


def _firsts(rows: Iterable[Record], *columns: str) -> Iterable[Record]:
    """The first row of each group."""
    found: dict[tuple[str, ...], Record] = {}
    for row in rows:
        found.setdefault(tuple(row[column] for column in columns), row)
    return found.values()


def _troubles(ground: Ground) -> Iterator[Trouble]:
    coverage = ground.coverage()
    if coverage.unreachable_count:
        yield Trouble(what="clusters unreachable", ref=coverage.unreachable[0], count=coverage.unreachable_count)
    for row in ground.rows(_DECISIONS):
        reason = plain_text(row["reason"], most=160)
        yield Trouble(what="waits for a person's decision", ref=f"proposal:{safe_ref(row['id'])}", count=1, reason_untrusted=reason)
    for row in ground.rows(_HELD, now=ground.now):
        yield Trouble(
            what=f"held back: {row['kind']}",
            ref=safe_ref(row["subject_ref"]),
            count=row["n"],
            cluster=safe_ref(row["cluster"]),
            reason_untrusted=plain_text(row["reason"], most=160),
        )
    for row in _firsts(ground.rows(_PENDING), "event_trigger", "state"):
        yield Trouble(
            what=f"events {row['state']}",
            ref=f"EventTrigger/{safe_ref(row['event_trigger'])}",
            count=row["waiting"],
            cluster=safe_ref(row["waits_on"]),
            oldest_seconds=round((ground.now - moment(row["oldest_at"])).total_seconds()),
            reason_untrusted=plain_text(row["reason"], most=160),
        )
    for row in _firsts(ground.rows(_WORST), "profile", "state"):
        yield Trouble(
            what=f"add-ons {row['state']}",
            ref=safe_ref(row["profile"]),
            count=row["n"],
            cluster=safe_ref(row["cluster"]),
            reason_untrusted=plain_text(row["reason"], most=160),
        )
    for row in ground.rows(_BROKEN):
        yield Trouble(what=f"names {safe_ref(row['to_ref'])}, which is not declared", ref=safe_ref(row["from_ref"]), count=row["n"])
    for row in ground.rows("SELECT ref, state, reason FROM fleet_not_in_force ORDER BY ref LIMIT 5"):
        reason = plain_text(row["reason"], most=160)
        yield Trouble(what=f"declared, but {row['state']}", ref=safe_ref(row["ref"]), count=1, reason_untrusted=reason)
