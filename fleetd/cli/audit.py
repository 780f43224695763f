"""`fleetd audit`: who asked and decided what, and whether the record is as it was written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from cyclopts import Parameter

from fleetd.cli.options import DatabaseOption, SinceOption
from fleetd.cli.output import counted, say, write_json, write_line, write_rows
from fleetd.cli.places import reading
from fleetd.domain.errors import InvalidInput
from fleetd.service.times import point
from fleetd.store.audit_check import Verified
from fleetd.store.audit_check import verify as verify_chains

_SHOWN = ("seq", "at", "via", "principal", "action", "subject_ref", "outcome", "reference")
_COLUMNS = ", ".join((*_SHOWN, "client", "result_size", "ms", "arguments_digest", "writer", "position", "chain_hash"))
_ROWS = f"SELECT {_COLUMNS} FROM fleet_audit WHERE at >= :since ORDER BY seq DESC"
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


def audit(
    what: Literal["list", "verify"] = "list",
    /,
    *,
    since: SinceOption = "",
    limit: Annotated[int, Parameter(name="--limit")] = 100,
    noted: str = "",
    output: Annotated[Literal["table", "json"], Parameter(name=("--output", "-o"))] = "table",
    database: DatabaseOption = None,
) -> int:
    """Show who asked and decided what, the newest first; or check that nothing of it was changed, removed or put between.

    Each row is tied to the one before it by a hash. What verify prints as its head, noted where nobody of this fleet can
    write, proves later with --noted that all rows up to there are the same: without it, somebody who may write the whole
    database could write the record anew, and on Postgres could take the newest rows away unseen.

    Examples:

        fleetd audit --since 2h
        fleetd audit -o json --limit 1000
        fleetd audit verify                  exit code 1 when it is broken, with the first row that is
        fleetd audit verify --noted 3f1c...   a hash of an earlier run

    Parameters
    ----------
    what:
        list, or verify.
    limit:
        So many rows at most, 0 for all.
    noted:
        A hash that verify printed earlier, and that must be there still.
    output:
        A table, or JSON.
    """
    if what == "verify":
        return _verify(noted, output, database)
    if limit < 0:
        raise InvalidInput("--limit is a number of rows, or 0 for all")
    from_then = point(since, "since", datetime.now(UTC)) or _FIRST
    with reading(database) as reader:
        # One more than is shown: that there are more is said.
        found = reader.rows(f"{_ROWS} LIMIT :most" if limit else _ROWS, {"since": from_then, **({"most": limit + 1} if limit else {})})
    rows = found[:limit] if limit else found
    shown = rows if output == "json" else [{name: row[name] for name in _SHOWN} for row in rows]
    write_rows(shown, view="", form="json" if output == "json" else "wide", header=bool(rows))
    if not rows and output == "table":
        say("nothing is recorded" + (" since then" if since else ""))
    if len(found) > len(rows):
        say(f"note: there are more; these are {len(rows)}: --limit 0 shows all")
    return 0


def _verify(noted: str, output: str, database: str | None) -> int:
    with reading(database) as reader:
        found = verify_chains(reader, noted=noted.strip().lower())
    if output == "json":
        write_json(_as_json(found))
    elif found.broken is not None:
        write_line(str(found.broken))
    elif found.head is not None:
        write_line(f"head {found.head.position} {found.head.chain_hash}")
    whole = f"whole: {counted(found.rows, 'row')} of {counted(found.writers, 'writer')}"
    say(f"broken at row {found.broken.seq}" if found.broken else whole)
    return 1 if found.broken else 0


def _as_json(found: Verified) -> dict[str, object]:
    return {
        "whole": found.broken is None,
        "rows": found.rows,
        "writers": found.writers,
        "head_seq": found.head.position if found.head else None,
        "head_hash": found.head.chain_hash if found.head else None,
        "broken_seq": found.broken.seq if found.broken else None,
        "broken": found.broken.sentence if found.broken else None,
    }
