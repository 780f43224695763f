"""A complete list, fetched in pages."""

from __future__ import annotations

from dataclasses import dataclass

from fleetd.cluster.decoding import ObjectDecoder
from fleetd.cluster.errors import Gone, TooLarge
from fleetd.cluster.http import JSON, Api, Ask
from fleetd.cluster.paths import collection
from fleetd.cluster.port import ResourceKind, Snapshot
from fleetd.cluster.settings import ClusterSettings
from fleetd.domain.objects import Observed

METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
EXPIRED_TOKENS = 2


@dataclass(frozen=True, slots=True)
class Listing:
    """What is listed, and how each object is read."""

    api: Api
    kind: ResourceKind
    decoder: ObjectDecoder
    settings: ClusterSettings
    metadata_only: bool = False

    async def snapshot(self) -> Snapshot:
        """All objects as of one resourceVersion.

        A continue token that expires under way (410) starts the list again; after the second, it is asked for in one
        piece. A page that is too large is asked for in smaller ones.

        Raises:
            Unreachable, Overloaded, NotPermitted, NoSuchKind, GiveUp: as `Cluster` says.
        """
        size, expired = self.settings.page_size, 0
        while True:
            try:
                return await self._pages(size)
            except Gone:
                expired += 1
                if not size:
                    raise
                size = size if expired < EXPIRED_TOKENS else 0
            except TooLarge:
                if size in {0, 1}:
                    raise
                size = max(1, size // 8)

    async def _pages(self, size: int) -> Snapshot:
        objects: list[Observed] = []
        version, follow = "", ""
        while True:
            query = [("limit", str(size))] if size else []
            query += [("continue", follow)] if follow else []
            accept = METADATA_LIST if self.metadata_only else JSON
            ask = Ask("GET", collection(self.kind), query, accept=accept, what=f"list {self.kind.plural}")
            page, meta = self.decoder.page(await self.api.call(ask, self.settings, patient=True))
            objects += page
            version = version or meta.resourceVersion
            follow = meta.continue_
            if not follow:
                return Snapshot(tuple(objects), version)
