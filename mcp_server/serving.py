"""Puts the parts together, and serves one transport until it ends."""

from __future__ import annotations

from mcp.server.stdio import stdio_server

from fleetd.service.local import LocalQuestions
from fleetd.settings import Settings
from mcp_server.calls import Desk
from mcp_server.catalogue import offered
from mcp_server.principals import Mode
from mcp_server.server import build_server


async def serve_stdio(settings: Settings, mode: Mode) -> None:
    """Until standard input ends."""
    questions = LocalQuestions(settings.database)
    server = build_server(Desk(questions, offered(mode, sql=False)))
    try:
        async with stdio_server() as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())
    finally:
        await questions.close()
