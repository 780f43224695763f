"""Scripts in processes that may be killed."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import pytest

from fleetd.scripts.places import Place
from fleetd.scripts.pool import ScriptPool
from fleetd.scripts.syntax import check

LOOP = "function evaluate() while true do end end"
FINE = "function evaluate() return {matching = obj.kind == 'Pod', message = 'é ' .. obj.kind} end"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (FINE, (True, "é Pod")),
        ("function evaluate() return {} end", (False, "")),
        ("function evaluate(o) return {MATCHING = o.kind == 'Pod'} end", (True, "")),
        ("function evaluate() return {matching = 'true'} end", (None, "the result's matching is not a boolean")),
        ("function evaluate() return true end", (None, "evaluate() returned a boolean, not a table")),
        ("x = 1", (None, "it defines no function evaluate()")),
        ("function evaluate()\n return obj.a.b end", (None, "line 2: attempt to index field 'a' (a nil value)")),
        ("function evaluate() return {matching = #obj.list == 2 and obj.list[2] == 3} end", (True, "")),
        ("function evaluate() return {matching = obj.none == nil} end", (True, "")),
        ("function evaluate() return {message = '\\255'} end", (False, "\ufffd")),
        ("assert(obj == nil) function evaluate() return {matching = true} end", (True, "")),
        ("function evaluate() error({message = 'mine'}) end", (None, "line 1: mine")),
        ("\x1bLua", (None, "a compiled chunk is no script")),
    ],
)
async def test_a_selectors_script_answers_by_its_contract(pool: ScriptPool, script: str, expected: object) -> None:
    assert await pool.evaluate(script, {"kind": "Pod", "list": [1, None, 3], "none": None}) == expected


@pytest.mark.parametrize(
    "name",
    [
        *("os", "io", "debug", "package", "require", "module", "dofile", "loadfile", "load", "loadstring", "collectgarbage"),
        *("getfenv", "setfenv", "newproxy", "python", "coroutine", "gcinfo", "string.dump", "math.randomseed"),
        *("getmetatable('').__index", "('').dump"),
    ],
)
async def test_what_could_reach_outside_is_absent(pool: ScriptPool, name: str) -> None:
    script = f"function evaluate() local ok, it = pcall(function() return {name} end) return {{matching = not ok or it == nil}} end"
    assert await pool.evaluate(script, {}) == (True, "")


async def test_no_value_that_a_script_meets_is_a_python_object(pool: ScriptPool) -> None:
    script = """
    local seen, found = {}, false
    local function walk(value)
      if type(value) == 'userdata' then found = true end
      if type(value) ~= 'table' or seen[value] then return end
      seen[value] = true
      for key, element in pairs(value) do walk(key) walk(element) end
      walk(getmetatable(value))
    end
    function evaluate() walk(_G) walk(obj) return {matching = not found} end
    """
    assert await pool.evaluate(script, {"a": [1, {"b": []}, None], "c": None}) == (True, "")


async def test_nothing_is_left_from_one_evaluation_to_the_next(pool: ScriptPool) -> None:
    script = """
    local clean = leak == nil and string.leak == nil and math.leak == nil and string.sub ~= nil
    function evaluate()
      leak, string.leak, math.leak, string.sub = 1, 1, 1, nil
      clean = clean and not pcall(function() getmetatable('').__index = {} end)
      return {matching = clean}
    end
    """
    assert [await pool.evaluate(script, {}) for _ in range(3)] == [(True, "")] * 3


@pytest.mark.parametrize(
    "body",
    [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "xpcall(error, function() while true do end end)",
        "string.find(string.rep('a', 40), string.rep('a?', 40) .. string.rep('a', 40))",
    ],
)
async def test_an_endless_script_is_ended_and_others_in_its_batch_are_answered(pool: ScriptPool, body: str) -> None:
    calls = [pool.evaluate(script, {"kind": "Pod"}) for script in (FINE, f"function evaluate() {body} end", FINE)]
    first, culprit, last = await asyncio.gather(*calls)
    assert (first, culprit, last) == ((True, "é Pod"), (None, "it ran longer than 250 ms"), (True, "é Pod"))


@pytest.mark.parametrize(
    "body",
    [
        "string.rep('x', 1e9)",
        "local s = string.rep('x', 1e6) while true do s = s .. s end",
        "local t = {} for i = 1, 1e9 do t[i] = {i} end",
        "local function f() return 1 + f() end f()",
        "local t = {} t[1] = t return t",
        "local t = {1} for i = 1, 60 do t = {t, t} end return t",
        "return {[1e9] = 1}",
    ],
)
async def test_a_bomb_is_an_error_and_the_next_is_answered(pool: ScriptPool, body: str) -> None:
    answer, why = await pool.evaluate(f"function evaluate() {body} end", {})
    assert answer is None
    assert why
    assert await pool.evaluate(FINE, {"kind": "Pod"}) == (True, "é Pod")


async def test_a_child_killed_from_outside_is_replaced(pool: ScriptPool) -> None:
    await pool.evaluate(FINE, {"kind": "Pod"})
    (pid,) = pool.pids
    os.kill(pid, signal.SIGKILL)
    assert await pool.evaluate(FINE, {"kind": "Pod"}) == (True, "é Pod")
    assert pool.pids != [pid]


async def test_a_script_that_ends_its_children_rests_until_the_clock_says_so() -> None:
    now = [0.0]
    async with ScriptPool(clock=lambda: now[0]) as pool:
        for _ in range(3):
            assert await pool.evaluate(LOOP, {}) == (None, "it ran longer than 250 ms")
        resting = "it is not run for another {} s, because it ended its process several times in a row"
        assert await pool.evaluate(LOOP, {}) == (None, resting.format(10))
        assert await pool.evaluate(FINE, {"kind": "Pod"}) == (True, "é Pod")
        now[0] = 10.0
        assert await pool.evaluate(LOOP, {}) == (None, "it ran longer than 250 ms")
        assert await pool.evaluate(LOOP, {}) == (None, resting.format(20))


async def test_an_object_of_five_megabytes_is_judged(pool: ScriptPool) -> None:
    body = {"entries": [{"name": f"entry {number}", "value": "x" * 80} for number in range(45_000)]}
    assert await pool.evaluate("function evaluate() return {matching = #obj.entries == 45000} end", body) == (True, "")


@pytest.mark.parametrize(
    ("place", "script", "argument", "expected"),
    [
        (
            Place.AGGREGATED_SELECTION,
            "return {resources = resources}",
            [{"a": [], "b": [1]}],
            {"resources": [{"a": [], "b": [1]}], "message": ""},
        ),
        (Place.AGGREGATED_SELECTION, "return {resources = {}}", [], {"resources": [], "message": ""}),
        (Place.CLUSTER_CHECK, "return {pass = #resources == 1}", [{}], {"pass": True, "message": ""}),
        (
            Place.HEALTH,
            "return {resources = {{resource = resources[1], status = 'Healthy'}}}",
            [{"kind": "Pod"}],
            {"resources": [{"resource": {"kind": "Pod"}, "status": "Healthy", "message": "", "reEvaluate": False}]},
        ),
        (
            Place.VALIDATE_HEALTH,
            "return {healthy = metrics.load < 1 and obj.kind == 'Pod'}",
            {"obj": {"kind": "Pod"}, "metrics": {"load": 0.5}},
            {"healthy": True, "message": ""},
        ),
        (Place.CLASSIFICATION, "return {{namespace = 'a', name = 'b', kind = 'C'}}", [], [{"namespace": "a", "name": "b", "kind": "C"}]),
        (Place.POLICY, "return {resources = 'kind: ' .. resources.one.kind}", {"one": {"kind": "Pod"}}, {"resources": "kind: Pod"}),
    ],
)
async def test_every_place_has_its_contract(pool: ScriptPool, place: Place, script: str, argument: Any, expected: object) -> None:
    result = await pool.call(f"function evaluate() {script} end", place, argument)
    assert (result.value, result.error) == (expected, "")


def test_a_syntax_error_names_its_line() -> None:
    error = check("x = 1\nif x then\n")
    assert error is not None
    assert error.line == 3
    assert check("function evaluate() return {} end") is None
