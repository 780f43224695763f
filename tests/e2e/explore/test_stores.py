"""The database goes away, comes back, or is full, while the fleet is at work."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from fleetd.domain.errors import Refused
from fleetd.store.care import backup as make_backup

SOURCE = {"role": "source"}
PROFILE = """
apiVersion: config.projectsveltos.io/v1beta1
kind: ClusterProfile
metadata: {name: p}
spec:
  clusterSelector: {matchLabels: {role: source}}
  syncMode: ContinuousWithDriftDetection
  policyRefs: [{kind: ConfigMap, namespace: default, name: c}]
"""
CONTENT = """
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: default}
data:
  a.yaml: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: one, namespace: default}
    data: {value: "%s"}
"""


class Wire:
    """A line to the database that can be cut and mended."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def mend(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in tuple(self._open):
            writer.transport.abort()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._port)
            self._open |= {writer, back}
            with suppress(OSError, asyncio.CancelledError):
                await asyncio.gather(self._pass(reader, back), self._pass(there, writer))
        finally:
            self._tasks.discard(task)
            self._open -= {writer, back}
            for end in (writer, back):
                end.close()

    @staticmethod
    async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()


class TestPostgres:
    @pytest.fixture
    def database_kind(self) -> str:
        return "postgres"

    async def test_work_goes_on_when_postgres_comes_back_with_what_was_declared_meanwhile(self, world: Any, postgres_server: Any) -> None:
        wire = Wire(postgres_server.port)
        await wire.mend()
        async with world(start=False, register=False, a=SOURCE) as w:
            direct = w.url
            w.url = direct.replace(f":{postgres_server.port}/", f":{wire.port}/")
            await w.start()
            w.url = direct
            await w.register("a")
            await w.declare(CONTENT % "1")
            await w.declare(PROFILE)
            await w.shows("a", "v1", "ConfigMap", "default/one")
            await w.settled()
            for value in "23":
                await wire.cut()
                await w.declare(CONTENT % value)
                await w["a"].patch("v1", "ConfigMap", "default", "one", {"data": {"value": "x"}}, manager="x")
                await wire.mend()
                await w.shows("a", "v1", "ConfigMap", "default/one", lambda live, value=value: live["data"]["value"] == value)
            await w.until_row("SELECT count(*) AS n FROM fleet_drift_incidents WHERE outcome = 'open'", {"n": 0})
            await w.stop()
        await wire.cut()

    async def test_a_daemon_that_lost_its_place_to_another_writes_no_more_and_says_so(self, world: Any, postgres_server: Any) -> None:
        wire = Wire(postgres_server.port)
        await wire.mend()
        async with world(start=False, register=False, a=SOURCE) as w:
            direct = w.url
            w.url = direct.replace(f":{postgres_server.port}/", f":{wire.port}/")
            await w.start()
            w.url = direct
            first = w._daemon
            await w.register("a")
            await w.declare(CONTENT % "1")
            await w.declare(PROFILE)
            await w.shows("a", "v1", "ConfigMap", "default/one")
            await w.settled()
            await wire.cut()
            await w.start()
            await wire.mend()
            await w.declare(CONTENT % "2")
            await w.shows("a", "v1", "ConfigMap", "default/one", lambda live: live["data"]["value"] == "2")
            with pytest.raises(Refused, match="another fleetd daemon"):
                await asyncio.wait_for(first, 20)
        await wire.cut()


DAEMON = """
import asyncio, resource, signal, sys
from pathlib import Path
from fleetd.daemon import run
from fleetd.settings import Settings

def full(*_):
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))

def free(*_):
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
signal.signal(signal.SIGUSR1, full)
signal.signal(signal.SIGUSR2, free)
asyncio.run(run(Settings(database=sys.argv[1], key_file=Path(sys.argv[2])), ready=lambda: print("ready", flush=True)))
"""


async def test_a_full_disk_stops_work_and_nothing_else_and_work_goes_on_when_there_is_room(world: Any) -> None:
    async with world(start=False, register=False, a=SOURCE) as w:
        daemon = await asyncio.create_subprocess_exec(
            sys.executable, "-u", "-c", DAEMON, w.url, str(w.key_file), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        assert daemon.stdout is not None

        async def until_said(what: bytes) -> None:
            said = []
            async with asyncio.timeout(20):
                while what not in (line := await daemon.stdout.readline()):
                    assert line, said
                    said.append(line)

        try:
            await until_said(b"ready")
            await w.register("a")
            await w.declare(CONTENT % "1")
            await w.declare(PROFILE)
            await w.shows("a", "v1", "ConfigMap", "default/one")
            await w.settled()
            w["a"].requests.clear()
            daemon.send_signal(signal.SIGUSR1)
            await w.declare(CONTENT % "2")
            await until_said(b"the store does not take what happened")
            await until_said(b"the store does not take what happened")
            assert w.writes("a") == 0
            daemon.send_signal(signal.SIGUSR2)
            await w.shows("a", "v1", "ConfigMap", "default/one", lambda live: live["data"]["value"] == "2")
        finally:
            with suppress(ProcessLookupError):
                daemon.terminate()
            await daemon.communicate()


@asynccontextmanager
async def a_daemon(w: Any) -> AsyncIterator[tuple[asyncio.subprocess.Process, Callable[[bytes], Awaitable[None]]]]:
    """The daemon as a process, at work on a profile on cluster `a`; and a wait for what it says."""
    daemon = await asyncio.create_subprocess_exec(
        sys.executable, "-u", "-c", DAEMON, w.url, str(w.key_file), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )

    async def until_said(what: bytes) -> None:
        said: list[bytes] = []
        assert daemon.stdout is not None
        async with asyncio.timeout(20):
            while what not in (line := await daemon.stdout.readline()):
                assert line, said
                said.append(line)

    try:
        await until_said(b"ready")
        await w.register("a")
        await w.declare(CONTENT % "1")
        await w.declare(PROFILE)
        await w.shows("a", "v1", "ConfigMap", "default/one")
        await w.settled()
        w["a"].requests.clear()
        yield daemon, until_said
    finally:
        with suppress(ProcessLookupError):
            daemon.terminate()
        await daemon.communicate()


def move(path: str | Path, target: str | Path) -> None:
    Path(path).rename(target)


async def tampered(w: Any) -> None:
    await w["a"].patch("v1", "ConfigMap", "default", "one", {"data": {"value": "x"}}, manager="x")


async def test_nothing_is_done_while_the_databases_file_is_away_and_work_goes_on_when_it_is_back(world: Any, tmp_path: Path) -> None:
    async with world(start=False, register=False, a=SOURCE) as w, a_daemon(w) as (_, until_said):
        move(w.url, tmp_path / "taken away")
        await tampered(w)
        await until_said(b"went away: put it back")
        assert w.writes("a") == 0
        move(tmp_path / "taken away", w.url)
        await w.shows("a", "v1", "ConfigMap", "default/one", lambda live: live["data"]["value"] == "1")


async def test_a_daemon_whose_file_was_replaced_writes_into_neither_and_ends_with_a_sentence(world: Any, tmp_path: Path) -> None:
    async with world(start=False, register=False, a=SOURCE) as w:
        backup = tmp_path / "backup.db"
        async with a_daemon(w) as (daemon, until_said):
            await make_backup(w.url, backup)
            for end in ("", "-wal", "-shm"):
                move(f"{w.url}{end}", tmp_path / f"old.db{end}")
            move(backup, w.url)
            await tampered(w)
            await until_said(b"is another file by now")
            assert await daemon.wait() not in (0, None)
            assert w.writes("a") == 0
        await w.start()
        await w.shows("a", "v1", "ConfigMap", "default/one", lambda live: live["data"]["value"] == "1")
