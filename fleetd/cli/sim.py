"""`fleetd sim`: simulated clusters over real HTTP, until interrupted."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
import uvloop
from cyclopts import Parameter
from cyclopts.types import ExistingFile
from cyclopts.validators import Number

from fleetd.domain.errors import InvalidInput
from fleetd.sim.controllers.chosen import EVERYTHING
from fleetd.sim.fleet import SimulatedFleet
from fleetd.sim.naming import numbered
from fleetd.sim.schedule import PlannedFault, parse_faults, play

Output = Literal["table", "json"]


def sim(
    *,
    clusters: Annotated[int, Parameter(validator=Number(gte=1, lte=5000))] = 3,
    label: Annotated[Sequence[str], Parameter(negative="", metavar="KEY=VALUE")] = (),
    kubeconfig_dir: Path | None = None,
    faults: ExistingFile | None = None,
    seed: int = 0,
    plain: Annotated[bool, Parameter(negative="")] = False,
    output: Annotated[Output, Parameter(name=("--output", "-o"))] = "table",
) -> None:
    """Run simulated Kubernetes clusters on 127.0.0.1, until interrupted.

    Each speaks the Kubernetes API to kubectl, Helm or anything else. Nothing is kept: they are gone when the command ends.

    Examples:
        fleetd sim --clusters 3 --kubeconfig-dir ./clusters
        KUBECONFIG=./clusters/merged.yaml kubectl --context cluster-2 get namespaces

    Args:
        clusters: How many; they are called cluster-1, cluster-2 and so on.
        label: A label for all of them, beside `region` and `env`; may be given several times.
        kubeconfig_dir: Where kubeconfigs are written: NAME.yaml (an administrator), NAME.limited.yaml (a user without rights) and
            merged.yaml. By default a temporary folder that is removed at the end.
        faults: A YAML file with what goes wrong, where and when.
        seed: The same seed gives the same uids and addresses.
        plain: HTTP without TLS, for benchmarks; kubectl shows no token on it.
        output: With json, the list of clusters on stdout once all of them answer.
    """
    labels = dict(_pair(text) for text in label)
    planned = parse_faults(faults.read_text()) if faults is not None else ()
    if kubeconfig_dir is not None:
        uvloop.run(serve(clusters, labels, kubeconfig_dir, planned, seed, plain, output))
        return
    with tempfile.TemporaryDirectory(prefix="fleetd-sim-") as folder:
        uvloop.run(serve(clusters, labels, Path(folder), planned, seed, plain, output))


async def serve(
    clusters: int,
    labels: Mapping[str, str],
    kubeconfig_dir: Path,
    faults: Sequence[PlannedFault],
    seed: int,
    plain: bool,
    output: Output = "table",
) -> None:
    """Runs the fleet until SIGINT or SIGTERM."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, ended.set)
    async with SimulatedFleet(numbered(clusters, labels), seed=seed, tls=not plain, controllers=EVERYTHING) as fleet:
        fleet.write_kubeconfigs(kubeconfig_dir)
        if output == "json":
            sys.stdout.write(orjson.dumps(listing(fleet, kubeconfig_dir), option=orjson.OPT_INDENT_2).decode() + "\n")
            sys.stdout.flush()
        print(f"{clusters} simulated clusters; kubeconfigs are in {kubeconfig_dir}, all contexts in merged.yaml", file=sys.stderr)
        print("stop them with Ctrl-C", file=sys.stderr, flush=True)
        playing = loop.create_task(play(faults, fleet.clusters))
        await ended.wait()
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)


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
