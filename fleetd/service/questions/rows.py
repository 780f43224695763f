"""Rows of the public views whole, for scripts and tables: of one view, or those behind a list that has words of its own.

Other than in the lists for assistants nothing of a row is left out or stripped: whoever shows it to a terminal must.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Protocol, Self

from fleetd.domain.errors import InvalidInput, NotPermitted
from fleetd.service.answers import Answer, Page
from fleetd.service.arguments import DEFAULT_LIMIT, About, AsOf, Clusters, Cursor, Limit, When
from fleetd.service.asking import Question
from fleetd.service.foreign import plain_text
from fleetd.service.questions.beside import Row, whole
from fleetd.service.questions.clusters import cluster_rows
from fleetd.service.questions.ground import Ground, Listing
from fleetd.service.questions.sql import not_taken
from fleetd.service.teaching import Taught, bad
from fleetd.service.times import point
from fleetd.store.view import View
from fleetd.store.views import VIEWS


@dataclass(frozen=True, slots=True)
class Order:
    """How a view is listed: by columns that are unique together; `on` is the cluster that a row is about, `at` when it was.

    What has happened comes `newest` first and without end; what there is comes by its name.
    """

    key: tuple[str, ...]
    on: str = ""
    at: str = ""
    newest: bool = False


_BY_REF = Order(("ref",))
ORDERS: dict[str, Order] = {
    "fleet_schema": Order(("version",)),
    "fleet_clusters": Order(("cluster",), on="cluster"),
    "fleet_cluster_labels": Order(("cluster", "label_key"), on="cluster"),
    "fleet_cluster_history": Order(("at", "cluster"), on="cluster", at="at", newest=True),
    "fleet_event_sources": _BY_REF,
    "fleet_event_triggers": _BY_REF,
    "fleet_profiles": _BY_REF,
    "fleet_cluster_sets": _BY_REF,
    "fleet_declared": _BY_REF,
    "fleet_declared_history": Order(("valid_from", "ref"), at="valid_from", newest=True),
    "fleet_references": Order(("from_ref", "field_path", "to_ref")),
    "fleet_verdicts": Order(("event_source", "cluster", "object_ref"), on="cluster"),
    "fleet_events": Order(("detected_at", "event_id"), on="cluster", at="detected_at", newest=True),
    "fleet_event_objects": Order(("event_id", "object_ref")),
    "fleet_trigger_matches": Order(("matched_at", "match_id"), on="cluster", at="matched_at", newest=True),
    "fleet_match_destinations": Order(("match_id", "cluster"), on="cluster"),
    "fleet_pending_events": Order(
        ("detected_at", "event_id", "event_trigger", "cluster", "match_id"), on="COALESCE(v.cluster, v.source_cluster)", at="detected_at"
    ),
    "fleet_reactions": Order(("detected_at", "match_id", "cluster"), on="cluster", at="detected_at", newest=True),
    "fleet_generated": Order(("ref",), on="cluster"),
    "fleet_addons": Order(("profile", "cluster", "addon"), on="cluster"),
    "fleet_addon_history": Order(("valid_from", "profile", "cluster", "addon"), on="cluster", at="valid_from", newest=True),
    "fleet_objects": Order(("cluster", "object_ref"), on="cluster"),
    "fleet_drift_incidents": Order(("detected_at", "incident_id"), on="cluster", at="detected_at", newest=True),
    "fleet_drift_fields": Order(("incident_id", "field_path")),
    "fleet_proposals": Order(("created_at", "id"), at="created_at", newest=True),
    "fleet_damped": Order(("kind", "subject_ref", "cluster", "object_ref"), on="cluster"),
    "fleet_requests": Order(("created_at", "id"), at="created_at", newest=True),
    "fleet_journal": Order(("entry_id",), on="cluster", at="at", newest=True),
    "fleet_audit": Order(("seq",), at="at", newest=True),
    "fleet_audit_floors": Order(("writer",)),
    "fleet_inspections": Order(("at", "request_id"), at="at", newest=True),
    "fleet_counts": Order(("counted", "state")),
    "fleet_heartbeats": Order(("cluster",), on="cluster"),
    "fleet_not_in_force": _BY_REF,
    "fleet_waiting_triggers": Order(("event_trigger", "state")),
    "fleet_waits": Order(("match_id", "waits_on"), on="waits_on"),
    "fleet_changes": Order(("seq",), at="at", newest=True),
}
_MAY_BE_NULL = frozenset({("fleet_pending_events", "cluster")})
_COLUMNS = {view.name: tuple(view.columns) for view in VIEWS}


def views_listed() -> dict[str, View]:
    """Every public view by its name: what one row is, and its columns."""
    return {view.name: view for view in VIEWS}


def view_of(word: str) -> str:
    """A view by its name, with or without `fleet_`, with `-` for `_`; empty where it names none."""
    name = word.lower().replace("-", "_")
    return next((view for view in (name, f"fleet_{name}") if view in _COLUMNS), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRows(Question[Page[Row]]):
    """Rows of one public view with all columns, in the view's usual order: what has happened the newest first."""

    view: Annotated[str, About("a view, for example fleet_journal")]
    clusters: Clusters = ""
    since: When = ""
    equal: Annotated[Mapping[str, str], About("columns that must have these values")] = field(default_factory=dict)
    as_of: AsOf = ""
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor = ""

    @property
    def endless(self) -> bool:
        """Whether the view grows with time."""
        return order_of(self.view).newest

    def after(self, cursor: str, limit: int) -> Self:
        """The question for the next page."""
        return replace(self, cursor=cursor, limit=limit)

    def answered(self, ground: Ground) -> Page[Row]:
        part = ground.part(self.listing(ground), limit=self.limit, cursor=self.cursor)
        return ground.page(part, tuple(whole(ground.rows, self.view, part.rows)))

    def listing(self, ground: Ground) -> Listing:
        """The rows that are meant."""
        if self.view not in _COLUMNS:
            raise bad("view", plain_text(self.view, most=60), "there is no such view", allowed=_COLUMNS)
        if self.as_of:
            _go_back(ground, self.view, self.as_of)
        order = order_of(self.view)
        values: dict[str, Any] = {}
        where = [self._equal(name, value, values) for name, value in self.equal.items()]
        if self.clusters:
            if not order.on:
                raise bad(
                    "clusters", plain_text(self.clusters, most=60), f"rows of {self.view} are about no cluster: leave the clusters out"
                )
            where.append(ground.choose(self.clusters, order.on if "." in order.on else f"v.{order.on}", values))
        if since := point(self.since, "since", ground.now):
            if not order.at:
                raise bad("since", plain_text(self.since, most=60), f"rows of {self.view} have no time: leave since out")
            where.append(f"v.{order.at} >= :since")
            values["since"] = since
        key = {name: f"COALESCE(v.{name}, '')" if (self.view, name) in _MAY_BE_NULL else f"v.{name}" for name in order.key}
        return Listing(self, "v.*", f"{self.view} v", key, tuple(where), values, descending=order.newest)

    def _equal(self, name: str, value: str, values: dict[str, Any]) -> str:
        if name not in _COLUMNS[self.view]:
            raise bad("equal", plain_text(name, most=60), f"{self.view} has no such column", allowed=_COLUMNS[self.view])
        values[f"equal_{name}"] = value
        return f"v.{name} = :equal_{name}"


def _go_back(ground: Ground, view: str, as_of: str) -> None:
    from fleetd.store.past import PASTS  # only who asks for the past needs it

    if view not in PASTS:
        raise bad("as_of", plain_text(as_of, most=60), f"{view} keeps no past: leave as_of out", allowed=PASTS)
    ground.back(as_of, view)


class Lists(Protocol):
    """A question whose answer is rows of one view."""

    @property
    def limit(self) -> int: ...

    @property
    def cursor(self) -> str: ...

    def listing(self, ground: Ground) -> Listing: ...

    def answered(self, ground: Ground) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeRows(Question[Page[Row]]):
    """The rows behind ListClusters, ListEvents, ListAddons or GetDrift, with all columns of their view."""

    of: Any
    endless: bool = False

    @property
    def cursor(self) -> str:
        """Of the list, whose moment holds for the rows too."""
        return str(self.of.cursor)

    def after(self, cursor: str, limit: int) -> Self:
        """The question for the next page."""
        return replace(self, of=replace(self.of, cursor=cursor, limit=limit))

    def answered(self, ground: Ground) -> Page[Row]:
        asked: Lists = self.of
        listing = asked.listing(ground)
        part = ground.part(listing, limit=asked.limit, cursor=asked.cursor)
        if not part.rows:
            asked.answered(ground)  # it teaches where a name in it was a slip of the pen
        view = listing.source.partition(" ")[0]
        rows = whole(ground.rows, view, part.rows)
        if view == "fleet_clusters":
            # As the list counts: also events that wait where they happened, because no destination is settled.
            counted = cluster_rows(ground, part.rows, full=False)
            rows = [{**row, "pending_events": one.pending_events} for row, one in zip(rows, counted, strict=True)]
        return ground.page(part, tuple(rows))


def order_of(view: str) -> Order:
    """How a view is listed; one that is not in the table, by its first column."""
    return ORDERS.get(view) or Order((_COLUMNS[view][0],))


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """What somebody's SELECT gave; `more` says that it would have given more rows."""

    rows: tuple[Row, ...]
    more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectRows(Question[Answer[Selected]]):
    """What one SELECT over the public views gives, for ten seconds at most; every cell as it is."""

    slow: ClassVar[bool] = True

    sql: Annotated[str, About("one SELECT over fleet_* views")]
    limit: Annotated[int, About("rows to return", 1, 10_000)] = 10_000

    def answered(self, ground: Ground) -> Answer[Selected]:
        try:
            rows = ground.reader.query(self.sql, most=self.limit + 1)
        except (InvalidInput, NotPermitted) as error:
            lesson = not_taken(error, self.sql).lesson
            # Whoever wrote the query reads what the database said of it.
            raise Taught(replace(lesson, sentence=plain_text(str(error), most=400), said_untrusted="")) from error
        return ground.answer(Selected(rows=tuple(rows[: self.limit]), more=len(rows) > self.limit))
