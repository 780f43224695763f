"""The public MCP conformance suite and inspector on a real process.

npm fetches them once into a cache (`conformance/package.json` pins them, `conformance/package-lock.json` what they bring). Of the suite
there are two releases: the stable one asks in revision 2025-11-25, the coming one in 2026-07-28.

`EXCEPTIONS` is the one list of what does not pass, and why. A check that begins to pass, or to fail, makes the test red.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from platformdirs import user_cache_path

PINNED = Path(__file__).parent / "conformance"
PACKAGES = "node_modules"
STABLE, NEXT = "@modelcontextprotocol/conformance", "conformance-next"
NEEDED_NODE = 22

OWN_TOOL = "calls a tool of the suite's own (test_…), which no other server has"
OWN_TEXT = "reads a resource or gets a prompt of the suite's own (test://…, test_…)"
ASKING = "no tool of fleetd asks its client for anything (sampling, elicitation, roots)"
UNDECLARED = "fleetd does not declare the capability (completions, logging)"
NO_HEADERS = "no tool of fleetd wants its arguments as headers, too (x-mcp-header)"
NO_SESSIONS = "fleetd keeps nothing of a connection and resumes no stream: recommended by 2025-11-25, gone in 2026-07-28"
SAME_LISTS = "the suite changes the lists of tools and prompts by a tool of its own; fleetd's are the same for as long as it runs"

EXCEPTIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "2025-11-25": {
        OWN_TOOL: (
            "tools-call-simple-text",
            "tools-call-image",
            "tools-call-audio",
            "tools-call-embedded-resource",
            "tools-call-mixed-content",
            "tools-call-error",
            "tools-call-with-progress",
            "json-schema-2020-12/json-schema-2020-12-tool-found",
        ),
        OWN_TEXT: (
            "resources-read-text",
            "resources-read-binary",
            "resources-templates-read",
            "prompts-get-simple",
            "prompts-get-with-args",
            "prompts-get-embedded-resource",
            "prompts-get-with-image",
        ),
        ASKING: (
            "tools-call-sampling",
            "tools-call-elicitation",
            "elicitation-sep1034-defaults/elicitation-sep1034-general",
            "elicitation-sep1330-enums/elicitation-sep1330-general",
        ),
        UNDECLARED: ("completion-complete", "logging-set-level", "tools-call-with-logging"),
        NO_SESSIONS: (
            "server-sse-multiple-streams/server-sse-multiple-streams-session",
            "server-sse-polling/server-sse-polling-session",
            "server-sse-polling/server-sse-priming-event",
            "server-sse-polling/server-sse-retry-field",
        ),
    },
    "2026-07-28": {
        OWN_TOOL: (
            "tools-call-simple-text",
            "tools-call-image",
            "tools-call-audio",
            "tools-call-embedded-resource",
            "tools-call-mixed-content",
            "tools-call-error",
            "tools-call-with-progress",
            "json-schema-2020-12/json-schema-2020-12-tool-found",
            "server-stateless/sep-2575-http-server-no-independent-requests-on-stream",
            "server-stateless/sep-2575-missing-capability-http-400",
            "server-stateless/sep-2575-server-no-log-without-loglevel",
            "server-stateless/sep-2575-server-rejects-undeclared-capability",
        ),
        OWN_TEXT: (
            "resources-read-text",
            "resources-read-binary",
            "resources-templates-read",
            "prompts-get-simple",
            "prompts-get-with-args",
            "prompts-get-embedded-resource",
            "prompts-get-with-image",
        ),
        ASKING: (
            "input-required-result-basic-elicitation/sep-2322-elicitation-incomplete",
            "input-required-result-basic-list-roots/sep-2322-list-roots-incomplete",
            "input-required-result-basic-sampling/sep-2322-sampling-incomplete",
            "input-required-result-capability-check/sep-2322-respect-client-capabilities",
            "input-required-result-ignore-extra-params/sep-2322-ignore-unexpected-params",
            "input-required-result-missing-input-response/sep-2322-missing-response-rerequests",
            "input-required-result-multi-round/sep-2322-multi-round-r1",
            "input-required-result-multiple-input-requests/sep-2322-multiple-inputs-incomplete",
            "input-required-result-non-tool-request/sep-2322-non-tool-incomplete",
            "input-required-result-request-state/sep-2322-request-state-incomplete",
            "input-required-result-result-type/sep-2322-result-type-included",
            "input-required-result-tampered-state/sep-2322-reject-tampered-state",
        ),
        UNDECLARED: ("completion-complete",),
        NO_HEADERS: (
            "http-custom-header-server-validation/sep-2243-server-decode-base64",
            "http-custom-header-server-validation/sep-2243-server-no-xmcp-tool",
            "http-custom-header-server-validation/sep-2243-server-reject-invalid-param-chars",
            "http-custom-header-server-validation/sep-2243-server-reject-param-mismatch",
            "http-custom-header-server-validation/sep-2243-server-validate-param-match",
        ),
        SAME_LISTS: (
            "server-stateless/sep-2575-server-sends-prompts-list-changed-on-subscription",
            "server-stateless/sep-2575-server-sends-tools-list-changed-on-subscription",
        ),
    },
}
"""For each revision, by reason: `scenario/check`, or one name where they have the same."""

PASSED: Mapping[str, tuple[str, ...]] = {
    "2025-11-25": (
        "dns-rebinding-protection",
        "ping",
        "prompts-list",
        "resources-list",
        "resources-subscribe",
        "resources-unsubscribe",
        "server-initialize",
        "tools-list",
    ),
    "2026-07-28": (
        "caching",
        "dns-rebinding-protection",
        "http-header-validation",
        "input-required-result-unsupported-methods",
        "input-required-result-validate-input",
        "prompts-list",
        "resources-list",
        "sep-2164-resource-not-found",
        "server-sse-multiple-streams",
        "tools-list",
    ),
}
"""The scenarios of each revision of which every check passes."""


def _fetch(place: Path) -> str:
    """What npm said where it failed, else nothing."""
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=20000"]
    try:
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=300, check=False)
    except subprocess.TimeoutExpired:
        return "it took longer than five minutes"
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no reason"])[-1][:200]


@pytest.fixture(scope="session")
def packages() -> Path:
    """Where the packages are; they are fetched when they are not."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed: the conformance suite does not run")
    files = sorted(PINNED.glob("*.json"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]
    place = user_cache_path("fleetd-tests", appauthor=False) / f"mcp-conformance-{digest}"
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        # Complete or not at all, also when several runs fetch it at once.
        fresh = Path(tempfile.mkdtemp(dir=place.parent))
        for path in files:
            shutil.copy(path, fresh)
        if failed := _fetch(fresh):
            shutil.rmtree(fresh)
            pytest.skip(f"npm cannot fetch the conformance suite: {failed}")
        try:
            fresh.rename(place)
        except OSError:
            shutil.rmtree(fresh)
    return place / PACKAGES


@pytest.fixture(scope="session")
def node(packages: Path) -> str:
    """A Node that is new enough: the one beside the suite, where there is one for this machine."""
    beside = next(iter(sorted(packages.glob("node-*-*/bin/node"))), None)
    found = str(beside) if beside else shutil.which("node")
    if found is None:
        pytest.skip("node is not installed: the conformance suite does not run")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.strip().lstrip("v").split(".")[0]) < NEEDED_NODE:
        pytest.skip(f"the conformance suite needs Node {NEEDED_NODE}; this is {version.strip()}")
    return found


def _read(results: Path) -> dict[str, dict[str, str]]:
    """The status of each check, by scenario; where a check was made several times, the worst."""
    ranks = ("INFO", "SKIPPED", "SUCCESS", "WARNING", "FAILURE")
    found: dict[str, dict[str, str]] = {}
    for path in results.glob("*/checks.json"):
        scenario = re.sub(r"^server-(.*?)-20\d\d-\d\d-\d\dT[\d-]+Z$", r"\1", path.parent.name)
        of = found.setdefault(scenario, {})
        for check in json.loads(path.read_text("utf-8")):
            of[check["id"]] = max(of.get(check["id"], "INFO"), check["status"], key=ranks.index)
    return found


@pytest.mark.parametrize(("package", "revision"), [(STABLE, "2025-11-25"), (NEXT, "2026-07-28")])
async def test_the_public_suite_passes_but_for_what_is_listed(serving, database, tmp_path, packages, node, package, revision):
    suite, results = packages / package / "dist" / "index.js", tmp_path / "results"
    async with serving(database.url, "--mode", "operate", "--sql") as port:
        words = ["server", "--url", f"http://127.0.0.1:{port}/mcp", "--suite", "all", "--spec-version", revision, "-o", str(results)]
        run = await asyncio.create_subprocess_exec(node, str(suite), *words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        async with asyncio.timeout(120):
            said, _ = await run.communicate()
    found = _read(results)
    assert found, said.decode()[-2_000:]
    listed = {name if "/" in name else f"{name}/{name}" for names in EXCEPTIONS[revision].values() for name in names}
    wrong = {
        f"{scenario}/{check}" for scenario, checks in found.items() for check, status in checks.items() if status in ("FAILURE", "WARNING")
    }
    whole = {
        scenario
        for scenario, checks in found.items()
        if "SUCCESS" in checks.values() and not wrong & {f"{scenario}/{one}" for one in checks}
    }
    differences = [f"newly fails: {one}" for one in sorted(wrong - listed)] + [f"newly passes: {one}" for one in sorted(listed - wrong)]
    assert not differences, "\n".join(["", *differences])
    assert sorted(whole) == sorted(PASSED[revision])


CALL = ("--method", "tools/call", "--tool-name", "list_clusters", "--tool-arg")
INSPECTED: tuple[tuple[tuple[str, ...], str], ...] = (
    (("--method", "tools/list", "--strict"), "list_references"),
    ((*CALL, 'has=["pending_events"]'), "prod/us-2"),
    ((*CALL, 'has=["pending_event"]'), "did you mean: pending_events"),
    (("--method", "resources/read", "--uri", "fleetd://clusters/prod/us-2"), "unreachable"),
    (("--method", "prompts/get", "--prompt-name", "why_not_fired", "--prompt-args", "trigger=share", "cluster=eu-1"), "first_failing"),
)
"""What the inspector is told to do, and what it then shows."""

TOLD = {"stdio": INSPECTED[:2], "http": INSPECTED}
"""Over stdio a server starts for each: there it is enough that the older handshake, the lists and a call work."""


@pytest.mark.parametrize("transport", TOLD)
async def test_the_inspector_lists_calls_reads_and_prompts(serving, database, tmp_path, packages, node, transport):
    inspector = packages / "@modelcontextprotocol" / "inspector" / "clients" / "launcher" / "build" / "index.js"
    environment = {**os.environ, "HOME": str(tmp_path)}

    async def inspect(words: Sequence[str], server: Sequence[str]) -> str:
        # No time limit of its own: the machine may be busy.
        words = [*words, "--connect-timeout", "0", "--protocol-era", "modern" if transport == "http" else "legacy"]
        options = {"cwd": tmp_path, "env": environment, "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        run = await asyncio.create_subprocess_exec(node, str(inspector), "--cli", *words, *server, **options)
        async with asyncio.timeout(60):
            out, said = await run.communicate()
        return (out or said).decode()

    async with AsyncExitStack() as stack:
        server = ["--", sys.executable, "-m", "mcp_server", "--database", database.url]
        if transport == "http":
            port = await stack.enter_async_context(serving(database.url))
            server = ["--server-url", f"http://127.0.0.1:{port}/mcp", "--transport", "http"]
        shown = [await inspect(words, server) for words, _ in TOLD[transport]]
    missed = {words: out for (words, wanted), out in zip(TOLD[transport], shown, strict=True) if wanted not in out}
    assert missed == {}
