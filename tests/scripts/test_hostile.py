"""Scripts that mean harm: each ends within its limits with a sentence, and nobody else notices (SEC-16, SEC-17, FT-20)."""

from __future__ import annotations

import asyncio
import resource
import sys
from dataclasses import replace

import pytest

from fleetd.scripts.limits import ScriptLimits
from fleetd.scripts.places import Place, Result
from fleetd.scripts.pool import ScriptPool

FINE = "function evaluate() return {matching = obj.kind == 'Pod'} end"
LIMITS = replace(ScriptLimits(), seconds=0.05)

ENDLESS = (
    "while true do end",
    "repeat until false",
    "::again:: goto again",
    "for i = 1, math.huge do end",
    "while true do pcall(function() while true do end end) end",
    "while true do pcall(error) end",
    "while true do pcall(error, {}) end",
    "xpcall(error, function() while true do end end)",
    "xpcall(function() while true do end end, function() while true do end end)",
    "pcall(pcall, function() while true do end end)",
    "coroutine.wrap(function() while true do end end)()",
    "coroutine.wrap(function() pcall(function() while true do end end) end)()",
    "local co = coroutine.wrap(function() while true do coroutine.yield() end end) while true do co() end",
    "while true do coroutine.resume(coroutine.create(function() end)) end",
    "local t = setmetatable({}, {__index = function(t, k) while true do end end}) return t.x",
    "local t = setmetatable({}, {__newindex = function() while true do end end}) t.x = 1",
    "local t = setmetatable({}, {__call = function() while true do end end}) t()",
    "local t = setmetatable({}, {__concat = function() while true do end end}) return t .. ''",
    "local t = setmetatable({}, {__tostring = function() while true do end end}) tostring(t)",
    "local t = setmetatable({}, {__eq = function() while true do end end}) return t == setmetatable({}, getmetatable(t))",
    "local t = setmetatable({}, {__lt = function() while true do end end}) return t < t",
    "local function f() return f() end return f()",
    "for _ in function() return 1 end do end",
    "table.sort({3, 1, 2}, function() while true do end end)",
    "('x'):gsub('x', function() while true do end end)",
    "string.find(string.rep('a', 40), string.rep('a?', 40) .. string.rep('a', 40))",
    "string.match(string.rep('a', 1e6), '.-.-.-.-b')",
    "string.gsub(string.rep('a', 1e6), '(.-)(.-)b', '%1')",
    "for w in string.gmatch(string.rep('a', 1e6), '.-.-.-b') do end",
    "string.find(string.rep('(', 1e5), string.rep('%b()', 20) .. 'x')",
    "require('strings').Map(function(c) while true do end end, 'a')",
    "require('strings').TrimFunc('a', function() while true do end end)",
    "local s = require('strings') while true do s.ToUpper('a') end",
    "local n = 0 while true do n = n + 1 if n % 2 == 0 then require('json').encode({n}) end end",
    "math.random = nil while os.time() do end",
    "while true do getmetatable('') end",
    "string.rep('', 1e15)",
)

MEMORY = (
    "local t = {} for i = 1, 1e9 do t[i] = {i} end",
    "local t = {} for i = 1, 1e9 do t[#t + 1] = 'text ' .. i end",
    "local s = string.rep('x', 1e6) while true do s = s .. s end",
    "local s = string.rep('x', 1e6) local t = {} for i = 1, 1e6 do t[i] = s .. i end",
    "local t = {} for i = 1, 200 do t[i] = string.rep('x', 1e6) end return table.concat(t)",
    "local t = {} for i = 1, 1e6 do t[i] = string.rep('x', 1000) .. i end return table.concat(t)",
    "local t = {} while true do t = {t, string.rep('x', 1000), {}} end",
    "local t = {} for i = 1, 1e9 do t[i] = coroutine.create(function() end) end",
    "local t = {} for i = 1, 1e9 do t[i] = function() return i end end",
    "local t = {} while true do pcall(function() for i = 1, 1e6 do t[#t + 1] = {{}, {}} end end) end",
    "return {message = string.rep('x', 1e6):rep(100)}",
    "string.rep('x', 1e9)",
    "string.rep('xy', 2^40)",
    "('x'):rep(1e18)",
    "string.format('%99999999d', 1)",
    "local s = string.rep('x', 1e6) return s:gsub('x', s)",
    "local s = string.rep('x', 1e6) return s:gsub('', s)",
    "return unpack({}, 1, 1e8)",
    "return select(-1, unpack({}, 1, 1e7))",
    "string.char(unpack({}, 1, 1e6))",
    "return string.byte(string.rep('x', 1e6), 1, -1)",
    "require('strings').Repeat('x', 1e9)",
    "require('strings').Replace(string.rep('x', 1e6), 'x', string.rep('y', 1e6), -1)",
    "require('sprig').indent(1e9, 'x')",
    "require('sprig').seq(1, 1, 1e12)",
    "require('sprig').regexReplaceAll('x', string.rep('x', 1e5), string.rep('y', 1e5))",
    "require('json').decode(string.rep('[', 1e6))",
    "require('json').fromYAML(string.rep('[', 1e5))",
    "require('json').fromYAML('a: &a [x,x,x,x,x,x,x,x,x]\\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\\n"
    "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e]')",
)

DEPTH = (
    "local function f() return 1 + f() end return f()",
    "local function f() local ok, e = pcall(f) return ok, e end return f()",
    "local function f() return xpcall(f, f) end return f()",
    "local function f() coroutine.wrap(f)() end f()",
    "local function f() coroutine.resume(coroutine.create(f)) end f()",
    "local function f() return (('x'):gsub('x', f)) end return f()",
    "local function f() table.sort({1, 2}, f) return false end return f()",
    "local function f() return (require('strings').Map(f, 'x')) end return f()",
    "local function f() for _ in coroutine.wrap(f) do end coroutine.yield(1) end return f()",
    "local t = setmetatable({}, {__index = function(t, k) return ('x'):gsub('x', function() return t[k] end) end}) return t.x",
    "local t = {} for i = 1, 5000 do t = setmetatable({}, {__index = t}) end return t.x",
    "local t = setmetatable({}, {__lt = function(a, b) return a < b end}) return t < t",
    "local t = setmetatable({}, {__concat = function(a, b) return a .. b end}) return t .. t",
    "local t = setmetatable({}, {}) getmetatable(t).__index = t return t.x",
    "local t = setmetatable({}, {__index = function(t, k) return t[k .. 'x'] end}) return t.x",
    "local t = setmetatable({}, {__tostring = function(t) return tostring(t) end}) return tostring(t)",
    "local s = 'x' for i = 1, 300 do s = '(' .. s .. ')' end return ('x'):match(s)",
    "local s = string.rep('(', 200) .. 'x' .. string.rep(')', 200) return ('x'):match(s)",
    "return ('x'):match('[')",
    "return ('x'):match('%')",
    "return ('x'):match('%b')",
    "return ('x'):gsub('x', '%9')",
    "table.sort({1, 2, 3}, function() error('no order') end)",
    "local t = {} t[1] = t return {matching = t}",
    "local t = {1} for i = 1, 60 do t = {t, t} end return {matching = t}",
    "local t = {} for i = 1, 1000 do t = {t} end return {matching = t}",
    "return {matching = {[1e9] = 1}}",
    "return {matching = {[2^53] = 1}}",
    "return {matching = 0 / 0}",
    "return {matching = 1 / 0}",
    "return {matching = function() end}",
    "return {matching = coroutine.create(function() end)}",
    "return {matching = {[{}] = 1}}",
    "return {message = {string.rep('x', 1e6)}}",
    "return {message = {string.rep('x', 1e6), string.rep('y', 1e6), string.rep('z', 1e6), string.rep('a', 1e6), string.rep('b', 1e6)}}",
    "local t = {} for i = 1, 3e5 do t[i] = i end return {message = t}",
)

ESCAPES = (
    "os.execute('id')",
    "os.exit(1)",
    "os.remove('/tmp/x')",
    "os.rename('/tmp/x', '/tmp/y')",
    "os.tmpname()",
    "os.setlocale('C')",
    "io.open('/etc/passwd')",
    "io.popen('id')",
    "io.read()",
    "io.write('x')",
    "package.loadlib('/lib/x.so', 'f')",
    "package.loaded.os.execute('id')",
    "require('ffi').C.system('id')",
    "require('os').execute('id')",
    "require('io').open('/etc/passwd')",
    "require('jit').on()",
    "require('string.buffer').new()",
    "require('debug').getregistry()",
    "require('/etc/passwd')",
    "require('../../x')",
    "require(nil)",
    "dofile('/etc/passwd')",
    "loadfile('/etc/passwd')()",
    "loadstring('return 1')()",
    "loadstring('\\27Lua')()",
    "load(function() return '\\27LJ\\2' end)()",
    "load('return 1')()",
    "string.dump(function() end)",
    "('').dump(function() end)",
    "debug.getinfo(1)",
    "debug.getregistry()",
    "debug.setmetatable('', {})",
    "debug.sethook(function() end, '', 1)",
    "debug.getupvalue(require, 1)",
    "getfenv(0).os.execute('id')",
    "getfenv(1)",
    "setfenv(1, {})",
    "setfenv(0, {})",
    "newproxy(true)",
    "module('x')",
    "collectgarbage('stop')",
    "gcinfo()",
    "python.eval('1')",
    "python.builtins.open('/etc/passwd')",
    "python.as_attrgetter(print)",
    "jit.on()",
    "ffi.cdef('int system(const char *);')",
    "bit.band(1, 1)()",
    "getmetatable('').__index.rep()",
    "getmetatable('').__index = {}",
    "setmetatable('', {})",
    "getmetatable(obj).__index.x.y = 1",
    "getmetatable(require('json')).x()",
    "local ok, e = pcall(require('json').decode, '{') error(e.__class__)",
    "local ok, e = pcall(require('sprig').round, {}, {}) return e.args[1].x",
    "return require('sprig').bcrypt('x')",
    "return require('sprig').genPrivateKey('rsa')",
    "return require('sprig').htpasswd('a', 'b')",
    "return obj.__class__.__mro__",
    "return obj.kind.__class__.x",
    "coroutine.running().x()",
    "error(setmetatable({}, {__tostring = function() os.exit() end}))",
    "error({message = function() end})",
    "error(nil)",
    "error()",
    "error(true)",
    "error(coroutine.create(function() end))",
    "assert(false)",
    "assert(nil, {})",
)

SOURCES = (
    "function evaluate(",
    "return",
    "",
    "evaluate = 5",
    "\x1bLua\x51",
    "\x1bLJ\x02",
    "function evaluate() return {matching = true} end error('after')",
    "#!/bin/sh",
    "evaluate = os.exit",
    "evaluate = setmetatable({}, {__call = function() return {matching = true} end})",
    "while true do end",
    "local s = string.rep('x', 1e6) while true do s = s .. s end",
    "setmetatable(_G, {__newindex = function() while true do end end}) x = 1",
    "setmetatable(_G, {__index = function() while true do end end}) return y",
    "goto nowhere",
    "local " + ", ".join(f"a{number}" for number in range(300)) + " = 1",
    "return " + "(" * 5000 + "1" + ")" * 5000,
    "x = " + "{" * 5000 + "}" * 5000,
    "x = " + "-" * 100_000 + "1",
    "x = [" + "=" * 100_000 + "[",
    "x = '" + "a" * 900_000,
    "x" * 2_000_000,
)

CORPUS = (*(f"function evaluate() {body} end" for body in (*ENDLESS, *MEMORY, *DEPTH, *ESCAPES)), *SOURCES)
SHAPES = (
    "local t = {} for i = 1, 1e6 do t[i] = {i} end return {resources = t}",
    "local t = {} for i = 1, 60000 do t[i] = {a = {}} end return {resources = t}",
    "local t = {} for i = 1, 20 do t[i] = {a = string.rep('x', 1e6)} end return {resources = t}",
    "local t = {} for i = 1, 249000 do t[i] = i + 0.5 end return {resources = {{a = t}}}",
)


def memory() -> int:
    """Bytes that this process ever held at once."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1024 if sys.platform == "linux" else 1)


def test_the_corpus_is_large() -> None:
    assert len(set(CORPUS)) == len(CORPUS)
    assert len(CORPUS) >= 150


@pytest.mark.parametrize("place", [Place.SELECTOR, Place.POLICY])
async def test_each_hostile_script_ends_with_a_sentence_and_the_process_stays_small(place: Place) -> None:
    async with ScriptPool(limits=LIMITS) as pool:
        assert await pool.evaluate(FINE, {"kind": "Pod"}) == (True, "")
        before = memory()
        answers = await asyncio.gather(*(pool.call(script, place, {"kind": "Pod"}) for script in CORPUS))
        grown = memory() - before
        assert await pool.evaluate(FINE, {"kind": "Pod"}) == (True, "")
    # A script that yields nothing of what is asked of it makes no objects.
    harmless = (Place.POLICY, {"resources": ""})
    told = zip(CORPUS, answers, strict=True)
    silent = [script[:200] for script, answer in told if not answer.error and (place, answer.value) != harmless]
    assert silent == []
    assert [answer.error for answer in answers if len(answer.error) > 5000 or "Traceback" in answer.error or "status" in answer.error] == []
    assert grown < 16 * 2**20


@pytest.mark.parametrize("body", SHAPES)
async def test_a_huge_answer_is_refused_or_small(body: str) -> None:
    async with ScriptPool() as pool:
        await pool.evaluate(FINE, {"kind": "Pod"})
        before = memory()
        await pool.call(f"function evaluate() {body} end", Place.AGGREGATED_SELECTION, [])
        assert memory() - before < 16 * 2**20


async def test_others_go_on_beside_endless_scripts_and_wait_for_none_of_them() -> None:
    async with ScriptPool(limits=LIMITS) as pool:
        await pool.evaluate(FINE, {"kind": "Pod"})
        hostile = asyncio.gather(*(pool.evaluate(f"function evaluate() {body} end", {}) for body in ENDLESS[:6]))
        answered = 0
        while not hostile.done():
            assert await pool.evaluate(FINE, {"kind": "Pod"}) == (True, "")
            answered += 1
        assert {why for _, why in await hostile} == {"it ran longer than 50 ms"}
    # Six scripts run into their limit one after another; one that waited for them would have been answered a few times.
    assert answered > 50


async def test_one_script_that_breaks_on_one_object_of_a_thousand_answers_the_others() -> None:
    script = "function evaluate() if obj.n == 999 then error('no') end return {matching = obj.n % 2 == 0} end"
    async with ScriptPool() as pool:
        answers = await asyncio.gather(*(pool.evaluate(script, {"n": number}) for number in range(1000)))
    assert answers == [*((number % 2 == 0, "") for number in range(999)), (None, "line 1: no")]


async def test_a_script_over_its_limit_says_which_and_is_told_apart_from_its_neighbours() -> None:
    loop = "function evaluate() if obj.bad then while true do end end return {matching = true} end"
    async with ScriptPool(limits=LIMITS) as pool:
        calls = [pool.call(loop, Place.SELECTOR, {"bad": number == 5}) for number in range(20)]
        answers = await asyncio.gather(*calls)
    assert [answer.error for answer in answers] == [""] * 5 + ["it ran longer than 50 ms"] + [""] * 14


async def test_what_ends_the_process_is_said_and_counted() -> None:
    limits = replace(LIMITS, seconds=2.0, lua_bytes=0, process_bytes=160 * 2**20)
    async with ScriptPool(limits=limits) as pool:
        result = await pool.call("function evaluate() local t = {} while true do t = {t, {}} end end", Place.SELECTOR, {})
    assert isinstance(result, Result)
    assert "memory" in result.error
