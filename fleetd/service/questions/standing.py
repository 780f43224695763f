"""Of which moment an answer is, now or a past one, and how much of the fleet stands behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from fleetd.service.answers import Coverage, DaemonState, Moment
from fleetd.service.cursors import pinned
from fleetd.service.foreign import safe_ref
from fleetd.service.teaching import Code, Lesson, Taught
from fleetd.service.times import point, said
from fleetd.store.moments import moment
from fleetd.store.past import THEN, as_of, window
from fleetd.store.reading import Reader, Record
from fleetd.store.view import STALE_SECONDS

NAMED = 10
"""So many clusters are named where a count says the rest."""
COVERAGE_SECONDS = 5.0
_REVISION = "SELECT seq, at FROM fleet_changes ORDER BY seq DESC LIMIT 1"
_REVISION_THEN = "SELECT seq FROM fleet_changes ORDER BY at DESC, seq DESC LIMIT 1"
_OLDEST_CHANGE = "SELECT MIN(seq) AS seq FROM fleet_changes"
_CLUSTER_CHANGED = "SELECT 1 AS one FROM fleet_changes WHERE object_kind = 'cluster' AND seq > :seen LIMIT 1"
_MADE = "SELECT MIN(applied_at) AS at FROM fleet_schema"
_COVERAGE = """
SELECT COUNT(*) AS members, MAX(last_seen_at) AS heard,
 SUM(CASE WHEN stale THEN 1 ELSE 0 END) AS stale,
 SUM(CASE WHEN connection IN ('unreachable', 'connecting') THEN 1 ELSE 0 END) AS away
FROM fleet_clusters
"""
_COVERAGE_NOW = """
SELECT COUNT(*) AS heard_of, MAX(last_seen_at) AS heard, SUM(CASE WHEN stale THEN 0 ELSE 1 END) AS fresh,
 (SELECT SUM(tally) FROM fleet_counts WHERE counted = 'clusters') AS members,
 (SELECT SUM(tally) FROM fleet_counts WHERE counted = 'clusters' AND state IN ('unreachable', 'connecting')) AS away
FROM fleet_heartbeats
"""
_AWAY = "SELECT cluster FROM fleet_clusters WHERE connection IN ('unreachable', 'connecting') ORDER BY cluster LIMIT :most"
_STALE = """
SELECT c.cluster FROM fleet_heartbeats h JOIN fleet_clusters c ON c.cluster = h.cluster
WHERE h.stale AND c.connection = 'ready' ORDER BY c.cluster LIMIT :most
"""
_UNHEARD = """
SELECT c.cluster FROM fleet_clusters c
WHERE c.connection = 'ready' AND NOT EXISTS (SELECT 1 FROM fleet_heartbeats h WHERE h.cluster = c.cluster) ORDER BY c.cluster LIMIT :most
"""


@dataclass(slots=True)
class Seen:
    """What was last read of the fleet as a whole; read anew after some seconds."""

    coverage: Coverage | None = None
    heard: str | None = None
    at: datetime | None = None
    revision: int = 0


@dataclass(slots=True)
class Standing:
    """What one question reads from, and the time that it reads of."""

    reader: Reader
    now: datetime
    seen: Seen
    mistakes: list[str] = field(default_factory=list)
    clock: datetime = field(init=False)
    """What time it really is."""
    asked_at: datetime = field(init=False)
    """When the first page was asked for; `now` until a past time is asked about."""
    then: datetime | None = None
    """The past time that is asked about; everything that is read, is read as it was then."""
    covered: Coverage | None = None

    def __post_init__(self) -> None:
        self.clock = self.asked_at = self.now

    @classmethod
    def of(cls, reader: Reader, now: datetime, seen: Seen, question: object) -> Self:
        """The ground of a question. A page that follows another is asked at its moment, so that an age means the same on each."""
        ground = cls(reader, now, seen)
        asked_at = pinned(str(getattr(question, "cursor", "")))
        if asked_at is not None and asked_at <= now:
            ground.now = ground.asked_at = asked_at
        return ground

    def rows(self, sql: str, values: Mapping[str, Any] | None = None, **more: Any) -> list[Record]:
        if self.then is None:
            return self.reader.rows(sql, {**(values or {}), **more})
        past = as_of(sql, self.reader.dialect)
        self.mistakes += [gap for gap in past.gaps if gap not in self.mistakes]
        return self.reader.rows(past.sql, {**(values or {}), **more, THEN: self.then})

    def row(self, sql: str, **values: Any) -> Record | None:
        return next(iter(self.rows(sql, values)), None)

    def row_now(self, sql: str, **values: Any) -> Record | None:
        """As `row`, of now, whatever time is asked about."""
        return next(iter(self.reader.rows(sql, values)), None)

    # When, and of how much of the fleet.

    def back(self, text: str, *views: str) -> None:
        """Goes to the time that `as_of` names; from then on that is now. Nothing happens where it names none.

        Args:
            views: those that the answer is about; the time must be one of which they are kept whole.

        Raises:
            Taught: it is no time, not yet, or one of which nothing, or not everything, is kept.
        """
        if self.then is not None:
            return
        then = point(text, "as_of", self.now)
        if then is None:
            return
        made = next(iter(self.rows(_MADE)), None)
        first = moment(made["at"]) if made and made["at"] else self.now
        age = window(views)
        if then < first:
            raise _out_of_range(then, f"nothing is kept of that time: there is state since {said(first)}", first)
        if age is not None and then < self.now - age:
            oldest = max(first, self.now - age)
            sentence = f"not everything of that time is kept any more: the history of this goes back to {said(oldest)}"
            raise _out_of_range(then, sentence, oldest)
        self.then = min(then, self.now)
        self.now = self.then

    def nothing_of_then(self, what: str) -> None:
        """Says in the answer that something of a past time is not kept, where one was asked for."""
        if self.then is not None:
            self.remark(what)

    def remark(self, what: str) -> None:
        """Says it in the answer, once."""
        if what not in self.mistakes:
            self.mistakes.append(what)

    def moment(self) -> Moment:
        """The revision, and since when nobody writes. Whether a daemon was at work at a past time is not known."""
        if self.then is not None:
            return Moment(time=said(self.then), revision=self._revision_then(), daemon=DaemonState.UNKNOWN)
        self.coverage()
        last = self.row(_REVISION)
        time, revision = said(self.clock), int(last["seq"]) if last else 0
        if self.seen.heard is None:
            return Moment(time=time, revision=revision, daemon=DaemonState.UNKNOWN)
        heard = moment(self.seen.heard)
        if self.clock - heard <= timedelta(seconds=STALE_SECONDS):
            return Moment(time=time, revision=revision, daemon=DaemonState.RUNNING)
        return Moment(time=time, revision=revision, daemon=DaemonState.SILENT, stale_since=said(heard))

    def _revision_then(self) -> int:
        """That of the last change until then; where those changes are kept no more, the one before the oldest that is."""
        if last := self.row(_REVISION_THEN):
            return int(last["seq"])
        oldest = self.row_now(_OLDEST_CHANGE)
        revision = max(int((oldest or {}).get("seq") or 1) - 1, 0)
        if revision:
            self.remark(f"which changes had been made until then is kept no more: as_of.revision was {revision} at most")
        return revision

    def coverage(self) -> Coverage:
        """Of the whole fleet: how fresh it is may be some seconds old, which clusters there are is of this moment."""
        if self.covered is None:
            self.covered = self._covered(self.rows(_COVERAGE)[0]) if self.then is not None else self._coverage_now()
        return self.covered

    def _coverage_now(self) -> Coverage:
        now, seen = self.clock, self.seen
        fresh = seen.at is not None and timedelta() <= now - seen.at < timedelta(seconds=COVERAGE_SECONDS)
        if seen.coverage is None or not fresh or self.row(_CLUSTER_CHANGED, seen=seen.revision):
            counted = self.rows(_COVERAGE_NOW)[0]
            counted["stale"] = int(counted["members"] or 0) - int(counted["fresh"] or 0)
            last = self.row(_REVISION)
            seen.coverage, seen.revision = self._covered(counted), int(last["seq"]) if last else 0
            seen.heard, seen.at = counted["heard"], now
        return seen.coverage

    def _covered(self, counted: Record) -> Coverage:
        total, stale, away = (int(counted[name] or 0) for name in ("members", "stale", "away"))
        unheard = "heard_of" in counted and total > int(counted["heard_of"])
        return Coverage(
            clusters_total=total,
            # Of a past time only what was reachable is known.
            fresh=total - (stale if self.then is None else away),
            stale=(*(self.names(_STALE) if stale else ()), *(self.names(_UNHEARD) if unheard else ()))[:NAMED],
            stale_count=stale,
            unreachable=self.names(_AWAY) if away else (),
            unreachable_count=away,
        )

    def names(self, sql: str) -> tuple[str, ...]:
        return tuple(safe_ref(row["cluster"]) for row in self.rows(sql, most=NAMED))

    def warnings(self, at: Moment) -> tuple[str, ...]:
        """What stands against taking the answer for the state of now."""
        found = list(self.mistakes)
        if at.daemon is DaemonState.SILENT:
            found.append(f"no daemon seems to be at work: nothing was heard of any cluster since {at.stale_since}, the state is of then")
        return tuple(found)


def _out_of_range(then: datetime, sentence: str, oldest: datetime) -> Taught:
    # A little later, so that it is still there when it is asked for.
    possible = (said(oldest + timedelta(minutes=1)),)
    return Taught(Lesson(code=Code.AS_OF_OUT_OF_RANGE, sentence=sentence, field="as_of", got=said(then), allowed=possible))
