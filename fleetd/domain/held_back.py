"""What is held back for a while, as it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import DampedKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Damped:
    """Something that goes round, comes too often or flaps, and is held back for a while. Key: kind, subject, cluster, object_ref.

    Of a loop and a rate `subject` is the trigger, of flapping the source, of drift the profile. `pauses`: which one in a row this is.
    `until` is None where it ends by an edit only: of `watched`, whose digest is `mark`.
    """

    kind: DampedKind
    subject: str
    cluster: str
    object_ref: ObjectRef | None
    pauses: int
    since: datetime
    until: datetime | None
    reason: str
    cause_id: str
    watched: tuple[str, ...] = ()
    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DampedGone:
    """It goes on as usual."""

    kind: DampedKind
    subject: str
    cluster: str
    object_ref: ObjectRef | None
    at: datetime
