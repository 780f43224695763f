"""The command `fleetd demo`."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated, Literal

from cyclopts import Parameter

from fleetd.domain.errors import InvalidInput


def demo(
    *,
    once: Annotated[bool, Parameter(negative="")] = False,
    output: Annotated[Literal["table", "json"], Parameter(name=("--output", "-o"))] = "table",
    tui: Annotated[bool, Parameter(negative="")] = False,
    clusters: int = 4,
    seed: int = 0,
) -> int:
    """Simulated clusters, the daemon and sample manifests on a temporary database: events travel across clusters.

    Examples:

        fleetd demo                   tells the story, then keeps running for you to play with
        fleetd demo --once            tells the story and ends; exit code 0 only if every cluster shows what it should
        fleetd demo --once -o json    the same for a script: {"ok": …, "stages": [{"name", "ms", …}]}
        fleetd demo --tui             the terminal UI on a fleet in which something happens all the time

    Parameters
    ----------
    once:
        End after the story.
    output:
        What is written to stdout: the story, or JSON (the story then goes to stderr).
    tui:
        Open the terminal UI, with events, drift and a cluster that fails now and then.
    clusters:
        How many clusters there are in the end, at least 3.
    seed:
        Addresses and uids are the same for the same seed.
    """
    import uvloop

    from fleetd.cli.demo import live, play

    if tui and (once or output == "json"):
        raise InvalidInput("--tui stays until you leave it: it goes with neither --once nor -o json")
    _interrupted_by(signal.SIGTERM, signal.SIGHUP)
    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    with runner:
        playing = live(clusters=clusters, seed=seed) if tui else play(once=once, as_json=output == "json", clusters=clusters, seed=seed)
        ok = runner.run(playing)
    return 0 if ok else 1


def _interrupted_by(*numbers: signal.Signals) -> None:
    """Makes these signals do what Ctrl-C does: by themselves they would leave the daemon and the folder behind."""
    for number in numbers:
        # Who asked that it is ignored, as nohup does, means it.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
