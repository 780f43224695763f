"""Holds the audit against its chains: what was changed, removed or put between is found by its number.

What it cannot tell: that the newest rows of a chain were removed, where nothing refers to them yet. On SQLite the numbers of
rows have no gaps, and the file counts them; on Postgres only a later server's first row, or a hash that somebody noted outside,
tells. Nor can it tell that somebody who may write everything wrote a whole chain anew; a noted hash does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from fleetd.store.chain import HASHED, START, Link, chain_hash
from fleetd.store.moments import moment, moment_text
from fleetd.store.reading import Reader

SLICE = 5_000
_FLOORS = "SELECT writer, seq, position, chain_hash FROM fleet_audit_floors"
_ROWS = "SELECT * FROM fleet_audit WHERE seq > :after ORDER BY seq LIMIT :most"
_SEEN = "SELECT chain_hash FROM fleet_audit WHERE seq = :seq"
_NOTED = "SELECT seq FROM fleet_audit WHERE chain_hash = :noted LIMIT 1"
_COUNTED = "SELECT seq FROM sqlite_sequence WHERE name = 'audit'"


@dataclass(frozen=True, slots=True)
class Broken:
    """Where the audit is not as it was written: the first row that is missing or another."""

    seq: int
    sentence: str

    def __str__(self) -> str:
        return f"row {self.seq}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check found. `head` is the newest row's number and hash: noted elsewhere, it proves later that nothing before it changed."""

    rows: int
    writers: int
    head: Link | None
    broken: Broken | None


@dataclass(slots=True)
class Chains:
    """The ends of all chains, while rows are held against them in the order of their numbers."""

    gapless: bool
    ends: dict[str, Link] = field(default_factory=dict)
    last_seq: int = 0
    rows: int = 0
    head: str = ""

    @classmethod
    def after(cls, floors: Iterable[Mapping[str, Any]], *, gapless: bool) -> Chains:
        """The chains as they begin; `gapless` where the database gives numbers without gaps."""
        chains = cls(gapless)
        for row in floors:
            chains.ends[row["writer"]] = Link(row["writer"], row["position"], row["chain_hash"])
            chains.last_seq = max(chains.last_seq, row["seq"])
        return chains

    def take(self, row: Mapping[str, Any]) -> Broken | None:
        """Holds the next row against what came before it."""
        seq, end = row["seq"], self.ends.get(row["writer"], Link(row["writer"]))
        if self.gapless and seq != self.last_seq + 1:
            return Broken(self.last_seq + 1, "it is missing")
        if row["position"] != end.position + 1:
            return Broken(seq, f"{row['writer']}'s row {end.position + 1} is missing before it")
        values = tuple(_hashed(row, name) for name in HASHED)
        if chain_hash(end.chain_hash, values) != row["chain_hash"]:
            return Broken(seq, "it, or the row before it in its chain, is not as it was written")
        self.ends[row["writer"]] = Link(row["writer"], row["position"], row["chain_hash"])
        self.last_seq, self.head = seq, row["chain_hash"]
        self.rows += 1
        return None


def verify(reader: Reader, *, noted: str = "") -> Verified:
    """Checks every row that is kept.

    Args:
        noted: a hash that was noted earlier, which must be there.
    """
    with reader.snapshot():
        gapless = reader.dialect == "sqlite"
        chains = Chains.after(reader.rows(_FLOORS), gapless=gapless)
        forgotten = chains.last_seq
        broken = next(_broken(reader, chains, forgotten), None)
        if broken is None and gapless:
            counted = reader.rows(_COUNTED)
            if counted and counted[0]["seq"] > chains.last_seq:
                broken = Broken(chains.last_seq + 1, "it was the newest, and is missing")
        if broken is None and noted and not reader.rows(_NOTED, {"noted": noted}):
            broken = Broken(chains.last_seq + 1, "the noted hash is in no row: what stood up to it was replaced, removed or forgotten")
    head = Link("", chains.last_seq, chains.head) if chains.rows else None
    return Verified(chains.rows, len(chains.ends), head, broken)


def _broken(reader: Reader, chains: Chains, forgotten: int) -> Iterator[Broken]:
    after = 0
    while rows := reader.rows(_ROWS, {"after": after, "most": SLICE}):
        for row in rows:
            found = chains.take(row) or (_unseen(reader, row, forgotten) if row["action"] == START else None)
            if found is not None:
                yield found
        after = rows[-1]["seq"]


def broken_links(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Of the newest rows of the audit, given in any order, those whose hash does not follow from the row before."""
    broken: list[str] = []
    ends: dict[str, Link] = {}
    for row in sorted(rows, key=lambda row: int(row["seq"])):
        end = ends.get(row["writer"])
        values = tuple(_hashed(row, name) for name in HASHED)
        if end is not None and end.position + 1 == row["position"] and chain_hash(end.chain_hash, values) != row["chain_hash"]:
            broken.append(f"audit: a row is not as it was written: {row['seq']}")
        ends[row["writer"]] = Link(row["writer"], row["position"], row["chain_hash"])
    return broken


def _hashed(row: Mapping[str, Any], name: str) -> Any:
    value = row["subject_ref" if name == "subject" else name]
    return moment_text(moment(value)) if name == "at" else value


def _unseen(reader: Reader, row: Mapping[str, Any], forgotten: int) -> Broken | None:
    """Whether the row that a server saw at its start is no more what it was."""
    seq, _, seen = str(row["reference"]).partition(":")
    if not seq.isdecimal() or int(seq) <= forgotten:
        return None
    found = reader.rows(_SEEN, {"seq": int(seq)})
    if found and found[0]["chain_hash"] == seen:
        return None
    what = "is another" if found else "is missing"
    return Broken(int(seq), f"it {what}: {row['writer']} saw it when it began")
