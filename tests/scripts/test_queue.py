"""Who is served next, and beside whom."""

from __future__ import annotations

import asyncio
import os
import signal

from fleetd.scripts.places import Place, Result
from fleetd.scripts.pool import ScriptPool
from fleetd.scripts.queue import Queue, Request
from fleetd.scripts.standing import QUICK, Standings

FINE = "function evaluate() return {matching = true} end"


def request(key: str, size: int = 10) -> Request:
    return Request(key, "", Place.SELECTOR, b"x" * size, asyncio.get_running_loop().create_future())


def filled(*keys: str, proven: str = "") -> Queue:
    standings = Standings()
    for key in proven:
        standings.answered(key, 0.001)
    queue = Queue(standings)
    for key in keys:
        queue.add(request(key))
    return queue


async def taken(queue: Queue, count: int = 10, *, proven_only: bool = False) -> str:
    return "".join(item.key for item in await queue.take(count, 10_000, proven_only=proven_only))


async def test_proven_scripts_take_turns() -> None:
    queue = filled("a", "a", "a", "b", "c", proven="abc")
    assert await taken(queue, 4) == "abca"
    assert await taken(queue) == "a"


async def test_a_script_that_is_not_proven_is_served_alone() -> None:
    queue = filled("n", "a", "n", proven="a")
    assert await taken(queue) == "n"
    assert await taken(queue) == "a"
    assert await taken(queue) == "n"


async def test_who_takes_proven_scripts_only_leaves_the_others() -> None:
    queue = filled("n", "a", "m", "a", proven="a")
    assert await taken(queue, proven_only=True) == "aa"
    assert await taken(queue) == "n"
    assert await taken(queue) == "m"


async def test_a_slow_script_holds_up_no_other_and_a_batch_takes_no_longer_than_one() -> None:
    standings = Standings()
    standings.answered("slow", QUICK * 2)
    standings.answered("half", QUICK * 0.6)
    queue = Queue(standings)
    for key in ("half", "half", "slow"):
        queue.add(request(key))
    assert await taken(queue, proven_only=True) == "half"
    assert await taken(queue, proven_only=True) == "half"
    assert await taken(queue) == "slow"


async def test_what_nobody_waits_for_is_passed_over() -> None:
    queue = filled("a", "n", "b", proven="ab")
    first = request("a")
    first.settle(Result(error="gone"))
    queue.put_back([first])
    assert await taken(queue, 1, proven_only=True) == "b"
    assert await taken(queue) == "n"
    assert await taken(queue) == "a"


async def test_a_script_that_was_ended_has_to_prove_itself_again() -> None:
    standings = Standings()
    assert standings.answered("a", 0.001)
    assert not standings.answered("a", 0.001)
    standings.ended("a")
    assert not standings.proven("a")


async def test_children_that_the_machine_stopped_are_no_scripts_fault() -> None:
    async with ScriptPool() as pool:
        assert await pool.evaluate(FINE, {}) == (True, "")
        for pid in pool.pids:
            os.kill(pid, signal.SIGSTOP)
        assert await asyncio.gather(*(pool.evaluate(FINE, {}) for _ in range(5))) == [(True, "")] * 5
