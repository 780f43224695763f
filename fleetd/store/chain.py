"""The audit's chains: each row's hash covers the row and the hash before it in its writer's chain.

Whoever reads `fleet_audit` can check it without fleetd. For the rows of one writer, in the order of `position`, which begins
at 1 and leaves none out, `chain_hash` is the SHA-256, as 64 lower-case hexadecimal digits, of two lines without a last line
end: the `chain_hash` of the row before (nothing for the first), and the row as a JSON array of

    writer, position, at, principal, via, client, action, subject_ref, outcome, arguments_digest, reference, result_size, ms

without blanks and with everything outside ASCII written as \\uXXXX, as `json.dumps(row, separators=(",", ":"))` does. `at` is
RFC 3339 in UTC with six digits of a second and `Z`; a number that is not known is null. Rows that retention has deleted stand
in `fleet_audit_floors`: the chain of such a writer begins after `position`, with `chain_hash` as the hash before.

A server's first row (`action` is `start`) names in `reference`, as `seq:hash`, the newest row of anybody that it saw: so
chains hold each other.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fleetd.domain.audit import AuditEntry
from fleetd.store.moments import moment_text

HASHED = (
    "writer",
    "position",
    "at",
    "principal",
    "via",
    "client",
    "action",
    "subject",
    "outcome",
    "arguments_digest",
    "reference",
    "result_size",
    "ms",
)
"""Columns of the table in the order in which they are hashed; the view calls `subject` `subject_ref`."""
COLUMNS = (*HASHED, "chain_hash")
START = "start"
LONGEST = 500


@dataclass(frozen=True, slots=True)
class Link:
    """The end of a writer's chain: where the next row goes on."""

    writer: str
    position: int = 0
    chain_hash: str = ""


def chain_hash(previous: str, values: tuple[Any, ...]) -> str:
    """The hash of a row whose values stand in the order of `HASHED`."""
    text = json.dumps(values, separators=(",", ":"))
    return hashlib.sha256(f"{previous}\n{text}".encode("ascii")).hexdigest()


def linked(end: Link, entry: AuditEntry, at: datetime) -> tuple[dict[str, Any], Link]:
    """The row of an entry that follows the end of a chain, and the end that it makes."""
    row: dict[str, Any] = {
        "writer": end.writer,
        "position": end.position + 1,
        "at": moment_text(at),
        "principal": _kept(entry.principal),
        "via": _kept(entry.via),
        "client": _kept(entry.client),
        "action": _kept(entry.action),
        "subject": _kept(entry.subject),
        "outcome": _kept(entry.outcome),
        "arguments_digest": _kept(entry.arguments_digest),
        "reference": _kept(entry.reference),
        "result_size": entry.result_size,
        "ms": entry.ms,
    }
    row["chain_hash"] = chain_hash(end.chain_hash, tuple(row[name] for name in HASHED))
    return row, Link(end.writer, end.position + 1, row["chain_hash"])


def _kept(text: str) -> str:
    """As both databases keep it: what they would change must be changed before it is hashed."""
    return text[:LONGEST].replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
