"""How far the daemon is with what was declared, and what stands between one thing and how somebody wants it.

The one place beside the store that reads its tables: no view says what the daemon has taken up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from fleetd.domain.refs import ObjectRef
from fleetd.service.answers import Answer, DaemonState
from fleetd.service.arguments import About, Ref
from fleetd.service.asking import Question
from fleetd.service.foreign import plain_text
from fleetd.service.questions.beside import Row, profile_of, reason_of
from fleetd.service.questions.ground import Ground
from fleetd.service.teaching import bad
from fleetd.service.times import said
from fleetd.store.moments import moment

# The daemon writes a status where it differs from the one before, and none for what it finds at its start.
_WITHOUT_STATUS = """
SELECT d.ref, d.created_at, (SELECT MAX(t.started_at) FROM daemon_starts t) AS started_at FROM declared d
WHERE d.valid_to IS NULL AND NOT EXISTS (SELECT 1 FROM declared_states s WHERE s.ref = d.ref) ORDER BY d.ref
"""
_START = timedelta(seconds=5)
"""How long a daemon takes from its start to knowing everything that was declared by then."""
_LAST_START = "SELECT MAX(started_at) AS started_at FROM daemon_starts"
_NOT_CONNECTED = """
SELECT namespace, name FROM fleet_declared d WHERE kind = 'SveltosCluster'
 AND NOT EXISTS (SELECT 1 FROM fleet_clusters c WHERE c.namespace = d.namespace AND c.name = d.name) ORDER BY ref LIMIT :most
"""
_NOT_READY = "SELECT * FROM fleet_clusters WHERE connection <> 'ready' OR stale ORDER BY cluster LIMIT :most"
_UNSETTLED = """
SELECT * FROM fleet_addons WHERE state IN ('waiting', 'applying', 'removing', 'failed', 'conflict')
ORDER BY profile, cluster, addon LIMIT :most
"""
_PENDING = "SELECT * FROM fleet_pending_events ORDER BY detected_at, event_id, event_trigger LIMIT :most"
_HELD = "SELECT * FROM fleet_proposals WHERE state IN ('waiting', 'approved') ORDER BY created_at, id LIMIT :most"
_WORDS = ("exists", "deleted", "ready", "deployed", "state=NAME")
_SAME = {"delete": "deleted", "create": "exists"}
MOST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """What is not yet as wanted, a sentence each; none when it is."""

    sentences: tuple[str, ...] = ()
    unattended: str = ""
    """Set when nobody brings the fleet to what is wanted: no daemon is at work, and since when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindUnfinished(Question[Answer[Lacking]]):
    """What stands between the fleet and its rest: nothing, when it has converged."""

    def answered(self, ground: Ground) -> Answer[Lacking]:
        return ground.answer(Lacking(sentences=tuple(_unfinished(ground)), unattended=_unattended(ground)))


def _unattended(ground: Ground) -> str:
    """What was heard of clusters counts as fresh for minutes after the daemon ended; who holds the database is known at once."""
    at_work = ground.reader.daemon_at_work()
    at = ground.moment()
    if at_work or (at_work is None and at.daemon is not DaemonState.SILENT):
        return ""
    if ground.seen.heard is not None:
        since = f"nothing was heard of any cluster since {said(moment(ground.seen.heard))}"
    else:
        start = ground.row(_LAST_START)
        started = start["started_at"] if start else None
        since = f"the last one was started at {said(moment(started))}" if started else "none has been started yet"
    return f"no daemon is at work on this database: {since}"


def _unfinished(ground: Ground) -> Iterator[str]:
    declared = [row for row in ground.rows(_WITHOUT_STATUS) if not _found_at_start(row)]
    yield from (f"{row['ref']}: not taken up by the daemon yet" for row in declared[:MOST])
    for row in ground.rows(_NOT_READY, most=MOST):
        yield f"{row['cluster']}: {_said(row, 'connection')}{', not heard of lately' * row['stale']}"
    yield from (f"{row['namespace']}/{row['name']}: not met yet" for row in ground.rows(_NOT_CONNECTED, most=MOST))
    yield from (f"{row['profile']} on {row['cluster']}: {_said(row, 'state')}" for row in ground.rows(_UNSETTLED, most=MOST))
    for row in ground.rows(_PENDING, most=MOST):
        where = row["cluster"] or "(no cluster yet)"
        yield f"event of {row['event_source']} for {row['event_trigger']} on {where}: {_said(row, 'state')}"
    for row in ground.rows(_HELD, most=MOST):
        yield f"{row['reason']}: held until somebody says fleetd proposals approve {row['id']}, or it is so no longer"


def _found_at_start(row: Row) -> bool:
    return row["started_at"] is not None and moment(row["created_at"]) <= moment(row["started_at"]) + _START


def _said(row: Row, state: str) -> str:
    reason = reason_of(row)
    return f"{row[state]}: {reason}" if reason else str(row[state])


@dataclass(frozen=True, slots=True, kw_only=True)
class FindLacking(Question[Answer[Lacking]]):
    """What one thing lacks to be as wanted: a declared or generated object, or with `cluster` one that fleetd put there."""

    ref: Ref
    condition: Annotated[str, About("exists, deleted, ready, deployed, or state=NAME")]
    cluster: Annotated[str, About("namespace/name")] = ""

    def answered(self, ground: Ground) -> Answer[Lacking]:
        wanted = self._wanted()
        ref = ObjectRef.parse(self.ref)
        sentence = _on_cluster(ground, wanted, ref, self.cluster) if self.cluster else _declared(ground, wanted, ref)
        return ground.answer(Lacking(sentences=tuple(sentence)))

    def _wanted(self) -> str:
        word, equals, value = self.condition.removeprefix("condition=").partition("=")
        word = _SAME.get(word.lower(), word.lower())
        if word == "state" and equals and value:
            return f"={value}"
        if word not in _WORDS or equals:
            sentence = f"this is no condition: write {', '.join(_WORDS[:-1])} or {_WORDS[-1]}"
            raise bad("condition", plain_text(self.condition, most=40), sentence, allowed=_WORDS)
        return word


def _on_cluster(ground: Ground, wanted: str, ref: ObjectRef, cluster: str) -> Iterator[str]:
    if wanted not in ("exists", "deleted"):
        raise bad("condition", wanted, "of an object on a cluster wait for exists or deleted", allowed=("exists", "deleted"))
    there = ground.rows("SELECT 1 AS one FROM fleet_objects WHERE object_ref = :ref AND cluster = :cluster", ref=str(ref), cluster=cluster)
    if bool(there) != (wanted == "exists"):
        yield f"{ref}@{cluster}: fleetd has {'' if there else 'not '}put it there"


def _declared(ground: Ground, wanted: str, ref: ObjectRef) -> Iterator[str]:
    if wanted == "deployed" and ref.kind not in ("ClusterProfile", "Profile"):
        sentence = "deployed is a condition of profiles: write clusterprofile/name or profile/namespace/name"
        raise bad("condition", wanted, sentence)
    row = ground.row("SELECT * FROM fleet_declared WHERE ref = :ref", ref=str(ref))
    made = row is not None or ground.row("SELECT ref FROM fleet_generated WHERE ref = :ref", ref=str(ref)) is not None
    if wanted == "deleted":
        if row is not None:
            yield f"{ref} is still declared"
    elif wanted == "deployed" and made:
        yield from _deployed(ground, ref)
    elif row is None:
        yield f"{ref} does not exist"
    elif wanted != "exists":
        yield from _in_state(ground, wanted.removeprefix("="), ref, row)


def _in_state(ground: Ground, wanted: str, ref: ObjectRef, row: dict[str, Any]) -> Iterator[str]:
    if ref.kind != "SveltosCluster":
        if row["state"] != wanted:
            yield f"{ref}: {_said(row, 'state')}"
        return
    cluster = f"{ref.namespace}/{ref.name}"
    member = ground.row("SELECT * FROM fleet_clusters WHERE cluster = :cluster", cluster=cluster)
    if member is None:
        yield f"the daemon knows no cluster {cluster} (yet)"
    elif member["connection"] != wanted:
        yield f"{cluster}: {_said(member, 'connection')}"


def _deployed(ground: Ground, ref: ObjectRef) -> Iterator[str]:
    profile = profile_of(ref)
    found = ground.rows("SELECT * FROM fleet_addons WHERE profile = :profile ORDER BY cluster, addon", profile=profile)
    if not found:
        yield f"{profile} is on no cluster"
    for row in found:
        if row["state"] not in ("deployed", "healthy"):
            yield f"{profile} on {row['cluster']}: {_said(row, 'state')}"
