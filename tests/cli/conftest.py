"""The real commands: in this process where speed matters, or as processes, on a real database."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from fleetd.cli.__main__ import run_command
from fleetd.daemon import run as run_daemon
from fleetd.domain.records import (
    AddonRecord,
    ChangeKind,
    DriftField,
    EventRecord,
    GeneratedRecord,
    IncidentRecord,
    MemberRecord,
    ObjectChange,
    Record,
    ReportedObject,
)
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import AddonState, ClusterState, DriftOutcome
from fleetd.settings import Settings
from fleetd.sim.cluster import ClusterSpec, SimulatedCluster
from fleetd.sim.fleet import SimulatedFleet
from fleetd.store.crypto import MasterKey
from fleetd.store.database import Database

GENERATED = "sveltos-glni3qk2"


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Fleetd = Callable[..., Ran]


@pytest.fixture(autouse=True)
def logs_of_one_test() -> Iterator[None]:
    """`fleetd run` sets the logs of its process up, to a stderr that is there for one test only."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def environment(tmp_path: Path, master_key: MasterKey) -> dict[str, str]:
    """A SQLite database that is not there yet, and a key file."""
    key_file = tmp_path / "master.key"
    key_file.write_text(master_key.to_text())
    key_file.chmod(0o600)
    return {"FLEETD_DATABASE": str(tmp_path / "fleet.db"), "FLEETD_KEY_FILE": str(key_file), "NO_COLOR": "1", "COLUMNS": "200"}


@pytest.fixture
def fleetd(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Fleetd:
    """Runs a command in this process: `fleetd("get", "clusters", given="…")`; `given` is its stdin."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str, given: str = "") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.StringIO(textwrap.dedent(given)))
        capsys.readouterr()
        code = run_command(arguments)
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run


@pytest.fixture
def on_database(fleetd: Fleetd, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Fleetd:
    """As `fleetd`, on either kind of database."""
    monkeypatch.setenv("FLEETD_DATABASE", database_url)
    return fleetd


Start = Callable[..., Any]


@pytest.fixture
def start(environment: dict[str, str]) -> Start:
    """Starts a command as a process of its own, and gives it back running."""

    async def run(*arguments: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "fleetd.cli", *arguments, stdout=pipe, stderr=pipe, env={**os.environ, **environment}
        )

    return run


@pytest.fixture
def beside(fleetd: Fleetd) -> Callable[..., Any]:
    """As `fleetd`, in a thread beside the test's own event loop, on which clusters answer."""

    async def run(*arguments: str) -> Ran:
        return await asyncio.to_thread(fleetd, *arguments)

    return run


@pytest.fixture
def written(fleetd: Fleetd, environment: dict[str, str], master_key: MasterKey) -> Callable[[Sequence[Record]], None]:
    """Puts records into the database, as the daemon does."""

    async def commit(records: Sequence[Record]) -> None:
        database = await Database.open(environment["FLEETD_DATABASE"], key=master_key)
        await database.commit(records)
        await database.close()

    return lambda records: asyncio.run(commit(records))


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def fleet(written: Callable[[Sequence[Record]], None], now: datetime) -> None:
    """One member in order and one away, an event, an add-on that failed and one that a trigger made, and a drift."""

    def member(name: str, state: ClusterState, **labels: str) -> MemberRecord:
        place = {"cluster": f"default/{name}", "namespace": "default", "name": name, "kind": "SveltosCluster"}
        return MemberRecord(
            **place,
            state=state,
            reason=f"default/{name}: watch failed" * (state is not ClusterState.READY),
            since=now,
            ready=state is ClusterState.READY,
            paused=False,
            last_seen_at=now,
            labels=labels,
        )

    web = ObjectRef("Service", "", "shop", "web")
    written(
        [
            member("eu", ClusterState.READY, env="prod"),
            member("us", ClusterState.UNREACHABLE, env="test"),
            EventRecord(
                event_id="e1",
                source="services",
                cluster="default/eu",
                revision=1,
                detected_at=now,
                matching_count=0,
                changes=tuple(
                    ObjectChange(ChangeKind.ADDED, ReportedObject(ref=ref, api_version="v1", uid=ref.name, digest="d"))
                    for ref in (web, replace(web, name="api"), replace(web, name="db"))
                ),
                cause_id="c",
            ),
            AddonRecord(
                profile="ClusterProfile/web",
                cluster="default/eu",
                addon="policyRefs/0",
                kind="policyRef",
                state=AddonState.FAILED,
                reason="it says \x1b[31mno\x1b[0m",
                attempts=2,
                wanted_digest="d",
                at=now,
            ),
            IncidentRecord(
                incident_id="i1",
                cluster="default/eu",
                ref=web,
                profile="ClusterProfile/web",
                changed_by="kubectl",
                detected_at=now,
                corrected_at=None,
                outcome=DriftOutcome.OPEN,
                flap_count=0,
                fields=tuple(DriftField(path=f"spec.{name}", wanted="1", found="2") for name in ("type", "ports", "selector")),
                cause_id="c",
            ),
            AddonRecord(
                profile=f"ClusterProfile/{GENERATED}",
                cluster="default/eu",
                addon="policyRefs/0",
                kind="policyRef",
                state=AddonState.DEPLOYED,
                reason="",
                attempts=1,
                wanted_digest="d",
                at=now,
            ),
            GeneratedRecord(
                ref=ObjectRef("ClusterProfile", "config.projectsveltos.io", "", GENERATED),
                manifest={"kind": "ClusterProfile"},
                digest="d",
                trigger="mirror",
                cluster="default/eu",
                object_ref=web,
                cause_id="c",
                at=now,
            ),
        ]
    )


SOURCE = """
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventSource
metadata:
  name: services
  labels: {team: shop}
spec:
  collectResources: true
  resourceSelectors:
  - {group: "", version: v1, kind: Service}
"""
TRIGGER = """
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventTrigger
metadata:
  name: mirror
  labels: {team: shop}
spec:
  sourceClusterSelector: {matchLabels: {env: prod}}
  eventSourceName: services
  policyRefs:
  - {kind: ConfigMap, name: template, namespace: default}
"""
CONFIG_MAP = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, labels: {team: shop}}
data: {mode: plain}
"""
SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: token}
stringData: {password: correct-horse}
"""

PROFILE = """
apiVersion: config.projectsveltos.io/v1beta1
kind: ClusterProfile
metadata: {name: web}
spec:
  clusterSelector: {matchLabels: {env: prod}}
  policyRefs:
  - {kind: ConfigMap, name: web, namespace: default}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data:
  web.yaml: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: web, namespace: default}
    data: {hello: world}
"""


@dataclass(frozen=True)
class Samples:
    """Manifests as people write them."""

    source: str = SOURCE
    trigger: str = TRIGGER
    config_map: str = CONFIG_MAP
    secret: str = SECRET
    profile: str = PROFILE

    def all(self) -> str:
        return "---".join((self.source, self.trigger, self.config_map))


@pytest.fixture
def samples() -> Samples:
    return Samples()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for manifests."""
    made = tmp_path / "manifests"
    made.mkdir()
    return made


End = Callable[[], Awaitable[None]]


@pytest.fixture
def begin(environment: dict[str, str]) -> Callable[[], Awaitable[End]]:
    """Starts the daemon in this process, and gives what ends it."""

    async def started() -> End:
        ready, stop = asyncio.Event(), asyncio.Event()
        settings = Settings(database=environment["FLEETD_DATABASE"], key_file=Path(environment["FLEETD_KEY_FILE"]))
        running = asyncio.create_task(run_daemon(settings, ready=ready.set, stop=stop))
        await ready.wait()

        async def end() -> None:
            stop.set()
            await running

        return end

    return started


@pytest.fixture
async def daemon(begin: Callable[[], Awaitable[End]]) -> AsyncIterator[End]:
    """The daemon, running in this process until the test is over, or until what this gives is awaited."""
    end = await begin()
    yield end
    await end()


@pytest.fixture
async def registered(beside: Callable[..., Any], daemon: None, tmp_path: Path) -> AsyncIterator[SimulatedCluster]:
    """A cluster with the label env=prod."""
    async with SimulatedFleet([ClusterSpec("eu")], seed=5) as fleet:
        fleet.write_kubeconfigs(tmp_path / "kube")
        await beside("cluster", "register", "eu", "--kubeconfig", str(tmp_path / "kube" / "eu.yaml"), "--labels", "env=prod")
        yield fleet.clusters["eu"]
