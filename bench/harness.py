"""Goals, what they measured, and how it is shown: ratios against a calibration of the same run, both raw values, the load, the seed."""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from bench.calibration import Calibration
from bench.children import Failed

GOAL_SECONDS = 240
"""After which a goal is given up."""
RESULTS = Path(__file__).parent / "results"
FLEET = "the fleet is simulated (fleetd.sim over plain HTTP on the loopback interface, no etcd, in processes of its own)"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured; a goal never measures more than these say."""

    name: str
    events: int
    rounds: int
    latency_clusters: int
    latency_seconds: float
    probe_seconds: float
    probe_steps: int
    fan_out: tuple[int, ...]
    applies: int
    memory_clusters: tuple[int, ...]
    memory_objects: tuple[int, ...]
    idle_clusters: int
    idle_seconds: float


FULL = Sizes("full", 40_000, 5, 100, 20.0, 3.0, 8, (100, 1000), 3, (10, 50, 100, 300), (10, 100), 100, 130.0)
QUICK = Sizes("quick", 10_000, 5, 20, 8.0, 1.5, 6, (50,), 3, (5, 20), (10, 50), 30, 32.0)
TINY = Sizes("tiny", 60, 2, 4, 0.5, 0.2, 1, (2,), 1, (2,), (1,), 2, 0.5)
"""Only shows that everything still runs."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What a goal is given. `folder` is where its databases may lie; `profile` asks where the time goes."""

    sizes: Sizes
    seed: int
    folder: Path
    calibration: Calibration
    profile: bool = False
    say: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Check:
    """One gate: `value` is held against `limit`; `target` is what this release aims at where that is less than the goal."""

    name: str
    value: float
    limit: float
    unit: str
    target: float | None = None

    @property
    def verdict(self) -> str:
        """PASS, NEAR (the release's target is met, the goal is not) or MISS."""
        if self.value <= self.limit:
            return "PASS"
        return "NEAR" if self.target is not None and self.value <= self.target else "MISS"


@dataclass(frozen=True, slots=True)
class Result:
    """What a goal measured. `raw` are the values as measured, with their units in their names; `where` says where the time goes."""

    checks: tuple[Check, ...]
    raw: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    where: str = ""


@dataclass(frozen=True, slots=True)
class Goal:
    """A measured goal: one sentence, its gate in words, and what measures it."""

    id: str
    sentence: str
    gate: str
    run: Callable[[Bench], Awaitable[Result]]
    seconds: int = GOAL_SECONDS
    """As long may it take; what fills a database first, takes longer at the full size."""


@dataclass(slots=True)
class Report:
    """Everything of one run."""

    sizes: str
    seed: int
    began: datetime
    machine: dict[str, Any]
    calibration: dict[str, Any]
    goals: list[dict[str, Any]] = field(default_factory=list)

    @property
    def met(self) -> bool:
        """Every gate is held, and every goal could be measured."""
        return all(not goal["failed"] and all(check["verdict"] == "PASS" for check in goal["checks"]) for goal in self.goals)

    def write(self, path: Path) -> None:
        """As JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(orjson.dumps({**self._fields(), "simulated": True, "fleet": FLEET}, option=orjson.OPT_INDENT_2))

    def _fields(self) -> dict[str, Any]:
        return {
            "sizes": self.sizes,
            "seed": self.seed,
            "began": self.began.isoformat(timespec="seconds"),
            "machine": self.machine,
            "calibration": self.calibration,
            "goals": self.goals,
        }


def machine() -> dict[str, Any]:
    """What the numbers depend on, without names."""
    return {"python": sys.version.split()[0], "cpus": os.cpu_count(), "load_average": [round(load, 2) for load in os.getloadavg()]}


def new_report(sizes: Sizes, seed: int, calibration: Calibration) -> Report:
    """An empty report of a run that begins now."""
    return Report(sizes.name, seed, datetime.now(UTC), machine(), calibration.as_json())


async def measure(goal: Goal, bench: Bench, report: Report) -> Result:
    """Runs one goal and adds it to the report."""
    before, began = os.getloadavg()[0], time.monotonic()
    failed = ""
    try:
        async with asyncio.timeout(goal.seconds):
            result = await goal.run(bench)
    except (Failed, TimeoutError) as error:
        failed = str(error) or f"it was not done after {goal.seconds} s"
        result = Result((), {})
    checks = [
        {
            "name": check.name,
            "value": check.value,
            "limit": check.limit,
            "target": check.target,
            "unit": check.unit,
            "verdict": check.verdict,
        }
        for check in result.checks
    ]
    report.goals.append(
        {
            "id": goal.id,
            "goal": goal.sentence,
            "gate": goal.gate,
            "failed": failed,
            "checks": checks,
            "raw": dict(result.raw),
            "notes": list(result.notes),
            "seed": bench.seed,
            "load_average_before_and_after": [round(before, 2), round(os.getloadavg()[0], 2)],
            "seconds": round(time.monotonic() - began, 1),
            "simulated": True,
        }
    )
    return result


def show(console: Console, report: Report) -> None:
    """The report as a table."""
    table = Table(title=f"fleetd bench, {report.sizes} sizes, seed {report.seed}: {FLEET}", title_justify="left")
    for heading in ("goal", "check", "value", "limit", "verdict", "load"):
        table.add_column(heading, overflow="fold")
    for goal in report.goals:
        load = "{} → {}".format(*goal["load_average_before_and_after"])
        if goal["failed"]:
            table.add_row(goal["id"], goal["failed"], "", goal["gate"], "FAILED", load)
        for place, check in enumerate(goal["checks"]):
            limit = f"{check['limit']:.4g}" + (f" (this release {check['target']:.4g})" if check["target"] is not None else "")
            first = place == 0
            value = f"{check['value']:.4g} {check['unit']}".strip()
            table.add_row(goal["id"] if first else "", check["name"], value, limit, check["verdict"], load if first else "")
    console.print(table)
    for goal in report.goals:
        console.print(f"[bold]{goal['id']}[/] {goal['goal']}", highlight=False)
        for name, value in goal["raw"].items():
            console.print(f"   {name}: {_short(value)}", highlight=False, markup=False)
        for note in goal["notes"]:
            console.print(f"   {note}", highlight=False, markup=False)


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_short, value)) + "]"
    return str(value)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of them lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)
