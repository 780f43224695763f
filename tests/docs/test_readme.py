"""The README: its demo, and its five minutes on two clusters, done as they are written."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from fleetd.sim.cluster import ClusterSpec, SimulatedCluster
from fleetd.sim.fleet import SimulatedFleet

ROOT = Path(__file__).parents[2]
ENDPOINTS = ("v1", "Endpoints", "default", "web")


def test_the_readme_shows_what_the_demo_says(read_page: Any) -> None:
    shown = next(fence.text for fence in read_page("README.md").fences if fence.text.startswith("$ fleetd demo --once"))
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200"}
    demo = [sys.executable, "-m", "fleetd.cli", "demo", "--once"]
    ran = subprocess.run(demo, capture_output=True, text=True, timeout=90, env=environment, check=False)
    assert ran.returncode == 0, ran.stderr
    assert _without_numbers(ran.stdout) == _without_numbers(shown.partition("\n")[2])


def _without_numbers(text: str) -> list[str]:
    return [re.sub(r"/\S+|[\d,.]+ ms|198\.\S+", "…", line).strip() for line in text.strip().splitlines()]


class Shell:
    """A reader's terminal: commands of the README, in the checkout, with a home of their own."""

    def __init__(self, home: Path) -> None:
        path = f"{sysconfig.get_path('scripts')}:{os.environ['PATH']}"
        self.environment = {"PATH": path, "HOME": str(home), "NO_COLOR": "1", "XDG_DATA_HOME": str(home / "data")}

    async def start(self, command: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_shell(
            command, cwd=ROOT, env=self.environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )

    async def run(self, commands: str) -> str:
        process = await self.start(f"set -e\n{commands}")
        said = (await process.communicate())[0].decode()
        assert process.returncode == 0, f"{commands}\n{said}"
        return said


async def _copied(cluster: SimulatedCluster) -> bool:
    live = await cluster.get(*ENDPOINTS)
    return live is not None and bool(live.get("subsets"))


async def _gone(cluster: SimulatedCluster) -> bool:
    return await cluster.get(*ENDPOINTS) is None


async def test_the_five_minutes_of_the_readme_work_as_they_are_written(read_page: Any, tmp_path: Path) -> None:
    section = read_page("README.md").text.partition("## Five minutes")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    setup, daemon, register, declare, happen, look, edit, end = blocks
    assert "make setup" in setup
    shell = Shell(tmp_path)
    async with SimulatedFleet([ClusterSpec("east"), ClusterSpec("west")]) as fleet:
        west = fleet.clusters["west"]
        fleet.write_kubeconfigs(tmp_path / ".kube")
        (tmp_path / ".kube" / "merged.yaml").rename(tmp_path / ".kube" / "config")
        running = await shell.start(f"exec {daemon.strip()} --announce")
        try:
            assert running.stdout is not None
            while b"ready" not in (line := await running.stdout.readline()):
                assert line, "the daemon ended"
            assert "default/west" in await shell.run(register)
            assert "eventtrigger.lib.projectsveltos.io/share-services created" in await shell.run(declare)
            await shell.run(happen)
            await west.until(_copied, timeout=20)
            told = await shell.run(f"fleetd wait --converged\n{look}")
            assert "exported-services" in told
            assert "deployed" in told
            assert "endpoints/web" in told
            patch, drift = edit.strip().splitlines()
            await shell.run(patch)
            await west.until(_copied, timeout=20)
            assert "kubectl-patch" in await shell.run(f"fleetd wait --converged\n{drift}")
            assert "deregistered" in await shell.run(end)
            await west.until(_gone, timeout=20)
        finally:
            running.terminate()
            await running.communicate()


@pytest.mark.parametrize("target", ["setup", "demo", "test", "check", "bench", "wheel"])
def test_every_target_of_make_that_the_readme_names_is_there(target: str, read_page: Any) -> None:
    assert f"make {target}" in read_page("README.md").text
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
