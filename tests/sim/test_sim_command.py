"""`fleetd sim` as a process."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
import yaml

START = "import cyclopts; from fleetd.cli.sim import sim; cyclopts.App(default_command=sim)()"

Start = Callable[..., Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts the command; what still runs at the end is killed."""
    started: list[asyncio.subprocess.Process] = []

    async def run(*arguments: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", START, *arguments, stdout=pipe, stderr=pipe)
        started.append(process)
        return process

    yield run
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ready(process: asyncio.subprocess.Process) -> None:
    """Waits until the command says that all clusters answer."""
    assert process.stderr is not None
    while b"Ctrl-C" not in (line := await process.stderr.readline()):
        assert line, "the command ended"


async def test_it_serves_until_it_is_told_to_end(start: Start, tmp_path: Path) -> None:
    process = await start("--clusters", "2", "--label", "team=shop", "--kubeconfig-dir", str(tmp_path / "configs"), "-o", "json")
    await ready(process)
    config = yaml.safe_load((tmp_path / "configs" / "cluster-2.yaml").read_text())
    address, token = config["clusters"][0]["cluster"]["server"], config["users"][0]["user"]["token"]
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        async with session.get(f"{address}/api/v1/namespaces/kube-system", ssl=context) as answer:
            assert (answer.status, (await answer.json())["metadata"]["name"]) == (200, "kube-system")
    process.terminate()
    out, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    listing = json.loads(out)
    assert [cluster["name"] for cluster in listing["clusters"]] == ["cluster-1", "cluster-2"]
    assert listing["clusters"][1]["labels"] == {"region": "us-east", "env": "prod", "team": "shop"}
    assert listing["clusters"][1]["url"] == address
    assert listing["kubeconfig"] == str(tmp_path / "configs" / "merged.yaml")


async def test_without_a_folder_it_leaves_none_behind(start: Start) -> None:
    process = await start("--clusters", "1", "--plain", "-o", "json")
    await ready(process)
    process.send_signal(2)
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert not Path(json.loads(out)["kubeconfig"]).parent.exists()


async def test_faults_of_a_file_are_played(start: Start, tmp_path: Path) -> None:
    (tmp_path / "faults.yaml").write_text("- {clusters: cluster-1, kind: status, status: 418}\n")
    process = await start("--clusters", "2", "--plain", "--kubeconfig-dir", str(tmp_path / "c"), "--faults", str(tmp_path / "faults.yaml"))
    await ready(process)
    statuses = []
    async with aiohttp.ClientSession() as session:
        for name in ("cluster-1", "cluster-2"):
            config = yaml.safe_load((tmp_path / "c" / f"{name}.yaml").read_text())
            async with session.get(f"{config['clusters'][0]['cluster']['server']}/version") as answer:
                statuses.append(answer.status)
    assert statuses == [418, 200]


async def test_faults_are_told_to_a_running_fleet_on_one_port(start: Start) -> None:
    process = await start("--clusters", "2", "--plain", "--one-port", "--control", "-o", "json")
    await ready(process)
    assert process.stdout is not None
    said = json.loads(await process.stdout.readuntil(b"\n}\n"))
    first, second = (cluster["url"] for cluster in said["clusters"])
    assert first.removesuffix("cluster-1") == second.removesuffix("cluster-2")
    async with aiohttp.ClientSession() as session:
        fault = [{"kind": "status", "status": 503, "clusters": "cluster-2"}]
        async with session.post(f"{said['control']}/faults", json=fault) as answer:
            assert await answer.json() == {"struck": ["cluster-2"]}
        for url, status in ((first, 200), (second, 503)):
            async with session.get(f"{url}/version") as answer:
                assert answer.status == status


async def test_a_load_is_written_down(start: Start, tmp_path: Path) -> None:
    log = tmp_path / "deeds.jsonl"
    os.mkfifo(log)
    await start("--clusters", "2", "--plain", "--load", "create=200,change=100", "--load-log", str(log))
    with await asyncio.to_thread(log.open) as lines:
        first = json.loads(await asyncio.to_thread(lines.readline))
    assert (first["number"], first["act"], first["namespace"], first["name"]) == (1, "create", "default", "load-1")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--load", "burn=1"), b"no rate"),
        (("--load", "create=0"), b"above 0"),
        (("--label", "team"), b"no label"),
        (("--clusters", "0"), b"1"),
        (("--faults", "no-such-file"), b"no-such-file"),
    ],
)
async def test_wrong_options_end_it_with_a_sentence(arguments: tuple[str, ...], said: bytes, start: Start) -> None:
    process = await start(*arguments)
    out, err = await process.communicate()
    assert process.returncode != 0
    assert said in out + err
