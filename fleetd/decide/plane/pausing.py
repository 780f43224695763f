"""What is held back for a while, and how it goes on: by itself when it is quiet, by an edit, or when a person asks."""

from __future__ import annotations

from datetime import datetime

from fleetd.decide.damping import QUIET, streak_of, struck
from fleetd.decide.plane.alarms import DampedKey, Goes
from fleetd.decide.plane.state import Plane
from fleetd.decide.plane.turn import Turn
from fleetd.domain.held_back import Damped, DampedGone
from fleetd.domain.records import Stage
from fleetd.domain.states import DampedKind

KEPT = 10_000
"""Streaks between two looks at them, at which those that are quiet are forgotten."""
STAGES = {
    DampedKind.LOOP: Stage.INSTANTIATE,
    DampedKind.RATE: Stage.INSTANTIATE,
    DampedKind.FLAPPING: Stage.REPORT,
    DampedKind.DRIFT: Stage.DRIFT,
}


def strike(plane: Plane, turn: Turn, key: DampedKey, because: str, *, at_least: int = 1) -> None:
    """It came once more; when it came too often in a row, it is held back from now on."""
    if key not in plane.streaks and len(plane.streaks) % KEPT == KEPT - 1:
        plane.streaks = {known: item for known, item in plane.streaks.items() if item.over_at > turn.now or known in plane.damped}
    streak = plane.streaks[key] = struck(plane.streaks.get(key), turn.now, at_least=at_least)
    if streak.until == turn.now:
        return
    known = plane.damped.get(key)
    way_on = f"pause {streak.pauses}, until {streak.until:%H:%M:%S} UTC; it goes on by itself, and as usual when it is quiet"
    put(
        plane,
        turn,
        Damped(
            kind=key[0],
            subject=key[1],
            cluster=key[2],
            object_ref=key[3],
            pauses=streak.pauses,
            since=known.since if known is not None else turn.now,
            until=streak.until,
            reason=f"{because}: {way_on}; or now: fleetd requeue {key[1]}",
            cause_id=turn.cause or turn.caused_by(),
        ),
    )


def put(plane: Plane, turn: Turn, damped: Damped) -> None:
    """Records that it is held back, if that is news."""
    key = key_of(damped)
    if plane.damped.get(key) == damped:
        return
    plane.damped[key] = damped
    watch(plane, damped)
    turn.records.append(damped)
    turn.tell(STAGES[damped.kind], str(damped.object_ref or damped.subject), damped.cluster, "held back", damped.reason)


def key_of(damped: Damped) -> DampedKey:
    """What it is known under."""
    return damped.kind, damped.subject, damped.cluster, damped.object_ref


def watch(plane: Plane, damped: Damped) -> None:
    """Lets its pause end."""
    if damped.until is not None:
        plane.alarms.put(Goes(key_of(damped)), damped.until)


def restored(plane: Plane, damped: Damped) -> None:
    """As a row tells it."""
    key = key_of(damped)
    plane.damped[key] = damped
    if damped.until is not None:
        plane.streaks[key] = streak_of(damped.pauses, damped.until)
    watch(plane, damped)


def paused(plane: Plane, turn: Turn, key: DampedKey) -> Damped | None:
    """What holds it back now."""
    known = plane.damped.get(key)
    return known if known is not None and (known.until is None or turn.now < known.until) else None


def not_before(plane: Plane, key: DampedKey, now: datetime) -> datetime | None:
    """When it may go on; None when it may at once."""
    known = plane.damped.get(key) if plane.damped else None
    return known.until if known is not None and known.until is not None and now < known.until else None


def goes(plane: Plane, turn: Turn, key: DampedKey) -> None:
    """Its pause is over: it is looked at again; or it has been quiet since."""
    if key not in plane.damped:
        return
    streak = plane.streaks.get(key)
    if streak is None or turn.now >= streak.over_at:
        lift(plane, turn, key, "it is quiet")
    else:
        plane.alarms.put(Goes(key), streak.over_at)
        _look(plane, key)


def lift(plane: Plane, turn: Turn, key: DampedKey, because: str) -> None:
    """It goes on as usual."""
    known = plane.damped.pop(key, None)
    plane.streaks.pop(key, None)
    plane.stopped.pop(key, None)
    if known is None:
        return
    plane.alarms.drop(Goes(key))
    turn.records.append(DampedGone(kind=key[0], subject=key[1], cluster=key[2], object_ref=key[3], at=turn.now))
    turn.tell(STAGES[key[0]], str(key[3] or key[1]), key[2], "goes on", because, cause=known.cause_id)
    _look(plane, key)


def lift_all(plane: Plane, turn: Turn, subject: str) -> int:
    """Whatever of a trigger, source or profile is held back goes on now; how much that was."""
    keys = [key for key in plane.damped if key[1] == subject]
    for key in keys:
        lift(plane, turn, key, "somebody asked for it")
    return len(keys)


def stops(plane: Plane, turn: Turn, key: DampedKey) -> None:
    """An object stopped matching, which by itself is nothing."""
    if key not in plane.stopped and len(plane.stopped) % KEPT == KEPT - 1:
        plane.stopped = {known: at for known, at in plane.stopped.items() if turn.now - at < QUIET or known in plane.damped}
    plane.stopped[key] = turn.now


def _look(plane: Plane, key: DampedKey) -> None:
    kind, subject, cluster, ref = key
    name = subject.partition("/")[2]
    if kind is DampedKind.FLAPPING:
        plane.dirty.reports.add((name, cluster))
    elif kind is not DampedKind.DRIFT:
        plane.dirty.reactions.add((name, cluster, ref))
        if kind is DampedKind.LOOP:
            # It begins anew: what led to it so far was counted already.
            plane.triggered.pop((name, cluster, ref), None)
