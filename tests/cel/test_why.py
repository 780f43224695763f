"""A verdict says why: the part that decided, what it saw, and the nearest change that would have made it otherwise."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetd.decide.cel.fallback import compile_with_cel_python
from fleetd.decide.cel.program import compile_cel
from fleetd.decide.cel.why import LONGEST, why

DEPLOYMENT: dict[str, Any] = {
    "kind": "Deployment",
    "metadata": {"name": "web", "labels": {"app": "web"}},
    "spec": {"type": "Recreate", "replicas": 2, "paused": False, "wanted": 3, "password": "hunter2", "secretName": "tls"},
    "ports": [{"port": 80, "name": "http"}, {"port": 443, "name": "tls"}],
    "env": [{"name": "API_KEY", "value": "hunter2"}],
}


def _why(source: str, resource: Any = DEPLOYMENT, *, secretive: bool = False) -> str:
    return why(compile_cel(source), {"resource": resource}, secretive=secretive)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            "resource.spec.replicas >= 3",
            "resource.spec.replicas >= 3 is false: resource.spec.replicas = 2; would be true if resource.spec.replicas were >= 3",
        ),
        ("'a' in resource.metadata.labels", "would be true if resource.metadata.labels had 'a'"),
        ("has(resource.metadata.labels.a)", "would be true if resource.metadata.labels had 'a'"),
        ("has(resource.spec.paused)", "would be false if resource.spec had no 'paused'"),
        ("3 <= resource.spec.replicas", "would be true if resource.spec.replicas were >= 3"),
        ("resource.spec.replicas < 3", "is true: resource.spec.replicas = 2; would be false if resource.spec.replicas were >= 3"),
        ("resource.kind == 'Pod'", "is false: resource.kind = \"Deployment\"; would be true if resource.kind were 'Pod'"),
        ("resource.kind != 'Deployment'", "would be true if resource.kind were not 'Deployment'"),
        ("resource.kind in ['Pod', 'Node']", "would be true if resource.kind were one of ['Pod', 'Node']"),
        ("resource.kind in ['Deployment', 'Node']", "would be false if resource.kind were none of ['Deployment', 'Node']"),
        ("resource.metadata.name.startsWith('api')", "would be true if resource.metadata.name began with 'api'"),
        ("resource.metadata.name.matches('^a')", "would be true if resource.metadata.name matched '^a'"),
        ("resource.spec.paused", "resource.spec.paused is false; would be true if resource.spec.paused were true"),
        ("!(resource.kind == 'Deployment')", "would be true if resource.kind were not 'Deployment'"),
        ("resource.spec.replicas == resource.spec.wanted", "resource.spec.wanted = 3; would be true if resource.spec.replicas were 3"),
        ("size(resource.ports) >= 3", "would be true if size(resource.ports) were >= 3"),
        ("resource.status.ready == true", "failed: no such key: 'status'; would be true if resource.status.ready were true"),
        ("resource.ports.all(p, p.port > 100)", "p.port = 80; would be true if resource.ports[0].port were > 100"),
        ("resource.ports.exists(p, p.name == 'dns')", "would be true if resource.ports[0].name were 'dns'"),
        ("[].exists(p, p == 1)", "would be true if some p of [] had p == 1"),
        ("cel.bind(n, resource.spec.replicas, n > 5)", "n > 5 is false: n = 2; would be true if n were > 5"),
        (
            "resource.kind == 'Pod' && resource.spec.paused && has(resource.status)",
            "would be true if resource.kind were 'Pod' and resource.spec.paused were true and resource had 'status'",
        ),
        ("resource.kind == 'Pod' || resource.spec.replicas > 2", "would be true if resource.kind were 'Pod'"),
        ("has(resource.status.x) && resource.status.x == 'y'", "would be true if resource.status.x were 'y'"),
        # A change that would make one term true and another false is none.
        ("resource.spec.replicas != 2 && (resource.spec.replicas == 2 || resource.kind == 'Pod')", "resource.spec.replicas = 2"),
        ("resource.spec.replicas == 1 && resource.spec.replicas == 3", "resource.spec.replicas = 2"),
        ("resource.spec.replicas", "resource.spec.replicas is 2"),
        ("resource.metadata.name.startsWith('api') && true", 'resource.metadata.name = "web"; would be true if'),
    ],
)
def test_the_sentence_names_what_decided_and_the_nearest_change(source: str, said: str) -> None:
    assert said in _why(source)


def test_what_contradicts_itself_is_not_said_to_be_within_reach() -> None:
    assert "would be" not in _why("resource.spec.replicas == 1 && resource.spec.replicas == 3")
    assert "would be" not in _why("resource.spec.replicas != 2 && resource.spec.replicas == 2")
    assert "would be" not in _why("false")


@pytest.mark.parametrize(
    "source",
    [
        "resource.data.token == 'guess'",
        "resource.data.token == resource.data.other",
        "resource.data.exists(k, resource.data[k] == 'guess')",
        "resource.data.token.startsWith('s3') && int(resource.data.token) > 1",
        "resource.data.token in resource.data",
        "resource.data == {'token': 'x'}",
        "resource.data.token",
        "cel.bind(t, resource.data.token, t == 'x' || size(t) > 99)",
        "(resource.data.token) != 's' && [resource.data.other].exists(x, x == resource.data.token)",
        "resource.data.map(k, resource.data[k])",
    ],
)
def test_values_of_a_secret_are_in_no_sentence(source: str) -> None:
    secret = {"kind": "Secret", "data": {"token": "s3cr3t", "other": "0th3r"}}
    said = _why(source, secret, secretive=True)
    assert "s3cr3t" not in said
    assert "0th3r" not in said


def test_values_under_names_that_speak_of_secrets_are_withheld_in_every_object() -> None:
    for source in ("resource.spec.password == 'x'", "resource.spec == {}", "resource.env == []", "resource.env[0] == {}"):
        said = _why(source)
        assert "hunter2" not in said
        assert "[withheld" in said
    for source in (
        "resource.spec.password == resource.spec.type",
        "resource.spec.type == resource.spec.password",
        "resource.spec.password in resource.metadata.labels",
        "cel.bind(p, resource.spec.password, p == 'x')",
        "[resource.spec.password].exists(p, p == 'x')",
        "resource.env.exists(e, e.name == 'API_KEY' && e.value == 'x')",
        "resource.spec.exists(k, resource.spec[k] == 'x')",
    ):
        assert "hunter2" not in _why(source), source
    assert 'resource.spec.secretName = "tls"' in _why("resource.spec.secretName == 'x'")


def test_the_sentence_is_short_whatever_the_object_and_the_rule_are() -> None:
    large = {"a": "x" * 100_000, "b": {str(number): ["y" * 1000] * 100 for number in range(100)}, "c": list(range(10_000))}
    terms = " && ".join(f"resource.a != 'v{number}{'w' * 300}'" for number in range(50))
    for source in (f"{terms} && false", "resource.a == resource.b", "resource.c.all(x, x < 0)", "resource.c.exists(x, x < 0)"):
        assert len(_why(source, large)) <= LONGEST


def test_a_rule_that_takes_all_its_steps_is_explained_within_bounds() -> None:
    source = "resource.all(a, resource.all(b, a + b >= 0)) && resource.exists(a, resource.exists(b, a + b < 0))"
    assert _why(source, list(range(200)))
    assert "took more steps" in why(compile_cel(source), {"resource": list(range(3000))})


def test_the_second_engine_says_what_came_out_and_no_more() -> None:
    program = compile_with_cel_python("resource.spec.replicas >= 3")
    assert why(program, {"resource": DEPLOYMENT}) == "resource.spec.replicas >= 3 is false"


_ATOMS = st.sampled_from(
    [
        "resource.a == 1",
        "resource.a != 2",
        "resource.b > 1",
        "resource.b <= 2",
        "2 < resource.c",
        "resource.d == 'x'",
        "resource.d in ['x', 'y']",
        "resource.e",
        "has(resource.f)",
        "!has(resource.g)",
        "'k' in resource.h",
    ]
)
_RULES = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.builds("({} && {})".format, inner, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("!({})".format, inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
    ),
    max_leaves=6,
)
_OBJECTS = st.fixed_dictionaries(
    {"h": st.dictionaries(st.sampled_from("kl"), st.just(""), max_size=2)},
    optional={
        "a": st.integers(0, 3),
        "b": st.integers(0, 3),
        "c": st.integers(0, 3),
        "d": st.sampled_from("xyz"),
        "e": st.booleans(),
        "f": st.just(1),
        "g": st.just(1),
    },
)
_STEP = re.compile(r"resource(?:\.(\w+))? (were|had no|had) (.*)")


def _done(resource: dict[str, Any], step: str) -> dict[str, Any]:
    """The object after what a sentence says."""
    found = _STEP.fullmatch(step)
    assert found is not None, step
    key, verb, rest = found.groups()
    if verb != "were":
        name = rest.strip("'")
        holder = dict(resource[key]) if key else dict(resource)
        holder.pop(name, None)
        if verb == "had":
            holder[name] = ""
        return {**resource, key: holder} if key else holder
    sign, _, value = rest.partition(" ")
    if rest.startswith(("one of", "none of")):
        return {**resource, key: "x" if rest.startswith("one") else "other"}
    numbers = {">=": 0, "<=": 0, ">": 1, "<": -1}
    if sign in numbers:
        return {**resource, key: int(value) + numbers[sign]}
    plain = compile_cel(rest.removeprefix("not "), variables=()).evaluate({})
    other = {bool: not plain, int: 77, str: "other"}[type(plain)]
    return {**resource, key: other if rest.startswith("not ") else plain}


@settings(max_examples=200, deadline=None)
@given(_RULES, _OBJECTS)
def test_the_change_that_is_told_flips_the_result(source: str, resource: dict[str, Any]) -> None:
    program = compile_cel(source)
    said = why(program, {"resource": resource})
    _, would, change = said.partition("; would be ")
    if not would or said.endswith("…"):
        return
    wanted, _, steps = change.partition(" if ")
    for step in steps.split(" and "):
        resource = _done(resource, step)
    assert program.matches(resource) is (wanted == "true")


@pytest.mark.parametrize(
    "source",
    [
        "resource.spec.replicas == 2" + " && resource.spec.replicas == 2" * 249,
        "!" * 240 + "resource.spec.paused",
        "(" * 90 + "resource.spec.replicas + 1" + " + 1" * 200 + ")" * 90 + " > 1000",
        "resource.spec.paused ? true : " * 90 + "false",
        "[1].exists(x, " * 90 + "x == 2" + ")" * 90,
    ],
)
def test_the_deepest_rules_are_explained_from_far_down(source: str) -> None:
    program = compile_cel(source)

    def far_down(levels: int) -> tuple[Any, str]:
        if levels:
            return far_down(levels - 1)
        return program.trace({"resource": DEPLOYMENT}).value, why(program, {"resource": DEPLOYMENT})

    value, said = far_down(600)
    assert value is program.evaluate({"resource": DEPLOYMENT})
    assert said
