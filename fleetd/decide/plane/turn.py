"""One turn of the plane: what it was given of time and chance, and what it concluded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from fleetd.decide.engines.answers import Rendering
from fleetd.decide.observe import Wish
from fleetd.decide.plane.state import DeliveryKey
from fleetd.decide.rendering import Render
from fleetd.domain.objects import Observed
from fleetd.domain.records import JournalRecord, Record, RequestRecord, Stage
from fleetd.domain.refs import GroupVersionKind, ObjectRef


@dataclass(frozen=True, slots=True)
class Ask:
    """Scripts to run on one object before its verdict is known; `whole` as in the observation that led here."""

    cluster: str
    gvk: GroupVersionKind
    observed: Observed
    wishes: tuple[Wish, ...]
    confirming: bool = False


@dataclass(frozen=True, slots=True)
class Selecting:
    """A script to run on all candidates of a source on a cluster; `mark` says which they were."""

    source: str
    cluster: str
    script: str
    bodies: tuple[bytes, ...] = field(repr=False)
    mark: str


@dataclass(slots=True)
class Turn:
    """Records are committed first, together; only then is anything that is `due` begun.

    `reconnect` names members that came, went or have other credentials, `rewatch` those whose set of watches may have
    changed, `rejudge` kinds that must be listed anew there because a source is new or changed, `doubts` kinds that a second
    read must confirm, `inspect` requests to look at one object, `renew` members that are to be read anew as a whole.
    """

    now: datetime
    new_id: Callable[[], str]
    cause: str = ""
    records: list[Record] = field(default_factory=list)
    due: dict[DeliveryKey, str] = field(default_factory=dict)
    asks: list[Ask] = field(default_factory=list)
    selections: list[Selecting] = field(default_factory=list)
    renderings: list[Rendering] = field(default_factory=list)
    doubts: set[tuple[str, GroupVersionKind]] = field(default_factory=set)
    rewatch: set[str] = field(default_factory=set)
    reconnect: set[str] = field(default_factory=set)
    renew: set[str] = field(default_factory=set)
    rejudge: set[tuple[str, GroupVersionKind]] = field(default_factory=set)
    inspect: list[RequestRecord] = field(default_factory=list)

    @property
    def render(self) -> Render:
        """Templates with this turn's clock."""
        return Render(self.now)

    def caused_by(self, cause: str = "") -> str:
        """The cause of what follows: the one that is given, or a new one."""
        self.cause = cause or self.new_id()
        return self.cause

    def tell(self, stage: Stage, subject: str | ObjectRef, cluster: str, decision: str, reason: str = "", cause: str = "") -> None:
        """One journal entry."""
        self.records.append(
            JournalRecord(
                at=self.now,
                stage=stage,
                subject=str(subject),
                cluster=cluster,
                decision=decision,
                reason=reason,
                cause_id=cause or self.cause,
            )
        )
