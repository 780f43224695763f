"""A daemon that kills itself with SIGKILL at a given crossing of its ports, again and again: the tests' means, not the product's.

Reads lines `URL KEY_FILE CROSSING` (0: never) from stdin; for each it forks a daemon, and when that has ended writes a line:
how it ended (`killed`, `ended`) and how many crossings it had seen. An empty line stops the daemon that runs.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from fleetd.cluster.connect import connect
from fleetd.cluster.port import Cluster
from fleetd.cluster.settings import ClusterSettings
from fleetd.daemon import read_kubeconfig_text
from fleetd.engine.clock import Clock
from fleetd.engine.engine import Engine
from fleetd.scripts.pool import ScriptPool
from fleetd.scripts.templates import TemplatePool
from fleetd.store.crypto import MasterKey
from fleetd.store.database import Database

GUARDED = frozenset({"commit", "apply", "delete", "read", "resource", "identity"})


class Border:
    """Counts every crossing into and out of a port, and dies at the one that was asked for."""

    def __init__(self, fatal: int) -> None:
        self.crossings = 0
        self._fatal = fatal

    def cross(self) -> None:
        self.crossings += 1
        if self.crossings == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)


class Proxy:
    """A port whose calls cross the border, coming and going."""

    def __init__(self, inner: Any, border: Border) -> None:
        self._inner = inner
        self._border = border

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in GUARDED:
            return found

        async def crossing(*arguments: Any, **named: Any) -> Any:
            self._border.cross()
            answer = await found(*arguments, **named)
            self._border.cross()
            return answer

        return crossing


async def serve(url: str, key_file: str, fatal: int) -> None:
    border = Border(fatal)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    database = await Database.open(url, key=MasterKey.from_file(Path(key_file)), daemon=True)

    async def open_cluster(name: str, text: str) -> Cluster:
        proxied: Any = Proxy(await connect(name, read_kubeconfig_text(text), settings=ClusterSettings()), border)
        return proxied  # type: ignore[no-any-return]

    watched: Any = Proxy(database, border)
    async with ScriptPool() as lua, TemplatePool(lua) as scripts:
        engine = Engine(watched, open_cluster, scripts, Clock())
        running = asyncio.create_task(engine.run())
        await stopping.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    await database.close()


def main() -> None:
    sys.stdout.write("up\n")
    sys.stdout.flush()
    for line in sys.stdin:
        url, key_file, fatal = line.split()
        child = os.fork()
        if child == 0:
            asyncio.run(serve(url, key_file, int(fatal)))
            os._exit(0)
        sys.stdout.write(f"pid {child}\n")
        sys.stdout.flush()
        _, status = os.waitpid(child, 0)
        sys.stdout.write("killed\n" if os.WIFSIGNALED(status) else "ended\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
