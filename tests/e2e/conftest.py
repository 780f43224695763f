"""A world: simulated clusters over HTTPS, a real database, the daemon on both."""

from __future__ import annotations

import asyncio
import runpy
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
import structlog
import yaml

from fleetd.daemon import run
from fleetd.domain.documents import read_documents
from fleetd.domain.errors import NotFound
from fleetd.domain.objects import ref_of
from fleetd.domain.records import RequestRecord
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import RequestState
from fleetd.service.admission import Admission, Admitted, placed
from fleetd.service.membership import join, leave, member_ref
from fleetd.settings import Settings
from fleetd.sim.cluster import ClusterSpec, SimulatedCluster
from fleetd.sim.fleet import SimulatedFleet
from fleetd.store.crypto import MasterKey
from fleetd.store.database import Database
from fleetd.store.reading import Reader
from fleetd.store.validate import violations

PATIENCE = 20.0
EXAMPLES = Path(__file__).parents[2] / "examples"
ORACLE = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[1] / "oracle" / "comparing.py")))


@dataclass
class World:
    """Everything a test of the whole needs; what it waits for are facts, on clusters or in views."""

    fleet: SimulatedFleet
    url: str
    key_file: Path
    database: Database
    _stop: asyncio.Event | None = None
    _daemon: asyncio.Task[None] | None = None
    observe: bool = False
    manifests: Path | None = None
    registered: list[str] = field(default_factory=list)

    def __getitem__(self, name: str) -> SimulatedCluster:
        return self.fleet.clusters[name]

    @property
    def admission(self) -> Admission:
        return Admission(self.database, manager="test")

    async def start(self) -> None:
        """Runs the daemon; returns when it has taken up its work."""
        ready, self._stop = asyncio.Event(), asyncio.Event()
        settings = Settings(database=self.url, key_file=self.key_file, observe=self.observe, manifests=self.manifests)
        self._daemon = asyncio.create_task(run(settings, ready=ready.set, stop=self._stop))
        done = asyncio.create_task(ready.wait())
        await asyncio.wait({self._daemon, done}, return_when=asyncio.FIRST_COMPLETED)
        done.cancel()
        if self._daemon.done():
            self._daemon.result()

    async def stop(self) -> None:
        """Stops the daemon in order."""
        if self._daemon is not None and self._stop is not None:
            self._stop.set()
            await self._daemon
            self._daemon = None

    async def kill(self) -> None:
        """Ends the daemon without letting it finish anything."""
        if self._daemon is not None:
            self._daemon.cancel()
            with suppress(asyncio.CancelledError):
                await self._daemon
            self._daemon = None

    async def declare(self, text: str) -> list[Admitted]:
        """`fleetd apply` of YAML."""
        documents = read_documents(textwrap.dedent(text), source="test.yaml")
        return [await self.admission.apply(document, now=datetime.now(UTC), force=True) for document in documents]

    async def declare_unchecked(self, text: str) -> None:
        """As it was declared before there was a checker for what is wrong with it."""
        for document in read_documents(textwrap.dedent(text), source="test.yaml"):
            manifest = placed(document.manifest)
            live = await self.database.declared.get(ref_of(manifest))
            await self.database.declared.put(manifest, expected=live.resource_version if live else 0)

    async def example(self, name: str) -> None:
        for path in sorted((EXAMPLES / name).glob("*.yaml")):
            await self.declare(path.read_text(encoding="utf-8"))

    async def delete(self, ref: str) -> None:
        await self.admission.delete(ObjectRef.parse(ref), now=datetime.now(UTC))

    async def register(self, *names: str, ready: bool = True) -> None:
        """Makes members of clusters, with the labels of their specs."""
        for name in names:
            cluster = self[name]
            text = yaml.safe_dump(cluster.kubeconfig())
            await join(self.admission, name, "default", dict(cluster.spec.labels), text, now=datetime.now(UTC))
            self.registered.append(name)
        if ready:
            for name in names:
                await self.until_row("SELECT connection FROM fleet_clusters WHERE name = :name", {"connection": "ready"}, name=name)

    async def add(self, name: str, **labels: str) -> None:
        """A new cluster comes up and is registered."""
        await self.fleet.add(ClusterSpec(name, labels=labels))
        await self.register(name)

    async def leave(self, name: str) -> None:
        await leave(self.admission, name, now=datetime.now(UTC))

    async def ask(self, verb: str, subject: str) -> None:
        """A small thing asked of the daemon, as the commands ask it; returns when it is done."""
        now = datetime.now(UTC)
        request = RequestRecord(
            request_id=uuid4().hex,
            verb=verb,
            subject=subject,
            actor="test",
            via="test",
            reason="",
            state=RequestState.WAITING,
            created_at=now,
        )
        await self.database.commit([request])
        await self.until_row("SELECT * FROM fleet_requests WHERE id = :id", {"state": "done"}, id=request.request_id)

    async def relabel(self, name: str, **labels: str | None) -> None:
        """`fleetd cluster label`."""
        await self.admission.label(member_ref(name), labels, now=datetime.now(UTC))

    async def rows(self, query: str, **params: Any) -> list[dict[str, Any]]:
        """What a script would read."""

        def read() -> list[dict[str, Any]]:
            with Reader.open(self.url) as reader:
                return [dict(row) for row in reader.rows(query, params)]

        return await asyncio.to_thread(read)

    async def until_row(self, query: str, expected: Mapping[str, Any], **params: Any) -> dict[str, Any]:
        """Waits until some row of the query has these values."""

        async def found() -> dict[str, Any] | None:
            for row in await self.rows(query, **params):
                if all(row.get(key) == value for key, value in expected.items()):
                    return row
            return None

        return await self.until(found, f"{expected} in {query}: {params}")

    async def until(self, fact: Callable[[], Awaitable[Any]], what: str) -> Any:
        """Waits for a fact of the database."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not (value := await fact()):
                    await self.database.changed()
        except TimeoutError:
            pytest.fail(f"in vain: {what}")
        return value

    async def shows(
        self, name: str, api_version: str, kind: str, ref: str, check: Callable[[dict[str, Any]], bool] | None = None
    ) -> dict[str, Any]:
        """Waits until a cluster has the object `namespace/name`, and it is as `check` says."""
        namespace, _, short = ref.rpartition("/")
        found: dict[str, Any] = {}

        async def fact(cluster: SimulatedCluster) -> bool:
            try:
                live = await cluster.get(api_version, kind, namespace, short)
            except NotFound:  # the kind is not served yet
                live = None
            found["live"] = live
            return live is not None and (check is None or check(live))

        await self._until(name, fact, lambda: f"{kind} {ref} on {name} is {found.get('live')}")
        live: dict[str, Any] = found["live"]
        return live

    async def lacks(self, name: str, api_version: str, kind: str, ref: str) -> None:
        """Waits until a cluster has no such object."""
        namespace, _, short = ref.rpartition("/")

        async def fact(cluster: SimulatedCluster) -> bool:
            return await cluster.get(api_version, kind, namespace, short) is None

        await self._until(name, fact, lambda: f"{kind} {ref} is still on {name}")

    async def _until(self, name: str, fact: Callable[[SimulatedCluster], Awaitable[bool]], why: Callable[[], str]) -> None:
        try:
            await self[name].until(fact, timeout=PATIENCE)
        except TimeoutError:
            addons = await self.rows("SELECT profile, cluster, addon, state, reason FROM fleet_addons")
            journal = await self.rows(
                "SELECT stage, subject_ref, cluster, decision, reason FROM fleet_journal ORDER BY entry_id DESC LIMIT 15"
            )
            pytest.fail(f"{why()}; add-ons: {addons}; journal: {journal}")

    async def settled(self) -> None:
        """Waits until nothing is on its way: every add-on deployed or at rest."""

        async def at_rest() -> bool:
            return not await self.rows("SELECT profile FROM fleet_addons WHERE state IN ('applying', 'removing', 'waiting')")

        await self.until(at_rest, "the fleet to settle")

    @property
    def at_work(self) -> bool:
        """Whether a daemon runs that writes."""
        return self._daemon is not None and not self._daemon.done() and not self.observe

    async def compared(self) -> Any:
        """What the oracle finds wrong on the clusters as they are now."""
        return await ORACLE.compare(self)

    async def agrees(self) -> Any:
        """Waits until the clusters hold what the oracle wants on them; gives back what it compared, and what it left out."""
        found = await self.compared()
        try:
            async with asyncio.timeout(PATIENCE):
                while found.wrong:
                    await self.database.changed()
                    found = await self.compared()
        except TimeoutError:
            found = await self.compared()
        assert found.wrong == [], "the oracle wants something else"
        return found

    def writes(self, *names: str) -> int:
        """How often the clusters were written to by clients."""
        verbs = ("create", "update", "patch", "delete")
        return sum(self[name].requests.by_verb[verb] for name in names or self.fleet.clusters for verb in verbs)


WorldMaker = Callable[..., Any]


@pytest.fixture
def world(database_url: str, master_key: MasterKey, tmp_path: Path, request: pytest.FixtureRequest) -> WorldMaker:
    """Makes a world: `async with world(services={"role": "services"}, …) as w`. At its end it is held against the oracle."""
    key_file = tmp_path / "master.key"
    key_file.write_text(master_key.to_text(), encoding="utf-8")
    key_file.chmod(0o600)

    @asynccontextmanager
    async def make(
        *, start: bool = True, register: bool = True, observe: bool = False, **clusters: Mapping[str, str]
    ) -> AsyncIterator[World]:
        specs = [ClusterSpec(name.replace("_", "-"), labels=dict(labels)) for name, labels in clusters.items()]
        database = await Database.open(database_url, key=master_key)
        async with SimulatedFleet(specs) as fleet:
            made = World(fleet, database_url, key_file, database, observe=observe)
            try:
                with structlog.testing.capture_logs() as logs:
                    if start:
                        await made.start()
                    if register:
                        await made.register(*fleet.clusters, ready=start)
                    yield made
                    if made.at_work:
                        compared = await made.agrees()
                        told = [f"{compared.compared} objects compared", *(f"skipped: {one}" for one in compared.skipped)]
                        request.node.add_report_section("call", "oracle", "\n".join(told))
                    await made.stop()
                assert [entry for entry in logs if entry.get("exc_info")] == [], "nothing failed in a way that nobody foresaw"
                assert await violations(made.database) == [], "the store's invariants hold"
            finally:
                await made.stop()
                await made.database.close()

    return make
