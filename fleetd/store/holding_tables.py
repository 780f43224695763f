"""What is held back, by a person's decision that is due or for a while: beside the tables of `tables`, in the same metadata."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Integer, Table, Text

from fleetd.store.tables import Moment, metadata


def _words(*names: str) -> list[Column[Any]]:
    return [Column(name, Text, nullable=False) for name in names]


proposals = Table(
    "proposals",
    metadata,
    Column("proposal_id", Text, primary_key=True),
    *_words("subject", "summary", "lost", "actor", "via", "state"),
    Column("created_at", Moment, nullable=False),
    *_words("decided_by"),
    Column("decided_at", Moment),
    Column("applied_at", Moment),
    *_words("cause_id"),
    Column("kind", Text, nullable=False, server_default="loss"),
    Column("decided_via", Text, nullable=False, server_default=""),
    Column("decision", Text, nullable=False, server_default=""),
    Column("expires_at", Moment),
    Column("ended_at", Moment),
)
damped = Table(
    "damped",
    metadata,
    *(Column(name, Text, primary_key=True) for name in ("kind", "subject", "cluster", "object_ref")),
    Column("pauses", BigInteger().with_variant(Integer(), "sqlite"), nullable=False),
    Column("since", Moment, nullable=False),
    Column("until", Moment),
    *_words("reason", "cause_id", "watched", "mark"),
)
