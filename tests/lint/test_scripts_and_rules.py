"""Scripts that cannot do what they are for, and rules that no object satisfies: each with a twin that is well."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import indent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetd.decide.lint.check import check
from fleetd.decide.lint.lua_code import tokens_of
from fleetd.domain.documents import read_documents
from fleetd.domain.findings import Finding, Severity

Checked = Callable[..., list[Finding]]

_SELECTOR = """apiVersion: lib.projectsveltos.io/v1beta1
kind: EventSource
metadata: {name: a}
spec:
  resourceSelectors:
  - group: ""
    version: v1
    kind: Service
"""


def _script(text: str) -> str:
    return f"{_SELECTOR}    evaluate: |\n{indent(text, ' ' * 6)}\n"


def _body(text: str) -> str:
    return _script(f"function evaluate()\n{indent(text, '  ')}\nend")


def _rule(text: str) -> str:
    return f"{_SELECTOR}    evaluateCEL:\n    - name: r\n      rule: |-\n        {text}\n"


def _health(text: str) -> str:
    spec = "  resourceSelectors: [{group: apps, version: v1, kind: Deployment}]\n  evaluateHealth: |\n"
    return f"apiVersion: lib.projectsveltos.io/v1beta1\nkind: HealthCheck\nmetadata: {{name: a}}\nspec:\n{spec}{indent(text, ' ' * 4)}\n"


def _codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


@pytest.mark.parametrize(
    ("bad", "code", "place", "said", "twin"),
    [
        (_body("return true"), "FD207", (11, 9), "return {matching = true}", _body("return {matching = true}")),
        (_body("if obj.spec then return end\nreturn {}"), "FD207", (11, 26), "returns nothing",
         _body("if obj.spec then return {} end\nreturn {}")),
        (_body("return 'yes'"), "FD207", (11, 9), "returns 'yes'",
         _body("local function yes() return 'yes' end\nreturn {matching = yes() == 'yes'}")),
        (_script("return {matching = true}"), "FD208", (10, 7), "no function evaluate()",
         _script("evaluate = function() return {matching = true} end")),
        (_script("local function evaluate() return {} end"), "FD208", (10, 7), "is what is called",
         _script("function evaluate() return {} end")),
        (_health("function evaluate()\n  return {resources = {{resource = resources[1], healthStatus = 'Healthy'}}}\nend"),
         "FD206", (8, 54),
         "write status for healthStatus",
         _health("function evaluate()\n  return {resources = {{resource = resources[1], status = 'Healthy'}}}\nend")),
        (_body("hs = {}\nhs.match = obj.status ~= nil\nreturn hs"), "FD206", (12, 12), "write matching for match",
         _body("hs = {}\nhs.Matching = obj.status ~= nil\nreturn hs")),
        (_body('return {["pass"] = true}'), "FD206", (11, 19), "write matching for pass", _body('return {["matching"] = true}')),
        (_body('return {matching = obj.metadata.labels["a"] == "b"}'), "FD209", (11, 28), "ask first: obj.metadata.labels and …",
         _body('return {matching = obj.metadata.labels ~= nil and obj.metadata.labels["a"] == "b"}')),
        (_body("return {matching = obj.metadata.annotations.a ~= nil}"), "FD209", (11, 28), "may be nil",
         _body("return {matching = (obj.metadata.annotations or {}).a ~= nil}")),
        (_body("for k in pairs(obj.metadata.labels) do end\nreturn {}"), "FD209", (11, 24), "may be nil",
         _body("for k in pairs(obj.metadata.labels or {}) do end\nreturn {}")),
        (_body("local l = obj.metadata.labels\nreturn {matching = l.a == 'b'}"), "FD209", (12, 28), "l may be nil",
         _body("local l = obj.metadata.labels\nif l == nil then return {} end\nreturn {matching = l.a == 'b'}")),
        (_body("for _, c in ipairs(obj.status.conditions) do end\nreturn {}"), "FD209", (11, 28), "obj.status.conditions may be nil",
         _body("if obj.status.conditions then for _, c in ipairs(obj.status.conditions) do end end\nreturn {}")),
        (_body("return {matching = #obj.status.loadBalancer.ingress > 0}"), "FD209", (11, 29), "may be nil",
         _body("local ok = pcall(function() return obj.status.loadBalancer.ingress[1] end)\nreturn {matching = ok}")),
        (_body("return {matching = resources[1] ~= nil}"), "FD211", (11, 28), "write obj for resources",
         _body("local resources = {obj}\nreturn {matching = resources[1] ~= nil}")),
        (_health("function evaluate()\n  return {resources = {{resource = obj, status = 'Healthy'}}}\nend"), "FD211", (8, 40),
         "is given resources",
         _health("function evaluate()\n  for _, obj in ipairs(resources) do\n    if obj.spec then break end\n  end\n  return {}\nend")),
        (_rule("resource.spec.type == 'Loadbalancer'"), "FD210", (12, 9), "did you mean 'LoadBalancer'?",
         _rule("resource.spec.type == 'LoadBalancer'")),
        (_rule("resource.spec.type == 'NodePort' && resource.spec.type == 'LoadBalancer'"), "FD210", (12, 45), "join them with ||",
         _rule("resource.spec.type == 'NodePort' || resource.spec.type == 'LoadBalancer'")),
        (_rule("resource.a == 1 && (resource.b == 2 && resource.a != 1)"), "FD210", (12, 48), "cannot be 1 and not be it",
         _rule("resource.a == 1 && resource.b != 1")),
        (_rule("has(resource.a) && !has(resource.a)"), "FD210", (12, 28), "cannot be there and not be there",
         _rule("has(resource.a) && !has(resource.b)")),
        (_rule("resource.metadata.labels.a == true"), "FD210", (12, 9), "write 'true' in quotes",
         _rule("resource.metadata.labels.a == 'true'")),
        (_rule("resource.metadata.labels['a'] == 1"), "FD210", (12, 9), "is a text, and 1 is none",
         _rule("resource.metadata.labels['a'] == '1'")),
        (_rule("size(resource.spec.ports)"), "FD210", (12, 9), "size yields a number", _rule("size(resource.spec.ports) > 1")),
        (_rule("resource.spec.ports.filter(p, p.port == 80)"), "FD210", (12, 9), "it yields a list",
         _rule("resource.spec.ports.exists(p, p.port == 80)")),
        (_rule("resource.kind == 'Pod'"), "FD210", (12, 9), "the selector asks for kind 'Service'", _rule("resource.kind == 'Service'")),
        (_rule("resource.apiVersion == 'v2' || false"), "FD210", (12, 9), "the selector asks for apiVersion 'v1'",
         _rule("resource.apiVersion == 'v1' || false")),
        (_rule("has(resource.metadata.deletionTimestamp)"), "FD210", (12, 9), "never selected",
         _rule("has(resource.metadata.annotations)")),
        (_rule("resource.a ? false : !true"), "FD210", (12, 22), "the constant false", _rule("resource.a ? false : true")),
        (_rule("1 == 2"), "FD210", (12, 9), "two constants are not equal", _rule("1 == 1")),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place_and_its_twin_is_well(
    bad: str, code: str, place: tuple[int, int], said: str, twin: str, checked: Checked
) -> None:
    (finding,) = checked(bad)
    assert (finding.code, (finding.line, finding.column)) == (code, place), str(finding)
    assert said in str(finding)
    assert checked(twin) == []


def test_what_only_may_go_wrong_is_a_warning(checked: Checked) -> None:
    assert [
        one.severity
        for one in checked(_body("return {matching = obj.metadata.labels.a}"), _rule("1 == 2").replace("{name: a}", "{name: b}"))
    ] == [
        Severity.WARNING,
        Severity.WARNING,
    ]


def test_a_script_that_does_not_compile_is_told_once(checked: Checked) -> None:
    assert _codes(checked(_script("function evaluate( return true"))) == ["FD202"]


def test_the_scripts_of_policies_need_the_function_too(checked: Checked) -> None:
    policy = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, annotations: {projectsveltos.io/lua: ok}}\ndata:\n  a.lua: |\n    return {}\n"
    )
    assert _codes(checked(policy)) == ["FD208"]
    assert _codes(checked(policy.replace("projectsveltos.io/lua", "b"))) == []


@given(st.text("functionevalu() \nend.[]{}=\"'-#return obj.metadata.labels", max_size=80))
def test_no_script_breaks_the_checker(script: str) -> None:
    for token in tokens_of(script):
        assert script[token.offset :].startswith(token.text)
    text = _SELECTOR.replace("\n  -", "\n  -", 1)
    (document,) = read_documents(text, source="a")
    document.manifest["spec"]["resourceSelectors"][0]["evaluate"] = script
    check([document])


@given(st.text("resource.spec == 'a' && || ! has() ? : 1 true[]", max_size=60))
def test_no_rule_breaks_the_checker(rule: str) -> None:
    (document,) = read_documents(_SELECTOR, source="a")
    document.manifest["spec"]["resourceSelectors"][0]["evaluateCEL"] = [{"name": "r", "rule": rule}]
    check([document])
