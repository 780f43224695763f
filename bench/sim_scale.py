"""How much memory simulated clusters cost, and how fast their server is without a socket: `python -m bench.sim_scale`.

Numbers of processes of their own: resident memory is read before and after, once the collector has run.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from aiohttp import web
from rich.console import Console

from bench.children import Failed
from bench.harness import Bench, Check, Goal, Result
from fleetd.kubeapi.exchange import Request, User
from fleetd.sim.cluster import ClusterSpec, SimulatedCluster
from fleetd.sim.fleet import SimulatedFleet
from fleetd.sim.load import service

ADMIN = User("admin", ("system:masters",))
CLUSTERS, OBJECTS, IDLE = 10_000, 20, 2_000
WHOLE_LIMIT, IDLE_LIMIT = 1.2e9, 20_000
WARM_MB = 40.0
WATCHES, WATCH_PERCENT, IDLE_SECONDS = 1_000, 1.0, 3.0
FOREVER = aiohttp.ClientTimeout(total=None)
MERGE = {"Content-Type": "application/merge-patch+json"}
ROUNDS = 3_000
PATH = "/api/v1/namespaces/default/services/app-0"


def resident() -> int:
    """Bytes of this process in memory."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


async def measure(clusters: int = CLUSTERS, objects: int = OBJECTS, idle: int = IDLE) -> Result:
    """Fills a fleet without sockets; the cost of an idle cluster is measured first, on a fleet that does nothing."""
    before = resident()
    empty = SimulatedFleet([ClusterSpec(f"idle-{number}") for number in range(idle)], tls=False, ports="none")
    await empty.start()
    each_idle = (resident() - before) / idle
    await empty.stop()
    del empty
    base = resident()
    fleet = SimulatedFleet([ClusterSpec(f"c-{number}") for number in range(clusters)], tls=False, ports="none")
    await fleet.start()
    for cluster in fleet.clusters.values():
        for number in range(objects):
            await cluster.create(service("default", f"app-{number}"))
    whole = resident() - base
    rates = await speeds(next(iter(fleet.clusters.values())))
    await fleet.stop()
    rates |= await over_http()
    watches = min(WATCHES, clusters)
    checks = (
        Check(f"{watches} open watches while nothing changes", await watching(watches), WATCH_PERCENT, "% CPU"),
        Check(f"{clusters} clusters with {objects} objects each", whole / 1e6, _limit(clusters), "MB"),
        Check("an idle cluster", each_idle / 1e3, IDLE_LIMIT / 1e3, "KB"),
    )
    return Result(checks, {"whole_bytes": whole, "idle_bytes": each_idle, "object_bytes": whole / clusters / max(objects, 1), **rates})


def _limit(clusters: int) -> float:
    """Megabytes; a smaller fleet than the goal's pays for the states that are kept warm all the same."""
    share = WHOLE_LIMIT / 1e6 * clusters / CLUSTERS
    return share if clusters >= CLUSTERS else share + WARM_MB


async def over_http() -> dict[str, float]:
    """Microseconds of processor time for a GET and a small PATCH over HTTP, client included; beside each, the same request to a handler of
    aiohttp's own server that returns a constant."""

    async def constant(_request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 900, content_type="application/json")

    app = web.Application()
    app.router.add_get(PATH, constant)
    app.router.add_patch(PATH, constant)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    plain = str(runner.addresses[0][1])
    try:
        async with SimulatedFleet([ClusterSpec("c")], tls=False) as fleet, aiohttp.ClientSession() as session:
            cluster = fleet.clusters["c"]
            await cluster.create(service("default", "app-0"))
            headers = {"Authorization": f"Bearer {cluster.admin_token}"}

            async def ask(url: str) -> None:
                async with session.get(url + PATH, headers=headers) as answer:
                    await answer.read()

            async def change(url: str) -> None:
                patch = orjson.dumps({"metadata": {"labels": {"n": str(time.monotonic_ns())}}})
                async with session.patch(url + PATH, headers=headers | MERGE, data=patch) as answer:
                    await answer.read()

            bare = f"http://127.0.0.1:{plain}"
            told = {"http_get_us": await _each(lambda: ask(cluster.url)), "http_constant_us": await _each(lambda: ask(bare))}
            told |= {"http_patch_us": await _each(lambda: change(cluster.url)), "http_constant_patch_us": await _each(lambda: change(bare))}
            told["get_ratio"] = told["http_get_us"] / told["http_constant_us"]
            return told | {"patch_ratio": told["http_patch_us"] / told["http_constant_patch_us"]}
    finally:
        await runner.cleanup()


async def watching(watches: int) -> float:
    """Percent of a processor that so many open watches cost while nothing changes; server and client together, over HTTP."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 2 * watches + 200), hard), hard))
    specs = [ClusterSpec(f"w-{number}") for number in range(max(1, watches // 50))]
    async with SimulatedFleet(specs, tls=False) as fleet, AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        clusters = list(fleet.clusters.values())
        without = await _idle()
        for number in range(watches):
            cluster = clusters[number % len(clusters)]
            headers = {"Authorization": f"Bearer {cluster.admin_token}"}
            await stack.enter_async_context(session.get(f"{cluster.url}/api/v1/services?watch=1", headers=headers, timeout=FOREVER))
        return max(0.0, await _idle() - without)


async def _idle() -> float:
    """Percent of a processor while nothing is asked."""
    await asyncio.sleep(0.5)
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.sleep(IDLE_SECONDS)
    return 100 * (time.process_time() - cpu) / (time.perf_counter() - began)


async def speeds(cluster: SimulatedCluster) -> dict[str, float]:
    """Microseconds of processor time for one request, without socket, faults and log."""
    apply = {"content-type": "application/apply-patch+yaml", "user-agent": "bench"}
    manifest = service("default", "app-0")

    async def get() -> None:
        await cluster.api.handle(Request("GET", PATH, {}, {}, b"", ADMIN))

    async def unchanged() -> None:
        await cluster.api.handle(Request("PATCH", PATH, {"fieldManager": ("m",)}, apply, orjson.dumps(manifest), ADMIN))

    async def changed() -> None:
        manifest["metadata"]["labels"] = {"app": "app-0", "n": str(time.monotonic_ns())}
        await unchanged()

    return {
        "get_us": await _each(get),
        "apply_changed_us": await _each(changed),
        "apply_unchanged_us": await _each(unchanged),
    }


async def _each(call: Callable[[], Awaitable[None]]) -> float:
    await call()
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        for _ in range(ROUNDS // 3):
            await call()
        best = min(best, (time.process_time() - began) / (ROUNDS // 3))
    return best * 1e6


SIZES = {"full": (CLUSTERS, OBJECTS, IDLE), "quick": (1_000, OBJECTS, 500), "tiny": (5, 2, 5)}


async def run(bench: Bench) -> Result:
    """In a process of its own: what was measured before is not to count."""
    sizes = SIZES[bench.sizes.name]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.sim_scale", *map(str, sizes), "--json", cwd=Path(__file__).parents[1], stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    if not said:
        raise Failed("bench.sim_scale said nothing")
    found = orjson.loads(said)
    return Result(tuple(Check(**check) for check in found["checks"]), found["raw"])


GOAL = Goal(
    "SIM",
    "A simulated fleet fits into memory: 10,000 clusters with 20 objects each.",
    f"<= {WHOLE_LIMIT / 1e9:g} GB, an idle cluster <= {IDLE_LIMIT / 1e3:g} KB;"
    f" {WATCHES} open watches <= {WATCH_PERCENT:g} % of a processor",
    run,
)


def main() -> int:
    """Prints the figures; 1 where a limit is missed."""
    as_json = "--json" in sys.argv
    sizes: tuple[Any, ...] = tuple(int(word) for word in sys.argv[1:] if word != "--json")
    result = asyncio.run(measure(*sizes))
    if as_json:
        sys.stdout.buffer.write(orjson.dumps({"checks": [asdict(check) for check in result.checks], "raw": dict(result.raw)}))
        return 0
    console = Console()
    for check in result.checks:
        console.print(f"{check.name}: {check.value:.1f} {check.unit} (at most {check.limit:.1f}): {check.verdict}")
    for name, value in result.raw.items():
        console.print(f"  {name}: {value:,.1f}")
    return 0 if all(check.verdict == "PASS" for check in result.checks) else 1


if __name__ == "__main__":
    sys.exit(main())
