"""P6 (its Lua half): scripts in processes of their own cost the daemon little, and hostile ones cost others nothing."""

from __future__ import annotations

import asyncio
import resource
import statistics
import sys
import time
from collections.abc import Sequence

import orjson

from bench.harness import Bench, Check, Goal, Result, median
from bench.objects import pod_event
from fleetd.scripts.pool import ScriptPool

AT_ONCE = 100
"""Evaluations that wait together, as they do after a burst of events."""
LOOK_SECONDS = 0.005
SCRIPT = """
function evaluate()
  local labels = obj.metadata.labels or {}
  return {matching = labels.app == "nowhere" and obj.status.phase == "Running"}
end
"""
HOSTILE = (
    "while true do end",
    "while true do pcall(error) end",
    "coroutine.wrap(function() while true do end end)()",
    "string.find(string.rep('a', 40), string.rep('a?', 40) .. string.rep('a', 40))",
    "local t = {} for i = 1, 1e9 do t[i] = {i} end",
    "local s = string.rep('x', 1e6) while true do s = s .. s end",
    "local t = {} for i = 1, 249000 do t[i] = i + 0.5 end return {message = t}",
    "local function f() return 1 + f() end return f()",
)


async def batched(pool: ScriptPool, bodies: Sequence[object], rounds: int) -> list[float]:
    """Microseconds of this process' CPU for an evaluation, of each round."""
    costs = []
    for _ in range(rounds):
        began = time.process_time()
        for start in range(0, len(bodies), AT_ONCE):
            await asyncio.gather(*(pool.evaluate(SCRIPT, body) for body in bodies[start : start + AT_ONCE]))
        costs.append((time.process_time() - began) / len(bodies) * 1e6)
    return costs


async def alone(pool: ScriptPool, bodies: Sequence[object]) -> list[float]:
    """Milliseconds that one evaluation after another takes, in order of size."""
    times = []
    for body in bodies:
        began = time.perf_counter()
        await pool.evaluate(SCRIPT, body)
        times.append((time.perf_counter() - began) * 1e3)
    return sorted(times)


async def lag(of: asyncio.Task[None]) -> float:
    """Milliseconds for which the loop did nothing else, at the most, until the task ends."""
    longest = 0.0
    while not of.done():
        began = time.perf_counter()
        await asyncio.sleep(LOOK_SECONDS)
        longest = max(longest, time.perf_counter() - began - LOOK_SECONDS)
    return longest * 1e3


async def beside(pool: ScriptPool, bodies: Sequence[object]) -> tuple[list[float], float, float]:
    """While hostile scripts are run: the times of the others in milliseconds, the loop's longest lag, and the growth in MiB."""
    before = _memory()

    async def attack() -> None:
        await asyncio.gather(*(pool.evaluate(f"function evaluate() {body} end", {}) for body in HOSTILE))

    task = asyncio.create_task(attack())
    watched = asyncio.create_task(lag(task))
    times: list[float] = []
    while not task.done():
        times += await alone(pool, bodies[:20])
    return sorted(times), await watched, _memory() - before


def _memory() -> float:
    """MiB that this process ever held at once."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 2**20)


def at(times: Sequence[float], share: float) -> float:
    """The value that this share of all does not exceed."""
    return times[min(len(times) - 1, int(len(times) * share))]


async def run(bench: Bench) -> Result:
    """One script on Pods, batched, alone, and beside hostile ones."""
    rounds = bench.sizes.rounds
    count = max(AT_ONCE, bench.sizes.events // rounds // 4)
    # As the engine has them of a watch: the object's own bytes.
    bodies = [orjson.dumps(orjson.loads(pod_event(f"web-{number}", str(number)))["object"]) for number in range(count)]
    async with ScriptPool() as pool:
        await alone(pool, bodies[:AT_ONCE])
        costs = await batched(pool, bodies, rounds)
        as_values = await batched(pool, [orjson.loads(body) for body in bodies], rounds)
        quiet = await alone(pool, bodies[: 10 * AT_ONCE])
        busy, longest, grown = await beside(pool, bodies)
    cost, unit = median(costs), bench.calibration
    return Result(
        (
            Check("parent CPU per evaluation, batched", cost, 20.0, "us", target=30.0),
            Check("p99 of one evaluation", at(quiet, 0.99), 5.0, "ms"),
            Check("loop lag beside hostile scripts, at most", longest, 50.0, "ms"),
            Check("growth beside hostile scripts", grown, 16.0, "MiB"),
        ),
        {
            "cpu_us_per_evaluation": cost,
            "cpu_us_per_evaluation_of_each_round": costs,
            "cpu_us_per_evaluation_of_decoded_objects": median(as_values),
            "cpu_in_D": cost / unit.d_us,
            "alone_p50_ms": statistics.median(quiet),
            "alone_p99_ms": at(quiet, 0.99),
            "beside_hostile_p50_ms": statistics.median(busy),
            "beside_hostile_p99_ms": at(busy, 0.99),
            "evaluations_beside_hostile": len(busy),
            "evaluations": count * rounds,
        },
        (f"{AT_ONCE} evaluations at once; the object is handed over whole, as the bytes that the watch brought",),
    )


GOAL = Goal(
    "P6-LUA",
    "Lua in a process of its own costs the daemon little, and hostile Lua costs others nothing.",
    "<= 20 us of parent CPU an evaluation, p99 <= 5 ms; beside hostile scripts loop lag <= 50 ms, growth <= 16 MiB",
    run,
)
