"""Pages of documentation as tests see them: their fences, links and commands, and a small fleet to play a page's story on."""

from __future__ import annotations

import asyncio
import re
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleetd.daemon import run
from fleetd.domain.documents import read_documents
from fleetd.service.admission import Admission
from fleetd.service.membership import join
from fleetd.settings import Settings
from fleetd.sim.cluster import ClusterSpec, SimulatedCluster
from fleetd.sim.controllers.chosen import EVERYTHING
from fleetd.sim.fleet import SimulatedFleet
from fleetd.store.crypto import MasterKey
from fleetd.store.database import Database
from fleetd.store.reading import Reader

ROOT = Path(__file__).parents[2]
PATIENCE = 20.0

_FENCE = re.compile(r"^(?P<marks>```+)(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=marks)[ \t]*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (?P<title>.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Fence:
    """A fenced block. `words` are what follows the language: `title=a.yaml` is {"title": "a.yaml"}, a bare word is true to itself."""

    language: str
    words: Mapping[str, str]
    text: str
    line: int


@dataclass(frozen=True)
class Page:
    """A Markdown file of the repository."""

    path: Path
    text: str = field(repr=False)

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def fences(self) -> list[Fence]:
        found = []
        for match in _FENCE.finditer(self.text):
            language, *words = match["info"].split() or [""]
            pairs = {word.partition("=")[0]: word.partition("=")[2] or word for word in words}
            found.append(Fence(language, pairs, match["text"], self.text.count("\n", 0, match.start()) + 1))
        return found

    @property
    def prose(self) -> str:
        """The text without what is fenced or quoted."""
        return re.sub(r"`[^`\n]*`", "", _FENCE.sub("", self.text))

    @property
    def links(self) -> list[str]:
        return [match["target"] for match in _LINK.finditer(self.prose_with_code)]

    @property
    def prose_with_code(self) -> str:
        return _FENCE.sub("", self.text)

    @property
    def anchors(self) -> set[str]:
        """The anchors of headings, as GitHub makes them."""
        titles = (match["title"] for match in _HEADING.finditer(_FENCE.sub("", self.text)))
        return {re.sub(r"[^\w\- ]", "", title.replace("`", "").lower()).strip().replace(" ", "-") for title in titles}

    @property
    def titled(self) -> list[Fence]:
        """What the reader is to declare, in its order."""
        return [fence for fence in self.fences if fence.language == "yaml" and "title" in fence.words and "wrong" not in fence.words]

    @property
    def tells(self) -> bool:
        """Whether the page tells a story that can be played."""
        return any("clusters" in fence.words for fence in self.fences)


def _pages() -> list[Page]:
    paths = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "examples").rglob("*.md"))]
    return [Page(path, path.read_text("utf-8")) for path in paths]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`page` is every page, `story` every page that tells one."""
    for name, chosen in (("page", _pages()), ("story", [page for page in _pages() if page.tells])):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, chosen, ids=[page.name for page in chosen])


@pytest.fixture
def read_page() -> Callable[[str], Page]:
    """Reads one page by its path in the repository."""
    return lambda name: Page(ROOT / name, (ROOT / name).read_text("utf-8"))


@dataclass
class Stage:
    """A small fleet with the daemon on it, on which the blocks of a page are played one after the other."""

    fleet: SimulatedFleet
    url: str
    database: Database
    names: list[str] = field(default_factory=list)

    async def play(self, fence: Fence) -> None:
        """Does what a block says, or waits until it is true."""
        for word, act in (
            ("clusters", self._clusters),
            ("title", self._declare),
            ("declares", self._declare_example),
            ("on", self._apply),
            ("edit", self._edit),
            ("delete", self._delete),
            ("shows", self._shows),
            ("lacks", self._lacks),
        ):
            if word in fence.words:
                await act(fence)
        if fence.language == "sql":
            await self._answers(fence)

    async def _clusters(self, fence: Fence) -> None:
        for name, labels in yaml.safe_load(fence.text).items():
            cluster = await self.fleet.add(ClusterSpec(name, labels=labels or {}))
            text = yaml.safe_dump(cluster.kubeconfig())
            await join(self._admission, name, "default", dict(labels or {}), text, now=datetime.now(UTC))
            await self._until_rows(f"SELECT 1 FROM fleet_clusters WHERE name = '{name}' AND connection = 'ready'")

    @property
    def _admission(self) -> Admission:
        return Admission(self.database, manager="reader")

    async def _declare(self, fence: Fence) -> None:
        for document in read_documents(fence.text, source=fence.words["title"]):
            await self._admission.apply(document, now=datetime.now(UTC))

    async def _declare_example(self, fence: Fence) -> None:
        """The files that the block's command would apply."""
        folders = [ROOT / word for word in fence.text.split() if word.startswith("examples/")]
        for path in sorted(path for folder in folders for path in folder.glob("*.yaml")):
            for document in read_documents(path.read_text("utf-8"), source=path.name):
                await self._admission.apply(document, now=datetime.now(UTC))

    async def _apply(self, fence: Fence) -> None:
        for cluster, manifest in self._each(fence, "on"):
            await cluster.apply(manifest, manager="somebody")

    async def _edit(self, fence: Fence) -> None:
        for cluster, manifest in self._each(fence, "edit"):
            await self._settled()
            await cluster.patch(*_place(manifest), manifest, manager="somebody")

    async def _delete(self, fence: Fence) -> None:
        for cluster, manifest in self._each(fence, "delete"):
            await cluster.delete(*_place(manifest))

    async def _shows(self, fence: Fence) -> None:
        for cluster, wanted in self._each(fence, "shows"):
            await self._until(cluster, wanted, lambda live, wanted=wanted: live is not None and _within(wanted, live))
        await self._settled()

    async def _lacks(self, fence: Fence) -> None:
        for cluster, unwanted in self._each(fence, "lacks"):
            await self._until(cluster, unwanted, lambda live: live is None)

    def _each(self, fence: Fence, word: str) -> Iterator[tuple[SimulatedCluster, dict[str, Any]]]:
        for name in fence.words[word].split(","):
            for manifest in yaml.safe_load_all(fence.text):
                yield self.fleet.clusters[name], manifest

    async def _until(self, cluster: SimulatedCluster, manifest: dict[str, Any], fact: Callable[[Any], bool]) -> None:
        seen: list[Any] = [None]

        async def holds(cluster: SimulatedCluster) -> bool:
            seen[0] = await cluster.get(*_place(manifest))
            return fact(seen[0])

        try:
            await cluster.until(holds, timeout=PATIENCE)
        except TimeoutError:
            rows = await self._rows("SELECT profile, cluster, addon, state, reason FROM fleet_addons")
            pytest.fail(f"{cluster.name} has {seen[0]}, the page says {manifest}; add-ons: {rows}")

    async def _settled(self) -> None:
        """Nothing is on its way."""

        async def at_rest() -> bool:
            return not await self._rows("SELECT 1 FROM fleet_addons WHERE state IN ('applying', 'removing')")

        await self._facts(at_rest, "the fleet to settle")

    async def _answers(self, fence: Fence) -> None:
        """The query has rows; where a comment says `-- value, value`, one of them has these values."""
        query = "\n".join(line for line in fence.text.splitlines() if not line.startswith("--"))
        expected = [re.split(r",\s*", line[2:].strip()) for line in fence.text.splitlines() if line.startswith("--")]
        await self._until_rows(query, expected)

    async def _until_rows(self, query: str, expected: list[list[str]] | None = None) -> None:
        async def found() -> bool:
            rows = [[str(value) for value in row.values()] for row in await self._rows(query)]
            return bool(rows) and all(row in rows for row in expected or ())

        await self._facts(found, f"{expected or 'rows'} of {query}")

    async def _facts(self, fact: Callable[[], Awaitable[bool]], what: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not await fact():
                    await self.database.changed()
        except TimeoutError:
            pytest.fail(f"in vain: {what}")

    async def _rows(self, query: str) -> list[dict[str, Any]]:
        def read() -> list[dict[str, Any]]:
            with Reader.open(self.url) as reader:
                return [dict(row) for row in reader.rows(query)]

        return await asyncio.to_thread(read)


def _place(manifest: dict[str, Any]) -> tuple[str, str, str, str]:
    metadata = manifest["metadata"]
    return manifest["apiVersion"], manifest["kind"], metadata.get("namespace", ""), metadata["name"]


def _within(wanted: Any, live: Any) -> bool:
    """Whether all that the page shows is there; the cluster adds more."""
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(key in live and _within(value, live[key]) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(live, list) and len(wanted) == len(live) and all(map(_within, wanted, live))
    return bool(wanted == live)


@pytest.fixture
def stage(upgraded_sqlite: Path, master_key: MasterKey, tmp_path: Path) -> Callable[[], Any]:
    """Sets an empty stage: `async with stage() as s: await s.play(fence)`."""
    path, key_file = tmp_path / "fleet.db", tmp_path / "master.key"
    path.write_bytes(upgraded_sqlite.read_bytes())
    key_file.write_text(master_key.to_text(), encoding="utf-8")
    for made in (path, key_file):
        made.chmod(0o600)

    @asynccontextmanager
    async def make() -> AsyncIterator[Stage]:
        ready, stop = asyncio.Event(), asyncio.Event()
        database = await Database.open(str(path), key=master_key)
        try:
            async with SimulatedFleet([], controllers=EVERYTHING) as fleet:
                settings = Settings(database=str(path), key_file=key_file)
                daemon = asyncio.create_task(run(settings, ready=ready.set, stop=stop))
                await ready.wait()
                try:
                    yield Stage(fleet, str(path), database)
                finally:
                    stop.set()
                    await daemon
        finally:
            await database.close()

    return make


@pytest.fixture
def dedent() -> Callable[[str], str]:
    """Text as it stands in a file of its own."""
    return textwrap.dedent
