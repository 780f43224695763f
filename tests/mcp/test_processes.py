"""The real thing: a process on standard input and output, and one over HTTP, driven by the SDK's client."""

from __future__ import annotations

import asyncio
import http.client
import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from fleetd.domain.records import MemberGone

TOKEN = "0123456789abcdef-reader"
OPERATOR = "0123456789abcdef-operator"
CLERK = "0123456789abcdef-clerk"
PENDING = {"has": ["pending_events"]}
PROGRAM = [sys.executable, "-m", "mcp_server"]


def post(port: int, path: str, **headers: str) -> tuple[int, dict[str, str]]:
    """The status of a hand-made request, and the headers of its answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"})
    plain = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    connection.request("POST", path, body, plain | {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders())


async def test_a_process_on_standard_input_answers_and_hears_changes(database):
    parameters = StdioServerParameters(command=PROGRAM[0], args=[*PROGRAM[1:], "--database", database.url])
    async with asyncio.timeout(60), Client(parameters) as c:
        answer = await c.call_tool("list_clusters", PENDING)
        assert [row["cluster"] for row in answer.structured_content["items"]] == ["prod/us-2"]
        async with c.listen(resource_subscriptions=["fleetd://overview"]) as stream:
            await database.commit([MemberGone(cluster="prod/us-1", at=datetime.now(UTC))])
            assert (await anext(aiter(stream))).uri == "fleetd://overview"
        missing = await c.call_tool("get_cluster", {"cluster": "us-1"})
        assert "until" in missing.structured_content["error"]["sentence"]


@pytest.mark.parametrize("protocol", ["auto", "legacy"])
async def test_a_process_over_http_answers_both_protocols_at_both_mounts(serving, database, protocol):
    async with serving(database.url, "--mode", "operate") as port:
        for path, acts in (("/mcp", True), ("/mcp/readonly", False)):
            async with Client(f"http://127.0.0.1:{port}{path}", mode=protocol) as c:
                names = {tool.name for tool in (await c.list_tools()).tools}
                answer = await c.call_tool("list_clusters", PENDING)
                if protocol == "auto":
                    async with asyncio.timeout(20), c.listen(resource_subscriptions=["fleetd://overview"]) as stream:
                        await database.commit([MemberGone(cluster="prod/us-1" if acts else "prod/eu-1", at=datetime.now(UTC))])
                        assert (await anext(aiter(stream))).uri == "fleetd://overview"
            assert ("requeue" in names) is acts
            assert answer.structured_content["total"]["count"] == 1


async def test_foreign_hosts_and_origins_are_turned_away(serving, database):
    async with serving(database.url) as port:
        for headers, status in (
            ({"Host": "evil.example"}, 421),
            ({"Host": f"127.0.0.1:{port}", "Origin": "https://evil.example"}, 403),
            ({"Host": f"localhost:{port}", "Origin": f"http://localhost:{port}"}, 200),
        ):
            found, _ = await asyncio.to_thread(lambda headers=headers: post(port, "/mcp", **headers))
            assert (found == status) or (status == 200 and found not in (401, 403, 421))


async def test_a_token_opens_the_door_and_its_scopes_show_the_tools(serving, database, key_file, tmp_path):
    shutil.copy(key_file, f"{database.url}.key")
    tokens = tmp_path / "tokens"
    tokens.write_text(f"# who may call\nrobot fleet:read {TOKEN}\nada fleet:read,ops:write {OPERATOR}\n")
    tokens.chmod(0o600)
    async with serving(database.url, "--token-file", str(tokens), "--mode", "operate") as port:
        for header in ({}, {"Authorization": "Bearer wrong-wrong-wrong"}, {"Authorization": f"Basic {TOKEN}"}):
            status, answer = await asyncio.to_thread(lambda header=header: post(port, "/mcp", **header))
            assert status == 401
            assert answer["www-authenticate"].startswith("Bearer")
        for token, acts in ((TOKEN, False), (OPERATOR, True)):
            async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as caller:
                async with Client(streamable_http_client(f"http://127.0.0.1:{port}/mcp", http_client=caller)) as c:
                    names = {tool.name for tool in (await c.list_tools()).tools}
                    status = (await c.call_tool("get_server_status", {})).structured_content["result"]
                    refused = await c.call_tool("set_pause", {"scope": "us-1", "paused": True, "reason": "x"})
                assert ("set_pause" in names) is acts
                assert status["principal"] == ("ada" if acts else "robot")
                assert refused.is_error is not acts


async def test_a_token_without_the_scope_reads_no_resource_and_no_prompt(serving, database, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text(f"clerk sql:read {CLERK}\n")
    tokens.chmod(0o600)
    caller = httpx2.AsyncClient(headers={"Authorization": f"Bearer {CLERK}"})
    async with (
        serving(database.url, "--token-file", str(tokens), "--sql") as port,
        caller,
        Client(streamable_http_client(f"http://127.0.0.1:{port}/mcp", http_client=caller)) as c,
    ):
        assert {tool.name for tool in (await c.list_tools()).tools} == {"run_sql", "describe_schema"}
        with pytest.raises(MCPError, match="fleet:read"):
            await c.read_resource("fleetd://overview")
        with pytest.raises(MCPError, match="fleet:read"):
            async with c.listen(resource_subscriptions=["fleetd://overview"]):
                raise AssertionError("nobody should be here")
        refused = (await c.call_tool("fleet_overview", {})).structured_content["error"]
        assert (refused["code"], refused.get("next")) == ("not_permitted", None)
        prompt = await c.get_prompt("triage_fleet", {})
    assert "not_permitted" in prompt.messages[0].content.text


async def test_where_only_is_read_a_tool_that_acts_is_said_to_be_missing_for_that_and_no_scope(serving, database):
    async with (
        serving(database.url, "--mode", "operate") as port,
        Client(streamable_http_client(f"http://127.0.0.1:{port}/mcp/readonly")) as c,
    ):
        refused = await c.call_tool("set_pause", {"scope": "us-1", "paused": True, "reason": "x"})
        status = (await c.call_tool("get_server_status", {})).structured_content["result"]
    error = refused.structured_content["error"]
    assert error["code"] == "read_only_mode"
    assert "/mcp/readonly" in error["sentence"]
    assert {one["because"] for one in status["hidden"] if one["tool"] == "set_pause"} == {error["sentence"].partition(": ")[2]}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--http", "0.0.0.0:0"], 4, "token-file"),
        (["--http", "nowhere"], 2, "HOST:PORT"),
        (["--http", "127.0.0.1:0", "--token-file", "/nonexistent"], 2, "token file"),
        (["--mode", "rule"], 2, "invalid choice"),
    ],
)
def test_what_cannot_be_served_ends_with_one_sentence(tmp_path: Path, arguments, code, said):
    command = [*PROGRAM, "--database", str(tmp_path / "no.db"), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == code
    assert said in ended.stderr
    assert ended.stdout == ""


async def test_a_database_that_is_not_there_is_said_in_the_answer(tmp_path: Path):
    parameters = StdioServerParameters(command=PROGRAM[0], args=[*PROGRAM[1:], "--database", str(tmp_path / "none.db")])
    async with asyncio.timeout(60), Client(parameters) as c:
        answer = await c.call_tool("fleet_overview", {})
    assert answer.is_error
    assert "there is no database" in answer.structured_content["error"]["sentence"]
