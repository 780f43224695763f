"""What is interrupted ends within moments, with the exit code that is said, and leaves nothing running."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 60


async def demo(tmp_path: Path) -> asyncio.subprocess.Process:
    """The demo, as far as its daemon is at work."""
    environment = {**os.environ, "TMPDIR": str(tmp_path), "NO_COLOR": "1"}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-u", "-m", "fleetd.cli", "demo", stdout=pipe, stderr=pipe, env=environment
    )
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        while b"the daemon was ready" not in (line := await process.stdout.readline()):
            assert line
    return process


def children(process: asyncio.subprocess.Process) -> list[int]:
    """Something to wait on for each process that it started."""
    text = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii")
    return [os.pidfd_open(int(word)) for word in text.split()]


def left(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def all_ended(opened: list[int]) -> bool:
    """Whether every one of them ends within the time."""
    return all(select.select([one], [], [], PATIENCE)[0] for one in opened)


@pytest.mark.skipif(sys.platform != "linux", reason="children are found by /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_demo_that_is_interrupted_takes_its_daemon_and_its_folder_along(tmp_path: Path, number: signal.Signals) -> None:
    process = await demo(tmp_path)
    daemons = children(process)
    assert len(daemons) == 1
    process.send_signal(number)
    async with asyncio.timeout(PATIENCE):
        await process.communicate()
    assert process.returncode == 130
    assert all_ended(daemons)
    assert left(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="children are found by /proc")
async def test_a_demo_that_is_killed_leaves_no_daemon_behind(tmp_path: Path) -> None:
    process = await demo(tmp_path)
    daemons = children(process)
    assert len(daemons) == 1
    process.kill()
    await process.communicate()
    assert await asyncio.to_thread(all_ended, daemons)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_daemon_ends_in_order_with_0(start: Any, number: signal.Signals) -> None:
    process = await start("run", "--announce")
    async with asyncio.timeout(PATIENCE):
        assert await process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        _, said = await process.communicate()
    assert process.returncode == 0
    assert b"Traceback" not in said
