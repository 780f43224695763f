"""The command `fleetd demo`."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from cyclopts import Parameter


def demo(
    *,
    once: Annotated[bool, Parameter(negative="")] = False,
    output: Annotated[Literal["table", "json"], Parameter(name=("--output", "-o"))] = "table",
    clusters: int = 4,
    seed: int = 0,
) -> int:
    """Simulated clusters, the daemon and sample manifests on a temporary database: events travel across clusters.

    Examples:

        fleetd demo                   tells the story, then keeps running for you to play with
        fleetd demo --once            tells the story and ends; exit code 0 only if every cluster shows what it should
        fleetd demo --once -o json    the same for a script: {"ok": …, "stages": [{"name", "ms", …}]}

    Parameters
    ----------
    once:
        End after the story.
    output:
        What is written to stdout: the story, or JSON (the story then goes to stderr).
    clusters:
        How many clusters there are in the end, at least 3.
    seed:
        Addresses and uids are the same for the same seed.
    """
    import uvloop

    from fleetd.cli.demo import play

    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    with runner:
        ok = runner.run(play(once=once, as_json=output == "json", clusters=clusters, seed=seed))
    return 0 if ok else 1
