"""`fleetd sim`: simulated clusters over real HTTP, until interrupted."""

from __future__ import annotations

import asyncio
import math
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
import uvloop
from cyclopts import Parameter
from cyclopts.types import ExistingFile
from cyclopts.validators import Number

from fleetd.domain.errors import InvalidInput
from fleetd.sim.cluster import ClusterSpec
from fleetd.sim.control import Control
from fleetd.sim.controllers.chosen import EVERYTHING
from fleetd.sim.fleet import Ports, SimulatedFleet
from fleetd.sim.load import Act, Deed, Load, Rates
from fleetd.sim.naming import numbered
from fleetd.sim.schedule import PlannedFault, parse_faults, play

BATCH = 1000
"""So many acts of the load are drawn at a time."""
Output = Literal["table", "json"]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Ways:
    """How the fleet is reached, and what is done to it."""

    faults: ExistingFile | None = None
    """A YAML file with what goes wrong, where and when."""
    control: Annotated[bool, Parameter(negative="")] = False
    """A port on which clusters are listed, struck and healed while they run."""
    one_port: Annotated[bool, Parameter(negative="")] = False
    """One port for all of them, with a path for each, instead of a port for each."""
    plain: Annotated[bool, Parameter(negative="")] = False
    """HTTP without TLS, for benchmarks; kubectl shows no token on it."""
    load: Annotated[str, Parameter(metavar="ACT=RATE,…")] = ""
    """What is done to Services in `default`, so often a second over the whole fleet: create, change, tamper, delete."""
    load_log: Path | None = None
    """A file that gets a line of JSON for each of these acts, with its time."""


NO_WAYS = Ways()


@dataclass(frozen=True, slots=True)
class _Plan:
    """Everything that is asked for, read."""

    specs: Sequence[ClusterSpec]
    seed: int
    ways: Ways
    faults: Sequence[PlannedFault]
    rates: Rates | None


def sim(
    *,
    clusters: Annotated[int, Parameter(validator=Number(gte=1, lte=5000))] = 3,
    label: Annotated[Sequence[str], Parameter(negative="", metavar="KEY=VALUE")] = (),
    kubeconfig_dir: Path | None = None,
    seed: int = 0,
    ways: Ways = NO_WAYS,
    output: Annotated[Output, Parameter(name=("--output", "-o"))] = "table",
) -> None:
    """Run simulated Kubernetes clusters on 127.0.0.1, until interrupted.

    Each speaks the Kubernetes API to kubectl, Helm or anything else. Nothing is kept: they are gone when the command ends.

    Examples:
        fleetd sim --clusters 3 --kubeconfig-dir ./clusters
        KUBECONFIG=./clusters/merged.yaml kubectl --context cluster-2 get namespaces
        fleetd sim --clusters 20 --label env=prod --control --load create=5,change=20,tamper=1,delete=2

    Args:
        clusters: How many; they are called cluster-1, cluster-2 and so on.
        label: A label for all of them, beside `region` and `env`; may be given several times.
        kubeconfig_dir: Where kubeconfigs are written: NAME.yaml (an administrator), NAME.limited.yaml (a user without rights) and
            merged.yaml. By default a temporary folder that is removed at the end.
        seed: The same seed gives the same uids and addresses, and the same load.
        output: With json, the list of clusters on stdout once all of them answer.
    """
    labels = dict(_pair(text) for text in label)
    faults = parse_faults(ways.faults.read_text()) if ways.faults is not None else ()
    plan = _Plan(numbered(clusters, labels), seed, ways, faults, read_rates(ways.load) if ways.load else None)
    if kubeconfig_dir is not None:
        uvloop.run(serve(plan, kubeconfig_dir, output))
        return
    with tempfile.TemporaryDirectory(prefix="fleetd-sim-") as folder:
        uvloop.run(serve(plan, Path(folder), output))


async def serve(plan: _Plan, folder: Path, output: Output = "table") -> None:
    """Runs the fleet until SIGINT or SIGTERM; kubeconfigs are in the folder."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, ended.set)
    ports: Ports = "shared" if plan.ways.one_port else "own"
    fleet = SimulatedFleet(plan.specs, seed=plan.seed, tls=not plan.ways.plain, ports=ports, controllers=EVERYTHING)
    async with fleet, controlled(fleet, wanted=plan.ways.control) as control:
        fleet.write_kubeconfigs(folder)
        if output == "json":
            said = listing(fleet, folder) | ({"control": control.url} if control else {})
            sys.stdout.write(orjson.dumps(said, option=orjson.OPT_INDENT_2).decode() + "\n")
            sys.stdout.flush()
        print(f"{len(plan.specs)} simulated clusters; kubeconfigs are in {folder}, all contexts in merged.yaml", file=sys.stderr)
        if control:
            print(f"what goes wrong is told to {control.url}", file=sys.stderr)
        print("stop them with Ctrl-C", file=sys.stderr, flush=True)
        busy = [loop.create_task(play(plan.faults, fleet.clusters))]
        if plan.rates is not None:
            busy.append(loop.create_task(driven(fleet, plan)))
        await ended.wait()
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)


@asynccontextmanager
async def controlled(fleet: SimulatedFleet, *, wanted: bool) -> AsyncIterator[Control | None]:
    """The port on which faults are injected, as long as the fleet runs."""
    if not wanted:
        yield None
        return
    control = Control(fleet.clusters)
    control.open()
    try:
        yield control
    finally:
        await control.close()


async def driven(fleet: SimulatedFleet, plan: _Plan) -> None:
    """The load, until it is cancelled."""
    log = plan.ways.load_log.open("a", encoding="utf-8") if plan.ways.load_log is not None else None

    def told(deed: Deed) -> None:
        if log is not None:
            log.write(orjson.dumps(deed).decode() + "\n")
            log.flush()

    load = Load(fleet.clusters, seed=plan.seed, told=told)
    try:
        while True:
            await load.run(BATCH, plan.rates or Rates())
    finally:
        if log is not None:
            log.close()


def read_rates(text: str) -> Rates:
    """`create=5,change=2`, acts a second. Raises InvalidInput."""
    known = {act.value for act in Act}
    rates: dict[str, float] = {}
    for part in text.split(","):
        name, _, number = part.strip().partition("=")
        try:
            rates[name] = float(number)
        except ValueError as error:
            raise InvalidInput(f"{part!r} is no rate: write --load create=5,change=2") from error
        if name not in known or not 0 <= rates[name] < math.inf:
            raise InvalidInput(f"{part!r} is no rate: there are {', '.join(sorted(known))}, each with a number that is not negative")
    if not any(rates.values()):
        raise InvalidInput("a load needs a rate above 0")
    return Rates(**rates)


def listing(fleet: SimulatedFleet, folder: Path) -> dict[str, Any]:
    """The fleet for scripts."""
    return {
        "kubeconfig": str(folder / "merged.yaml"),
        "clusters": [
            {
                "name": name,
                "url": cluster.url,
                "labels": dict(cluster.spec.labels),
                "version": cluster.spec.version,
                "kubeconfig": str(folder / f"{name}.yaml"),
                "limitedKubeconfig": str(folder / f"{name}.limited.yaml"),
            }
            for name, cluster in fleet.clusters.items()
        ],
    }


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise InvalidInput(f"{text!r} is no label: write --label key=value")
    return key, value
