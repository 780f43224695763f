"""How a page is read so that the database reads hardly more than the page, however long the list is.

A page is the first rows of a list in its order. A database that has no statistics (SQLite) likes to take all rows that a
condition finds by an index, and to sort them; on a long history that is a million rows for twenty. So a condition that says
"one of these words" becomes one part for each word, each in the order of an index and no longer than the page; and one that
chooses many clusters is checked row by row, in the order of the list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

MOST_PARTS, FEW_PARTS = 60, 8
"""So many parts a page has at most, of a long list and of a short one; each costs the database some 0.1 ms to understand."""
SORTED = 1_000
"""So few rows are found first and sorted then."""
_SEVERAL = re.compile(r"([\w.]+) IN \((:\w+(?:, :\w+)*)\)")
_CHOSEN = re.compile(r"(?<![\w.+])(?:\w+\.)?cluster (?:NOT )?IN \(SELECT")
_LABELLED = re.compile(
    r"(?P<column>\w+\.cluster) (?P<no>NOT )?IN \(SELECT l\.cluster FROM fleet_cluster_labels l WHERE"
    r" (?P<label>l\.label_key = :\w+(?: AND l\.label_value IN \([^()]*\))?)\)"
)


def in_order(condition: str, dialect: str) -> str:
    """The condition, so that SQLite does not go by the clusters that it chooses; Postgres knows how many they are.

    A label is looked up for each row then: a page needs some of them, and a list of all that have it is a thousand times longer.
    """
    return _CHOSEN.sub(r"+\g<0>", _LABELLED.sub(_looked_up, condition)) if dialect == "sqlite" else condition


def _looked_up(found: re.Match[str]) -> str:
    return f"{found['no'] or ''}EXISTS (SELECT 1 FROM fleet_cluster_labels l WHERE {found['label']} AND l.cluster = {found['column']})"


def parts_of(where: Sequence[str], *, most: int) -> list[tuple[str, ...]]:
    """Conditions that exclude each other and together say the same, so many of them at most."""
    found: list[tuple[str, ...]] = [()]
    for one in where:
        several = _SEVERAL.fullmatch(one)
        words = several[2].split(", ") if several else []
        if several and len(found) * len(words) <= most:
            found = [(*part, f"{several[1]} = {word}") for part in found for word in words]
        else:
            found = [(*part, one) for part in found]
    return found


def page_sql(columns: str, source: str, key: Mapping[str, str], parts: Sequence[Sequence[str]], *, descending: bool) -> str:
    """The first `:most` rows that hold one of the parts; a row of `columns` has the names of `key`."""
    way = " DESC" if descending else ""
    order = ", ".join(f"{expression}{way}" for expression in key.values())
    texts = [f"SELECT {columns} FROM {source} WHERE {' AND '.join(part) or '1 = 1'} ORDER BY {order} LIMIT :most" for part in parts]
    if len(texts) == 1:
        return texts[0]
    union = " UNION ALL ".join(f"SELECT * FROM ({text}) p{number}" for number, text in enumerate(texts))
    return f"SELECT * FROM ({union}) parts ORDER BY {', '.join(f'{name}{way}' for name in key)} LIMIT :most"
