"""What follows from nothing but time."""

from __future__ import annotations

from fleetd.decide.plane.alarms import Undecided
from fleetd.decide.plane.holding import expire
from fleetd.decide.plane.pausing import goes
from fleetd.decide.plane.state import Plane
from fleetd.decide.plane.turn import Turn


def elapsed(plane: Plane, turn: Turn) -> None:
    """Takes every alarm whose time has come."""
    for alarm in plane.alarms.due(turn.now):
        if isinstance(alarm, Undecided):
            expire(plane, turn, alarm.subject)
        else:
            goes(plane, turn, alarm.key)
