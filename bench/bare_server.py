"""The least that an MCP server on the SDK can be: one tool, on standard input and output. What ours is held against."""

from __future__ import annotations

import asyncio
from typing import Any

from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp_types import CallToolRequestParams, CallToolResult, ListToolsResult, PaginatedRequestParams, TextContent, Tool

Context = ServerRequestContext[Any, Any]
TOOL = Tool(name="fleet_overview", description="Says hello.", input_schema={"type": "object", "properties": {}})


async def _list(_context: Context, _params: PaginatedRequestParams | None) -> ListToolsResult:
    return ListToolsResult(tools=[TOOL])


async def _call(_context: Context, _params: CallToolRequestParams) -> CallToolResult:
    return CallToolResult(content=[TextContent(text="hello")])


async def main() -> None:
    """Until standard input ends."""
    server: Server[Any] = Server("bare", on_list_tools=_list, on_call_tool=_call)
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


if __name__ == "__main__":
    asyncio.run(main())
