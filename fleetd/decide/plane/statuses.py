"""What is said of a declared object: how it is taken, and its kind's own status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleetd.decide.plane.state import Plane, Said
from fleetd.decide.plane.turn import Turn
from fleetd.domain.records import DeclaredStatus
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import DeclaredState

UNSAID = Said("", DeclaredState.READY, "")


def say(
    plane: Plane,
    turn: Turn,
    ref: ObjectRef,
    state: DeclaredState | None = None,
    reason: str = "",
    *,
    uid: str | None = None,
    status: Mapping[str, Any] | None = None,
) -> None:
    """Records what is news; what is not given stays as it was said. Of another object of the name (`uid`) nothing was said yet."""
    before = plane.statuses.get(ref)
    if before is not None and uid is not None and before.uid != uid:
        before = None
    said = before or UNSAID
    now = Said(
        said.uid if uid is None else uid,
        said.state if state is None else state,
        said.reason if state is None else reason,
        said.status if status is None else status,
    )
    if now == before:
        return
    plane.statuses[ref] = now
    turn.records.append(DeclaredStatus(ref=ref, state=now.state, reason=now.reason, status=now.status, at=turn.now))
