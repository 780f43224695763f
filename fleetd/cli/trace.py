"""`fleetd trace`: what led to what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter

from fleetd.cli.asked import answer_to, tell
from fleetd.cli.lessons import hint_lines, in_commands
from fleetd.cli.options import AsOfOption, DatabaseOption, FormOption
from fleetd.cli.output import plain, say, say_all, write_json, write_line, write_yaml
from fleetd.cli.tables import ago
from fleetd.service.answers import as_json
from fleetd.service.questions.lineage import Hop, TraceLineage


def trace(
    ref: str,
    /,
    *,
    down: Annotated[bool, Parameter(negative="")] = False,
    as_of: AsOfOption = "",
    output: FormOption = "table",
    database: DatabaseOption = None,
) -> None:
    """Show why something is there, step by step back to the event; with --down what came of it. Steps between clusters are marked.

    Examples:

        fleetd trace Service/shop/web@default/eu-1
        fleetd trace clusterprofile/web --down
        fleetd trace event:01a20a46 --down -o json

    Parameters
    ----------
    ref:
        An object on a cluster (Kind.group/namespace/name@namespace/cluster), a profile, a trigger, a source, or event:ID.
    down:
        What came of it, instead of why it is there.
    """
    answer = answer_to(TraceLineage(ref=ref, direction="down" if down else "up", as_of=as_of), database)
    if output != "table":
        (write_json if output == "json" else write_yaml)(as_json(answer.result))
        return
    for line in _tree(answer.result.hops, down=down):
        write_line(line)
    if not answer.result.hops:
        say("nothing came of it" if down else "nothing is known of it")
    tell(answer.warnings, answer.coverage)
    for hint in answer.hints:
        say_all(hint_lines(hint))


def _tree(hops: Sequence[Hop], *, down: bool) -> Iterator[str]:
    """Two lines for each step, the further away the deeper; before one on another cluster than what it hangs on a line that says so."""
    now, above = datetime.now(UTC), list[str]()
    for hop in hops:
        indent = "  " * hop.depth
        del above[hop.depth :]
        before = next((cluster for cluster in reversed(above) if cluster), "")
        above += [""] * (hop.depth - len(above)) + [hop.cluster]
        if hop.cluster and before and hop.cluster != before:
            way = f"=> across clusters: {before} => {hop.cluster}" if down else f"<= across clusters: {hop.cluster} => {before}"
            yield plain(f"{indent}{way}")
        when = f"   {ago(hop.at, now)} ago" if hop.at else ""
        said = f": {hop.said_untrusted}" if hop.said_untrusted else ""
        yield plain(f"{indent}{hop.what} {hop.ref}{when}")
        yield plain(f"{indent}    {in_commands(hop.because)}{said}")
