"""`evaluate_expression`: the engines of the daemon on one object, part by part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"tier": "gold"}},
    "spec": {"type": "LoadBalancer", "ports": [{"port": 80}, {"port": 443}]},
}
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "shop"}, "data": {"key": "Y29ycmVjdC1ob3JzZQ=="}}

Evaluate = Callable[..., Any]


@pytest.fixture
def evaluate(client: Any) -> Evaluate:
    """The result, or the lesson."""

    async def ask(language: str, expression: str, thing: Any = SERVICE, **more: Any) -> Any:
        async with client() as c:
            answer = await c.call_tool("evaluate_expression", {"language": language, "expression": expression, "object": thing} | more)
        return answer.structured_content

    return ask


async def test_a_condition_gives_its_value_and_each_part(evaluate: Evaluate) -> None:
    found = (await evaluate("cel", "resource.spec.type == 'LoadBalancer' && size(resource.spec.ports) > 2"))["result"]
    assert (found["ok"], found["selects"], found["value_untrusted"], found["type"]) == (True, False, False, "bool")
    assert found["deciding_untrusted"].startswith("size(resource.spec.ports) > 2 is false")
    parts = {part["expression_untrusted"]: part for part in found["parts_untrusted"]}
    assert parts["size(resource.spec.ports)"]["value_untrusted"] == 2
    assert (parts["size(resource.spec.ports)"]["line"], parts["size(resource.spec.ports)"]["column"]) == (1, 41)
    assert 0 < found["cost"]["steps"] < found["cost"]["steps_allowed"]


async def test_values_of_any_type_come_back_as_json(evaluate: Evaluate) -> None:
    for expression, kind, value in (
        ("resource.spec.ports.map(p, p.port)", "list", [80, 443]),
        ("resource.metadata.labels", "map", {"tier": "gold"}),
        ("1.5", "double", 1.5),
        ("null", "null", None),
        ("duration('90s')", "duration", "90s"),
    ):
        found = (await evaluate("cel", expression))["result"]
        assert (found["ok"], found["type"], found.get("value_untrusted")) == (True, kind, value), expression
        assert found["selects"] is False


async def test_an_error_has_its_place(evaluate: Evaluate) -> None:
    for language, expression, line, column in (
        ("cel", "true &&\n resource.spec.nothing == 1", 2, 2),
        ("cel", "resource.spec.type =! 'x'", 1, 20),
        ("cel", "resorce.spec", 1, 1),
        ("lua", "function evaluate()\n  return {matching = obj.status.x == 1}\nend", 2, 1),
        ("lua", "function evaluate(", 1, 1),
        ("template", "a\n{{ .Resource.spec.nothing }}", 2, 4),
        ("template", "{{ .Resource", 1, 13),
    ):
        found = (await evaluate(language, expression))["result"]
        assert not found["ok"], expression
        assert found["error_untrusted"], expression
        assert found["line"] == line, (expression, found)
        assert language == "lua" or abs(found["column"] - column) <= 12, (expression, found)


async def test_a_script_says_what_it_says_and_what_it_missed(evaluate: Evaluate) -> None:
    script = 'function evaluate() return {matching = obj.spec.type == "%s", message = "it is " .. obj.spec.type} end'
    found = (await evaluate("lua", script % "LoadBalancer"))["result"]
    assert (found["selects"], found["value_untrusted"]) == (True, {"matching": True, "message": "it is LoadBalancer"})
    found = (await evaluate("lua", "function evaluate() return {matching = obj.status ~= nil} end"))["result"]
    assert found["selects"] is False
    assert "obj.status" in found["deciding_untrusted"]


async def test_a_template_gives_its_text_and_what_made_each_part(evaluate: Evaluate) -> None:
    text = "name: {{ .Resource.metadata.name }}\nkind: {{ .MatchingResource.Kind }} on {{ .Cluster.metadata.labels.env }}"
    found = (await evaluate("template", text, cluster="us-1"))["result"]
    assert found["value_untrusted"] == "name: web\nkind: Service on prod"
    made = [(part["line"], part["expression_untrusted"], part["value_untrusted"]) for part in found["parts_untrusted"]]
    assert made == [
        (1, ".Resource.metadata.name", "web"),
        (2, ".MatchingResource.Kind", "Service"),
        (2, ".Cluster.metadata.labels.env", "prod"),
    ]


async def test_rules_ask_about_the_cluster_that_is_named(evaluate: Evaluate) -> None:
    assert (await evaluate("cel", "cluster.labels.env == 'prod' && cluster.name == 'us-1'", cluster="us-1"))["result"]["selects"]
    assert not (await evaluate("cel", "cluster.labels.env == 'prod'"))["result"]["ok"]
    assert (await evaluate("cel", "true", cluster="us-9"))["error"]["code"] == "not_found"


async def test_a_declared_object_can_be_named(evaluate: Evaluate) -> None:
    found = await evaluate("cel", "resource.kind == 'EventTrigger' && has(resource.spec.eventSourceName)", "EventTrigger/share")
    assert found["result"]["selects"]
    assert (await evaluate("cel", "true", "EventTrigger/shar"))["error"]["code"] == "not_found"
    assert (await evaluate("cel", "true", "what is this"))["error"]["code"] == "bad_argument"
    assert (await evaluate("cel", "true", "{no json"))["error"]["code"] == "bad_argument"
    assert (await evaluate("cel", "resource.a == 1", '{"a": 1}'))["result"]["selects"]


@pytest.mark.parametrize(
    ("language", "expression"),
    [
        ("cel", "resource.data.key"),
        ("cel", "resource.data.key.startsWith('Y29y')"),
        ("cel", "resource.spec.password"),
        ("lua", "function evaluate() return {matching = true, message = obj.data.key} end"),
        ("template", "{{ .Resource.data.key }}"),
    ],
)
async def test_values_of_secrets_are_seen_by_no_expression(evaluate: Evaluate, language: str, expression: str) -> None:
    answer = await evaluate(language, expression, {**SECRET, "spec": {"password": "correct-horse"}})
    assert "Y29ycmVj" not in str(answer)
    assert "correct-horse" not in str(answer)
    assert answer["result"].get("value_untrusted") is not True
    assert any("withheld" in warning for warning in answer["warnings"])


async def test_what_takes_too_much_is_ended(evaluate: Evaluate) -> None:
    many = "[1,2,3,4,5,6,7,8,9,10]"
    loops = f"{many}.all(a, {many}.all(b, {many}.all(c, {many}.all(d, {many}.all(e, a + b + c + d + e > 0)))))"
    for language, expression in (
        ("cel", loops),
        ("lua", "function evaluate() while true do end end"),
        ("template", "{{ range until 100000 }}{{ range until 100000 }}x{{ end }}{{ end }}"),
    ):
        found = (await evaluate(language, expression))["result"]
        assert not found["ok"], language
        assert found["error_untrusted"]
    assert (await evaluate("cel", " " * 3))["error"]["code"] == "bad_argument"
    assert (await evaluate("cel", "'" + "x" * 30_000 + "'"))["error"]["code"] == "bad_argument"


async def test_large_answers_are_cut_and_say_so(evaluate: Evaluate) -> None:
    found = (await evaluate("template", '{{ repeat 20000 "x" }}'))["result"]
    assert found["value_cut"]
    assert len(found["value_untrusted"]) <= 6_000
    found = (await evaluate("cel", "[" + ",".join(f"size(resource.spec.ports) + {number}" for number in range(200)) + "]"))["result"]
    assert len(found["parts_untrusted"]) == 60
    assert found["more_parts"] > 500


@pytest.mark.parametrize(
    "thing",
    [
        {},
        {"metadata": {"name": 5}, "kind": ["x"], "apiVersion": {"a": 1}},
        {"n": 2**80, "f": 1e300, "t": "\ud800", "deep": [[[[[[[[[[1]]]]]]]]]]},
        {"kind": "Secret", "data": [1, 2]},
        {"\u202ekey": {"": None}},
    ],
)
async def test_an_object_of_any_shape_gets_an_answer(evaluate: Evaluate, thing: Any) -> None:
    for language, expression in (
        ("cel", "has(resource.kind) || true"),
        ("lua", "function evaluate() return {matching = true} end"),
        ("template", "{{ .MatchingResource.Kind }}"),
    ):
        assert "result" in await evaluate(language, expression, thing), language
    for wrong in ({"metadata": []}, {"metadata": {"annotations": 5}}, {"metadata": {"labels": "x"}}):
        assert (await evaluate("cel", "true", wrong))["error"]["code"] == "bad_argument"


async def test_what_only_another_engine_understands_is_said(evaluate: Evaluate) -> None:
    found = (await evaluate("cel", "google.protobuf.Int32Value{value: 1} == 1"))["result"]
    assert not found["ok"]
    assert "cel-python" in found["error_untrusted"]


async def test_an_unknown_language_is_told_with_those_that_there_are(evaluate: Evaluate) -> None:
    lesson = (await evaluate("jq", "."))["error"]
    assert set(lesson["allowed"]) == {"cel", "lua", "template"}
