"""The benchmarks run: every goal measures something. What they measure is no matter of tests."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(600)
# All goals one after the other, each with processes of its own: a busy machine takes its time.
GOALS = {"P1", "P3", "P6-CEL", "P6-LUA", "P7", "P8", "P12", "P-ENGINES", "P-TEMPLATES", "REACH", "SERVICE", "SIM", "TUI"}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Of a run with the smallest sizes."""
    folder = tmp_path_factory.mktemp("bench")
    asyncio.run(_bench("--sizes", "tiny", "--seed", "7", "--folder", str(folder), "--json", str(folder / "report.json")))
    read: dict[str, Any] = orjson.loads((folder / "report.json").read_bytes())
    return read


async def _bench(*arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench", *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


def test_every_goal_can_be_measured(report: dict[str, Any]) -> None:
    assert {goal["id"] for goal in report["goals"]} == GOALS
    assert {goal["id"]: goal["failed"] for goal in report["goals"]} == dict.fromkeys(GOALS, "")
    assert all(goal["checks"] and goal["raw"] for goal in report["goals"])


def test_results_say_seed_load_and_that_the_fleet_is_simulated(report: dict[str, Any]) -> None:
    assert report["simulated"]
    for goal in report["goals"]:
        assert goal["seed"] == 7
        assert goal["simulated"]
        assert len(goal["load_average_before_and_after"]) == 2


def test_ratios_have_their_denominators_beside_them(report: dict[str, Any]) -> None:
    measured = {goal["id"]: goal for goal in report["goals"]}
    for goal, unit, raw in (("P1", "D_us", "cpu_us_per_event"), ("P7", "H_us", "applies_per_cpu_second")):
        assert measured[goal]["raw"][unit] > 0
        assert measured[goal]["raw"][raw] > 0


def test_a_replayed_event_writes_nothing_and_one_kind_is_one_watch(report: dict[str, Any]) -> None:
    checks = {check["name"]: check["value"] for goal in report["goals"] for check in goal["checks"]}
    assert checks["PATCHes after a replayed event"] == 0
    assert checks["changes without a PATCH"] == 0
    assert checks["watches per cluster and kind"] == 1
    assert checks["requests other than open watches"] == 0
