"""What the screens ask of the service, as questions: rows of a sheet, and everything about one row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fleetd.service.asking import Question
from fleetd.service.queries import Queries, Row, Where
from fleetd.service.questions.ground import Ground
from tui.sheets import CLUSTERS, DRIFT, EVENTS, Sheet

MOST = 500
"""Rows of a sheet at most; which ones the order decides, and a filter looks at all of them."""

_PENDING_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Looked:
    """Rows in their order, the most urgent first; `more` says that there are others."""

    rows: tuple[Row, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that belong to the row that somebody looks at."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """One row whole, None when it is no more, with what belongs to it."""

    row: Row | None
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Look(Question[Looked]):
    """Rows of a sheet that have the words of `needle` in some column; with `!` before it those that do not."""

    sheet: Sheet
    needle: str = ""

    def answered(self, ground: Ground) -> Looked:
        queries, rows, before = Queries(ground.reader), list[Row](), list[str]()
        matching = _matching(self.sheet, self.needle)
        for urgent in (*self.sheet.urgent, "1 = 1"):
            where = " AND ".join([f"({urgent})", *(f"NOT ({one})" for one in before), matching.text])
            rows += queries.listed(self.sheet.view, Where(where, matching.values), most=MOST + 1 - len(rows))
            before.append(urgent)
            if len(rows) > MOST:
                break
        if self.sheet is EVENTS:
            rows = _with_state(queries, rows)
        return Looked(tuple(map(_lasting, rows[:MOST])), len(rows) > MOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read(Question[Page]):
    """One row of a sheet with all its columns, and what belongs to it."""

    sheet: Sheet
    identity: tuple[Any, ...]

    def answered(self, ground: Ground) -> Page:
        queries = Queries(ground.reader)
        where = " AND ".join(f"{name} = :k{place}" for place, name in enumerate(self.sheet.key))
        values = {f"k{place}": value for place, value in enumerate(self.identity)}
        found = queries.listed(self.sheet.view, Where(where, values), most=1)
        return Page(found[0], _parts(queries, self.sheet, found[0])) if found else Page(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach(Question[None]):
    """Whether the database can be read at all: it is opened, or an error says why not."""

    def answered(self, ground: Ground) -> None:
        Queries(ground.reader).rows("fleet_schema", most=1)


def _matching(sheet: Sheet, needle: str) -> Where:
    """SQL for a filter; `%` and `_` in it are themselves."""
    text = needle.strip()
    words = text.removeprefix("!").strip()
    if not words:
        return Where("1 = 1", {})
    escaped = words.replace("^", "^^").replace("%", "^%").replace("_", "^_")
    columns = " OR ".join(f"LOWER(COALESCE(CAST({name} AS TEXT), '')) LIKE LOWER(:needle) ESCAPE '^'" for name in sheet.searched)
    return Where(f"NOT ({columns})" if text.startswith("!") else f"({columns})", {"needle": f"%{escaped}%"})


def _lasting(row: Row) -> Row:
    """Without ages: a row in which nothing happened is equal to itself at the next look."""
    return {name: value for name, value in row.items() if name != "age_seconds"}


def _with_state(queries: Queries, rows: list[Row]) -> list[Row]:
    """Events with the destinations on which they are not acted on yet, by state, and their objects in one text."""
    waiting: dict[str, Counter[str]] = {}
    if rows:
        for pending in queries.rows("fleet_pending_events", most=_PENDING_MOST):
            waiting.setdefault(pending["event_id"], Counter())[pending["state"]] += 1
    return [{**row, "acting": _acting(waiting.get(row["event_id"])), "objects": _objects(row)} for row in rows]


def _acting(waiting: Mapping[str, int] | None) -> str:
    if not waiting:
        return "settled"
    worst = "failed" if "failed" in waiting else next(iter(waiting))
    return f"{worst} at {sum(waiting.values())}"


def _objects(row: Mapping[str, Any]) -> str:
    others = int(row.get("object_count") or 0) - 1
    return f"{row.get('first_object') or ''}{f' +{others}' if others > 0 else ''}"


def _parts(queries: Queries, sheet: Sheet, row: Row) -> tuple[Part, ...]:
    if sheet is CLUSTERS:
        here = {"cluster": row["cluster"]}
        failed = queries.listed("fleet_addons", Where("cluster = :cluster AND state IN ('failed', 'conflict')", here), most=MOST)
        drift = queries.listed("fleet_drift_incidents", Where("cluster = :cluster AND outcome = 'open'", here), most=MOST)
        labels = queries.rows("fleet_cluster_labels", Where("cluster = :cluster", here), most=MOST)
        return (
            Part("Failed add-ons", ("profile", "addon", "state", "attempts", "reason"), tuple(failed)),
            Part("Open drift", ("object_ref", "changed_by", "detected_at", "fields"), tuple(drift)),
            Part("Labels", ("label_key", "label_value", "owner"), tuple(labels)),
        )
    if sheet is EVENTS:
        here = {"event": row["event_id"]}
        objects = queries.rows("fleet_event_objects", Where("event_id = :event", here), most=MOST)
        waiting = queries.rows("fleet_pending_events", Where("event_id = :event", here), most=MOST)
        return (
            Part("Not acted on", ("event_trigger", "cluster", "stage", "state", "reason"), tuple(waiting)),
            Part("Objects", ("change", "object_ref"), tuple(objects)),
        )
    if sheet is DRIFT:
        fields = queries.rows("fleet_drift_fields", Where("incident_id = :incident", {"incident": row["incident_id"]}), most=MOST)
        return (Part("Fields", ("field_path", "wanted", "found"), tuple(fields)),)
    return ()
