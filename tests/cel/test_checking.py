"""Types that are known beforehand: what cannot be evaluated is told with its place, and nothing else is."""

from __future__ import annotations

import pytest

from fleetd.decide.cel.checking import check
from fleetd.decide.cel.parser import parse


@pytest.mark.parametrize(
    ("source", "at", "said"),
    [
        ('1 + "a"', 0, "an int + a string has no meaning"),
        ('resource.a == 1 || "a" > 1', 19, "a string > an int has no meaning"),
        ("size(3) > 1", 0, "size does not take an int"),
        ("resource.a.startsWith(1)", 0, "startsWith does not take something and an int"),
        ("!size(resource.x)", 1, "! takes booleans, and this is an int"),
        ("'a'.b", 0, "'b' cannot be selected from a string"),
        ("has('a'.b)", 4, "'b' cannot be selected from a string"),
        ("[1]['x']", 4, "a list has no position that is a string"),
        ("1 in 3", 5, "in looks into a list or a map, and this is an int"),
        ("resource.a == 1 && 'x'", 19, "&& takes booleans, and this is a string"),
        ("-'a'", 0, "- does not take a string"),
        ("1 == 'a'", 0, "an int never equals a string, so this is never true"),
        ("size('abc') != '3'", 0, "so this is always true"),
        ("'a'.exists(x, true)", 0, "exists goes over a list or a map, and this is a string"),
        ("[1].exists(x, 3)", 14, "exists takes booleans, and this is an int"),
        ("timestamp('x') > 1", 0, "a timestamp > an int has no meaning"),
        ("1.0 + 1", 0, "a double + an int has no meaning"),
        ("quantity('1').isLessThan(3)", 0, "isLessThan does not take something and an int"),
        ("cel.bind(x, 1, x + 'a')", 15, "an int + a string has no meaning"),
        ("timestamp(resource.x).getFullYear() > 'a'", 0, "an int > a string has no meaning"),
        ("3 ? true : false", 0, "? takes booleans, and this is an int"),
        ("'%d'.format(1)", 0, "format does not take a string and an int"),
    ],
)
def test_what_cannot_be_is_told_with_its_place(source: str, at: int, said: str) -> None:
    (remark,) = check(parse(source)).remarks
    assert remark.start == at
    assert said in remark.message


@pytest.mark.parametrize(
    "source",
    [
        "1 == 1.0 && 1u < 2 && 1.5 > 1",
        "resource.x == null || null == 1",
        "resource.n + 1 > resource.m",
        "[1, 'a'].exists(x, x == 1)",
        "{'a': 1}.a + 1 == 2",
        "dyn(1) + 1 == 2",
        "ip('10.0.0.1').family() == 4 && cidr('10.0.0.0/8').containsIP('10.0.0.1')",
        "quantity(resource.x).isLessThan(quantity('1Gi')) && semver('1.2.3').major() == 1 && url('http://a/b').getHost() == 'a'",
        "optional.of(1).orValue(2) == 1 && resource.?a.?b.orValue('x') == 'x'",
        "duration('1h') + timestamp(0) > timestamp(1) && timestamp(2) - timestamp(1) == duration('1s')",
        "'%s'.format([1]) == '1' && ['a', 'b'].join('-') == 'a-b' && 'a,b'.split(',').size() == 2",
        "math.greatest(1, 2.0, 3u) > 1 && math.abs(-1) == 1 && sets.contains([1], [1])",
        "format.dns1123Label().validate(resource.metadata.name).hasValue()",
        "cel.bind(size, 1, size + 1) == 2 && [1].map(type, type + 1) == [2]",
        "resource.spec.exists(k, v, k == v) && [3].transformMap(i, v, v) == {0: 3}",
        "b'a' < b'b' && 'a' + 'b' == 'ab' && [1] + [2] == [1, 2] && true > false",
        "int('1') == 1 && string(1) == '1' && type(1) == int && bool('true')",
        "regex.replace('a', 'b', 'c') == 'a' && 'abc'.find('b') == 'b' && lists.range(3).sum() == 3",
    ],
)
def test_nothing_is_said_of_what_is_well(source: str) -> None:
    found = check(parse(source))
    assert found.remarks == ()
    assert found.type in ("bool", "dyn")


def test_the_type_of_the_whole_is_known_where_its_parts_are() -> None:
    for source, kind in (("'a' + 'b'", "string"), ("[1].map(x, x)", "list"), ("size(resource.a)", "int"), ("resource.a", "dyn")):
        assert check(parse(source)).type == kind
    assert check(parse("resource.spec.replicas"), shapes=lambda path: "int" if path == ("spec", "replicas") else "dyn").type == "int"
