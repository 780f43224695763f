"""What the same work costs at the least, measured in the same run: every ratio's denominator.

All are CPU of the measuring process, in microseconds, the median of several rounds; `FS` is wall time, in milliseconds.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import orjson

from bench.children import Child, started
from bench.objects import exported, pod_event
from fleetd.cluster.decoding import ObjectDecoder
from fleetd.domain.objects import Reads
from fleetd.domain.refs import GroupVersionKind

ROUNDS = 5
POD = GroupVersionKind("", "v1", "Pod")


@dataclass(frozen=True, slots=True)
class Calibration:
    """D: orjson.loads of one Pod event. T: typed msgspec decode of its metadata. W: raw read of one event from a watch's stream.
    H: one aiohttp PATCH (server-side apply) against a simulated cluster. FS: fdatasync of a 4 KiB append, p50 and p99."""

    d_us: float
    t_us: float
    w_us: float
    h_us: float
    fs_p50_ms: float
    fs_p99_ms: float
    event_bytes: int

    def as_json(self) -> dict[str, Any]:
        """With the values' units in their names."""
        return asdict(self)


async def calibrate(folder: Path, *, events: int = 4_000, patches: int = 600, syncs: int = 200) -> Calibration:
    """Measures all of them; `folder` is where the databases of the run lie."""
    event = pod_event("web-6d5f8b7c9d-00001", "1000000001")
    d, t = decoding(event, events)
    async with started("bench.stream_child") as child:
        w = await reading(child, events)
    async with started("bench.fleet_child") as child:
        h = await patching(child, patches)
    fs = await asyncio.to_thread(syncing, folder, syncs)
    return Calibration(d, t, w, h, fs[len(fs) // 2], fs[int(len(fs) * 0.99)], len(event))


def decoding(event: bytes, count: int) -> tuple[float, float]:
    """(D, T)."""
    line = event.rstrip()
    shape = ObjectDecoder(POD, Reads())
    typed: msgspec.json.Decoder[Any] = shape._line  # noqa: SLF001  # the decoder alone, without what we make of it
    return _cpu(lambda: orjson.loads(line), count), _cpu(lambda: typed.decode(line), count)


def _cpu(work: Callable[[], object], count: int) -> float:
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(count):
            work()
        rounds.append((time.process_time() - began) / count * 1e6)
    return statistics.median(rounds)


async def reading(child: Child, count: int) -> float:
    """W: chunks as they come, looked at by nobody."""
    url = (await child.ask("start"))["url"]
    rounds = []
    async with (
        aiohttp.ClientSession(read_bufsize=256 * 1024, auto_decompress=False) as session,
        session.get(f"{url}/api/v1/pods?watch=1") as answer,
    ):
        for _ in range(ROUNDS):
            due = (await child.ask("say", count=count))["bytes"]
            began = time.process_time()
            while due > 0:
                due -= len(await answer.content.readany())
            rounds.append((time.process_time() - began) / count * 1e6)
    return statistics.median(rounds)


async def patching(child: Child, count: int) -> float:
    """H: one apply after another of an object that changes each time, the answer read and parsed."""
    known = await child.ask("start", clusters=[{"name": "calibration", "labels": {}}], seed=0)
    access = known["clusters"]["calibration"]
    headers = {
        "Authorization": f"Bearer {access['token']}",
        "Content-Type": "application/apply-patch+yaml",
        "Accept": "application/json",
    }
    url = f"{access['url']}/api/v1/namespaces/default/services/copy?fieldManager=calibration&force=true"
    bodies = [orjson.dumps(exported("copy", str(number), "nowhere")) for number in range(count)]
    async with aiohttp.ClientSession() as session:

        async def patch(body: bytes) -> None:
            async with session.patch(url, data=body, headers=headers) as answer:
                orjson.loads(await answer.read())

        await patch(bodies[0])
        rounds = [await _each(patch, bodies) for _ in range(ROUNDS)]
    return statistics.median(rounds)


async def _each(patch: Callable[[bytes], Awaitable[None]], bodies: list[bytes]) -> float:
    began = time.process_time()
    for body in bodies:
        await patch(body)
    return (time.process_time() - began) / len(bodies) * 1e6


def syncing(folder: Path, count: int) -> list[float]:
    """FS: milliseconds of each fdatasync, in order of size."""
    times = []
    block = os.urandom(4096)
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(count):
            file.write(block)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - began) * 1e3)
    return sorted(times)
