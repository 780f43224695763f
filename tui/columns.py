"""How the lists of the service stand on a terminal: their columns, and what to say where there is nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any, assert_never

from fleetd.service.windows import SHEETS, Sheet
from tui.words import Said, age_said, count_said, said, state_said

Row = Mapping[str, Any]


class Form(Enum):
    """How a column's values are said."""

    TEXT = auto()
    STATE = auto()
    COUNT = auto()
    AGE = auto()


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a list. A `wide` one is shown when somebody asks for it, or when there is room."""

    name: str
    title: str
    form: Form = Form.TEXT
    most: int = 60
    wide: bool = False
    middle: bool = False
    """Cut in its middle: both ends of a reference tell."""

    @property
    def least(self) -> int:
        """What its values take at least: no state and no age is cut, and of what tells a row enough to know it."""
        match self.form:
            case Form.TEXT:
                return 10 if self.middle else min(8, len(self.title))
            case Form.STATE:
                return 13
            case Form.COUNT:
                return max(5, len(self.title))
            case Form.AGE:
                return 7
        assert_never(self.form)

    @property
    def right(self) -> bool:
        return self.form is Form.COUNT

    def cell(self, row: Row, now: datetime) -> Said:
        """What the row has in this column."""
        value: Any = row.get(self.name)
        match self.form:
            case Form.TEXT:
                if self.name == "reason" and value and row.get("cluster"):
                    value = str(value).removeprefix(f"{row['cluster']}: ")
                return said(value)
            case Form.STATE:
                return state_said(_stands(str(value or ""), row))
            case Form.COUNT:
                return count_said(value)
            case Form.AGE:
                return age_said(value, now)
        assert_never(self.form)


def _stands(state: str, row: Row) -> str:
    """A cluster that is ready may be paused, or not have been heard of."""
    if state != "ready":
        return state
    return "paused" if row.get("paused") else ("ready, stale" if row.get("stale") else state)


@dataclass(frozen=True, slots=True)
class Table:
    """A list with its columns; `empty` is what to do where it has no rows at all."""

    sheet: Sheet
    title: str
    columns: tuple[Column, ...]
    empty: str

    @property
    def name(self) -> str:
        return self.sheet.name

    def column(self, name: str) -> Column | None:
        """The column of this name."""
        return next((column for column in self.columns if column.name == name), None)


_REFERENCES = frozenset(
    {"profile", "cluster", "object_ref", "addon", "ref", "subject_ref", "subject", "source_cluster", "blocked_by", "made_for"}
)


def _text(name: str, title: str = "", *, most: int = 60, wide: bool = False) -> Column:
    return Column(name, title or name.upper().replace("_", " "), most=most, wide=wide, middle=name in _REFERENCES)


def _state(name: str, title: str = "STATE") -> Column:
    return Column(name, title, Form.STATE, 24)


def _count(name: str, title: str, *, wide: bool = False) -> Column:
    return Column(name, title, Form.COUNT, 8, wide)


def _age(name: str, title: str = "AGE", *, wide: bool = False) -> Column:
    return Column(name, title, Form.AGE, 9, wide)


_REASON = _text("reason", most=120)


def _declared(name: str, title: str, empty: str, *more: Column) -> Table:
    columns = (_text("ref", "REF", wide=True), _text("namespace", "NAMESPACE"), _text("name", "NAME"), _state("state"), *more)
    return Table(SHEETS[name], title, (*columns, _age("created_at"), _age("updated_at", "EDITED", wide=True), _REASON), empty)


TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        Table(
            SHEETS["clusters"],
            "Clusters",
            (
                _text("cluster"),
                _state("connection"),
                _text("kubernetes_version", "VERSION", most=16),
                _count("pending_events", "PENDING"),
                _count("failed_addons", "FAILED"),
                _count("open_drift", "DRIFT"),
                _age("last_seen_at", "SEEN"),
                _text("kind", "KIND", most=16, wide=True),
                _text("mode", "MODE", most=8, wide=True),
                _REASON,
            ),
            "no clusters yet: fleetd cluster register NAME --kubeconfig FILE makes one a member",
        ),
        Table(
            SHEETS["events"],
            "Events",
            (
                _state("state"),
                _text("event_source", "SOURCE", most=30),
                _text("cluster", most=30),
                _text("object_ref", "OBJECT", most=44),
                _count("object_count", "OBJECTS", wide=True),
                _age("detected_at"),
                _text("blocked_by", "WAITS FOR", most=44),
                _text("looked_after", "TAKEN BY", most=36, wide=True),
                _text("event_id", "EVENT", most=34, wide=True),
                _REASON,
            ),
            "no events yet: an EventSource says what counts as one (fleetd apply -f source.yaml)",
        ),
        Table(
            SHEETS["pending"],
            "Pending",
            (
                _state("state"),
                _text("event_trigger", "TRIGGER", most=30),
                _text("cluster", "ON", most=30),
                _text("stage", "STAGE", most=8, wide=True),
                _age("detected_at"),
                _text("looked_after", "TAKEN BY", most=36),
                _text("source_cluster", "FROM", most=30),
                _text("event_source", "SOURCE", most=30, wide=True),
                _REASON,
            ),
            "nothing is pending: every event that a trigger cares for was acted on",
        ),
        _declared("sources", "EventSources", "no EventSources yet: examples/ has some to apply"),
        _declared(
            "triggers",
            "EventTriggers",
            "no EventTriggers yet: examples/ has some to apply",
            _count("fires_1h", "FIRES/H"),
            _age("last_fired_at", "FIRED"),
        ),
        _declared("profiles", "Profiles", "no profiles were declared yet; those that triggers made are seen by their add-ons (:ad)"),
        Table(
            SHEETS["declared"],
            "Declared",
            (
                _text("kind", "KIND", most=24),
                _text("namespace", "NAMESPACE", most=24),
                _text("name", "NAME"),
                _state("state"),
                _age("created_at"),
                _text("resource_version", "REVISION", most=8, wide=True),
                _REASON,
            ),
            "nothing was declared yet: fleetd apply -f FILE",
        ),
        Table(
            SHEETS["matches"],
            "Matches",
            (
                _state("state"),
                _text("event_trigger", "TRIGGER", most=30),
                _text("cluster", "CLUSTER", most=30),
                _text("object_ref", "OBJECT", most=44),
                _age("matched_at"),
                _age("acted_at", "ACTED"),
                _text("profile", "PROFILE", wide=True),
                _text("event_source", "SOURCE", most=30, wide=True),
                _REASON,
            ),
            "no trigger has met an event yet",
        ),
        Table(
            SHEETS["verdicts"],
            "Verdicts",
            (
                _state("verdict"),
                _text("event_source", "SOURCE", most=30),
                _text("cluster", "CLUSTER", most=30),
                _text("object_ref", "OBJECT", most=44),
                _age("since", "SINCE"),
                _text("deciding_expression", "DECIDED BY"),
                _REASON,
            ),
            "no object was judged yet",
        ),
        Table(
            SHEETS["addons"],
            "Add-ons",
            (
                _state("state"),
                _text("profile", most=44),
                _text("cluster", most=30),
                _text("made_for", "MADE FOR", most=44),
                _text("addon", "ADD-ON", most=34),
                _count("attempts", "TRIES"),
                _age("applied_at", "APPLIED"),
                _age("next_attempt_at", "NEXT"),
                _REASON,
            ),
            "no add-ons yet: a ClusterProfile, or a trigger, puts them on clusters",
        ),
        Table(
            SHEETS["objects"],
            "Objects",
            (
                _text("cluster", most=30),
                _text("object_ref", "OBJECT"),
                _text("profile", most=44),
                _text("addon", "ADD-ON", most=34, wide=True),
                _age("applied_at", "APPLIED"),
            ),
            "fleetd has put no objects on clusters yet",
        ),
        Table(
            SHEETS["drift"],
            "Drift",
            (
                _state("outcome"),
                _text("object_ref", "OBJECT", most=44),
                _text("cluster", most=30),
                _text("fields", "FIELDS", most=44),
                _text("changed_by", "CHANGED BY", most=30),
                _age("detected_at"),
                _age("corrected_at", "CORRECTED"),
                _count("flap_count", "FLAPS"),
                _text("profile", most=44, wide=True),
            ),
            "no drift: nobody else changed an object of ours",
        ),
        Table(
            SHEETS["journal"],
            "Decisions",
            (
                _age("at"),
                _text("stage", "STAGE", most=12),
                _state("decision", "DECISION"),
                _text("subject_ref", "SUBJECT"),
                _text("cluster", most=30),
                _REASON,
            ),
            "no decisions yet: fleetd run is the daemon that makes them",
        ),
        Table(
            SHEETS["requests"],
            "Requests",
            (
                _state("state"),
                _text("verb", "VERB", most=12),
                _text("subject", "SUBJECT"),
                _age("created_at"),
                _text("actor", "BY", most=20),
                _text("via", "VIA", most=6),
                _text("reason", "WHY"),
                _text("outcome", "OUTCOME", most=80),
            ),
            "nothing was asked of the daemon yet",
        ),
        Table(
            SHEETS["proposals"],
            "Proposals",
            (
                _state("state"),
                _text("subject", "SUBJECT"),
                _age("created_at"),
                _text("decided_by", "DECIDED BY", most=20),
                _text("id", "ID", most=34),
                _REASON,
            ),
            "nothing waits for a person's decision",
        ),
    )
}
