"""What every question stands on: rows of the public views, the moment they are true of, and how much of the fleet they cover."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from fleetd.service.answers import COUNTED, Answer, Group, Hint, Page, Total
from fleetd.service.choosing import Choice, LabelTerm, condition, read_choice
from fleetd.service.cursors import Place, question_digest, read_cursor, write_cursor
from fleetd.service.foreign import plain_text, safe_labels, safe_ref
from fleetd.service.questions.paging import FEW_PARTS, MOST_PARTS, SORTED, in_order, page_sql, parts_of
from fleetd.service.questions.standing import Standing
from fleetd.service.teaching import Code, Lesson, Taught, bad, near
from fleetd.service.times import said
from fleetd.store.moments import moment, moment_text
from fleetd.store.reading import Record

T = TypeVar("T")
OF_A_TIME = frozenset(
    {
        "explain_addon",
        "explain_trigger",
        "get_cluster",
        "get_drift",
        "get_event",
        "get_object",
        "list_addons",
        "list_clusters",
        "list_events",
        "list_references",
        "trace_lineage",
    }
)
"""Questions that take `as_of`."""
_BY_NAME = "SELECT cluster FROM fleet_clusters WHERE cluster = :cluster"
_BY_SHORT_NAME = "SELECT cluster FROM fleet_clusters WHERE name = :name ORDER BY cluster LIMIT 5"
_NEAR = "SELECT cluster FROM fleet_clusters WHERE name LIKE :start ORDER BY cluster LIMIT 500"
_GONE = "SELECT MAX(ended_at) AS ended_at FROM fleet_cluster_history WHERE {of}"
_CAME = "SELECT MIN(at) AS at FROM fleet_cluster_history WHERE {of}"
_DECLARED = "SELECT 1 AS one FROM fleet_declared WHERE kind IN ('SveltosCluster', 'Cluster') AND {of} LIMIT 1"
_LABELLED = "SELECT 1 AS one FROM fleet_cluster_labels WHERE label_key = :key LIMIT 1"
_NAMESPACES = "SELECT DISTINCT namespace FROM fleet_clusters ORDER BY namespace LIMIT 100"


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
    looked_at: tuple[str, ...] = ()
    """Conditions that no index knows: the rows that hold the others are looked at, so many for each page, and the total is at least
    what was found among the first of them. A page may be short then, and has a cursor all the same."""

    behind: str = ""
    """Where the keys are found, in fewer columns but under the name of `source`, which makes whole rows of a page of them only."""

    @property
    def found_in(self) -> str:
        return self.behind or self.source

    @property
    def by_cluster(self) -> bool:
        """Whether the clusters stand in the order of their names."""
        return next(iter(self.key)) == "cluster"

    @property
    def conditions(self) -> str:
        return " AND ".join(one for one in self.where if one != "1 = 1") or "1 = 1"


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one page."""

    rows: tuple[Record, ...]
    total: Total
    next_cursor: str | None = None
    groups: tuple[Group, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class Ground(Standing):
    """One question's hold on the database: which clusters it is about, its lists, and the envelopes of its answers."""

    # Which clusters.

    def choose(self, text: str, column: str, values: dict[str, Any]) -> str:
        """SQL for a selector; every name without a pattern must be that of a cluster.

        Raises:
            Taught: the selector is none, or names a cluster that is not there.
        """
        choice = read_choice(text)
        if choice.sets or choice.without_sets:
            from fleetd.service.questions.sets import resolved  # which stands on this

            choice, nobody = resolved(self, choice)
            if nobody:
                return "1 = 0"
        for name in choice.left_out:
            if not self._named(name):
                self.remark(f"no cluster has the name {safe_ref(name)}: leaving it out changes nothing")
        names = tuple(self.cluster(name) if name in choice.exact else name for name in choice.names)
        choice = Choice(() if _ALL.intersection(names) else names, choice.without, choice.labels)
        few = self._few(choice) if choice and choice != Choice(names[:1]) else None
        if few is None:
            return condition(choice, column, values)
        return any_of(column, f"chosen{len(values)}_", few, values) if few else "1 = 0"

    def _few(self, choice: Choice) -> tuple[str, ...] | None:
        """The clusters that are chosen, where they are few; those that have left have a past, and no labels."""
        wanted = [term for term in choice.labels if term.wanted]
        if wanted and not any(len(self._labelled(term)) <= MOST_PARTS for term in wanted):
            return None
        values: dict[str, Any] = {}
        view = "fleet_clusters" if wanted else "fleet_cluster_history"
        sql = f"SELECT DISTINCT h.cluster FROM {view} h WHERE {condition(choice, 'h.cluster', values)} LIMIT {MOST_PARTS + 1}"
        names = tuple(str(row["cluster"]) for row in self.rows(sql, values))
        return names if len(names) <= MOST_PARTS else None

    def _labelled(self, term: LabelTerm) -> list[Record]:
        """Some clusters with the label."""
        values: dict[str, Any] = {"key": term.key}
        of = f" AND {any_of('label_value', 'value', term.values, values)}" if term.values else ""
        return self.rows(f"SELECT cluster FROM fleet_cluster_labels WHERE label_key = :key{of} LIMIT {MOST_PARTS + 1}", values)

    def cluster(self, text: str, field_name: str = "clusters") -> str:
        """The cluster that somebody names, by `namespace/name` or by its name alone.

        Raises:
            Taught: there is none, or there are several.
        """
        text = text.strip()
        if not text or "*" in text:
            hint = Hint(why="the clusters that there are", tool="list_clusters")
            raise bad(field_name, text[:80], "name one cluster: namespace/name, or its name alone", next=hint)
        names = self._named(text)
        if len(names) == 1:
            return names[0]
        if names:
            sentence = f"several clusters have this name: write one of {', '.join(map(safe_ref, names))}"
            raise Taught(
                Lesson(code=Code.AMBIGUOUS_REF, sentence=sentence, field=field_name, got=text[:80], allowed=tuple(map(safe_ref, names)))
            )
        raise self._no_cluster(text, field_name)

    def _named(self, text: str) -> list[str]:
        found = self.rows(_BY_NAME, cluster=text) if "/" in text else self.rows(_BY_SHORT_NAME, name=text)
        return [str(row["cluster"]) for row in found]

    def _no_cluster(self, text: str, field_name: str) -> Taught:
        start = text.rpartition("/")[2][:3].replace("%", "").replace("_", "")
        names = [safe_ref(row["cluster"]) for row in self.rows(_NEAR, start=f"{start}%")] or [*self.names(_NAMES_AT_ALL)]
        values: dict[str, Any] = {}
        spaces = ("default", *(row["namespace"] for row in self.rows(_NAMESPACES)))
        whole = (text,) if "/" in text else tuple(f"{space}/{text}" for space in spaces)
        gone = self.row(_GONE.format(of=any_of("cluster", "of", whole, values)), **values)
        sentence, likely = "no cluster of the fleet has this name", near(text, names)
        came = self.row_now(_CAME.format(of=any_of("cluster", "of", whole, values)), **values) if self.then is not None else None
        if came and came["at"] and moment(came["at"]) > self.now:
            sentence = f"this cluster was not part of the fleet yet: it came at {said(moment(came['at']))}"
        elif gone and gone["ended_at"]:
            sentence = f"this cluster was part of the fleet until {said(moment(gone['ended_at']))}"
        elif self.row(_DECLARED.format(of=any_of("namespace || '/' || name", "of", whole, values)), **values):
            sentence = "this cluster is declared, and no daemon has met it yet: does one run?"
        elif "/" not in text and safe_labels({text: ""}) and self.row(_LABELLED, key=text):
            likely = (f"label:{text}",)
            sentence = "no cluster of the fleet has this name; a label is asked for with label: before it"
        return Taught(
            Lesson(
                code=Code.NOT_FOUND,
                sentence=sentence,
                field=field_name,
                got=plain_text(text, most=80),
                did_you_mean=likely,
                next=Hint(why="the clusters that there are", tool="list_clusters"),
            )
        )

    # Lists.

    def part(self, listing: Listing, *, limit: int, cursor: str = "", group_by: str = "") -> Part:
        """The rows after the cursor, or the groups of all rows."""
        total = self.total(listing)
        if group_by:
            return self._grouped(listing, group_by, total)
        question = question_digest(listing.asked)
        place = read_cursor(cursor, question, len(listing.key))
        if total.exact and not total.count:
            return Part((), total)
        values = dict(listing.values)
        where = (*listing.where, _after(listing, place, values)) if place else listing.where
        floor = self._floor(listing, where, values)
        source, where = self._looked(listing, where, floor, values)
        many = not total.exact or total.count > SORTED
        parts: Sequence[Sequence[str]] = parts_of(where, most=MOST_PARTS if many else FEW_PARTS)
        if many and not listing.by_cluster:
            parts = [[in_order(one, self.reader.dialect) for one in part] for part in parts]
        sql = page_sql("*" if listing.behind else listing.columns, source, listing.key, parts, descending=listing.descending)
        sql = _made_whole(listing, sql) if listing.behind else sql
        rows = self.rows(sql, values, most=limit + 1)
        if len(rows) <= limit and floor is None:
            return Part(tuple(rows), total)
        end = rows[limit - 1] if len(rows) > limit or floor is None else floor
        rows = rows[:limit]
        revision = place.revision if place else self.moment().revision
        last = tuple(end[name] if end[name] is not None else "" for name in listing.key)
        return Part(tuple(rows), total, write_cursor(Place(last, revision, self.asked_at), question))

    def total(self, listing: Listing) -> Total:
        """Exact up to 10,000, where indexes know the conditions."""
        values = dict(listing.values)
        floor = self._floor(listing, listing.where, values)
        source, where = self._looked(listing, (listing.conditions,), floor, values)
        sql = f"SELECT COUNT(*) AS n FROM (SELECT 1 AS one FROM {source} WHERE {' AND '.join(where)} LIMIT {COUNTED + 1}) counted"
        count = int(self.rows(sql, values)[0]["n"])
        return Total(count=min(count, COUNTED), exact=count <= COUNTED and floor is None)

    def _looked(
        self, listing: Listing, where: tuple[str, ...], floor: Record | None, values: dict[str, Any]
    ) -> tuple[str, tuple[str, ...]]:
        """What to read and which conditions, so that no row beyond the last one that is looked at is."""
        if floor is None:
            return listing.found_in, (*where, *listing.looked_at) or ("1 = 1",)
        if not listing.by_cluster:
            return listing.found_in, (*where, *_above(listing, floor, values), *listing.looked_at)
        # In the order of clusters a condition on clusters is the best way in, and a floor is no bound to it.
        name = listing.source.rpartition(" ")[2]
        rows = f"SELECT {name}.* FROM {listing.source} WHERE {' AND '.join(where) or '1 = 1'} ORDER BY {_order(listing)} LIMIT {LOOKED_AT}"
        return f"({rows}) {name}", listing.looked_at

    def _floor(self, listing: Listing, where: Sequence[str], values: Mapping[str, Any]) -> Record | None:
        """The last row that is looked at, where there are more, and rows must be looked at."""
        if not listing.looked_at:
            return None
        columns = ", ".join(f"{expression} AS {name}" for name, expression in listing.key.items())
        order = _order(listing)
        sql = (
            f"SELECT {columns} FROM {listing.source} WHERE {' AND '.join(where) or '1 = 1'} ORDER BY {order} LIMIT 1 OFFSET {LOOKED_AT - 1}"
        )
        return next(iter(self.rows(sql, values)), None)

    def _grouped(self, listing: Listing, expression: str, total: Total) -> Part:
        groups = self.groups(listing, expression, whole=total.exact)
        whole = total.exact or ((listing.source, expression) in _KEPT and listing.conditions == "1 = 1")
        said_so = () if whole else (f"the groups are counted among the first {GROUPED} rows of the list",)
        return Part((), total, groups=groups, warnings=said_so)

    def groups(self, listing: Listing, expression: str, *, most: int = 50, whole: bool = False) -> tuple[Group, ...]:
        """How many rows have the same value, the largest first; among the first 3,000 where they are too many and nobody keeps count."""
        inner = f"SELECT {expression} AS grouped FROM {listing.found_in} WHERE {listing.conditions}"
        if listing.looked_at or not whole:
            where = " AND ".join((in_order(listing.conditions, self.reader.dialect), *listing.looked_at))
            most_rows = LOOKED_AT if listing.looked_at else GROUPED
            inner = f"SELECT {expression} AS grouped FROM {listing.found_in} WHERE {where} ORDER BY {_order(listing)} LIMIT {most_rows}"
        sql = f"SELECT grouped, COUNT(*) AS n FROM ({inner}) g GROUP BY grouped ORDER BY n DESC, grouped LIMIT {most}"
        values = listing.values
        kept = _KEPT.get((listing.source, expression)) if listing.conditions == "1 = 1" and self.then is None else None
        if kept is not None:
            sql = "SELECT state AS grouped, tally AS n FROM fleet_counts WHERE counted = :kept ORDER BY n DESC, grouped"
            values = {"kept": kept}
        return tuple(Group(key=safe_ref(str(row["grouped"] or "")) or "(none)", count=int(row["n"])) for row in self.rows(sql, values))

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
            hints=self._then(hints),
            warnings=(*self.warnings(at), *part.warnings),
        )

    def answer(self, result: T, hints: tuple[Hint, ...] = (), warnings: tuple[str, ...] = ()) -> Answer[T]:
        at = self.moment()
        return Answer(result=result, as_of=at, coverage=self.coverage(), hints=self._then(hints), warnings=(*self.warnings(at), *warnings))

    def _then(self, hints: tuple[Hint, ...]) -> tuple[Hint, ...]:
        """What to ask next is asked of the same time, where it can be."""
        if self.then is None:
            return hints
        at = moment_text(self.then)
        return tuple(replace(one, arguments={**one.arguments, "as_of": at}) if one.tool in OF_A_TIME else one for one in hints)


_MOMENTS = ("at", "valid_from")
_KEPT = {
    ("fleet_addons a", "a.state"): "addons",
    ("fleet_clusters c", "c.connection"): "clusters",
    ("fleet_drift_incidents i", "i.outcome"): "drift",
}
"""Which groups are numbers that are kept."""
_ALL = {"*", "*/*"}
LOOKED_AT = 1_500
GROUPED = 3_000
_NAMES_AT_ALL = "SELECT cluster FROM fleet_clusters ORDER BY cluster LIMIT :most"


def _order(listing: Listing) -> str:
    return ", ".join(f"{expression}{' DESC' if listing.descending else ''}" for expression in listing.key.values())


def _made_whole(listing: Listing, keys: str) -> str:
    """The rows of `source` whose keys a statement finds, in the order of the list."""
    names, expressions = ", ".join(listing.key), ", ".join(listing.key.values())
    way = " DESC" if listing.descending else ""
    order = ", ".join(f"{expression}{way}" for expression in listing.key.values())
    return f"SELECT {listing.columns} FROM {listing.source} WHERE ({expressions}) IN (SELECT {names} FROM ({keys}) k) ORDER BY {order}"


def _after(listing: Listing, place: Place, values: dict[str, Any]) -> str:
    return _beside(listing, place.key, "after", "<" if listing.descending else ">", values)


def _above(listing: Listing, floor: Record | None, values: dict[str, Any]) -> tuple[str, ...]:
    if floor is None:
        return ()
    key = [floor[name] if floor[name] is not None else "" for name in listing.key]
    return (_beside(listing, key, "floor", ">=" if listing.descending else "<=", values),)


def _beside(listing: Listing, key: Sequence[Any], prefix: str, sign: str, values: dict[str, Any]) -> str:
    names = []
    for number, (name, value) in enumerate(zip(listing.key, key, strict=True)):
        values[f"{prefix}{number}"] = moment(value) if name.endswith("_at") or name in _MOMENTS else value
        names.append(f":{prefix}{number}")
    if len(names) == 1:
        return f"{next(iter(listing.key.values()))} {sign} {names[0]}"
    return f"({', '.join(listing.key.values())}) {sign} ({', '.join(names)})"


def any_of(column: str, prefix: str, words: tuple[str, ...], values: dict[str, Any]) -> str:
    """SQL that holds where the column is one of the words."""
    for number, word in enumerate(words):
        values[f"{prefix}{number}"] = word
    return f"{column} IN ({', '.join(f':{prefix}{number}' for number in range(len(words)))})"
