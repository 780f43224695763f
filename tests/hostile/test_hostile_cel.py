"""Conditions that mean harm: each ends within its budget, with a value or one sentence, and leaves nothing behind (SEC-17, FT-20)."""

from __future__ import annotations

import pytest

from fleetd.decide.cel.program import compile_cel
from fleetd.domain.errors import OverBudget

MANY = "resource.many"
LONG = "resource.long"


def nested(macro: str, depth: int, last: str) -> str:
    """A macro within a macro within a macro."""
    text = last
    for level in range(depth, 0, -1):
        text = f"{MANY}.{macro}(v{level}, {text})"
    return text


def doubled(seed: str, join: str, times: int = 60) -> str:
    """A value that holds itself twice, and that one itself twice."""
    text = seed
    for _ in range(times):
        text = f"cel.bind(x, {text}, {join})"
    return text


def wide(question: str) -> str:
    """Ten to the tenth values behind one name, all of them one list."""
    text = f"cel.bind(a, [a, a, a, a, a, a, a, a, a, a], {question})"
    for _ in range(8):
        text = f"cel.bind(a, [a, a, a, a, a, a, a, a, a, a], {text})"
    return f"cel.bind(a, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1], {text})"


LOOPS = (
    nested("all", 4, "true"),
    nested("exists", 4, "false"),
    nested("map", 3, "v1 + v2 + v3"),
    nested("filter", 3, "v3 > 1"),
    nested("exists_one", 3, "v1 == v2"),
    nested("all", 40, "true"),
    f"{MANY}.all(i, x, {MANY}.all(j, y, {MANY}.all(k, z, i < j || x < y || true)))",
    f"{MANY}.transformList(i, x, {MANY}.transformList(j, y, {MANY}))",
    f"{MANY}.transformMap(i, x, {MANY}.transformMap(j, y, {MANY}.map(z, z)))",
    f"{MANY}.transformMapEntry(i, x, {{string(i): {MANY}.map(z, z)}})",
    f"{MANY}.all(x, {MANY}.all(y, x in {MANY} || true))",
    f"{MANY}.map(x, {MANY}.map(y, x)).flatten().sum() > 0",
    f"{MANY}.map(x, {MANY}.map(y, x)).flatten().distinct().size() > 0",
    f"{MANY}.map(x, {MANY}.map(y, x)) == {MANY}.map(x, {MANY}.map(y, x))",
    f"{MANY}.map(x, {MANY}.map(y, {MANY}.reverse())).size() > 0",
    f"{MANY}.map(x, {MANY}.map(y, {MANY}.sortBy(z, -z))).size() > 0",
    f"{MANY}.all(x, {MANY}.all(y, {MANY}.sort() == {MANY}.sort()))",
    f"{MANY}.all(x, sets.contains({MANY}, {MANY}))",
    f"{MANY}.all(x, sets.equivalent({MANY}, {MANY}.reverse()))",
    f"{MANY}.all(x, sets.intersects({MANY}.map(y, y + 10000), {MANY}))",
    f"{MANY}.all(x, {MANY}.all(y, {MANY}.slice(0, 200).size() == 200))",
    f"{MANY}.all(x, {MANY}.indexOf(-1) == -1 && {MANY}.lastIndexOf(-1) == -1)",
    f"{MANY}.all(x, {MANY}.min() < {MANY}.max())",
    f"{MANY}.all(x, {MANY}.all(y, {MANY}.isSorted()))",
    "lists.range(100000).size() > 0",
    "lists.range(9223372036854775807).size() > 0",
    "lists.range(90000).map(x, lists.range(x)).size() > 0",
    "resource.wide.all(k, resource.wide.all(l, resource.wide[k] == resource.wide[l] || true))",
    "resource.wide.map(k, resource.wide).size() > 0",
    f"{nested('all', 3, 'true')} || true",
    f"!({nested('all', 3, 'true')} && false)",
    f"[1, 2].exists(x, x == 2 || {nested('all', 3, 'true')})",
    f"optional.of({nested('map', 3, 'v1')}).orValue([]).size() > 0",
)
GROWTH = (
    doubled("'aaaaaaaa'", "x + x"),
    doubled("b'aaaaaaaa'", "x + x"),
    doubled("[1, 2]", "x + x"),
    doubled("'a'", "[x, x]"),
    doubled("'a'", "{'a': x, 'b': x}"),
    doubled("'aaaaaaaa'", "x.replace('a', 'aa')"),
    doubled("'aaaaaaaa'", "'%s%s'.format([x, x])"),
    doubled("'aaaaaaaa'", "[x, x].join(x)"),
    doubled("'aaaaaaaa'", "strings.quote(x)"),
    doubled("'aaaaaaaa'", "string(base64.encode(bytes(x)))"),
    doubled("'aaaaaaaa'", "x.split('').join('aa')"),
    doubled("optional.of('a')", "optional.of([x, x])"),
    wide("a == a"),
    wide("a.flatten(20).size() > 0"),
    wide("'%s'.format([a]) == ''"),
    wide("a in [a]"),
    wide("sets.contains(a, a)"),
    wide("a.distinct() == a"),
    wide("a.map(x, x)"),
    wide("string(a)"),
    wide("[a].join(',')"),
    wide("a"),
    f"{MANY}.map(x, {LONG}).join({LONG}).size() > 0",
    f"{MANY}.map(x, {LONG}.replace('a', 'bbbbbbbb')).size() > 0",
    f"{LONG}.replace('', {LONG}).size() > 0",
    f"{LONG}.replace('a', {LONG}).size() > 0",
    f"{LONG}.split('').map(x, {LONG}).size() > 0",
    f"{MANY}.map(x, {LONG}.upperAscii() + {LONG}.lowerAscii()).size() > 0",
    f"{MANY}.map(x, {LONG}.reverse()).size() > 0",
    f"{MANY}.map(x, base64.encode(bytes({LONG}))).size() > 0",
    f"{MANY}.all(x, {MANY}.all(y, '%.1000f'.format([1.0]).size() > 0))",
    "'%.999999999f'.format([1.0]).size() > 0",
    "'%.99999999999999999999d'.format([1]).size() > 0",
    "'%1000000000d'.format([1]).size() > 0",
    f"{'%s' * 5000!r}.format([{LONG}])",
    f"'%s'.format([{MANY}.map(x, {LONG})]).size() > 0",
    f"{MANY}.map(x, {MANY}).flatten().map(y, {MANY}).size() > 0",
    f"strings.quote({LONG}).size() + strings.quote({LONG}).size() > 0 && {MANY}.all(x, strings.quote({LONG}) != '')",
)
DEPTH = (
    "(" * 100_000 + "1" + ")" * 100_000,
    "[" * 100_000 + "]" * 100_000,
    "{'a':" * 50_000 + "1" + "}" * 50_000,
    "!" * 100_000 + "true",
    "-" * 100_000 + "1",
    "resource" + ".a" * 100_000,
    "resource" + "[0]" * 100_000,
    "resource" + ".?a" * 50_000,
    "1" + " + 1" * 100_000,
    "true" + " && true" * 100_000,
    "true" + " || true" * 100_000,
    "true ? " * 50_000 + "1" + " : 1" * 50_000,
    "has(" * 10_000 + "resource.a" + ")" * 10_000,
    "size(" * 50_000 + "'a'" + ")" * 50_000,
    "'a'" + ".lowerAscii()" * 50_000,
    "[1]" + ".map(x, x)" * 10_000,
    "[1].map(x, " * 5_000 + "1" + ")" * 5_000,
    "cel.bind(x, " * 5_000 + "1" + ", x)" * 5_000,
    "[" + "1, " * 200_000 + "1]",
    "{" + ", ".join(f"'k{number}': {number}" for number in range(50_000)) + "}",
    "resource.deep == resource.deep",
    "[resource.deep] == [[resource.deep]]",
    "resource.deep in [resource.deep]",
    "'%s'.format([resource.deep])",
    "resource.deep.flatten(100000).size()",
    "string(type(resource.deep)) + ''",
)
TEXTS = (
    "",
    " " * 1_000_000,
    "\n" * 1_000_000,
    "// " + "x" * 1_000_000,
    "\x00",
    "'\x00' == resource.long",
    "'\\x00' == '\\u0000'",
    "'\\ud800'",
    "'\\U0010ffff' + '\\U00110000'",
    "'\ud800' == resource.long",
    "'\u202egnp.exe' == resource.long",
    "resource.\u202elong",
    "re\u200bsource.long == 'a'",
    "ｒｅｓｏｕｒｃｅ.long == 'a'",
    "'" + "a" * 1_000_000,
    "'''" + "a" * 1_000_000,
    "r'" + "\\" * 100_001,
    "\\" * 100_000,
    "9" * 100_000,
    "0x" + "f" * 100_000,
    "-9223372036854775809",
    "18446744073709551616u",
    "1e" + "9" * 1000,
    "1e400 * 1e400",
    "0." + "0" * 100_000 + "1",
    "int('" + "9" * 100_000 + "') > 0",
    "double('" + "9" * 100_000 + "') > 0.0",
    "int(resource.huge) > 0",
    "resource.huge + 1 > 0",
    "9223372036854775807 + 1",
    "-9223372036854775808 / -1",
    "1 % 0",
    "a" * 1_000_000,
    "a." * 100_000 + "a",
    "@" * 1000,
    "`" * 1000,
    "resource.`" + "a" * 100_000,
    "__import__('os').system('id')",
    "resource.__class__.__mro__",
    "resource['__class__']",
    "resource.long.__len__()",
    "type(resource).mro()",
    "eval('1')",
    "(lambda: 1)()",
    "{}.__init__",
    "duration('" + "9" * 10_000 + "h') > duration('1s')",
    "duration('" + "1h" * 100_000 + "') > duration('1s')",
    "timestamp('" + "9" * 10_000 + "-01-01T00:00:00Z') > timestamp(0)",
    "timestamp('9999-12-31T23:59:59Z') + duration('8760h')",
    "timestamp(253402300800)",
    "timestamp('2026-01-01T00:00:00Z').getHours('" + "../" * 10_000 + "etc/passwd')",
    "timestamp('2026-01-01T00:00:00Z').getHours('/etc/passwd')",
    "quantity('" + "9" * 100_000 + "').asInteger()",
    "quantity('1e999999999').isGreaterThan(quantity('1'))",
    "quantity('1e999999999').add(quantity('1e-999999999'))",
    "semver('" + "9" * 100_000 + ".0.0').major()",
    "url('http://" + "a" * 1_000_000 + "').getHost()",
    "ip('" + "1." * 100_000 + "').family()",
    "cidr('0.0.0.0/999999999999').containsIP('1.1.1.1')",
    "math.bitShiftLeft(1, 9223372036854775807) > 0",
    "math.greatest(" + ", ".join("1" for _ in range(50_000)) + ")",
    "base64.decode('" + "=" * 100_000 + "')",
    "string(b'" + "\\377" * 10_000 + "')",
)
CORPUS = (*LOOPS, *GROWTH, *DEPTH, *TEXTS)


FINE = "resource.many.exists(x, x == 7) && resource.long.startsWith('aaa')"


@pytest.mark.parametrize("join", ["optional.of([x, x])", "[optional.of(x), optional.of(x)]"])
@pytest.mark.parametrize("whole", ["{}", "optional.of({})", "optional.of({0}) == optional.of({0})"])
def test_an_optional_pays_for_all_that_lies_in_it(join, whole):
    with pytest.raises(OverBudget):
        compile_cel(whole.format(doubled("optional.of('a')", join))).evaluate({"resource": {}})


def test_each_hostile_condition_ends_within_its_budget_and_the_process_stays_small(in_a_process):
    assert len(set(CORPUS)) == len(CORPUS) >= 150
    in_a_process("cel", CORPUS, first=[FINE], answer="value bool")
