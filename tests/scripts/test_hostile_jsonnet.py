"""Jsonnet that means harm: each ends within its limits with a sentence, and nobody else notices (SEC-12, SEC-17)."""

from __future__ import annotations

import asyncio
import resource
import sys
from dataclasses import replace

import orjson

from fleetd.scripts.pool import ScriptPool
from fleetd.scripts.templates import LIMITS, TemplatePool

ARGUMENT = orjson.dumps({"data": {"Cluster": {"metadata": {"name": "east"}}}, "now": "2026-01-01T00:00:00+00:00"})
TASK = "jsonnet text event"
FINE = "{name: std.extVar('Cluster').metadata.name}"
MADE = '{\n  "name": "east"\n}'

ENDLESS = (
    "local f(x) = f(x + 1) tailstrict; f(0)",
    "std.foldl(function(a, b) std.length(std.range(1, 99999)) + a, std.range(1, 999999), 0)",
    "std.length(std.sort([std.md5('x' + i) for i in std.range(1, 99999)]))",
    "[x for x in std.range(1, 999999) for y in std.range(1, 999999) if x + y < 0]",
    "std.length(std.flatMap(function(x) std.range(1, 99999), std.range(1, 99999)))",
    "local a = std.range(1, 9999); std.length([1 for x in a for y in a for z in a])",
)
MEMORY = (
    "std.repeat('x', 2000000000)",
    "std.repeat('x', 900000000)",
    "std.repeat([1], 2000000000)",
    "std.range(1, 2000000000)",
    "std.makeArray(2000000000, function(i) i)",
    "std.foldl(function(a, b) a + a, std.range(1, 60), 'xxxxx')",
    "std.foldl(function(a, b) a + a, std.range(1, 60), [1, 2])",
    "std.join(std.repeat('x', 999999), std.map(function(i) 'y', std.range(1, 9999)))",
    "std.strReplace(std.repeat('x', 999999), 'x', std.repeat('y', 9999))",
    "'%1000000000d' % 1",
    "std.format('%-2000000000s', 'x')",
    "'%.1000000000f' % 1.5",
    "{a: std.repeat('x', 4000000)}",
    "[{a: std.repeat('x', 1000000)} for i in std.range(1, 100)]",
    "{['k' + i]: std.repeat('x', 100) for i in std.range(1, 99999)}",
    "local a = [1, 2]; local b = [a, a]; local f(n, x) = if n == 0 then x else f(n - 1, [x, x]); {a: f(30, b)}",
    "local f(n, x) = if n == 0 then x else f(n - 1, {a: x, b: x}); f(30, {})",
    "{a: std.manifestJsonEx(std.range(1, 999999), std.repeat(' ', 9999))}",
    "{a: std.base64(std.repeat('x', 99999999))}",
    "{a: std.parseJson(std.repeat('[', 999999))}",
    "{a: std.parseYaml(std.repeat('[', 99999))}",
    "{a: std.parseYaml('a: &a [x,x,x,x,x,x,x,x,x]\\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\\n"
    "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\\n"
    "f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\\ng: [*f,*f,*f,*f,*f,*f,*f,*f]')}",
    "{a: std.lines(std.makeArray(999999, function(i) std.repeat('x', 999)))}",
    "{a: std.stringChars(std.repeat('x', 99999999))}",
)
DEPTH = (
    "local f(x) = f(x + 1); f(0)",
    "local f(x) = 1 + f(x); f(0)",
    "local f() = g(), g() = f(); f()",
    "local a = b, b = a; a",
    "local a = {b: self.b}; a",
    "local a = {b: self.c, c: self.b}; a",
    "{a: $.a}",
    "{a: {b: $}}",
    "local a = [a]; {x: a}",
    "local a = {a: a}; a",
    "local f(n) = if n == 0 then {} else {a: f(n - 1)}; f(100000)",
    "[" * 5000 + "]" * 5000,
    "(" * 5000 + "1" + ")" * 5000,
    "{a: " * 5000 + "1" + "}" * 5000,
    "!" * 50_000 + "true",
    "-" * 50_000 + "1",
    "{a: 1" + " + 1" * 50_000 + " + nope}",
    "{a: nope" + ".a" * 50_000 + "}",
    "local a = 1; " * 5000 + "nope",
    "if true then " * 5000 + "1",
    "std.foldr(function(a, b) b(a), std.range(1, 99999), function(x) x)",
    "assert " * 3000 + "1",
    "local f = function(x) x(x); f(f)",
    "std.prune(std.foldl(function(a, b) [a], std.range(1, 99999), []))",
    "std.manifestYamlDoc(std.foldl(function(a, b) [a], std.range(1, 99999), []))",
    "std.foldl(function(a, b) {x: a}, std.range(1, 99999), {})",
)
ESCAPES = (
    "import '/etc/passwd'",
    "import 'x.libsonnet'",
    "import '../../x'",
    "import 'http://127.0.0.1/x'",
    "{a: importstr '/etc/passwd'}",
    "{a: importstr '/proc/self/environ'}",
    "{a: importbin '/etc/passwd'}",
    "local x = import '/dev/zero'; x",
    "{a: (importstr '/etc/hostname')}",
    "std.native('system')('id')",
    "{a: std.extVar('PATH')}",
    "{a: std.extVar('')}",
    "{a: std.extVar(1)}",
    "{a: std.env('PATH')}",
    "{a: std.getenv('PATH')}",
    "{a: std.readFile('/etc/passwd')}",
    "{a: std.exec('id')}",
    "{a: std.random()}",
    "{a: std.now()}",
    "{a: std.nope}",
    "{a: std.trace('x', error 'no')}",
    "error 'stop'",
    "error {a: 1}",
    "error std.repeat('x', 1000000)",
    "assert false; {}",
    "assert false : 'why'; {}",
    "{assert false}",
    "{assert false : 'why', a: 1}",
    "1",
    "'text'",
    "true",
    "function(x) x",
    "{a: function(x) x}",
    "[1]",
    "['kind: ConfigMap']",
    "[[1]]",
    "{a: 1 / 0}",
    "{a: 1e999}",
    "{a: 1e308 * 10}",
    "{a: 0 / 0}",
    "{a: -1 % 0}",
    "{a: 'a' - 1}",
    "{a: {} + 1}",
    "{a: [] + {}}",
    "{a: nope}",
    "{a: self.b}",
    "{a: super.b}",
    "self",
    "$",
    "{a: [1][5]}",
    "{a: [1]['x']}",
    "{a: 'x'[7]}",
    "{a: {}['x']}",
    "{[1]: 2}",
    "{a: 1, a: 2}",
    "{a: 1} + {a: error 'deep'}",
    "{",
    "",
    "{a: 'x",
    "{a: |||\n  x",
    "/* never",
    "local",
    "local x; x",
    "{a: std.length(1)}",
    "{a: std.substr('x', -1, 9)}",
    "{a: std.parseInt('x')}",
    "{a: std.parseHex('zz')}",
    "{a: std.codepoint('')}",
    "{a: std.char(1114112)}",
    "{a: std.base64Decode('%%%')}",
    "{a: std.decodeUTF8([255, 256])}",
    "{a: std.parseJson('{')}",
    "{a: std.sort(1)}",
    "{a: std.sort([1, 'a'])}",
    "{a: '%d' % 'x'}",
    "{a: '%(x)d' % {}}",
    "{a: '%s %s' % [1]}",
    "{a: std.extVar('Cluster').metadata.nope}",
    "\x00",
    "@",
)
CORPUS = (*ENDLESS, *MEMORY, *DEPTH, *ESCAPES)


def memory() -> int:
    """Bytes that this process ever held at once."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1024 if sys.platform == "linux" else 1)


def test_the_corpus_is_large() -> None:
    assert len(set(CORPUS)) == len(CORPUS)
    assert len(CORPUS) >= 130


async def test_each_hostile_jsonnet_ends_with_a_sentence_and_the_process_stays_small() -> None:
    async with ScriptPool() as scripts, TemplatePool(scripts, limits=replace(LIMITS, seconds=0.25)) as pool:
        assert (await pool.render(TASK, FINE, ARGUMENT)).text == MADE
        before = memory()
        answers = await asyncio.gather(*(pool.render(TASK, text, ARGUMENT) for text in CORPUS))
        grown = memory() - before
        assert (await pool.render(TASK, FINE, ARGUMENT)).text == MADE
    assert [text[:200] for text, answer in zip(CORPUS, answers, strict=True) if not answer.error] == []
    assert [answer.error for answer in answers if len(answer.error) > 1000 or "\n" in answer.error or "Traceback" in answer.error] == []
    assert grown < 16 * 2**20


async def test_what_is_read_in_vain_is_told_with_what_is_there() -> None:
    async with ScriptPool() as scripts, TemplatePool(scripts) as pool:
        answer = await pool.render(TASK, "{\n  a: std.extVar('Clustr')\n}", ARGUMENT)
    assert (answer.error, answer.line) == ('there is no external variable "Clustr"; there are Cluster; did you mean Cluster?', 2)
