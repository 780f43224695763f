"""`fleetd timeline`: what happened when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from cyclopts import Parameter

from fleetd.cli.asked import answer_to, tell
from fleetd.cli.options import ClustersOption, DatabaseOption, FormOption, SinceOption
from fleetd.cli.output import say, write_json, write_table, write_yaml
from fleetd.cli.tables import said_of
from fleetd.domain.errors import InvalidInput
from fleetd.service.answers import as_json
from fleetd.service.questions.timeline import GetTimeline, Kind

UntilOption = Annotated[str, Parameter(name="--until", metavar="TIME", allow_leading_hyphen=True, help="Only before then; as --since.")]
ALL = 1_000_000_000
_ENTRY = ("at", "type", "ref", "cluster", "what", "said_untrusted")


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Span:
    """A time from its begin to its end."""

    since: SinceOption = "24h"
    until: UntilOption = ""


LAST_DAY = Span()


def timeline(
    ref: str = "",
    /,
    *,
    clusters: ClustersOption = "",
    span: Span = LAST_DAY,
    type_: Annotated[tuple[Kind, ...], Parameter(name="--type", negative="")] = (),
    limit: int = 50,
    output: FormOption = "table",
    database: DatabaseOption = None,
) -> None:
    """Show what happened around an object or on clusters in one order, the newest first: events, decisions, drift, states, edits.

    Examples:

        fleetd timeline eventtrigger/mirror
        fleetd timeline Service/shop/web@default/eu-1 --since 7d
        fleetd timeline -l env=prod --type event --type drift --since 1h

    Parameters
    ----------
    ref:
        A declared object (KIND/NAME), or an object on a cluster with @namespace/cluster behind it.
    type_:
        Only these; may be given more than once.
    limit:
        The newest of them, so many; 0 for all.
    """
    if limit < 0:
        raise InvalidInput("--limit is a number of entries, or 0 for all")
    asked = GetTimeline(ref=ref, clusters=clusters, types=type_, since=span.since, until=span.until, limit=limit or ALL)
    page = answer_to(asked, database)
    entries: list[dict[str, Any]] = as_json(page.items)
    match output:
        case "json":
            write_json(entries)
        case "yaml":
            write_yaml(entries)
        case _:
            _write_entries(entries)
    if not page.items:
        say(f"nothing happened in that time (--since {span.since})")
    tell(page.warnings, page.coverage)


def _write_entries(entries: Sequence[Mapping[str, Any]]) -> None:
    columns = [name for name in _ENTRY if any(row.get(name) for row in entries)]
    if columns:
        titles = ["SAID" if name == "said_untrusted" else name.upper() for name in columns]
        write_table(titles, [[said_of(name, row.get(name)) for name in columns] for row in entries], whole=True)
