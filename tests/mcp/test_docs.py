"""The examples of docs/mcp.md are what a run gives.

`FLEETD_UPDATE_SNAPSHOTS=1` writes them anew.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fleetd.store.crypto import MasterKey
from fleetd.store.database import Database
from mcp_server.principals import Mode

PAGE = Path(__file__).parents[2] / "docs" / "mcp.md"
EXAMPLE = re.compile(r"<!-- example: (?P<tool>\w+) (?P<arguments>\{[^\n]*\}) -->\n(?:```text\n.*?^```\n)?", re.DOTALL | re.MULTILINE)
SAME = (
    (re.compile(r"20\d\d-\d\d-\d\dT(\d\d:\d\d):\d\d(\.\d+)?Z"), "2026-11-02T10:00:00Z"),
    (re.compile(r"(?<=⟦)[0-9a-f]{6}(?= )|(?<= )[0-9a-f]{6}(?=⟧)"), "5c1d7e"),
    (re.compile(r"(?<=⟦)[0-9a-f]{6}(?= and)|(?<=and )[0-9a-f]{6}(?=⟧)"), "5c1d7e"),
    (re.compile(r"\b69\d\d\b"), "6900"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "0f4b1c2d3e4f5a6b7c8d9e0f1a2b3c4d"),
    (re.compile(r"elapsed_ms: \d+"), "elapsed_ms: 3"),
    (re.compile(r"in revision \d+"), "in revision 12"),
    (re.compile(r"\d+ rows of mcp-[0-9a-f]{12}"), "16 rows of mcp-d1f6fa35beeb"),
)


@pytest.fixture
async def database(database_url: str, master_key: MasterKey, planted: Any) -> AsyncIterator[Database]:
    """The planted fleet, where messages say nothing out of the way."""
    made = await Database.open(database_url, key=master_key)
    await planted.plant(made, said="(i/o timeout)")
    yield made
    await made.close()


def settled(text: str) -> str:
    """Without what differs from run to run."""
    for pattern, same in SAME:
        text = pattern.sub(same, text)
    return text


async def test_the_examples_are_what_a_run_gives(client):
    page = PAGE.read_text("utf-8")
    written = page
    async with client(Mode.OPERATE) as c:
        tools = {tool.name for tool in (await c.list_tools()).tools}
        shown = set()
        for example in EXAMPLE.finditer(page):
            answer = await c.call_tool(example["tool"], json.loads(example["arguments"]))
            shown.add(example["tool"])
            comment = example[0].split("\n", 1)[0]
            fence = f"```text\n{example['tool']} {example['arguments']}\n\n{settled(answer.content[0].text)}\n```\n"
            written = written.replace(example[0], f"{comment}\n{fence}")
    if os.environ.get("FLEETD_UPDATE_SNAPSHOTS"):
        PAGE.write_text(written, "utf-8")
    assert PAGE.read_text("utf-8") == written
    assert tools - shown == {"get_request"}
    assert all(f"### {name}\n" in page for name in tools)
