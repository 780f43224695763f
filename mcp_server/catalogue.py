"""Which questions and actions are tools, in the order of their names."""

from __future__ import annotations

from collections.abc import Iterable

from fleetd.service.questions.clusters import GetCluster, ListClusters
from fleetd.service.questions.references import ListReferences
from mcp_server.principals import Mode, Principal, Scope
from mcp_server.tools import Tool

READING = (
    Tool(GetCluster, "One cluster", open_world=True),
    Tool(ListClusters, "Clusters", open_world=True),
    Tool(ListReferences, "References", open_world=True),
)
QUERYING: tuple[Tool, ...] = ()
ACTING: tuple[Tool, ...] = ()


def offered(mode: Mode, *, sql: bool) -> tuple[Tool, ...]:
    """What a server offers, sorted by name so that the list is the same each time."""
    tools = [*READING, *(QUERYING if sql else ()), *(ACTING if mode is Mode.OPERATE else ())]
    return tuple(sorted(tools, key=lambda tool: tool.name))


def shown_to(tools: Iterable[Tool], principal: Principal, *, readonly: bool) -> tuple[Tool, ...]:
    """What one caller sees of it."""
    return tuple(tool for tool in tools if tool.scope in principal.scopes and not (readonly and tool.scope is Scope.OPERATE))
