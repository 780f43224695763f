"""The command `fleetd run`: the daemon."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from fleetd.cli.output import counted, say
from fleetd.domain.errors import InvalidInput
from fleetd.domain.refs import MANAGEMENT_CLUSTER
from fleetd.settings import Settings, read_settings
from fleetd.store.reading import Reader
from fleetd.store.urls import place_of

_MEMBERS = """
SELECT COUNT(*) AS members FROM fleet_declared WHERE kind IN ('SveltosCluster', 'Cluster') AND namespace || '/' || name <> :itself
"""


def run(
    *,
    database: Annotated[str | None, Parameter(env_var="FLEETD_DATABASE")] = None,
    observe: Annotated[bool, Parameter(negative="")] = False,
    manifests: Path | None = None,
    allow_exec: Annotated[Sequence[str], Parameter(negative="", metavar="CMD")] = (),
    announce: Annotated[bool, Parameter(negative="", show=False)] = False,
    attended: Annotated[bool, Parameter(negative="", show=False)] = False,
) -> None:
    """Run the daemon until it is interrupted.

    Examples:

        fleetd run                        on the default SQLite file
        fleetd run --observe              plans and records everything, writes to no cluster
        fleetd run --manifests ./fleet    declares what is in a folder, and follows its changes

    Parameters
    ----------
    database:
        A path, sqlite:///path, or postgresql://….
    observe:
        Plan and record everything, write to no cluster.
    manifests:
        A folder whose manifests are declared and followed.
    allow_exec:
        An exec plugin that kubeconfigs may run, as they write the command; may be given more than once.
    announce:
        Write one line to stdout when the daemon is ready.
    attended:
        End when stdin ends: then whoever started the daemon is gone, however that ended.
    """
    import uvloop

    from fleetd.cli.collector import collect_rarely
    from fleetd.cli.logs import set_up_logs
    from fleetd.cli.places import data_folder
    from fleetd.daemon import run as run_daemon

    if manifests is not None and not manifests.is_dir():
        raise InvalidInput(f"--manifests: there is no folder {manifests}")
    settings = read_settings(os.environ, data_folder())
    settings = replace(
        settings,
        database=database or settings.database,
        observe=observe,
        manifests=manifests,
        allowed_exec=frozenset(allow_exec),
    )
    set_up_logs(settings.log_level)
    collect_rarely()
    if attended:
        threading.Thread(target=_end_with_stdin, name="fleetd-attended", daemon=True).start()

    def ready() -> None:
        if sys.stderr.isatty():
            say(started(settings, members_declared(settings.database)))
        if announce:
            sys.stdout.write("ready\n")
            sys.stdout.flush()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run_daemon(settings, ready=ready))


def _end_with_stdin() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def started(settings: Settings, members: int) -> str:
    """What a person at a terminal is told when the daemon is ready."""
    told = [f"database {place_of(settings.database)}", counted(members, "member")]
    if settings.observe:
        told.append("observing only: nothing is written to clusters")
    if settings.manifests is not None:
        told.append(f"following {settings.manifests}")
    return f"fleetd: ready: {', '.join(told)}; stop it with Ctrl-C"


def members_declared(database: str) -> int:
    """How many members are declared; the daemon's own cluster is not counted."""
    with Reader.open(database) as reader:
        return int(reader.rows(_MEMBERS, {"itself": MANAGEMENT_CLUSTER})[0]["members"])
