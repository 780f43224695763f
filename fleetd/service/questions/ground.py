"""What every question stands on: rows of the public views, the moment they are true of, and how much of the fleet they cover."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from fleetd.service.answers import COUNTED, Answer, Coverage, DaemonState, Group, Hint, Moment, Page, Total
from fleetd.service.choosing import Choice, condition, read_choice
from fleetd.service.cursors import Place, question_digest, read_cursor, write_cursor
from fleetd.service.foreign import plain_text, safe_ref
from fleetd.service.teaching import Code, Lesson, Taught, near
from fleetd.service.times import said
from fleetd.store.moments import moment
from fleetd.store.reading import Reader, Record
from fleetd.store.views import STALE_SECONDS

T = TypeVar("T")
NAMED = 10
"""So many clusters are named where a count says the rest."""
COVERAGE_SECONDS = 5.0
_REVISION = "SELECT seq, at FROM fleet_changes ORDER BY seq DESC LIMIT 1"
_COVERAGE = """
SELECT COUNT(*) AS members, MAX(last_seen_at) AS heard,
 SUM(CASE WHEN stale THEN 1 ELSE 0 END) AS stale,
 SUM(CASE WHEN connection IN ('unreachable', 'connecting') THEN 1 ELSE 0 END) AS away
FROM fleet_clusters
"""
_AWAY = "SELECT cluster FROM fleet_clusters WHERE connection IN ('unreachable', 'connecting') ORDER BY cluster LIMIT :most"
_STALE = "SELECT cluster FROM fleet_clusters WHERE stale AND connection = 'ready' ORDER BY cluster LIMIT :most"
_BY_NAME = "SELECT cluster FROM fleet_clusters WHERE cluster = :cluster"
_BY_SHORT_NAME = "SELECT cluster FROM fleet_clusters WHERE name = :name ORDER BY cluster LIMIT 5"
_NEAR = "SELECT cluster FROM fleet_clusters WHERE name LIKE :start ORDER BY cluster LIMIT 500"
_GONE = "SELECT MAX(ended_at) AS ended_at FROM fleet_cluster_history WHERE {of}"
_NAMESPACES = "SELECT DISTINCT namespace FROM fleet_clusters ORDER BY namespace LIMIT 100"


@dataclass(slots=True)
class Seen:
    """What was last read of the fleet as a whole; read anew after some seconds."""

    coverage: Coverage | None = None
    heard: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A list: rows of `source` in the order of `key`, whose columns are unique together and never change in a row.

    `key` maps the name of a column of a row to the expression that it is ordered by; `asked` is the question.
    """

    asked: Any
    columns: str
    source: str
    key: Mapping[str, str]
    where: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    descending: bool = False

    @property
    def conditions(self) -> str:
        return " AND ".join(self.where) or "1 = 1"


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one page."""

    rows: tuple[Record, ...]
    total: Total
    next_cursor: str | None = None
    groups: tuple[Group, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class Ground:
    """One question's hold on the database."""

    reader: Reader
    now: datetime
    seen: Seen
    mistakes: list[str] = field(default_factory=list)

    def rows(self, sql: str, values: Mapping[str, Any] | None = None, **more: Any) -> list[Record]:
        return self.reader.rows(sql, {**(values or {}), **more})

    def row(self, sql: str, **values: Any) -> Record | None:
        return next(iter(self.rows(sql, values)), None)

    # When, and of how much of the fleet.

    def moment(self) -> Moment:
        """The revision, and since when nobody writes."""
        self.coverage()
        last = self.row(_REVISION)
        time, revision = said(self.now), int(last["seq"]) if last else 0
        if self.seen.heard is None:
            return Moment(time=time, revision=revision, daemon=DaemonState.UNKNOWN)
        heard = moment(self.seen.heard)
        if self.now - heard <= timedelta(seconds=STALE_SECONDS):
            return Moment(time=time, revision=revision, daemon=DaemonState.RUNNING)
        return Moment(time=time, revision=revision, daemon=DaemonState.SILENT, stale_since=said(heard))

    def coverage(self) -> Coverage:
        """Of the whole fleet, some seconds old at most."""
        fresh = self.seen.at is not None and timedelta() <= self.now - self.seen.at < timedelta(seconds=COVERAGE_SECONDS)
        if self.seen.coverage is None or not fresh:
            counted = self.rows(_COVERAGE)[0]
            total, stale, away = (int(counted[name] or 0) for name in ("members", "stale", "away"))
            self.seen.coverage = Coverage(
                clusters_total=total,
                fresh=total - stale,
                stale=self._names(_STALE) if stale else (),
                stale_count=stale,
                unreachable=self._names(_AWAY) if away else (),
                unreachable_count=away,
            )
            self.seen.heard, self.seen.at = counted["heard"], self.now
        return self.seen.coverage

    def _names(self, sql: str) -> tuple[str, ...]:
        return tuple(safe_ref(row["cluster"]) for row in self.rows(sql, most=NAMED))

    def warnings(self, at: Moment) -> tuple[str, ...]:
        """What stands against taking the answer for the state of now."""
        found = list(self.mistakes)
        if at.daemon is DaemonState.SILENT:
            found.append(f"no daemon seems to be at work: nothing was heard of any cluster since {at.stale_since}, the state is of then")
        return tuple(found)

    # Which clusters.

    def choose(self, text: str, column: str, values: dict[str, Any]) -> str:
        """SQL for a selector; every name without a pattern must be that of a cluster.

        Raises:
            Taught: the selector is none, or names a cluster that is not there.
        """
        choice = read_choice(text)
        names = tuple(self.cluster(name) if name in choice.exact else name for name in choice.names)
        return condition(Choice(names, choice.without, choice.labels), column, values)

    def cluster(self, text: str, field_name: str = "clusters") -> str:
        """The cluster that somebody names, by `namespace/name` or by its name alone.

        Raises:
            Taught: there is none, or there are several.
        """
        text = text.strip()
        found = self.rows(_BY_NAME, cluster=text) if "/" in text else self.rows(_BY_SHORT_NAME, name=text)
        names = [str(row["cluster"]) for row in found]
        if len(names) == 1:
            return names[0]
        if names:
            sentence = f"several clusters have this name: write one of {', '.join(map(safe_ref, names))}"
            raise Taught(
                Lesson(code=Code.AMBIGUOUS_REF, sentence=sentence, field=field_name, got=text[:80], allowed=tuple(map(safe_ref, names)))
            )
        raise self._no_cluster(text, field_name)

    def _no_cluster(self, text: str, field_name: str) -> Taught:
        start = text.rpartition("/")[2][:3].replace("%", "").replace("_", "")
        names = [safe_ref(row["cluster"]) for row in self.rows(_NEAR, start=f"{start}%")] or [*self._names(_NAMES_AT_ALL)]
        values: dict[str, Any] = {}
        spaces = ("default", *(row["namespace"] for row in self.rows(_NAMESPACES)))
        whole = (text,) if "/" in text else tuple(f"{space}/{text}" for space in spaces)
        gone = self.row(_GONE.format(of=any_of("cluster", "of", whole, values)), **values)
        sentence = "no cluster of the fleet has this name"
        if gone and gone["ended_at"]:
            sentence = f"this cluster was part of the fleet until {said(moment(gone['ended_at']))}"
        return Taught(
            Lesson(
                code=Code.NOT_FOUND,
                sentence=sentence,
                field=field_name,
                got=plain_text(text, most=80),
                did_you_mean=near(text, names),
                next=Hint(why="the clusters that there are", tool="list_clusters"),
            )
        )

    # Lists.

    def part(self, listing: Listing, *, limit: int, cursor: str = "", group_by: str = "") -> Part:
        """The rows after the cursor, or the groups of all rows."""
        total = self.total(listing)
        if group_by:
            return Part((), total, groups=self.groups(listing, group_by))
        question = question_digest(listing.asked)
        place = read_cursor(cursor, question, len(listing.key))
        values = dict(listing.values)
        after = _after(listing, place, values) if place else "1 = 1"
        way = " DESC" if listing.descending else ""
        order = ", ".join(f"{expression}{way}" for expression in listing.key.values())
        sql = f"SELECT {listing.columns} FROM {listing.source} WHERE {listing.conditions} AND {after} ORDER BY {order} LIMIT :most"
        rows = self.rows(sql, values, most=limit + 1)
        if len(rows) <= limit:
            return Part(tuple(rows), total)
        rows = rows[:limit]
        revision = place.revision if place else self.moment().revision
        last = tuple(rows[-1][name] if rows[-1][name] is not None else "" for name in listing.key)
        return Part(tuple(rows), total, write_cursor(Place(last, revision), question))

    def total(self, listing: Listing) -> Total:
        """Exact up to 10,000."""
        sql = f"SELECT COUNT(*) AS n FROM (SELECT 1 AS one FROM {listing.source} WHERE {listing.conditions} LIMIT {COUNTED + 1}) counted"
        count = int(self.rows(sql, listing.values)[0]["n"])
        return Total(count=min(count, COUNTED), exact=count <= COUNTED)

    def groups(self, listing: Listing, expression: str, *, most: int = 50) -> tuple[Group, ...]:
        """How many rows have the same value, the largest first; of the first 10,000 rows."""
        inner = f"SELECT {expression} AS grouped FROM {listing.source} WHERE {listing.conditions} LIMIT {COUNTED}"
        sql = f"SELECT grouped, COUNT(*) AS n FROM ({inner}) g GROUP BY grouped ORDER BY n DESC, grouped LIMIT {most}"
        return tuple(Group(key=safe_ref(str(row["grouped"] or "")) or "(none)", count=row["n"]) for row in self.rows(sql, listing.values))

    # Envelopes.

    def page(self, part: Part, items: tuple[T, ...], hints: tuple[Hint, ...] = ()) -> Page[T]:
        at = self.moment()
        return Page(
            items=items,
            total=part.total,
            returned=len(items),
            truncated=part.next_cursor is not None,
            next_cursor=part.next_cursor,
            groups=part.groups,
            as_of=at,
            coverage=self.coverage(),
            hints=hints,
            warnings=(*self.warnings(at), *part.warnings),
        )

    def answer(self, result: T, hints: tuple[Hint, ...] = (), warnings: tuple[str, ...] = ()) -> Answer[T]:
        at = self.moment()
        return Answer(result=result, as_of=at, coverage=self.coverage(), hints=hints, warnings=(*self.warnings(at), *warnings))

    def past(self, at: Moment, then: datetime) -> Moment:
        """The moment of an answer about a past time."""
        return replace(at, time=said(then))


_NAMES_AT_ALL = "SELECT cluster FROM fleet_clusters ORDER BY cluster LIMIT :most"


def _after(listing: Listing, place: Place, values: dict[str, Any]) -> str:
    names = []
    for number, (name, value) in enumerate(zip(listing.key, place.key, strict=True)):
        values[f"after{number}"] = moment(value) if name.endswith("_at") or name == "at" else value
        names.append(f":after{number}")
    sign = "<" if listing.descending else ">"
    if len(names) == 1:
        return f"{next(iter(listing.key.values()))} {sign} {names[0]}"
    return f"({', '.join(listing.key.values())}) {sign} ({', '.join(names)})"


def any_of(column: str, prefix: str, words: tuple[str, ...], values: dict[str, Any]) -> str:
    """SQL that holds where the column is one of the words."""
    for number, word in enumerate(words):
        values[f"{prefix}{number}"] = word
    return f"{column} IN ({', '.join(f':{prefix}{number}' for number in range(len(words)))})"
