"""What a program says of itself, and the shapes that have a quick way of their own."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetd.decide.cel.plain import to_json
from fleetd.decide.cel.program import compile_cel
from fleetd.domain.errors import EvaluationFailed


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        ("resource.spec.type == 'LoadBalancer'", [("spec", "type")]),
        ("has(resource.status.loadBalancer.ingress)", [("status", "loadBalancer", "ingress")]),
        ("resource.spec.ports[0].port == 80", [("spec", "ports")]),
        ("resource.spec.ports.exists(p, p.port == 80)", [("spec", "ports")]),
        ("resource.metadata.labels['app'] == 'web'", [("metadata", "labels", "app")]),
        ("resource.metadata.labels[resource.spec.key] == 'web'", [("metadata", "labels"), ("spec", "key")]),
        ("'app' in resource.metadata.labels", [("metadata", "labels")]),
        ("resource.?spec.?type.orValue('') == 'x'", [("spec", "type")]),
        ("resource.spec.a == 1 || resource.spec == {}", [("spec",)]),
        ("resource == {}", [()]),
        ("[resource].size() == 1 && resource.a", [()]),
        ("resource.exists(key, key == 'a')", [()]),
        ("cel.bind(r, resource, r.a)", [()]),
        ("cel.bind(s, resource.spec, s.type == 'a')", [("spec",)]),
        ("[1].exists(resource, resource.a == 1)", []),
        ("[resource.a].exists(resource, resource.b == 1)", [("a",)]),
        ("cel.bind(resource, resource.a, resource.b)", [("a",)]),
        ("size(resource.spec.ports) > 1 && resource.spec.ports.all(p, p.name != resource.kind)", [("kind",), ("spec", "ports")]),
        ("{'a': resource.x}.a == [resource.y][0]", [("x",), ("y",)]),
        ("resource.a ? resource.b : -resource.c", [("a",), ("b",), ("c",)]),
        ("true", []),
    ],
)
def test_a_program_says_what_it_reads(source: str, paths: list[tuple[str, ...]]) -> None:
    assert compile_cel(source).reads == frozenset(paths)


SOURCES = [
    "resource.a.b == 1 || has(resource.c.d)",
    "resource.a.exists(x, x == resource.b) && !has(resource.c)",
    "resource.?a.?b.orValue(0) == 1",
    "size(resource.a) > 0 && resource.c.d in [1, 2]",
    "resource.a == resource.b || resource.c['d'] == 1",
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner),
)


def _kept(value: Any, paths: frozenset[tuple[str, ...]]) -> Any:
    """The value without what lies beside the paths."""
    if () in paths or not isinstance(value, dict):
        return value
    below = {key: frozenset(path[1:] for path in paths if path[0] == key) for key in {path[0] for path in paths}}
    return {key: _kept(item, below[key]) for key, item in value.items() if key in below}


def _outcome(source: str, resource: Any) -> Any:
    try:
        return compile_cel(source).evaluate({"resource": resource})
    except EvaluationFailed as error:
        return str(error)


@given(st.sampled_from(SOURCES), st.dictionaries(st.sampled_from("abcd"), VALUES))
def test_an_object_cut_down_to_what_is_read_gives_the_same_answer(source: str, resource: dict[str, Any]) -> None:
    assert _outcome(source, _kept(resource, compile_cel(source).reads)) == _outcome(source, resource)


def test_only_the_boolean_true_matches() -> None:
    assert compile_cel("resource.a").matches({"a": True})
    for value in (False, 1, "true", [1], None, 1.0):
        assert not compile_cel("resource.a").matches({"a": value})
    with pytest.raises(EvaluationFailed):
        compile_cel("resource.a").matches({})


def test_true_and_one_are_two_keys_two_items_and_two_values() -> None:
    evaluate = lambda source, a: compile_cel(source).evaluate({"resource": {"a": a}})  # noqa: E731 - shorter than a def
    for constant in ("1", "1.0", "1u"):
        assert evaluate(f"resource.a == {constant}", True) is False
        assert evaluate(f"resource.a != {constant}", True) is True
        assert evaluate(f"resource.a in [{constant}]", True) is False
        assert evaluate(f"resource.a in [{constant}, 'x']", 1) is True
    assert evaluate("resource.a == true", 1) is False
    assert evaluate("resource.a == false", 0) is False
    assert evaluate("resource.a in [true]", 1) is False
    assert evaluate("resource.a == [1]", [True]) is False
    assert evaluate("{true: 'b', 1: 'n'}[resource.a]", True) == "b"
    assert evaluate("{true: 'b', 1: 'n'}[resource.a]", 1) == "n"
    assert evaluate("resource.a < 2", 1) is True
    with pytest.raises(EvaluationFailed):
        evaluate("resource.a < 2", True)
    with pytest.raises(EvaluationFailed):
        evaluate("resource.a + 1", True)


def test_an_unsigned_number_stays_one() -> None:
    for source in ("math.abs(5u)", "5u + 1u", "math.greatest(1u, 0u)", "[1u][0]", "cel.bind(x, 2u, x)", "dyn(1u)"):
        assert compile_cel(f"type({source}) == uint").matches({}), source


def test_what_is_bound_is_evaluated_once_and_only_if_it_is_used() -> None:
    assert compile_cel("cel.bind(x, 1 / 0, true)").matches({})
    assert compile_cel("cel.bind(x, 1 / 0 == 1, x || true)").matches({})
    heavy = "resource.many.filter(y, y >= 0).size()"
    many = {"many": list(range(1000))}
    program = compile_cel(f"cel.bind(x, {heavy}, " + " + ".join(["x"] * 100) + " > 0)")
    assert program.evaluate({"resource": many}, budget=10_000) is True


def test_a_bound_name_inside_a_loop_belongs_to_one_item() -> None:
    assert compile_cel("[1, 2, 3].map(i, cel.bind(d, i * 2, d + d))").evaluate({"resource": {}}) == [4, 8, 12]


def test_a_program_may_be_evaluated_inside_itself() -> None:
    program = compile_cel("resource.exists(x, x == 2)")
    assert [program.matches([1, 2]), program.matches([1]), program.matches([2])] == [True, False, True]


def test_several_variables_are_told_apart() -> None:
    program = compile_cel("event.region == cluster.region", variables=("event", "cluster"))
    assert program.evaluate({"event": {"region": "a"}, "cluster": {"region": "a"}}) is True
    assert program.reads == {("region",)}


def test_a_value_leaves_as_json() -> None:
    source = "{1: 2u, true: [timestamp(0), duration('90s')], 'b': b'hi', 'n': optional.none(), 'o': optional.of({'x': 1.5})}"
    assert to_json(compile_cel(source).evaluate({"resource": {}})) == {
        "1": 2,
        "true": ["1970-01-01T00:00:00Z", "90s"],
        "b": "aGk=",
        "n": None,
        "o": {"x": 1.5},
    }
    with pytest.raises(EvaluationFailed, match="no form in JSON"):
        to_json(compile_cel("type(1)").evaluate({"resource": {}}))


def test_the_evaluation_changes_nothing_in_the_object() -> None:
    resource = {"list": [3, 1, 2], "map": {"b": 1}}
    compile_cel("resource.list.sort() + resource.list.map(x, x) + [resource.map.size()]").evaluate({"resource": resource})
    assert resource == {"list": [3, 1, 2], "map": {"b": 1}}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("quantity('1Gi').compareTo(quantity('1024Mi'))", 0),
        ("quantity('500m') == quantity('0.5')", True),
        ("quantity('1').isGreaterThan(quantity('999m'))", True),
        ("quantity('1k').isLessThan(quantity('1Ki'))", True),
        ("quantity('1').add(quantity('500m')) == quantity('1500m')", True),
        ("quantity('2').sub(1).asInteger()", 1),
        ("quantity('1500m').isInteger()", False),
        ("quantity('-5').sign()", -1),
        ("quantity('1e3').asInteger()", 1000),
        ("quantity('1E').asInteger()", 10**18),
        ("quantity('250m').asApproximateFloat()", 0.25),
        ("isQuantity('1.3Gi')", True),
        ("isQuantity('1.3GiB')", False),
        ("isQuantity('')", False),
        ("semver('1.2.3').isLessThan(semver('1.10.0'))", True),
        ("semver('1.0.0-alpha').isLessThan(semver('1.0.0'))", True),
        ("semver('1.0.0-alpha.1').isLessThan(semver('1.0.0-alpha.beta'))", True),
        ("semver('1.0.0+a').compareTo(semver('1.0.0+b'))", 0),
        ("semver('v1.30', true).minor()", 30),
        ("isSemver('v1.0.0')", False),
        ("isSemver('01.0.0')", False),
        ("semver('1.2.3').major() + semver('1.2.3').patch()", 4),
        ("ip('10.0.0.1').family()", 4),
        ("ip('::1').isLoopback()", True),
        ("isIP('10.0.0.256')", False),
        ("isIP('::ffff:1.2.3.4')", False),
        ("ip.isCanonical('2001:DB8::1')", False),
        ("ip('8.8.8.8').isGlobalUnicast()", True),
        ("ip('224.0.0.5').isLinkLocalMulticast()", True),
        ("string(ip('2001:db8:0::1'))", "2001:db8::1"),
        ("cidr('10.0.0.0/8').containsIP('10.1.2.3')", True),
        ("cidr('10.0.0.0/8').containsIP(ip('11.1.2.3'))", False),
        ("cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')", True),
        ("cidr('10.1.2.3/8').masked() == cidr('10.0.0.0/8')", True),
        ("cidr('10.0.0.0/8').prefixLength()", 8),
        ("cidr('10.0.0.0/8').ip() == ip('10.0.0.0')", True),
        ("isCIDR('10.0.0.0/33')", False),
        ("isCIDR('10.0.0.0/255.0.0.0')", False),
        ("url('https://user@example.com:80/path?a=1&a=2').getHost()", "example.com:80"),
        ("url('https://example.com:80/').getHostname()", "example.com"),
        ("url('https://[::1]:80/').getHostname()", "::1"),
        ("url('https://example.com:80/').getPort()", "80"),
        ("url('https://example.com/a b').getPort()", None),
        ("url('https://example.com/a%20b').getEscapedPath()", "/a%20b"),
        ("url('https://e.com/?a=1&a=2&b=').getQuery()", {"a": ["1", "2"], "b": [""]}),
        ("url('https://e.com').getScheme()", "https"),
        ("isURL('/a')", True),
        ("isURL('a')", False),
        ("'abc 123'.find('[0-9]+')", "123"),
        ("'abc'.find('[0-9]+')", ""),
        ("'1 2 3'.findAll('[0-9]')", ["1", "2", "3"]),
        ("'1 2 3'.findAll('[0-9]', 2)", ["1", "2"]),
        ("[1, 2, 3].sum()", 6),
        ("[1.5, 2.5].sum()", 4.0),
        ("[duration('1m'), duration('2m')].sum() == duration('3m')", True),
        ("[].sum()", 0),
        ("[1, 3, 2].max() - [1, 3, 2].min()", 2),
        ("[1, 2, 2].isSorted() && ![2, 1].isSorted()", True),
        ("type(quantity('1'))  == type(quantity('2'))", True),
    ],
)
def test_the_functions_that_kubernetes_adds_are_there(source: str, value: Any) -> None:
    assert _outcome(source, {}) == value or (value is None and isinstance(_outcome(source, {}), str))
