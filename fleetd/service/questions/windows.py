"""Lists for whoever scrolls and jumps: the keys of all rows in one order, and the rows of a few keys.

Cursors serve who reads on; who drags a scroll bar needs places. A key is one short text, so that a hundred thousand of them fit into a
face, and the order stays as it is while somebody moves in it, whatever happens to the rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fleetd.service.arguments import About, AsOf, Clusters
from fleetd.service.asking import Question
from fleetd.service.questions.addons import profile_ref
from fleetd.service.questions.ground import Ground
from fleetd.service.teaching import bad
from fleetd.service.times import point
from fleetd.service.windows import SEPARATOR, SHEETS, Sheet
from fleetd.store.reading import Record
from fleetd.store.views import views

MOST_KEYS = 100_000
"""So many rows of a list can be scrolled in; a filter looks at all of them."""

_AT_ONCE = 200
_PENDING = "SELECT event_id, event_trigger, cluster, state, reason FROM fleet_pending_events WHERE event_id IN ({})"
_FIRST = "SELECT event_id, MIN(object_ref) AS first_object, COUNT(*) AS n FROM fleet_event_objects WHERE event_id IN ({}) GROUP BY event_id"
_FIELDS = "SELECT incident_id, field_path FROM fleet_drift_fields WHERE incident_id IN ({}) ORDER BY incident_id, field_path"
_MADE = "SELECT ref, event_trigger, object_ref FROM fleet_generated WHERE ref IN ({})"
_WORST = ("failed", "blocked", "acting", "pending")


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a list in its order; `more` says that there are others beyond."""

    keys: tuple[str, ...]
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which rows of a list, in which order.

    `needle` is what somebody typed: words, `!words` for rows without them, `-f letters` for letters in this order,
    `-l selector` for clusters. `subject` limits the list to what belongs to it: `EventSource=x`, `cluster=ns/name`.
    """

    sheet: str
    needle: str = ""
    clusters: Clusters = ""
    subject: str = ""
    faults: bool = False
    sort: str = ""
    descending: bool = False
    as_of: AsOf = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListKeys(Question[Keys]):
    """The keys of the chosen rows, the urgent ones first unless a column to sort by is named."""

    choice: Choice

    def answered(self, ground: Ground) -> Keys:
        sheet, values = sheet_of(self.choice.sheet), dict[str, Any]()
        conditions = _conditions(ground, sheet, self.choice, values)
        found: list[str] = []
        if self.choice.sort:
            way = "DESC NULLS LAST" if self.choice.descending else "ASC NULLS FIRST"
            order = ", ".join((f"{_column(sheet, self.choice.sort)} {way}", *sheet.order))
            found = _keys(ground, sheet, self.choice, conditions, order, values, MOST_KEYS + 1)
        else:
            before: list[str] = []
            for urgent in (*sheet.urgent, "1 = 1"):
                these = [*conditions, urgent, *(f"NOT ({one})" for one in before)]
                found += _keys(ground, sheet, self.choice, these, ", ".join(sheet.order), values, MOST_KEYS + 1 - len(found))
                before.append(urgent)
                if len(found) > MOST_KEYS:
                    break
        return Keys(tuple(found[:MOST_KEYS]), len(found) > MOST_KEYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRows(Question[tuple[Record, ...]]):
    """The rows of some keys, in any order; keys whose rows are gone have none. Each row has its key under `key`."""

    choice: Choice
    keys: Annotated[tuple[str, ...], About("as ListKeys gave them")]

    def answered(self, ground: Ground) -> tuple[Record, ...]:
        sheet, found = sheet_of(self.choice.sheet), list[Record]()
        for start in range(0, len(self.keys), _AT_ONCE):
            found += _rows(ground, sheet, self.choice, self.keys[start : start + _AT_ONCE])
        if sheet.name == "events":
            _add_what_waits(ground, found)
        elif sheet.name == "drift":
            _add_fields(ground, found)
        elif sheet.name == "addons":
            _add_what_for(ground, found)
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach(Question[None]):
    """Whether the database can be read at all: it is opened, or an error says why not."""

    def answered(self, ground: Ground) -> None:
        ground.rows("SELECT version FROM fleet_schema LIMIT 1")


def sheet_of(name: str) -> Sheet:
    """The list of this name.

    Raises:
        Taught: there is none.
    """
    if name not in SHEETS:
        raise bad("sheet", name, "there is no such list", allowed=SHEETS)
    return SHEETS[name]


def _keys(
    ground: Ground, sheet: Sheet, choice: Choice, conditions: Sequence[str], order: str, values: dict[str, Any], most: int
) -> list[str]:
    where = " AND ".join(conditions) or "1 = 1"
    sql = f"SELECT {sheet.key_text} AS key FROM {_view(sheet, choice)} WHERE {where} ORDER BY {order} LIMIT {int(most)}"
    return [row["key"] for row in ground.rows(sql, values)]


def _view(sheet: Sheet, choice: Choice) -> str:
    if not choice.as_of:
        return sheet.view
    if sheet.past is None:
        raise bad(
            "as_of", choice.as_of, f"of {sheet.name} no past is kept: leave the time, or look at events, matches, addons, drift, journal"
        )
    return sheet.past[0]


def _conditions(ground: Ground, sheet: Sheet, choice: Choice, values: dict[str, Any]) -> list[str]:
    found = []
    if choice.as_of and sheet.past is not None:
        values["then"] = _then(ground, choice)
        found.append(sheet.past[1])
    if choice.subject:
        found.append(_of(sheet, choice.subject, values))
    if choice.faults and sheet.faults:
        found.append(sheet.faults)
    if choice.clusters:
        found.append(_of_clusters(ground, sheet, choice.clusters, values))
    return found + _needle(ground, sheet, choice.needle.strip(), values)


def _then(ground: Ground, choice: Choice) -> datetime | None:
    return point(choice.as_of, "as_of", ground.now)


def _of(sheet: Sheet, subject: str, values: dict[str, Any]) -> str:
    what, _, value = subject.partition("=")
    if what not in sheet.of:
        raise bad("subject", subject[:80], f"{sheet.name} are not told apart by {what[:40]}", allowed=sheet.of)
    values["subject"] = value
    return f"{sheet.of[what]} = :subject"


def _of_clusters(ground: Ground, sheet: Sheet, text: str, values: dict[str, Any]) -> str:
    if not sheet.cluster:
        raise bad("clusters", text[:80], f"{sheet.name} are on no cluster")
    return ground.choose(text, sheet.cluster, values)


def _needle(ground: Ground, sheet: Sheet, needle: str, values: dict[str, Any]) -> list[str]:
    if needle.startswith("-l"):
        text = needle[2:].strip()
        return [_of_clusters(ground, sheet, text, values)] if text else []
    fuzzy = needle.startswith("-f")
    wanted = not needle.startswith("!")
    words = (needle[2:] if fuzzy else needle.removeprefix("!")).strip()
    if not words or not sheet.searched:
        return []
    escaped = [sign if sign not in "^%_" else f"^{sign}" for sign in words]
    values["needle"] = "%" + ("%" if fuzzy else "").join(escaped) + "%"
    text = " || ' ' || ".join(f"COALESCE(CAST({name} AS TEXT), '')" for name in sheet.searched)
    # SQLite's LIKE takes letters of both cases for the same.
    like = "ILIKE" if ground.reader.dialect == "postgres" else "LIKE"
    return [f"{'' if wanted else 'NOT '}(({text}) {like} :needle ESCAPE '^')"]


def _column(sheet: Sheet, name: str) -> str:
    known = next(columns for view, _, columns in views() if view == sheet.view)
    if name not in known:
        raise bad("sort", name, f"{sheet.name} have no such column", allowed=known)
    return name


def _rows(ground: Ground, sheet: Sheet, choice: Choice, keys: Sequence[str]) -> list[Record]:
    values: dict[str, Any] = {}
    if len(sheet.key) == 1:
        names = [f":k{number}" for number in range(len(keys))]
        numbers = sheet.key[0] == "entry_id"
        values |= {f"k{number}": int(key) if numbers else key for number, key in enumerate(keys)}
        where = f"{sheet.key[0]} IN ({', '.join(names)})"
    else:
        where = " OR ".join(_is(sheet, number, key, values) for number, key in enumerate(keys))
    if choice.as_of and sheet.past is not None:
        values["then"] = _then(ground, choice)
        where = f"({where}) AND {sheet.past[1]}"
    rows = ground.rows(f"SELECT * FROM {_view(sheet, choice)} WHERE {where}", values)
    # Ages change by themselves: without them a row to which nothing happened is equal to itself.
    return [{"key": sheet.key_of(row), **{name: value for name, value in row.items() if name != "age_seconds"}} for row in rows]


def _is(sheet: Sheet, number: int, key: str, values: dict[str, Any]) -> str:
    parts = []
    for place, (name, part) in enumerate(zip(sheet.key, key.split(SEPARATOR), strict=True)):
        if part:
            values[f"k{number}_{place}"] = part
            parts.append(f"{name} = :k{number}_{place}")
        else:
            parts.append(f"({name} IS NULL OR {name} = '')")
    return f"({' AND '.join(parts)})"


def _in(rows: Sequence[Record], name: str) -> tuple[str, dict[str, Any]]:
    return ", ".join(f":i{place}" for place in range(len(rows))), {f"i{place}": row[name] for place, row in enumerate(rows)}


def _add_what_waits(ground: Ground, rows: list[Record]) -> None:
    """Events with the worst of what their triggers made of them, where, why, and with their objects."""
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        names, values = _in(part, "event_id")
        waiting: dict[str, list[Record]] = defaultdict(list)
        for found in ground.rows(_PENDING.format(names), values):
            waiting[found["event_id"]].append(found)
        objects = {found["event_id"]: found for found in ground.rows(_FIRST.format(names), values)}
        for row in part:
            here = waiting[row["event_id"]]
            worst = min(here, key=lambda one: _WORST.index(one["state"]) if one["state"] in _WORST else 9, default=None)
            first = objects.get(row["event_id"])
            row |= {
                "state": worst["state"] if worst else "settled",
                "waiting": len(here),
                "blocked_by": f"{worst['event_trigger']} on {worst['cluster'] or '(no cluster yet)'}" if worst else "",
                "reason": worst["reason"] if worst else "",
                "object_ref": first["first_object"] if first else "",
                "object_count": first["n"] if first else 0,
            }


def _add_what_for(ground: Ground, rows: list[Record]) -> None:
    """Add-ons with the trigger that made their profile, and the object that it was made for."""
    refs = {row["profile"]: str(profile_ref(row["profile"])) for row in rows}
    made: dict[str, Record] = {}
    every = list(dict.fromkeys(refs.values()))
    for start in range(0, len(every), _AT_ONCE):
        part = every[start : start + _AT_ONCE]
        values = {f"r{place}": ref for place, ref in enumerate(part)}
        made |= {row["ref"]: row for row in ground.rows(_MADE.format(", ".join(f":{name}" for name in values)), values)}
    for row in rows:
        found = made.get(refs[row["profile"]])
        row["made_for"] = f"{found['event_trigger']}: {found['object_ref'] or '(all together)'}" if found else ""


def _add_fields(ground: Ground, rows: list[Record]) -> None:
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        names, values = _in(part, "incident_id")
        fields: dict[str, list[str]] = defaultdict(list)
        for found in ground.rows(_FIELDS.format(names), values):
            fields[found["incident_id"]].append(found["field_path"])
        for row in part:
            row["fields"] = fields[row["incident_id"]]
