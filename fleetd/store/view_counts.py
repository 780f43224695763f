"""Views for what is shown all the time: numbers that are kept, and what is few, found without a look at what is many."""

from __future__ import annotations

from fleetd.store.view import STALE_SECONDS, UNACTED, View, same

_NOT_READY = (
    # A cross join is taken in its order by SQLite: from the few that are not ready.
    "SELECT s.ref, s.state, s.reason FROM declared_states s CROSS JOIN declared d"
    " WHERE s.state <> 'ready' AND d.ref = s.ref AND d.valid_to IS NULL"
)
_UNSUPPORTED = (
    "SELECT d.ref, 'unsupported' AS state, '' AS reason FROM declared d WHERE d.valid_to IS NULL AND d.unsupported <> '[]'"
    " AND NOT EXISTS (SELECT 1 FROM declared_states s WHERE s.ref = d.ref)"
)
# Indexes have all of it.
_WAITS = (
    "SELECT d.match_id, d.event_id, d.cluster, d.cluster AS waits_on, d.state, d.detected_at, d.source_cluster FROM destinations d"
    f" WHERE d.valid_to IS NULL AND d.state IN {UNACTED} AND d.event_id IS NOT NULL"
    " UNION ALL SELECT m.match_id, m.event_id, CAST(NULL AS TEXT) AS cluster, m.cluster AS waits_on, m.state, m.detected_at,"
    " m.cluster AS source_cluster FROM matches m"
    f" WHERE m.valid_to IS NULL AND m.state IN {UNACTED}"
    # Most have a destination that waits, and an index has all of those; only of the others every destination is looked for.
    f" AND NOT EXISTS (SELECT 1 FROM destinations d WHERE d.match_id = m.match_id AND d.valid_to IS NULL AND d.state IN {UNACTED})"
    " AND NOT EXISTS (SELECT 1 FROM destinations d WHERE d.match_id = m.match_id AND d.latest)"
)
_WAITING = f"m.valid_to IS NULL AND m.state IN {UNACTED}"

COUNT_VIEWS = (
    View(
        "fleet_counts",
        "How many clusters, addons, drift incidents and destinations are in a state; kept with each commit, so that nobody counts.",
        {
            "counted": "CASE t.subject WHEN 'members' THEN 'clusters' WHEN 'incidents' THEN 'drift' ELSE t.subject END",
            **same("t", "state", "tally"),
        },
        "FROM tallies t WHERE t.tally <> 0",
    ),
    View(
        "fleet_heartbeats",
        "When a cluster was last heard of.",
        {**same("h", "cluster", "last_seen_at"), "stale": f"h.last_seen_at < {{ago:{STALE_SECONDS}}}"},
        "FROM heartbeats h",
    ),
    View(
        "fleet_not_in_force",
        "A declared object that fleetd does not act on, and why.",
        same("n", "ref", "state", "reason"),
        f"FROM ({_NOT_READY} UNION ALL {_UNSUPPORTED}) n",
    ),
    View(
        "fleet_waits",
        "The rows of fleet_pending_events in brief: what lists and counts of what waits need; waits_on is where, settled or not.",
        same("w", "match_id", "event_id", "cluster", "waits_on", "state", "detected_at", "source_cluster"),
        f"FROM ({_WAITS}) w",
    ),
    View(
        "fleet_waiting_triggers",
        "A trigger with matches in a state in which it has not acted: how many, and the oldest of them.",
        {
            "event_trigger": "w.trigger_name",
            **same("w", "state", "waiting", "oldest_at"),
            "oldest_match_id": "(SELECT m.match_id FROM matches m WHERE m.trigger_name = w.trigger_name AND m.state = w.state"
            f" AND {_WAITING} ORDER BY m.matched_at LIMIT 1)",
        },
        "FROM (SELECT m.trigger_name, m.state, COUNT(*) AS waiting, MIN(m.matched_at) AS oldest_at"
        f" FROM matches m WHERE {_WAITING} GROUP BY m.trigger_name, m.state) w",
    ),
)
