"""The sheets: which view each shows, in which columns, and what is most urgent on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any, assert_never

from rich.text import Text

from fleetd.service.queries import reason_of
from tui.words import age_said, count_said, said, state_said

Row = Mapping[str, Any]


class Form(Enum):
    """How a column's values are said."""

    TEXT = auto()
    STATE = auto()
    COUNT = auto()
    AGE = auto()


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a sheet. `searched` are the view's columns that a filter looks at for it."""

    name: str
    title: str
    form: Form = Form.TEXT
    searched: tuple[str, ...] = ()

    def cell(self, row: Row, now: datetime) -> Text:
        """What the row has in this column."""
        value: Any = reason_of(row) if self.name == "reason" else row.get(self.name)
        match self.form:
            case Form.TEXT:
                return said(value)
            case Form.STATE:
                return state_said(f"{value}, stale" if row.get("stale") and value == "ready" else str(value or ""))
            case Form.COUNT:
                return count_said(value)
            case Form.AGE:
                return age_said(value, now)
        assert_never(self.form)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A view as a table.

    Attributes:
        key: the view's columns that tell its rows apart.
        urgent: conditions on the view, each never NULL; rows of an earlier one stand before those of a later one.
        empty: what to say where there are no rows at all.
    """

    name: str
    title: str
    view: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    urgent: tuple[str, ...]
    empty: str

    def identity(self, row: Row) -> tuple[Any, ...]:
        """What tells the row from every other of the sheet."""
        return tuple(row[name] for name in self.key)

    @property
    def searched(self) -> tuple[str, ...]:
        return tuple(name for column in self.columns for name in column.searched)


def _text(name: str, title: str = "") -> Column:
    return Column(name, title or name.upper().replace("_", " "), searched=(name,))


def _state(name: str, title: str = "STATE") -> Column:
    return Column(name, title, Form.STATE, searched=(name,))


def _count(name: str, title: str) -> Column:
    return Column(name, title, Form.COUNT)


def _age(name: str, title: str) -> Column:
    return Column(name, title, Form.AGE)


CLUSTERS = Sheet(
    "clusters",
    "Clusters",
    "fleet_clusters",
    ("cluster",),
    (
        _text("cluster"),
        _state("connection"),
        _text("kubernetes_version", "VERSION"),
        _count("pending_events", "PENDING"),
        _count("failed_addons", "FAILED"),
        _count("open_drift", "DRIFT"),
        _age("last_seen_at", "SEEN"),
        _text("reason"),
    ),
    ("connection IN ('unreachable', 'connecting', 'degraded')", "stale OR pending_events > 0 OR failed_addons > 0 OR open_drift > 0"),
    "no clusters yet: fleetd cluster register makes one a member",
)
EVENTS = Sheet(
    "events",
    "Events",
    "fleet_events",
    ("event_id",),
    (
        Column("acting", "STATE", Form.STATE),
        _text("event_source", "SOURCE"),
        _text("cluster"),
        Column("objects", "OBJECTS"),
        Column("matching_count", "MATCHING"),
        _age("detected_at", "AGE"),
        _text("event_id"),
    ),
    ("event_id IN (SELECT event_id FROM fleet_pending_events WHERE event_id IS NOT NULL)",),
    "no events yet: an EventSource says what counts as one",
)
ADDONS = Sheet(
    "addons",
    "Add-ons",
    "fleet_addons",
    ("profile", "cluster", "addon"),
    (
        _state("state"),
        _text("profile"),
        _text("cluster"),
        _text("addon"),
        Column("attempts", "TRIES"),
        _age("applied_at", "APPLIED"),
        _age("next_attempt_at", "NEXT"),
        _text("reason"),
    ),
    ("state IN ('failed', 'conflict')", "state IN ('waiting', 'applying', 'removing')"),
    "no add-ons yet: a ClusterProfile, or a trigger, puts them on clusters",
)
DRIFT = Sheet(
    "drift",
    "Drift",
    "fleet_drift_incidents",
    ("incident_id",),
    (
        _state("outcome"),
        _text("object_ref", "OBJECT"),
        _text("cluster"),
        Column("fields", "FIELDS"),
        _text("changed_by"),
        _age("detected_at", "AGE"),
        _age("corrected_at", "CORRECTED"),
        _count("flap_count", "FLAPS"),
        _text("profile"),
    ),
    ("outcome IN ('open', 'failed')",),
    "no drift: nobody else changed an object of ours",
)
JOURNAL = Sheet(
    "journal",
    "Journal",
    "fleet_journal",
    ("entry_id",),
    (_age("at", "AGE"), _text("stage"), _state("decision", "DECISION"), _text("subject_ref", "SUBJECT"), _text("cluster"), _text("reason")),
    (),
    "no decisions yet: fleetd run is the daemon that makes them",
)
SHEETS = (CLUSTERS, EVENTS, ADDONS, DRIFT, JOURNAL)
