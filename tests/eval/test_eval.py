"""`fleetd eval`: what it takes, what it refuses, and what it tells."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetd.cli.__main__ import run_command
from fleetd.decide.evaluating.events import event_source
from fleetd.decide.evaluating.verdicts import Answer, Circumstances, ScriptPlace
from fleetd.decide.observe import answered, compile_source, judge
from fleetd.domain.objects import Observed, gvk_of, ref_of
from fleetd.scripts.places import Place
from fleetd.scripts.pool import ScriptPool

Evaluated = Callable[..., Any]

SOURCE = """apiVersion: lib.projectsveltos.io/v1beta1
kind: EventSource
metadata: {name: balancers}
spec:
  resourceSelectors:
    - group: ""
      version: v1
      kind: Service
      evaluateCEL:
        - name: balancer
          rule: %s
"""
SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"type": "LoadBalancer"}}


def test_the_json_has_the_keys_that_scripts_read(evaluated: Evaluated) -> None:
    (found,) = evaluated(SOURCE % "resource.spec.type == 'LoadBalancer'", SERVICE).results
    assert list(found) == ["ref", "verdict", "message", "rule", "deciding", "cost"]
    assert found["ref"] == {"apiVersion": "v1", "kind": "Service", "namespace": "shop", "name": "web"}
    assert found["cost"]["steps"] > 0


def test_a_trace_shows_every_part_with_its_value(evaluated: Evaluated) -> None:
    rule = "resource.spec.type == 'LoadBalancer' && resource.status.ready"
    (found,) = evaluated(SOURCE % rule, SERVICE, "--trace").results
    (told,) = found["trace"]
    assert (told["selector"], told["rule"]) == ("spec.resourceSelectors[0]", "evaluateCEL balancer")
    assert told["error"] == "no such key: 'status'"
    assert [(part["expression"], part.get("value", part.get("error"))) for part in told["children"]] == [
        ("resource.spec.type == 'LoadBalancer'", True),
        ("resource.status.ready", "no such key: 'status'"),
    ]


def test_what_decided_comes_with_its_values_and_the_nearest_change(evaluated: Evaluated) -> None:
    (found,) = evaluated(SOURCE % "resource.spec.type == 'ClusterIP'", SERVICE).results
    said, _, change = found["deciding"].partition("; ")
    assert said == "resource.spec.type == 'ClusterIP' is false: resource.spec.type = \"LoadBalancer\""
    assert change == "would be true if resource.spec.type were 'ClusterIP'"


def test_a_rule_may_ask_about_the_cluster(evaluated: Evaluated) -> None:
    rule = "cluster.labels.env == 'prod' && cluster.name == 'east' && cluster.namespace == 'shop'"
    assert evaluated(SOURCE % rule, SERVICE, "--cluster", "shop/east", "--labels", "env=prod,region=eu").code == 0
    assert evaluated(SOURCE % rule, SERVICE, "--cluster", "shop/east", "--labels", "env=test").code == 1
    (found,) = evaluated(SOURCE % "cluster.labels.env == 'prod'", SERVICE).results
    assert "no such key: 'env'" in found["message"]
    wrong = evaluated(SOURCE % rule, SERVICE, "--labels", "env")
    assert (wrong.code, "write KEY=VALUE" in wrong.err) == (2, True)


def test_the_second_engine_is_asked_where_the_source_says_so(evaluated: Evaluated) -> None:
    source = (SOURCE % "true == 1").replace("{name: balancers}", "{name: balancers, annotations: {fleetd.io/cel-engine: cel-python}}")
    assert evaluated(source, SERVICE).code == 0
    assert evaluated(SOURCE % "true == 1", SERVICE).code == 1


def test_values_of_a_secret_are_not_told(evaluated: Evaluated) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"key": "aHVudGVyMg=="}}
    source = (SOURCE % "resource.data.key == 'x' || int(resource.data.key) > 1").replace("kind: Service", "kind: Secret")
    for output in ("json", "table"):
        said = evaluated(source, secret, "--trace", output=output)
        assert "aHVudGVyMg" not in said.out + said.err


def test_people_get_a_table_and_the_tree_below_it(evaluated: Evaluated) -> None:
    ran = evaluated(SOURCE % "resource.spec.type == 'NodePort'", SERVICE, "--trace", output="table")
    assert ran.code == 1
    assert ran.out.splitlines()[0].split() == ["VERDICT", "OBJECT", "RULE", "DECIDING", "MESSAGE"]
    assert 'resource.spec.type = "LoadBalancer"' in ran.out
    assert "resource.spec.type → LoadBalancer" in ran.out


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("resource.spec.type = 'a'", "source.yaml:11:36: "),
        ("resource.metadata.name.startWith('a')", "did you mean startsWith?"),
        ("resouce.spec.type == 'a'", "did you mean resource?"),
    ],
)
def test_what_is_wrong_with_a_source_is_told_with_its_place(rule: str, said: str, evaluated: Evaluated) -> None:
    ran = evaluated(SOURCE % rule, SERVICE)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("source.yaml:11:")
    assert said in ran.err


def test_several_sources_are_told_apart(evaluated: Evaluated) -> None:
    two = SOURCE % "has(resource.spec)" + "---\n" + (SOURCE % "resource.spec.type == 'LoadBalancer'").replace("balancers", "others")
    assert [one["source"] for one in evaluated(two, SERVICE).results] == ["EventSource/balancers", "EventSource/others"]


@pytest.mark.parametrize(
    ("source", "objects", "said"),
    [
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", [SERVICE], "nothing in the files of -f looks at objects"),
        (SOURCE % "'true'", [{"kind": "Service", "metadata": {"name": "a"}}], "objects.json:1: the object has no apiVersion"),
        (SOURCE % "'true'", [{"apiVersion": "v1", "kind": "Service", "metadata": {}}], "the object has no metadata.name"),
        (SOURCE % "'true'", [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "labels": {"b": 1}}}], "into quotes"),
        (SOURCE % "'true'", [{"apiVersion": "v1", "kind": "List", "items": [1]}], "items[0]: an object is a mapping"),
    ],
)
def test_what_cannot_be_evaluated_is_bad_input(source: str, objects: list[Any], said: str, evaluated: Evaluated) -> None:
    ran = evaluated(source, objects)
    assert ran.code == 2
    assert said in ran.err


def test_stdin_gives_the_source_or_the_objects(
    evaluated: Evaluated, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluated(SOURCE % "resource.spec.type == 'LoadBalancer'", SERVICE)
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(SERVICE)))
    assert run_command(["eval", "-f", "source.yaml", "--objects", "-"]) == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO(Path("source.yaml").read_text()))
    assert run_command(["eval", "--objects", "objects.json", "-f", "-"]) == 0
    assert run_command(["eval", "-f", "-", "--objects", "-"]) == 2
    assert run_command(["eval", "-f", "source.yaml"]) == 2
    assert run_command(["eval", "-f", "source.yaml", "--objects", "objects.json", "--metric", "a=b"]) == 2
    assert "write NAME=NUMBER" in capsys.readouterr().err


def test_objects_may_be_named_one_after_the_other(evaluated: Evaluated, capsys: pytest.CaptureFixture[str]) -> None:
    evaluated(SOURCE % "resource.spec.type == 'LoadBalancer'", SERVICE)
    Path("more.json").write_text(json.dumps({**SERVICE, "metadata": {"name": "other"}}))
    assert run_command(["eval", "-f", "source.yaml", "--objects", "objects.json", "more.json", "-o", "json"]) == 0
    assert [one["ref"]["name"] for one in json.loads(capsys.readouterr().out)["results"]] == ["web", "other"]


def test_the_places_of_scripts_are_those_that_run_them() -> None:
    assert {place.value for place in ScriptPlace} <= {place.value for place in Place}


_TYPES = st.sampled_from(["LoadBalancer", "ClusterIP", "NodePort"])
_OBJECTS = st.fixed_dictionaries(
    {
        "apiVersion": st.just("v1"),
        "kind": st.just("Service"),
        "metadata": st.fixed_dictionaries(
            {"name": st.sampled_from("abc"), "namespace": st.sampled_from(["x", "y"])},
            optional={"labels": st.dictionaries(st.sampled_from("kl"), st.sampled_from("vw"), max_size=2)},
        ),
        "spec": st.fixed_dictionaries({"type": _TYPES}),
    }
)
_SELECTORS = st.lists(
    st.fixed_dictionaries(
        {"group": st.just(""), "version": st.just("v1"), "kind": st.just("Service")},
        optional={
            "namespace": st.sampled_from(["x", "y"]),
            "name": st.sampled_from("abc"),
            "labelFilters": st.lists(
                st.fixed_dictionaries({"key": st.sampled_from("kl"), "operation": st.sampled_from(["Has", "DoesNotHave"])}), max_size=2
            ),
            "evaluateCEL": st.lists(
                st.builds(lambda type_: {"name": "r", "rule": f"resource.spec.type == '{type_}'"}, _TYPES), min_size=1, max_size=2
            ),
        },
    ),
    min_size=1,
    max_size=3,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(_SELECTORS, _OBJECTS)
def test_what_eval_says_is_what_the_daemon_does(selectors: list[dict[str, Any]], manifest: dict[str, Any]) -> None:
    source = {"metadata": {"name": "s"}, "spec": {"resourceSelectors": selectors}}
    evaluation = event_source(source, [manifest], Circumstances(traced=True))
    with pytest.raises(StopIteration) as end:
        next(evaluation)
    (verdict,) = end.value.value.results
    judged = judge(compile_source(source), gvk_of(manifest), Observed(ref_of(manifest), "", "", manifest))
    assert (verdict.state, verdict.message, verdict.rule) == (judged.state, judged.reason, judged.deciding)


@pytest.mark.parametrize(
    "script",
    [
        "function evaluate() return {matching = true} end",
        "function evaluate() return {matching = false, message = 'not this one'} end",
        "function evaluate() return {matching = (obj.metadata.annotations or {}).share == 'yes'} end",
        "function evaluate() return {matching = obj.metadata.annotations.share == 'yes'} end",
        "function evaluate() return {match = true} end",
    ],
)
async def test_a_script_says_the_same_in_eval_as_in_the_daemon(script: str) -> None:
    selectors = [{"group": "", "version": "v1", "kind": "Service", "evaluate": script}]
    evaluation = event_source({"metadata": {"name": "s"}, "spec": {"resourceSelectors": selectors}}, [SERVICE], Circumstances())
    (asked,) = next(evaluation)
    async with ScriptPool() as pool:
        result = await pool.call(asked.text, Place(asked.place.value), asked.argument)
        in_the_daemon = answered([await pool.evaluate(script, SERVICE)])
    with pytest.raises(StopIteration) as end:
        evaluation.send([Answer(result.value, result.error, result.line, explanation=result.explanation)])
    (verdict,) = end.value.value.results
    assert (verdict.state, verdict.message, verdict.rule) == (in_the_daemon.state, in_the_daemon.reason, in_the_daemon.deciding)
