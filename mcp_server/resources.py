"""Resources: the same answers under an address, to be read again when they are said to have changed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from mcp_types import Resource, ResourceTemplate

from fleetd.service.asking import Question
from fleetd.service.feed import Changed
from fleetd.service.naming import read_ref
from fleetd.service.questions.clusters import GetCluster
from fleetd.service.questions.events import UNACTED, GetEvent, ListEvents
from fleetd.service.questions.objects import GetObject
from fleetd.service.questions.overview import FleetOverview
from fleetd.service.questions.requests import GetRequest
from fleetd.service.questions.sql import DescribeSchema
from fleetd.service.teaching import Taught

SCHEME = "fleetd://"
JSON = "application/json"
RESOURCES = (
    Resource(uri="fleetd://events/pending", name="pending_events", title="Events not acted on", description="The inbox.", mime_type=JSON),
    Resource(uri="fleetd://overview", name="overview", title="The fleet at a glance", description="As fleet_overview.", mime_type=JSON),
    Resource(uri="fleetd://schema/sql", name="sql_schema", title="SQL views", description="As describe_schema.", mime_type=JSON),
)
TEMPLATES = (
    ResourceTemplate(uri_template="fleetd://clusters/{namespace}/{name}", name="cluster", title="One cluster", mime_type=JSON),
    ResourceTemplate(uri_template="fleetd://events/{id}", name="event", title="One event", mime_type=JSON),
    ResourceTemplate(uri_template="fleetd://objects/{+ref}", name="object", title="One object", mime_type=JSON),
    ResourceTemplate(uri_template="fleetd://requests/{id}", name="request", title="A request and what came of it", mime_type=JSON),
)
_ON_THE_WAY = {"event", "match", "destination"}


@dataclass(frozen=True, slots=True)
class Address:
    """What a resource's address names."""

    kind: str
    rest: str = ""


def read_address(uri: str) -> Address | None:
    """The address, None where it is none of ours."""
    if not uri.startswith(SCHEME):
        return None
    kind, _, rest = unquote(uri.removeprefix(SCHEME)).partition("/")
    whole = bool(rest)
    known = {"overview": not whole, "clusters": rest.count("/") == 1, "events": whole, "objects": whole, "requests": whole}
    if kind == "schema" and rest == "sql":
        return Address(kind, rest)
    return Address(kind, rest) if known.get(kind) else None


def question_of(address: Address) -> Question[Any]:
    """The question that the address stands for."""
    match address.kind:
        case "overview":
            return FleetOverview()
        case "clusters":
            return GetCluster(cluster=address.rest)
        case "events" if address.rest == "pending":
            return ListEvents(state=UNACTED, limit=50)
        case "events":
            return GetEvent(event_id=address.rest)
        case "objects":
            return GetObject(ref=address.rest, view="manifest")
        case "requests":
            return GetRequest(request_id=address.rest)
        case _:
            return DescribeSchema()


def touched(uris: Iterable[str], changed: Changed) -> set[str]:
    """The addresses whose answer may be another one now."""
    return {uri for uri in uris if (address := read_address(uri)) is not None and _touches(address, changed)}


def _touches(address: Address, changed: Changed) -> bool:
    if changed.lost or (address.kind == "overview" and changed.changes):
        return True
    match address.kind:
        case "clusters":
            return any(address.rest in (one.ref, one.cluster) or one.ref.endswith(f"@{address.rest}") for one in changed.changes)
        case "events":
            return any(
                one.ref == address.rest or (one.object_kind in _ON_THE_WAY and one.object_kind != "event") for one in changed.changes
            ) or (address.rest == "pending" and any(one.object_kind in _ON_THE_WAY for one in changed.changes))
        case "objects":
            meant = _meant(address.rest)
            return any(meant.fullmatch(one.ref) for one in changed.changes)
        case "requests":
            return any(one.ref == address.rest for one in changed.changes)
        case _:
            return False


@lru_cache(maxsize=1000)
def _meant(ref: str) -> re.Pattern[str]:
    """The whole references that are meant by one as people write it: a known kind without its group, a cluster by its name alone."""
    try:
        named = read_ref(ref)
    except Taught:
        return re.compile(re.escape(ref))
    at = f"@{re.escape(named.cluster)}" if "/" in named.cluster else f"@[^@]*/{re.escape(named.cluster)}"
    return re.compile(re.escape(str(named.ref)) + (at if named.cluster else ""))
