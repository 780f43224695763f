"""Which questions and actions are tools, in the order of their names."""

from __future__ import annotations

from collections.abc import Iterable

from fleetd.service.acting import Requeue, SetPause
from fleetd.service.questions.addons import ExplainAddon, ListAddons
from fleetd.service.questions.clusters import GetCluster, ListClusters
from fleetd.service.questions.drift import GetDrift
from fleetd.service.questions.evaluating import EvaluateExpression
from fleetd.service.questions.events import GetEvent, ListEvents
from fleetd.service.questions.explaining import ExplainTrigger
from fleetd.service.questions.foreseeing import PreviewChange
from fleetd.service.questions.lineage import TraceLineage
from fleetd.service.questions.objects import FindObjects, GetObject
from fleetd.service.questions.overview import FleetOverview
from fleetd.service.questions.references import ListReferences
from fleetd.service.questions.requests import GetRequest
from fleetd.service.questions.sql import DescribeSchema, RunSql
from fleetd.service.questions.timeline import GetTimeline
from mcp_server.principals import Mode, Principal, Scope
from mcp_server.status import GetServerStatus
from mcp_server.tools import Tool

READING = (
    Tool(EvaluateExpression, "Try an expression", open_world=True, cost="scan"),
    Tool(ExplainAddon, "Why an add-on is or is not deployed", open_world=True),
    Tool(ExplainTrigger, "Why a trigger did or did not act", open_world=True),
    Tool(FindObjects, "Find objects", open_world=False),
    Tool(FleetOverview, "The fleet at a glance", open_world=True),
    Tool(GetCluster, "One cluster", open_world=True),
    Tool(GetDrift, "Drift", open_world=True),
    Tool(GetEvent, "One event", open_world=True),
    Tool(GetObject, "One object", open_world=True),
    Tool(GetRequest, "One request", open_world=True),
    Tool(GetServerStatus, "This server", open_world=False),
    Tool(GetTimeline, "Timeline", open_world=True),
    Tool(ListAddons, "Add-ons", open_world=True),
    Tool(ListClusters, "Clusters", open_world=True),
    Tool(ListEvents, "Events", open_world=True),
    Tool(ListReferences, "References", open_world=True),
    Tool(PreviewChange, "What a change would do", open_world=True, cost="scan"),
    Tool(TraceLineage, "Lineage", open_world=True),
)
QUERYING: tuple[Tool, ...] = (
    Tool(DescribeSchema, "SQL views", open_world=False, scope=Scope.SQL),
    Tool(RunSql, "SQL over the views", open_world=True, scope=Scope.SQL, cost="scan"),
)
ACTING: tuple[Tool, ...] = (
    Tool(Requeue, "Try again", open_world=True, scope=Scope.OPERATE, writes=True, cost="write"),
    Tool(SetPause, "Pause or resume", open_world=True, scope=Scope.OPERATE, writes=True, cost="write"),
)


def offered(mode: Mode, *, sql: bool) -> tuple[Tool, ...]:
    """What a server offers, sorted by name so that the list is the same each time."""
    tools = [*READING, *(QUERYING if sql else ()), *(ACTING if mode is Mode.OPERATE else ())]
    return tuple(sorted(tools, key=lambda tool: tool.name))


def not_offered(tools: Iterable[Tool]) -> tuple[tuple[Tool, str], ...]:
    """What a server with these tools does not offer, and how it would."""
    here = {tool.name for tool in tools}
    reasons = [(QUERYING, "the server was not started with --sql"), (ACTING, "the server was not started with --mode operate")]
    return tuple((tool, because) for group, because in reasons for tool in group if tool.name not in here)


def shown_to(tools: Iterable[Tool], principal: Principal, *, readonly: bool) -> tuple[Tool, ...]:
    """What one caller sees of it."""
    return tuple(tool for tool in tools if tool.scope in principal.scopes and not (readonly and tool.scope is Scope.OPERATE))
