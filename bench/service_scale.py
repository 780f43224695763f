"""What questions cost on 10,000 clusters with a million events: every reading tool inside the server, and each SQL statement of theirs."""

from __future__ import annotations

import gc
import itertools
import os
import re
import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import orjson

from bench.asking import calls
from bench.harness import Bench, Check, Goal, Result, median, percentile
from bench.planted_rows import Plan, Scale
from bench.seeding import seed
from bench.stdio import Started, start
from fleetd.service.local import LocalQuestions
from fleetd.service.questions.overview import FleetOverview
from fleetd.store.moments import moment_text
from fleetd.store.reading import Connection, Record
from mcp_server.calls import Desk
from mcp_server.catalogue import offered
from mcp_server.kept import Caller
from mcp_server.limits import Limits
from mcp_server.principals import LOCAL, Mode

SAID = 12
"""With so many values a statement's work is counted; the most of them counts."""
_NUMBERED = re.compile(r"(?P<same>\s*(,|\bOR\b)\s*:[a-z_]+\d+)+")


@dataclass(slots=True)
class Statements:
    """What was said to the database: times in ms for each text, wall and CPU, and some of the values that it was said with."""

    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    cpu: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    values: dict[str, list[tuple[str, Mapping[str, Any]]]] = field(default_factory=lambda: defaultdict(list))

    def note(self, sql: str, values: Mapping[str, Any], ms: float, cpu: float) -> None:
        # Lists of names differ in their length only.
        text = _NUMBERED.sub(", …", " ".join(sql.split()))
        if len(self.values[text]) < SAID:
            self.values[text].append((sql, dict(values)))
        self.times[text].append(ms)
        self.cpu[text].append(cpu)


class Timed:
    """A connection that keeps account of what is asked through it."""

    def __init__(self, connection: Connection, said: Statements) -> None:
        self._connection = connection
        self._said = said

    def rows(self, sql: str, params: Mapping[str, Any], most: int | None) -> list[Record]:
        began, cpu = time.perf_counter(), time.thread_time()
        rows = self._connection.rows(sql, params, most)
        self._said.note(sql, params, (time.perf_counter() - began) * 1000, (time.thread_time() - cpu) * 1000)
        return rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


async def watched(questions: LocalQuestions) -> Statements:
    """What is said from now on through the connection that answers."""
    await questions.ask(FleetOverview())
    reader, said = questions._line._reader, Statements()  # noqa: SLF001  # the port is the questions; what is under them is measured
    assert reader is not None
    reader._connection = cast(Connection, Timed(reader._connection, said))  # noqa: SLF001
    return said


@dataclass(slots=True)
class Asked:
    """What was measured: ms of each call by tool, wall and CPU, the slowest call, bytes of answers."""

    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    cpu: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    slowest: dict[str, tuple[float, str]] = field(default_factory=dict)
    bytes: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    refused: list[str] = field(default_factory=list)
    by_call: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @property
    def all(self) -> list[float]:
        return list(itertools.chain.from_iterable(self.times.values()))


async def ask_all(desk: Desk, plan: Plan, rounds: Iterable[int]) -> Asked:
    """Asks everything, round after round."""
    found = Asked()
    for number in rounds:
        for tool, arguments in calls(plan, number):
            began, cpu = time.perf_counter(), time.process_time()
            result = await desk.call(tool, arguments, Caller(LOCAL))
            ms = (time.perf_counter() - began) * 1000
            found.cpu[tool].append((time.process_time() - cpu) * 1000)
            text = f"{tool} {orjson.dumps(arguments).decode()}"
            if result.is_error:
                found.refused.append(f"{text}: {result.content[0].text[:160]}")  # type: ignore[union-attr]
            found.times[tool].append(ms)
            found.bytes[tool].append(len(orjson.dumps(result.structured_content)))
            found.slowest[tool] = max(found.slowest.get(tool, (0.0, "")), (ms, text))
            found.by_call[text].append(ms)
    return found


def desk_on(questions: LocalQuestions) -> Desk:
    """As the server has it, without its limit of calls in a second."""
    clock = itertools.count(0, 1000)
    return Desk(questions, offered(Mode.OBSERVE, sql=False), limits=Limits(lambda: float(next(clock))))


ROUNDS = {"full": 4, "quick": 3, "tiny": 1}
SCALES = {
    "full": (Scale(10_000, 100_000, 1_000, 12), Scale(10_000, 1_000_000, 1_000, 12)),
    "quick": (Scale(10_000, 20_000, 1_000, 12), Scale(10_000, 100_000, 1_000, 12)),
    "tiny": (Scale(40, 200, 10, 4), Scale(40, 400, 10, 4)),
}
TOOL_MS, STATEMENT_MS, GROWTH, ANSWER_BYTES = 50.0, 5.0, 3.0, 32_000
CPU_SHARE, MEMORY_SHARE = 1.5, 1.25
"""What the server on standard input and output may cost, over a server of the SDK with one tool."""
TICK, LITTLE = 100, 30_000
"""Instructions of SQLite's machine: how finely they are counted, and below how many (half a millisecond) a statement's growth is not
looked at. A total may grow to three times of that before it says "at least 10,000"."""
TABLES = frozenset("acdegijlmorv")
"""The aliases of tables in the views."""
POSTGRES = "FLEETD_BENCH_POSTGRES"


@dataclass(frozen=True, slots=True)
class Measured:
    """What one database showed: plans that scan, and the work of each statement in SQLite's instructions."""

    asked: Asked
    said: Statements
    scans: Mapping[str, Sequence[str]]
    work: Mapping[str, int]


async def measured(url: str, plan: Plan, rounds: int) -> Measured:
    """Asks everything of one database: once to be warm, then to be timed."""
    questions = LocalQuestions(url)
    try:
        desk = desk_on(questions)
        await ask_all(desk, plan, [0])
        said = await watched(questions)
        # What the seeding left behind is no part of a server; walking it takes the collector a hundred milliseconds.
        gc.collect()
        gc.freeze()
        asked = await ask_all(desk, plan, range(1, rounds + 1))
    finally:
        await questions.close()
    if url.startswith("postgres"):
        return Measured(asked, said, {}, {})
    with closing(sqlite3.connect(url)) as connection:
        firsts = {text: each[0] for text, each in said.values.items()}
        scans = {text: found for text, (sql, values) in firsts.items() if (found := _scans(connection, sql, _texts(values)))}
        work = {text: max(_work(connection, sql, _texts(values)) for sql, values in each) for text, each in said.values.items()}
    return Measured(asked, said, scans, work)


def _texts(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: moment_text(value) if isinstance(value, datetime) else value for name, value in values.items()}


def _scans(connection: sqlite3.Connection, sql: str, values: Mapping[str, Any]) -> list[str]:
    """Steps that read a table from end to end; what the statement itself made is none."""
    steps = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    made = {step.split()[1] for step in steps if step.startswith(("CO-ROUTINE ", "MATERIALIZE "))}
    whole = [step for step in steps if step.startswith("SCAN ") and " USING " not in step and step.split()[1] in TABLES - made]
    # By the primary key, of which SQLite says that it scans.
    return [] if "ORDER BY seq" in sql or "ORDER BY entry_id" in sql else whole


def _work(connection: sqlite3.Connection, sql: str, values: Mapping[str, Any]) -> int:
    ticks = itertools.count()
    connection.set_progress_handler(lambda: next(ticks) and 0, TICK)
    connection.execute(sql, values).fetchall()
    connection.set_progress_handler(None, 0)
    return next(ticks) * TICK


def _statement_checks(small: Measured, large: Measured, *, tenfold: bool) -> Iterator[Check]:
    # By the CPU that they take in their thread: what else runs on the machine has no part in that.
    times = large.said.cpu
    each = {text: percentile(found, 0.99) for text, found in times.items()}
    yield Check("all statements, p99 of CPU", percentile([*itertools.chain.from_iterable(times.values())], 0.99), STATEMENT_MS, "ms")
    yield Check(f"statements of {len(each)} with p99 over {STATEMENT_MS:g} ms", sum(ms > STATEMENT_MS for ms in each.values()), 0, "")
    yield Check("statements that scan a growing table", len(large.scans), 0, "")
    if tenfold:
        yield Check("growth of a statement's work, ten times the events", max(_growth(small, large).values(), default=1.0), GROWTH, "x")


def _growth(small: Measured, large: Measured) -> dict[str, float]:
    """How much more SQLite does for the same statement in the larger database; load and disk have no part in it."""
    return {text: many / max(LITTLE, small.work[text]) for text, many in large.work.items() if text in small.work and many > LITTLE}


async def _starts(url: str, rounds: int) -> tuple[list[Started], list[Started]]:
    """A bare server and ours, in turn."""
    bare, ours = [], []
    for _ in range(rounds):
        bare.append(await start(["-m", "bench.bare_server"]))
        ours.append(await start(["-m", "mcp_server", "--database", url]))
    return bare, ours


def _start_checks(bare: Sequence[Started], ours: Sequence[Started]) -> Iterator[Check]:
    cpu = median([one.cpu for one in ours]) / max(0.01, median([one.cpu for one in bare]))
    memory = median([one.resident for one in ours]) / median([one.resident for one in bare])
    yield Check("stdio server: CPU to the first answer, over the SDK's own", cpu, CPU_SHARE, "x")
    yield Check("stdio server: memory after it, over the SDK's own", memory, MEMORY_SHARE, "x")


def _at(ms: Sequence[float], share: float) -> float:
    return round(percentile(ms, share), 1)


def _raw(found: Measured) -> dict[str, Any]:
    times = found.said.times
    slow = sorted(((percentile(ms, 0.99), text[:400]) for text, ms in times.items()), reverse=True)
    asked = found.asked
    return {
        "p50_p99_ms_by_tool": {
            tool: [round(percentile(ms, share), 1) for share in (0.5, 0.99)] for tool, ms in sorted(asked.times.items())
        },
        "cpu_p50_p99_ms_by_tool": {tool: [_at(ms, 0.5), _at(ms, 0.99)] for tool, ms in sorted(asked.cpu.items())},
        "statements_p99_ms_wall_and_cpu": [_at([*itertools.chain.from_iterable(one.values())], 0.99) for one in (times, found.said.cpu)],
        "statements_over_5_ms_of_cpu": sum(percentile(ms, 0.99) > STATEMENT_MS for ms in found.said.cpu.values()),
        "slowest_call_by_tool": {tool: f"{ms:.1f} ms {text}" for tool, (ms, text) in sorted(asked.slowest.items())},
        "calls": len(asked.all),
        "statements": len(times),
        "statements_said": sum(map(len, times.values())),
        "statements_a_call": round(sum(map(len, times.values())) / len(asked.all), 1),
        "slowest_statements": [f"{ms:.1f} ms {text}" for ms, text in slow[:12]],
        "most_bytes_by_tool": {tool: max(sizes) for tool, sizes in sorted(asked.bytes.items())},
        "refused": asked.refused[:5],
        "scans": dict(found.scans),
    }


async def run(bench: Bench) -> Result:
    """Two databases of one fleet, the second with more history; then the servers."""
    name = bench.sizes.name
    found: list[Measured] = []
    urls = [str(bench.folder / f"service-{number}.db") for number in range(2)]
    for url, scale in zip(urls, SCALES[name], strict=True):
        bench.say(f"  {scale.clusters} clusters, {scale.events} events: seeding")
        plan = await seed(url, scale, seed=bench.seed)
        found.append(await measured(url, plan, ROUNDS[name]))
    small, large = found
    tools = [Check(f"{tool} p99", percentile(ms, 0.99), TOOL_MS, "ms") for tool, ms in sorted(large.asked.times.items())]
    sizes = Check("largest answer", max(itertools.chain.from_iterable(large.asked.bytes.values())), ANSWER_BYTES, "bytes")
    bare, ours = await _starts(urls[1], 1 if name == "tiny" else 5)
    checks = (
        *tools,
        sizes,
        *_statement_checks(small, large, tenfold=name == "full"),
        *_start_checks(bare, ours),
        Check("refused calls", len(large.asked.refused), 0, ""),
    )
    raw = {**_raw(large), "fewer_events": _raw(small), "growth": _grown(small, large)}
    raw |= {f"{who}_{key}": [getattr(one, key) for one in starts] for who, starts in (("bare", bare), ("ours", ours)) for key in _STARTED}
    notes = []
    if server := os.environ.get(POSTGRES):
        plan = await seed(server, SCALES[name][1], seed=bench.seed)
        raw["postgres"] = _raw(await measured(server, plan, ROUNDS[name]))
    else:
        notes.append(f"Postgres was not measured: {POSTGRES} names no empty database")
    return Result(checks, raw, tuple(notes))


_STARTED = ("wall", "cpu", "resident", "again")


def _grown(small: Measured, large: Measured) -> list[str]:
    grown = sorted(((times, text) for text, times in _growth(small, large).items()), reverse=True)
    return [f"{times:.1f} x {text[:300]}" for times, text in grown[:8]]


GOAL = Goal(
    "SERVICE",
    "With 10,000 clusters and a million events every question keeps within its budget, and the stdio server costs little over the SDK.",
    f"tools p99 <= {TOOL_MS:g} ms, statements p99 <= {STATEMENT_MS:g} ms, no scan of a growing table, work <= {GROWTH:g} x at ten times the"
    f" events; CPU to the first answer <= {CPU_SHARE:g} x, memory <= {MEMORY_SHARE:g} x of a bare server of the SDK",
    run,
    seconds=1_800,
)
