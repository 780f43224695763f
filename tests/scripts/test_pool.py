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

NAMES = """
_VERSION assert base64Decode base64Encode coroutine coroutine.create coroutine.resume coroutine.running coroutine.status coroutine.wrap
coroutine.yield error getAnnotation getLabel getResource getmetatable ipairs math math.abs math.acos math.asin math.atan math.atan2
math.ceil math.cos math.cosh math.deg math.exp math.floor math.fmod math.frexp math.huge math.ldexp math.log math.log10 math.max math.min
math.mod math.modf math.pi math.pow math.rad math.random math.randomseed math.sin math.sinh math.sqrt math.tan math.tanh next obj os
os.clock os.date os.difftime os.getenv os.time pairs pcall print rawequal rawget rawset require select setmetatable string string.byte
string.char string.find string.format string.gfind string.gmatch string.gsub string.len string.lower string.match string.rep
string.reverse string.sub string.upper table table.concat table.getn table.insert table.maxn table.remove table.sort tonumber tostring
type unpack xpcall
"""
"""Everything that a script may reach without `require`; whoever adds to it looks twice."""
LOOP = "function evaluate() while true do end end"
NO = "the script says no: "
SHAPE = 'evaluate() must return {matching = true, message = "why"} here'
NO_FIELD = 'evaluate() returns {matching = true, message = "why"} here'
FINE = "function evaluate() return {matching = obj.kind == 'Pod', message = 'é ' .. obj.kind} end"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (FINE, (True, "é Pod")),
        ("function evaluate() return {} end", (False, "")),
        ("function evaluate(o) return {MATCHING = o.kind == 'Pod'} end", (True, "")),
        ("function evaluate() return {matching = 'true'} end", (None, f'matching is the text "true" and not a boolean; {SHAPE}')),
        (
            "function evaluate() return {1, 2} end",
            (None, f"evaluate() returned a list; it {SHAPE[11:]}"),
        ),
        (
            "function evaluate() return true end",
            (None, 'evaluate() returned a boolean; it must return {matching = true, message = "why"} here'),
        ),
        ("function evaluate() end", (None, 'evaluate() returned nothing; it must return {matching = true, message = "why"} here')),
        (
            "function evaluate() return {healthy = true} end",
            (False, f"the script says no: the result has healthy and no matching; {NO_FIELD}"),
        ),
        ("function evaluate() return {message = 5} end", (None, f"message is a number and not a text; {SHAPE}")),
        ("x = 1", (None, "it defines no function evaluate()")),
        (
            "local function evaluate() return {} end",
            (None, "it defines no function evaluate() that can be called: take away the word local"),
        ),
        (
            "return {matching = true}",
            (None, "it defines no function evaluate(): what its body returns is not read, put it into the function"),
        ),
        ("\ufefffunction evaluate()\r\n return {matching = true}\r\nend", (True, "")),
        ("function evaluate() io.write('x') end", (None, "line 1: attempt to index global 'io' (a nil value): scripts have no io")),
        (
            "local name = obj.kind",
            (None, "line 1: attempt to index global 'obj' (a nil value): it is there when evaluate() runs, and not before"),
        ),
        (
            "function evaluate()\n return obj.a.b end",
            (None, "line 2: attempt to index field 'a' (a nil value); there is no obj.a"),
        ),
        ("function evaluate() return {matching = obj.spec and obj.spec.x == 1} end", (False, f"{NO}there is no obj.spec")),
        ("function evaluate() return {matching = #obj.list == 3 and obj.list[2] == nil and obj.list[3] == 3} end", (True, "")),
        (
            "function evaluate() local n = #obj.list for i, v in ipairs(obj.list) do n = n + i * v end return {matching = n == 13} end",
            (True, ""),
        ),
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
        *("io", "debug", "package", "module", "dofile", "loadfile", "load", "loadstring", "collectgarbage", "jit", "ffi", "bit"),
        *("getfenv", "setfenv", "newproxy", "python", "gcinfo", "string.dump", "string.buffer", "table.new"),
        *("os.execute", "os.exit", "os.remove", "os.rename", "os.tmpname", "os.setlocale", "os.getenv('PATH')"),
        *("getmetatable('').__index", "('').dump", "getmetatable(obj)", "require('ffi')"),
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
    for _, module in ipairs({'json', 'strings', 'runes', 'sprig'}) do walk(require(module)) end
    walk({pcall(require('json').decode, '{')})
    walk({pcall(require('sprig').round, {}, {})})
    walk({pcall(require('strings').Repeat, 'x', 1e12)})
    function evaluate() walk(_G) walk(obj) return {matching = not found} end
    """
    assert await pool.evaluate(script, {"a": [1, {"b": []}, None], "c": None}) == (True, "")


async def test_a_script_sees_these_names_and_no_other(pool: ScriptPool) -> None:
    script = """
    function evaluate()
      local names = {}
      for name, value in pairs(_G) do
        if name ~= '_G' and name ~= 'evaluate' then names[#names + 1] = name end
        if type(value) == 'table' and name ~= '_G' and name ~= 'obj' then
          for key in pairs(value) do names[#names + 1] = name .. '.' .. key end
        end
      end
      return {message = table.concat(names, ' ')}
    end
    """
    _, names = await pool.evaluate(script, {})
    assert names.split() == sorted(NAMES.split())


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
        "local t = {} t[1] = t return {matching = t}",
        "local t = {1} for i = 1, 60 do t = {t, t} end return {matching = t}",
        "return {matching = {[1e9] = 1}}",
    ],
)
async def test_a_bomb_is_an_error_and_the_next_is_answered(pool: ScriptPool, body: str) -> None:
    answer, why = await pool.evaluate(f"function evaluate() {body} end", {})
    assert answer is None
    assert why
    assert await pool.evaluate(FINE, {"kind": "Pod"}) == (True, "é Pod")


async def test_a_child_killed_from_outside_is_replaced(pool: ScriptPool) -> None:
    await pool.evaluate(FINE, {"kind": "Pod"})
    pids = pool.pids
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    assert await pool.evaluate(FINE, {"kind": "Pod"}) == (True, "é Pod")
    assert pool.pids
    assert pool.pids != pids


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


async def test_a_thousand_objects_are_handed_back_as_they_came(pool: ScriptPool) -> None:
    spec = {"containers": [{"name": f"c{number}", "env": [{"name": "a", "value": "b"}] * 10} for number in range(5)]}
    objects = [{"kind": "Pod", "metadata": {"name": f"pod-{number}"}, "spec": spec} for number in range(1000)]
    result = await pool.call("function evaluate() return {resources = resources} end", Place.AGGREGATED_SELECTION, objects)
    assert result.sentence == ""
    assert result.value["resources"] == objects


@pytest.mark.parametrize(
    ("place", "script", "argument", "expected"),
    [
        (
            Place.AGGREGATED_SELECTION,
            "return {resources = resources}",
            [{"kind": "Pod", "a": [], "b": [1]}],
            {"resources": [{"kind": "Pod", "a": [], "b": [1]}], "message": ""},
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


async def test_an_object_may_be_given_as_json(pool: ScriptPool) -> None:
    result = await pool.call(FINE, Place.SELECTOR, b'{"kind": "Pod"}')
    assert result.value == {"matching": True, "message": "é Pod"}
    assert (await pool.call(FINE, Place.SELECTOR, b'{"kind": ')).error


async def test_what_was_read_in_vain_is_told_by_its_path(pool: ScriptPool) -> None:
    script = """
    function evaluate()
      local labels = obj.metadata.labels or {}
      local last = obj.list[#obj.list].x or obj.list[2]["a b"]
      obj.late = obj.late or 1
      if next(resources or {}) then return end
      return {matching = labels.app == last}
    end
    """
    result = await pool.call(script.replace("matching =", "matching = 1 == 2 and"), Place.SELECTOR, {"metadata": {}, "list": [{}, {}]})
    assert result.missing == ("obj.metadata.labels", "obj.list[2].x", 'obj.list[2]["a b"]')


def test_a_syntax_error_names_its_line() -> None:
    error = check("x = 1\nif x then\n")
    assert error is not None
    assert error.line == 3
    assert check("function evaluate() return {} end") is None
