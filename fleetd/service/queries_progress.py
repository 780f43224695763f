"""How far the daemon is with what was declared: the one place beside the store that reads its tables, for no view says it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from fleetd.service.queries import Queries, Row, Where, reason_of
from fleetd.store.reading import Reader

# The daemon writes a status where it differs from the one before, and none for what it finds at its start.
_WITHOUT_STATUS = """
SELECT d.ref, d.created_at, (SELECT MAX(t.started_at) FROM daemon_starts t) AS started_at FROM declared d
WHERE d.valid_to IS NULL AND NOT EXISTS (SELECT 1 FROM declared_states s WHERE s.ref = d.ref) ORDER BY d.ref
"""
_START = timedelta(seconds=5)
"""How long a daemon takes from its start to knowing everything that was declared by then."""

_BY_UID = "SELECT cluster FROM members WHERE uid = :uid AND valid_to IS NULL ORDER BY cluster"
_UID = "SELECT uid FROM members WHERE cluster = :cluster AND valid_to IS NULL"
_NOT_CONNECTED = """
SELECT namespace, name FROM fleet_declared d WHERE kind = 'SveltosCluster'
 AND NOT EXISTS (SELECT 1 FROM fleet_clusters c WHERE c.namespace = d.namespace AND c.name = d.name) ORDER BY ref
"""
_UNSETTLED = Where("state IN ('waiting', 'applying', 'removing', 'failed', 'conflict')", {})
_HELD = Where("state = 'waiting'", {})
_NOT_READY = Where("connection <> 'ready' OR stale", {})


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What stands between the fleet and its rest; all of it empty: converged."""

    declared: tuple[str, ...]
    clusters: tuple[str, ...]
    addons: tuple[str, ...]
    events: tuple[str, ...]
    held: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.declared or self.clusters or self.addons or self.events or self.held)

    def sentences(self) -> list[str]:
        """A line for each thing, with its reason where there is one."""
        return [*self.declared, *self.clusters, *self.addons, *self.events, *self.held]


def unfinished(reader: Reader, *, most: int = 20) -> Unfinished:
    """Declarations not taken up, clusters not ready, add-ons on their way or failed, events not acted on, losses that wait for a person."""
    queries = Queries(reader)
    declared = [row for row in reader.rows(_WITHOUT_STATUS) if not _found_at_start(row)][:most]
    missing = reader.rows(_NOT_CONNECTED)[:most]
    clusters = [
        f"{row['cluster']}: {_said(row, 'connection')}{', not heard of lately' * row['stale']}"
        for row in queries.rows("fleet_clusters", _NOT_READY, most=most)
    ]
    return Unfinished(
        tuple(f"{row['ref']}: not taken up by the daemon yet" for row in declared),
        tuple(clusters + [f"{row['namespace']}/{row['name']}: not met yet" for row in missing]),
        tuple(
            f"{row['profile']} on {row['cluster']}: {_said(row, 'state')}" for row in queries.rows("fleet_addons", _UNSETTLED, most=most)
        ),
        tuple(
            f"event of {row['event_source']} for {row['event_trigger']} on {row['cluster'] or '(no cluster yet)'}: {_said(row, 'state')}"
            for row in queries.pending_events(most=most)
        ),
        tuple(
            f"{row['reason']}: held until somebody says fleetd approve {row['id']}, or it is so no longer"
            for row in queries.rows("fleet_proposals", _HELD, most=most)
        ),
    )


def members_with_uid(reader: Reader, uid: str) -> list[str]:
    """Members that were the cluster with this kube-system uid when they were met."""
    return [row["cluster"] for row in reader.rows(_BY_UID, {"uid": uid})]


def uid_of_member(reader: Reader, cluster: str) -> str:
    """The kube-system uid that the daemon met this member with; empty before."""
    rows = reader.rows(_UID, {"cluster": cluster})
    return str(rows[0]["uid"]) if rows else ""


def _found_at_start(row: Row) -> bool:
    if row["started_at"] is None:
        return False
    return datetime.fromisoformat(row["created_at"]) <= datetime.fromisoformat(row["started_at"]) + _START


def _said(row: Row, state: str) -> str:
    reason = reason_of(row)
    return f"{row[state]}: {reason}" if reason else str(row[state])
