"""List, watch, and go on for ever: what breaks is taken up where it broke, and listed anew only where it must be.

::

    list ──▶ Snapshot ──▶ watch ──▶ Changes …
     ▲                      │
     │                      ├─ the server's time is over ─▶ watch from the last resourceVersion, no word about it
     │                      ├─ cut ─▶ watch from there: Resumed; when that fails: Away, until Resumed or a Snapshot
     │                      ├─ silent for too long ─▶ Away, watch from there
     └──────────────────────┴─ 410, a resourceVersion that went back, a line that is no JSON

A Snapshot or Resumed ends what Away began; a short cut brings a Resumed alone. Waits double per watch while it fails, and the
cluster's gate lets one watch probe while the cluster itself is away.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import lru_cache

import aiohttp

from fleetd.cluster.backoff import delay
from fleetd.cluster.decoding import Bookmark, Fault, ObjectDecoder, Unreadable
from fleetd.cluster.discover import Discovery
from fleetd.cluster.errors import ClusterDown, Gone, refusal
from fleetd.cluster.http import JSON, Api, Ask, reason_of
from fleetd.cluster.lines import Lines
from fleetd.cluster.listing import Listing
from fleetd.cluster.paths import collection
from fleetd.cluster.port import Away, Changed, Changes, NoSuchKind, ResourceKind, Resumed, Sighting, Snapshot
from fleetd.cluster.settings import ClusterSettings
from fleetd.cluster.vigil import Vigil
from fleetd.domain.errors import FleetdError, GiveUp, NotPermitted, Overloaded, TryLater, Unreachable
from fleetd.domain.objects import Reads
from fleetd.domain.refs import GroupVersionKind

METADATA_EVENTS = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
OLDER_ANSWERS = 3


class Cut(Unreachable):
    """The stream broke off; a new one may go on at once."""


class Silent(Unreachable):
    """The stream is open and says nothing."""


class WentBack(Unreachable):
    """The server spoke of an older state than it did before."""


@lru_cache(maxsize=1024)
def decoder_for(gvk: GroupVersionKind, reads: Reads) -> ObjectDecoder:
    """One decoder for all clusters: its types are larger than a watch."""
    return ObjectDecoder(gvk, reads)


class Watch:
    """One kind on one cluster, for as long as somebody iterates over `sightings()`."""

    def __init__(self, api: Api, discovery: Discovery, gvk: GroupVersionKind, reads: Reads, settings: ClusterSettings) -> None:
        self._api = api
        self._discovery = discovery
        self._gvk = gvk
        self._metadata_only = reads.metadata_only
        self._decoder = decoder_for(gvk, reads)
        self._settings = settings
        self._position = ""
        self._newest = 0
        self._older_answers = 0
        self._failures = 0
        self._broken = False
        self._away = False

    async def sightings(self, chance: Callable[[], float]) -> AsyncGenerator[Sighting, None]:
        """See `Cluster.watch`; ends, too, when the cluster is closed."""
        while not self._api.closed:
            problem: FleetdError | None = None
            try:
                async with aclosing(self._round(chance)) as sightings:
                    async for sighting in sightings:
                        yield sighting
            except NoSuchKind as missing:
                await self._refuse_unless_served(missing)
                problem = missing
            except (TryLater, NotPermitted, GiveUp) as trouble:
                problem = trouble
            if problem is not None and not self._api.closed:
                self._take_in(problem)
                if self._worth_telling(problem):
                    self._away = True
                    yield Away(str(problem))
                await asyncio.sleep(self._pause(problem, chance()))

    async def _round(self, chance: Callable[[], float]) -> AsyncGenerator[Sighting, None]:
        """From wherever we are to the next end of a stream."""
        if self._api.gate.shut and not self._away:
            self._away = True
            yield Away(self._api.gate.reason)
        kind = await self._discovery.resource(self._gvk)
        if not self._position:
            snapshot = await Listing(self._api, kind, self._decoder, self._settings, self._metadata_only).snapshot()
            self._place(snapshot)
            self._broken = self._away = False
            yield snapshot
        response = await self._api.open(self._ask(kind, chance()), self._settings)
        try:
            if self._broken or self._away:
                self._broken = self._away = False
                yield Resumed()
            async with aclosing(self._follow(response)) as stream:
                async for changes in stream:
                    yield changes
        finally:
            response.close()

    def _ask(self, kind: ResourceKind, chance: float) -> Ask:
        seconds = int(self._settings.watch_seconds * (1.0 + chance))
        query = [
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", self._position),
            ("timeoutSeconds", str(max(1, seconds))),
        ]
        accept = METADATA_EVENTS if self._metadata_only else JSON
        return Ask("GET", collection(kind), query, accept=accept, what=f"watch {kind.plural}", streamed=True)

    async def _follow(self, response: aiohttp.ClientResponse) -> AsyncGenerator[Changes, None]:
        lines = Lines(self._settings.event_bytes)
        vigil = Vigil(response, self._settings.silence_seconds)
        heard = False
        try:
            while chunk := await self._chunk(response, vigil):
                whole = lines.feed(chunk)
                if not whole:
                    continue
                vigil.heard()
                changes, trouble = self._decode(whole)
                heard = heard or trouble is None
                if heard:
                    self._failures = 0
                if changes:
                    with vigil.resting():
                        yield Changes(tuple(changes))
                if trouble is not None:
                    raise trouble
            if lines.pending or not (heard or vigil.age >= self._settings.settled_seconds):
                raise Cut(f"{self._api.name}: watch {self._gvk}: the stream ended before its time")
            self._failures = 0
        finally:
            vigil.end()

    async def _chunk(self, response: aiohttp.ClientResponse, vigil: Vigil) -> bytes:
        """What has come, all of it; empty at the stream's end."""
        try:
            return await response.content.readany()
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            if vigil.age >= self._settings.settled_seconds:
                self._failures = 0
            if vigil.silent:
                raise Silent(f"{self._api.name}: watch {self._gvk}: nothing came for {self._settings.silence_seconds:g} s") from None
            raise Cut(f"{self._api.name}: watch {self._gvk}: {reason_of(problem)}") from problem

    def _decode(self, lines: list[bytes]) -> tuple[list[Changed], FleetdError | None]:
        """The events up to the first line that is none, and why it is none."""
        changes: list[Changed] = []
        for line in lines:
            try:
                event = self._decoder.line(line)
                if isinstance(event, Fault):
                    return changes, refusal(f"{self._api.name}: watch {self._gvk}", event.code, event.status)
                version = event.resource_version if isinstance(event, Bookmark) else event.observed.resource_version
                self._advance(version)
            except Unreachable as problem:
                return changes, problem
            if isinstance(event, Changed):
                changes.append(event)
        return changes, None

    def _advance(self, version: str) -> None:
        if not version:
            return
        if version.isdecimal():
            number = int(version)
            if number < self._newest:
                raise WentBack(f"{self._api.name}: watch {self._gvk}: resourceVersion {number} came after {self._newest}")
            self._newest = number
        self._position = version

    def _place(self, snapshot: Snapshot) -> None:
        """Takes a list's resourceVersion, unless the list is older than what was seen already.

        A server that lags behind its brothers catches up; one that was restored from a backup never does, and is believed
        when it says so several times.
        """
        version = snapshot.resource_version
        number = int(version) if version.isdecimal() else 0
        if number and number < self._newest and self._older_answers < OLDER_ANSWERS - 1:
            self._older_answers += 1
            raise WentBack(f"{self._api.name}: list {self._gvk}: it answers as of {number}, and {self._newest} was seen before")
        self._older_answers = 0
        self._newest = number
        self._position = version

    def _take_in(self, problem: FleetdError) -> None:
        self._failures += 1
        self._broken = True
        if isinstance(problem, Gone | WentBack | Unreadable):
            self._position = ""

    def _worth_telling(self, problem: FleetdError) -> bool:
        """Each outage is told once; a first cut or 410 is none yet, for the next step may mend it."""
        return not self._away and (self._failures > 1 or not isinstance(problem, Cut | Gone))

    def _pause(self, problem: FleetdError, chance: float) -> float:
        after = problem.after if isinstance(problem, TryLater) else None
        if after is None and isinstance(problem, ClusterDown | Overloaded) and self._api.gate.shut:
            return 0.0  # The next request waits at the gate.
        return delay(self._failures, chance, base=self._settings.backoff_base, cap=self._settings.backoff_cap, after=after)

    async def _refuse_unless_served(self, missing: NoSuchKind) -> None:
        """A 404 on a list may be a moment's confusion: what is served says whether the kind is gone."""
        self._discovery.forget()
        try:
            await self._discovery.resource(self._gvk)
        except NoSuchKind:
            raise missing from None
        except (TryLater, NotPermitted, GiveUp):
            return
