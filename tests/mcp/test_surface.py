"""What a client is shown before it calls anything: nothing of it changes by accident, and it stays small.

`FLEETD_UPDATE_SNAPSHOTS=1` writes the snapshot anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from mcp_server.principals import Mode

SURFACE = Path(__file__).with_name("surface.json")


def tokens(tools: list[dict[str, Any]], *parts: str) -> int:
    return len(json.dumps([{part: tool[part] for part in parts} for tool in tools]).encode()) // 4


async def surface(client: Any, mode: Mode, sql: bool) -> list[dict[str, Any]]:
    async with client(mode, sql=sql) as c:
        return [tool.model_dump(by_alias=True, exclude_none=True, mode="json") for tool in (await c.list_tools()).tools]


async def test_the_surface_is_as_it_was(client):
    default, everything = await surface(client, Mode.OBSERVE, False), await surface(client, Mode.OPERATE, True)
    async with client() as c:
        prompts = [one.model_dump(by_alias=True, exclude_none=True, mode="json") for one in (await c.list_prompts()).prompts]
        resources = [one.uri for one in (await c.list_resources()).resources]
        templates = [one.uri_template for one in (await c.list_resource_templates()).resource_templates]
    seen = ("name", "description", "inputSchema")
    sizes = {
        "default_tokens": tokens(default, *seen),
        "everything_tokens": tokens(everything, *seen),
        "output_schema_tokens": tokens(everything, "outputSchema"),
    }
    found = {"sizes": sizes, "tools": everything, "prompts": prompts, "resources": resources, "templates": templates}
    if os.environ.get("FLEETD_UPDATE_SNAPSHOTS"):
        SURFACE.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert found == json.loads(SURFACE.read_text("utf-8"))
    assert sizes["default_tokens"] <= 6_000
    assert sizes["everything_tokens"] <= 9_000


async def test_each_mode_shows_what_it_should(client):
    observed = {tool["name"] for tool in await surface(client, Mode.OBSERVE, False)}
    proposed = {tool["name"] for tool in await surface(client, Mode.PROPOSE, False)}
    operated = {tool["name"] for tool in await surface(client, Mode.OPERATE, True)}
    assert observed == proposed
    assert operated - observed == {"requeue", "set_pause", "run_sql", "describe_schema"}


async def test_only_acting_tools_say_that_they_write(client):
    writing = {tool["name"] for tool in await surface(client, Mode.OPERATE, True) if not tool["annotations"]["readOnlyHint"]}
    assert writing == {"requeue", "set_pause"}


async def test_descriptions_say_that_an_add_on_is_no_deployment(client):
    described = {tool["name"]: tool["description"] for tool in await surface(client, Mode.OBSERVE, False)}
    assert "no Kubernetes Deployment" in described["list_addons"]
    assert all(text.split("\n")[0].endswith(".") for text in described.values())
