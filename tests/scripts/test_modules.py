# ruff: noqa: E501  # a table reads better with one case a line
"""The modules json, strings, runes and sprig, and what gopher-lua does otherwise than Lua itself."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetd.scripts.library.offered import OFFERED
from fleetd.scripts.library.versions import compare
from fleetd.scripts.limits import ScriptLimits
from fleetd.scripts.lua import Lua
from fleetd.scripts.places import Place

MODULES = """
local json, strings, runes, sprig = require("json"), require("strings"), require("runes"), require("sprig")
local function shown(value)
  if type(value) == "table" then return json.encode(value) end
  return tostring(value)
end
local function all(...)
  local texts = {}
  for index = 1, select("#", ...) do texts[index] = shown((select(index, ...))) end
  return table.concat(texts, "|")
end
"""


@pytest.fixture(scope="module")
def lua() -> Lua:
    """Not confined: what a child runs, without the child."""
    return Lua(ScriptLimits())


def run(lua: Lua, script: str, argument: Any = None, place: Place = Place.SELECTOR) -> Any:
    lua.forget()
    lua.keep("k", script)
    result = lua.run("k", place, orjson.dumps(argument or {}), lambda: None)
    assert result.sentence == ""
    return result.value


def shown(lua: Lua, expression: str) -> str:
    return str(run(lua, f"{MODULES} function evaluate() return {{message = all({expression})}} end")["message"])


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("strings.Compare('a', 'b'), strings.Compare('b', 'a'), strings.Compare('a', 'a')", "-1|1|0"),
        ("strings.Contains('seafood', 'foo'), strings.Contains('', ''), strings.ContainsAny('team', 'xi'), strings.ContainsRune('ab', 97)", "true|true|false|true"),
        ("strings.Count('cheese', 'e'), strings.Count('five', ''), strings.Count('é', '')", "3|5|2"),
        ("strings.EqualFold('Go', 'GO'), strings.HasPrefix('abc', 'ab'), strings.HasSuffix('abc', 'bc')", "true|true|true"),
        ("strings.Fields('  foo bar  baz '), #strings.Fields(' ')", '["foo","bar","baz"]|0'),
        ("strings.FieldsFunc('a1b2;c', function(c) return c < 65 end)", '["a","b","c"]'),
        ("strings.Index('chicken', 'ken'), strings.Index('x', 'y'), strings.Index('éa', 'a'), strings.IndexAny('golang', 'gy')", "4|-1|2|0"),
        ("strings.IndexByte('abc', 98), strings.IndexRune('chicken', 107), strings.IndexFunc('Hello, 世界', function(c) return c > 128 end)", "1|4|7"),
        ("strings.LastIndex('go gopher', 'go'), strings.LastIndexAny('golang', 'go'), strings.LastIndexByte('abcb', 98)", "3|5|3"),
        ("strings.LastIndexFunc('go123', function(c) return c >= 48 and c <= 57 end)", "4"),
        ("strings.Join({'a', 'b', 1}, '-'), strings.Repeat('na', 2), strings.Replace('oink oink oink', 'k', 'ky', 2)", "a-b|nana|oinky oinky oink"),
        ("strings.ReplaceAll('a.b', '.', ''), strings.Replace('ab', '', '-', -1)", "ab|-a-b-"),
        ("strings.Split('a,b,c', ','), strings.Split(' xyz ', ''), strings.Split('', 'x')", '["a","b","c"]|[" ","x","y","z"," "]|[""]'),
        ("strings.SplitN('a,b,c', ',', 2), strings.SplitN('a', ',', 0), strings.SplitAfter('a,b', ','), strings.SplitAfterN('a,b,c', ',', 2)",
         '["a","b,c"]|nil|["a,","b"]|["a,","b,c"]'),
        ("strings.Title('her royal highness'), strings.ToLower('Gopher É'), strings.ToUpper('é'), strings.ToTitle('loud')", "Her Royal Highness|gopher é|É|LOUD"),
        ("strings.Trim('!!!Hi!!!', '!'), strings.TrimLeft('xxhi', 'x'), strings.TrimRight('hixx', 'x'), strings.TrimSpace(' \\t hi\\n ')", "Hi|hi|hi|hi"),
        ("strings.TrimPrefix('abc', 'a'), strings.TrimSuffix('abc', 'c'), strings.TrimPrefix('abc', 'x')", "bc|ab|abc"),
        ("strings.TrimFunc('123a4', function(c) return c < 65 end), strings.TrimLeftFunc('1a1', function(c) return c == 49 end)", "a|a1"),
        ("strings.TrimRightFunc('1a1', function(c) return c == 49 end)", "1a"),
        ("strings.Map(function(c) if c == 97 then return 98 end if c == 120 then return -1 end return c end, 'axyé')", "byé"),
        ("runes.runecount('héllo'), runes.runeat('hé', 2), runes.runeindex('héllo', 108), runes.runerange('héllo', 2, 4), runes.runerange('héllo', 2)", "5|233|3|él|éllo"),
        ("runes.runeslice('hé'), runes.runestring(104, 233), runes.runesplit('a,b', 44), runes.reverserunes('hé')", '[104,233]|hé|["a","b"]|éh'),
        ("runes.runetobytes({233}), runes.bytestorune({195, 169}), runes.bytetostring({104, 105}), runes.stringtobytes('é')", "[195,169]|233|hi|[195,169]"),
        ("runes.isletter(97), runes.isdigit(48), runes.isspace(32), runes.isupper(65), runes.islower(65), runes.ispunct(33), runes.issymbol(43)", "true|true|true|true|false|true|true"),
        ("runes.iscontrol(10), runes.isgraphic(97), runes.isprint(10), runes.ismark(769), runes.isnumber(178), runes.istitle(453), runes.isinrange(5, 1, 9)", "true|true|false|true|true|true|true"),
        ("runes.toupper(233), runes.tolower(65), runes.totitle(97), runes.runewidth(233), runes.validrune(55296), runes.isvalidutf8('\\255')", "201|97|65|2|false|false"),
        ("runes.containsrune('hé', 233), runes.runeat('a', 9)", "true|nil"),
        ("sprig.abbrev(5, 'hello world'), sprig.abbrev(3, 'hello'), sprig.abbrevboth(5, 10, '1234 5678 9123'), sprig.initials('First Try')", "he...|hello|...5678...|FT"),
        ("sprig.adler32sum('hello'), sprig.sha1sum('a')", "103547413|86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
        ("sprig.sha256sum(''):sub(1, 8), sprig.sha512sum(''):sub(1, 8)", "e3b0c442|cf83e135"),
        ("sprig.all({1, 'a'}), sprig.all({1, ''}), sprig.any({0, ''}), sprig.any({0, 1}), sprig.empty({}), sprig.empty('x')", "true|false|false|true|true|false"),
        ("sprig.b64enc('hi'), sprig.b64dec('aGk='), sprig.b32enc('test'), sprig.b32dec('ORSXG5A=')", "aGk=|hi|ORSXG5A=|test|nil"),
        ("select('#', sprig.b64dec('!')), sprig.b64dec('!') == nil", "2|true"),
        ("sprig.base('/a/b.txt'), sprig.dir('/a/b.txt'), sprig.ext('a.tar.gz'), sprig.clean('/a//b/../c/'), sprig.isAbs('/a'), sprig.base('')", "b.txt|/a|.gz|/a/c|true|."),
        ("sprig.osBase('/a/b'), sprig.osDir('a'), sprig.osExt('a'), sprig.osClean(''), sprig.osIsAbs('a')", "b|.||.|false"),
        ("sprig.camelcase('hello_world'), sprig.camelcase('HELLO WORLD'), sprig.snakecase('FirstName'), sprig.kebabcase('HTTPServer'), sprig.snakecase('a b')", "HelloWorld|HelloWorld|first_name|http-server|a_b"),
        ("sprig.cat('a', nil, 1, true, 2.5), sprig.coalesce(nil, '', 0, 'x'), sprig.compact({1, 0, '', 2}), sprig.uniq({'a', 'b', 'a'})", 'a 1 true 2.5|x|[1,2]|["a","b"]'),
        ("sprig.duration(95), sprig.duration('3600'), sprig.durationRound('2h10m5s'), sprig.durationRound(90000), sprig.duration(0)", "1m35s|1h0m0s|2h|1d|0s"),
        ("sprig.indent(2, 'a\\nb'), sprig.nindent(1, 'a'), sprig.nospace(' a b '), sprig.plural('one', 'many', 2), sprig.plural('one', 'many', 1)", "  a\n  b|\n a|ab|many|one"),
        ("sprig.quote({'a', 1, true}), sprig.squote({'a', 1.5}), sprig.quote('a\"b')", "\"a\" \"1\" \"true\"|'a' '1.5'|\"a\\\"b\""),
        ("sprig.regexMatch('^a+$', 'aaa'), sprig.regexFind('[a-z]+', '12ab3'), sprig.regexFindAll('[2,4,6,8]', '123456789', -1)", 'true|ab|["2","4","6","8"]|nil'),
        ("sprig.regexReplaceAll('a(x*)b', '-ab-axxb-', '${1}W'), sprig.regexReplaceAllLiteral('a(x*)b', '-ab-axxb-', '${1}')", "-W-xxW-|-${1}-${1}-|nil"),
        ("sprig.regexSplit('z+', 'pizza', -1), select(2, sprig.regexMatch('(', 'x'))", '["pi","a"]|the pattern `(` cannot be read'),
        ("sprig.round(123.5555, 3), sprig.round(2.5, 0), sprig.round('1.25', 1), sprig.seq({1, 2, 10}), sprig.seq(3), sprig.seq(5, 1)", "123.556|3|1.3|1 3 5 7 9|1 2 3|5 4 3 2 1"),
        ("sprig.semverCompare('>=1.2.0', '1.2.3'), sprig.semverCompare('x.y', '1')", "true|nil|improper constraint: x.y"),
        ("sprig.sortAlpha({'c', 'a', 'b'}), sprig.substr(0, 5, 'hello world'), sprig.trunc(5, 'hello world'), sprig.trunc(-5, 'hello world')", '["a","b","c"]|hello|hello|world'),
        ("sprig.swapcase('aBc'), sprig.untitle('Hello World'), sprig.ternary('y', 'n', true), sprig.ternary('y', false, false), sprig.toDecimal('777')", "AbC|hello world|y|false|511"),
        ("sprig.urlParse('https://u:p@h.com:80/p?q=1#f').host, sprig.urlParse('https://u:p@h.com:80/p?q=1#f').userinfo", "h.com:80|u:p"),
        ("sprig.urlJoin({scheme = 'https', host = 'h.com', path = '/p', query = 'q=1', fragment = 'f'})", "https://h.com/p?q=1#f"),
        ("sprig.wrap(6, 'hello world foo'), sprig.wrapWith(6, 'hello world', '|')", "hello\nworld\nfoo|hello|world"),
        ("sprig.shuffle('abc') == sprig.shuffle('abc'), sprig.randInt(5, 5), sprig.randInt(1, 9) < 9", "true|5|true"),
        ("json.encode({a = 1, b = {true, 'x'}, c = {}}), json.encode('a<b'), json.encode(1.5)", '{"a":1,"b":[true,"x"],"c":[]}|"a\\u003cb"|1.5'),
        ("json.decode('{\"a\": [1, null, {}], \"b\": []}'), json.decode('5'), json.decode('null')", '{"a":[1,null,{}],"b":[]}|5|nil'),
        ("json.decode('{') == nil, select('#', json.decode('{')), json.encode({[{}] = 1}) == nil, json.encode(print) == nil", "true|2|true|true"),
        ("json.fromYAML('a: [1, x]\\nb: yes\\nc: 012'), json.fromYAML('a: b: c') == nil, json.fromYAML('')", '{"a":[1,"x"],"b":true,"c":10}|true|nil'),
        ("json.toYAML({a = {1, 'true', '1e3', 'x y'}, b = 'l1\\nl2\\n'})", "a:\n- 1\n- 'true'\n- '1e3'\n- x y\nb: |\n  l1\n  l2\n"),
        ("base64Encode('hi'), base64Decode('aGk='), base64Decode('!'), base64Encode('')", "aGk=|hi|nil|nil|provided string is empty"),
        ("base64Decode('/w=='):byte()", "255"),
    ],
)  # fmt: skip
def test_a_module_answers_as_its_documentation_says(lua: Lua, expression: str, expected: str) -> None:
    assert shown(lua, expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (
            "tostring(3.0), tostring(2^53), tostring(1e15), tostring(-0), 10 / 2, tostring(0.1)",
            "3|9007199254740992|1000000000000000|0|5|0.1",
        ),
        (
            "('%d'):format(3.7), ('%s'):format(nil), ('%5.1f|%-4s|%04d'):format(3.14159, 'a', 7), ('%x'):format(255)",
            "3|nil|  3.1|a   |0007|ff",
        ),
        ("('%v'):format(1e15), ('%s %%v %v'):format({} ~= nil, 'x'), ('%q'):format('a')", '1000000000000000|true %v x|"a"'),
        ("math.mod(5, 3), -7 % 3, string.gfind ~= nil, table.getn({1, 2}), #arg_of(1, 2)", "2|2|true|2|2"),
        (
            "pcall(string.rep), select('#', unpack({1, nil, 3}, 1, 3)), select(-1, 'a', 'b')",
            "false|3|b",
        ),
        ("string.find('a.b', '.', 1, true), ('key=value'):match('(%w+)=(%w+)'), ('abc'):gsub('%w', '%0%0')", "2|key|aabbcc|3"),
        (
            "os.time({year = 2024, month = 1, day = 1, hour = 0}), os.date('!%H:%M', 3600), os.difftime(5, 3), type(os.clock())",
            "1704067200|01:00|2|number",
        ),
        ("tonumber('0x10'), tonumber('  5  '), tonumber('10', 2), tonumber('x'), tonumber('1e3')", "16|5|2|nil|1000"),
        (
            "coroutine.wrap(function(a) local b = coroutine.yield(a + 1) return b end)(1), coroutine.status(coroutine.create(print))",
            "2|suspended",
        ),
        ("next({}), rawget({a = 1}, 'a'), rawequal('a', 'a'), type(nil), _VERSION", "nil|1|true|nil|Lua 5.1"),
    ],
)
def test_the_language_is_gopher_luas_where_a_script_would_notice(lua: Lua, expression: str, expected: str) -> None:
    script = f"{MODULES} function arg_of(...) return {{...}} end function evaluate() return {{message = all({expression})}} end"
    assert run(lua, script)["message"] == expected


def test_every_function_of_the_modules_is_reached_by_a_test_or_refused(lua: Lua) -> None:
    tested = Path(__file__).read_text(encoding="utf-8")
    refused = {f"sprig.{name}" for name in ("bcrypt", "htpasswd", "derivePassword", "encryptAES", "decryptAES", "genPrivateKey")}
    assert {name for name in OFFERED if f"{name}(" not in tested} == refused


def test_ago_counts_from_now(lua: Lua) -> None:
    moment = datetime.now(UTC).timestamp() - 7230
    assert shown(lua, f"sprig.ago({moment:.0f})").startswith("2h0m")


@pytest.mark.parametrize("name", ["bcrypt", "htpasswd", "derivePassword", "encryptAES", "decryptAES", "genPrivateKey"])
def test_keys_and_passwords_are_not_made(lua: Lua, name: str) -> None:
    said = shown(lua, f"pcall(sprig.{name}, 'a', 'b', 'c', 'd', 'e')")
    assert said == f"false|sprig.{name}: keys and passwords are not made in scripts; refer to a Secret"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("strings.Split(nil, 'x')", "strings.Split: bad argument #1 (string expected, got nil)"),
        ("strings.Repeat('x')", "strings.Repeat: 2 arguments are needed, 1 were given"),
        ("strings.Map(1, 'x')", "bad argument #1 to strings.Map (function expected, got number)"),
        ("strings.Contains({}, 'x')", "strings.Contains: bad argument #1 (string expected, got table)"),
        ("sprig.all(1)", "bad argument #1 to sprig.all (table expected, got number)"),
        ("getLabel(nil, 'a')", "bad argument #1 to getLabel (table expected, got nil)"),
        ("runes.runerange('abc', 3, 1)", "runes.runerange: the range begins at 3 and ends before it, at 1"),
    ],
)
def test_a_wrong_argument_is_said_with_its_place(lua: Lua, call: str, said: str) -> None:
    assert shown(lua, f"pcall(function() local x = {call} return x end)") == f"false|{said}"


@pytest.mark.parametrize(
    ("constraint", "version", "met"),
    [
        (">= 1.2", "1.2.3", True),
        ("> 1.2", "1.2.3", False),
        ("> 1.2.2", "1.2.3", True),
        ("~1.2.3", "1.2.9", True),
        ("~1.2.3", "1.3.0", False),
        ("~1", "1.9.0", True),
        ("^1.2.3", "1.9.0", True),
        ("^1.2.3", "2.0.0", False),
        ("^0.2.3", "0.3.0", False),
        ("^0.0.3", "0.0.4", False),
        ("1.2.x", "1.2.7", True),
        ("*", "3.1.4", True),
        ("1.2 - 1.4.5", "1.4.5", True),
        (">=1.0.0, <2.0.0", "1.5.0", True),
        (">=3 || <1", "0.5.0", True),
        ("!=1.2.3", "1.2.3", False),
        (">=1.0.0", "1.5.0-beta.1", False),
        (">=1.5.0-alpha", "1.5.0-beta.1", True),
        ("1.2.3", "v1.2.3+build", True),
    ],
)
def test_versions_are_compared_as_sprig_compares_them(constraint: str, version: str, *, met: bool) -> None:
    assert compare(constraint, version) is met


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1, max_size=6), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.dictionaries(st.text(min_size=1, max_size=6), VALUES, max_size=5))
def test_an_object_that_a_script_hands_back_is_the_same(lua: Lua, fields: dict[str, Any]) -> None:
    """Integers, nulls, nested lists, empty lists and empty maps survive the way into Lua and out again."""
    body = {**fields, "kind": "Any"}
    assert run(lua, "function evaluate() return {resources = resources} end", [body], Place.AGGREGATED_SELECTION)["resources"] == [body]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=VALUES)
def test_json_and_yaml_give_back_what_they_wrote(lua: Lua, value: Any) -> None:
    script = """
    local json = require("json")
    function evaluate()
      local held = obj.held
      return {message = tostring(held == nil or json.encode(json.decode(json.encode(held))) == json.encode(held)
        and json.encode(json.fromYAML(json.toYAML(held))) == json.encode(held))}
    end
    """
    assert run(lua, script, {"held": value})["message"] == "true"
