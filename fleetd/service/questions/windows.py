"""Lists for whoever scrolls and jumps: the keys of all rows in one order, and the rows of a few keys.

Cursors serve who reads on; who drags a scroll bar needs places. A key is one short text, so that a hundred thousand of them fit into a
face, and the order stays as it is while somebody moves in it, whatever happens to the rows.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from operator import itemgetter
from typing import Annotated, Any, ClassVar

from fleetd.service.arguments import About, AsOf, Clusters
from fleetd.service.asking import Question
from fleetd.service.columns import Column, Texts
from fleetd.service.naming import read_ref
from fleetd.service.questions.ground import Ground
from fleetd.service.questions.window_rows import AT_ONCE, acknowledged, complete
from fleetd.service.teaching import bad
from fleetd.service.windows import SEPARATOR, SHEETS, Beside, Sheet
from fleetd.store.past import PASTS
from fleetd.store.reading import Record
from fleetd.store.views import views

MOST_KEYS = 100_000
"""So many rows of a list can be scrolled in; a filter looks at all of them."""
_MADE_BY = "SELECT ref, event_trigger, cluster, object_ref, generated_at, cause_id FROM fleet_generated WHERE ref = :ref"


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a list in its order; `more` says that there are others beyond, `gaps` what of a past time is not known."""

    keys: tuple[str, ...]
    more: bool = False
    gaps: tuple[str, ...] = ()


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
    """The keys of the chosen rows, the urgent ones first unless a column to sort by is named. The first few cost little."""

    choice: Choice
    most: int = MOST_KEYS

    def answered(self, ground: Ground) -> Keys:
        sheet, values = _sheet_then(ground, self.choice), dict[str, Any]()
        conditions = _conditions(ground, sheet, self.choice, values)
        if self.choice.sort:
            found = [key for key, _ in _keys(ground, sheet, conditions, _order(sheet, self.choice), values, self.most + 1)]
        else:
            found = _urgent_first(ground, sheet, conditions, values, self.most)
        return Keys(tuple(found[: self.most]), len(found) > self.most, tuple(ground.mistakes))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTexts(Question[Texts | None]):
    """What a filter looks at in the chosen rows of now, in their order; None of the past, and of more rows than can be scrolled in.

    What the choice itself looks for is left out: it is for whoever will look for many things.
    """

    slow: ClassVar[bool] = True
    choice: Choice

    def answered(self, ground: Ground) -> Texts | None:
        if self.choice.as_of:
            return None
        sheet, values = sheet_of(self.choice.sheet), dict[str, Any]()
        conditions = _conditions(ground, sheet, replace(self.choice, needle=""), values)
        columns = {name: Column() for name in dict.fromkeys((*sheet.searched, *(one.column for one in sheet.also)))}
        keys, urgency, order = list[str](), array("B"), _order(sheet, self.choice)
        said = "".join(f", COALESCE(CAST({name} AS TEXT), '')" for name in columns)
        for part in ground.reader.parts(_select(sheet, conditions, order, MOST_KEYS + 1, more=said), values):
            these, urgent, *texts = zip(*part, strict=True)
            keys += these
            urgency.extend(urgent)
            for column, more in zip(columns.values(), texts, strict=True):
                column.add(more)
        if len(keys) > MOST_KEYS:
            return None
        places = [] if self.choice.sort or not sheet.urgent else sorted(range(len(keys)), key=urgency.__getitem__)
        made = [columns[name].ended(places, None) for name in sheet.searched]
        made += [columns[one.column].ended(places, _beside(ground, one)) for one in sheet.also]
        return Texts(tuple(map(keys.__getitem__, places)) if places else tuple(keys), tuple(made))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRows(Question[tuple[Record, ...]]):
    """The rows of some keys, in any order; keys whose rows are gone have none. Each row has its key under `key`."""

    choice: Choice
    keys: Annotated[tuple[str, ...], About("as ListKeys gave them")]

    def answered(self, ground: Ground) -> tuple[Record, ...]:
        sheet, found = _sheet_then(ground, self.choice), list[Record]()
        for start in range(0, len(self.keys), AT_ONCE):
            found += _rows(ground, sheet, self.keys[start : start + AT_ONCE])
        complete(ground, sheet.name, found)
        return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoLooksAfter(Question[str]):
    """Who said last that they look after an event, and why; empty where nobody did."""

    event_id: str
    as_of: AsOf = ""

    def answered(self, ground: Ground) -> str:
        ground.back(self.as_of, "fleet_events")
        return acknowledged(ground, [self.event_id]).get(self.event_id, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeBy(Question[Record | None]):
    """Which trigger made an object of the management plane, from which event and for which object; None where none did."""

    ref: str
    as_of: AsOf = ""

    def answered(self, ground: Ground) -> Record | None:
        ground.back(self.as_of, "fleet_generated")
        return ground.row(_MADE_BY, ref=str(read_ref(self.ref).ref))


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


def _sheet_then(ground: Ground, choice: Choice) -> Sheet:
    """The chosen list; from here on everything is read as it was at the chosen time."""
    sheet = sheet_of(choice.sheet)
    if choice.as_of:
        if sheet.view not in PASTS:
            kept = [name for name, one in SHEETS.items() if one.view in PASTS]
            raise bad("as_of", choice.as_of[:60], f"of {sheet.name} no past is kept, only their present state", allowed=kept)
        ground.back(choice.as_of, sheet.view)
    return sheet


def _order(sheet: Sheet, choice: Choice) -> str:
    way = "DESC NULLS LAST" if choice.descending else "ASC NULLS FIRST"
    return ", ".join((f"{_column(sheet, choice.sort)} {way}", *sheet.order) if choice.sort else sheet.order)


def _urgent_first(ground: Ground, sheet: Sheet, conditions: Sequence[str], values: dict[str, Any], most: int) -> list[str]:
    """All in one pass, put apart afterwards; of more rows than are taken, each urgency by itself."""
    order = ", ".join(sheet.order)
    if most == MOST_KEYS:
        found = _keys(ground, sheet, conditions, order, values, most + 1)
        if len(found) <= most:
            # What is in order already stays so among its like.
            return [key for key, _ in sorted(found, key=itemgetter(1))] if sheet.urgent else [key for key, _ in found]
    keys: list[str] = []
    before: list[str] = []
    for urgent in (*sheet.urgent, "1 = 1"):
        these = [*conditions, urgent, *(f"NOT ({one})" for one in before)]
        keys += [key for key, _ in _keys(ground, sheet, these, order, values, most + 1 - len(keys))]
        before.append(urgent)
        if len(keys) > most:
            break
    return keys


def _keys(ground: Ground, sheet: Sheet, conditions: Sequence[str], order: str, values: dict[str, Any], most: int) -> list[tuple[str, int]]:
    """Keys with the number of their urgency."""
    sql = _select(sheet, conditions, order, most)
    if ground.then is None:
        return list(chain.from_iterable(ground.reader.parts(sql, values)))
    return [(row["key"], row["urgency"]) for row in ground.rows(sql, values)]


def _select(sheet: Sheet, conditions: Sequence[str], order: str, most: int, *, more: str = "") -> str:
    where = " AND ".join(conditions) or "1 = 1"
    cases = " ".join(f"WHEN {urgent} THEN {number}" for number, urgent in enumerate(sheet.urgent))
    urgency = f"CASE {cases} ELSE {len(sheet.urgent)} END" if cases else "0"
    return f"SELECT {sheet.key_text} AS key, {urgency} AS urgency{more} FROM {sheet.view} WHERE {where} ORDER BY {order} LIMIT {int(most)}"


def _beside(ground: Ground, one: Beside) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for row in ground.rows(one.sql):
        found[row["value"]].append(row["text"] or "")
    return found


def _conditions(ground: Ground, sheet: Sheet, choice: Choice, values: dict[str, Any]) -> list[str]:
    found = []
    if choice.subject:
        found.append(_of(sheet, choice.subject, values))
    if choice.faults and sheet.faults:
        found.append(sheet.faults)
    if choice.clusters:
        found.append(_of_clusters(ground, sheet, choice.clusters, values))
    return found + _needle(ground, sheet, choice.needle.strip(), values)


def _of(sheet: Sheet, subject: str, values: dict[str, Any]) -> str:
    what, _, value = subject.partition("=")
    if what not in sheet.of:
        raise bad("subject", subject[:80], f"{sheet.name} are not told apart by {what[:40]}", allowed=sheet.of)
    if what == "object":
        values["subject"], _, values["on"] = value.partition("@")
        return f"{sheet.of[what]} = :subject AND {sheet.cluster} = :on"
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
    # SQLite's LIKE takes letters of both cases for the same.
    like = "ILIKE" if ground.reader.dialect == "postgres" else "LIKE"
    texts = [f"COALESCE(CAST({name} AS TEXT), '')" for name in sheet.searched]
    # Letters that may stand apart are looked for in each column by itself; over all of them nearly every row has them somewhere.
    looked_in = texts if fuzzy else [" || ' ' || ".join(texts)]
    found = []
    for number, word in enumerate([words] if fuzzy else words.split()):
        escaped = [sign if sign not in "^%_" else f"^{sign}" for sign in word]
        values[f"needle{number}"] = "%" + ("%" if fuzzy else "").join(escaped) + "%"
        matches = f"{like} :needle{number} ESCAPE '^'"
        found.append(" OR ".join((*(f"({text}) {matches}" for text in looked_in), *(one.matching(matches) for one in sheet.also))))
    return [f"{'' if wanted else 'NOT '}({' AND '.join(f'({one})' for one in found)})"]


def _column(sheet: Sheet, name: str) -> str:
    known = next(columns for view, _, columns in views() if view == sheet.view)
    if name not in known:
        raise bad("sort", name, f"{sheet.name} have no such column", allowed=known)
    return name


def _rows(ground: Ground, sheet: Sheet, keys: Sequence[str]) -> list[Record]:
    values: dict[str, Any] = {}
    if len(sheet.key) == 1:
        names = [f":k{number}" for number in range(len(keys))]
        numbers = sheet.key[0] == "entry_id"
        values |= {f"k{number}": int(key) if numbers else key for number, key in enumerate(keys)}
        where = f"{sheet.key[0]} IN ({', '.join(names)})"
    else:
        where = " OR ".join(_is(sheet, number, key, values) for number, key in enumerate(keys))
    rows = ground.rows(f"SELECT * FROM {sheet.view} WHERE {where}", values)
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
