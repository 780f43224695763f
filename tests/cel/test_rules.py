"""Who evaluates a condition, and what it may name."""

from __future__ import annotations

import pytest

from fleetd.decide.cel.rules import CLOUD_EVENT, ENGINE, Engine, cloud_event, compile_rule, engine_named
from fleetd.domain.errors import EvaluationFailed, InvalidInput

CLUSTER = {"name": "east", "namespace": "default", "labels": {"env": "prod"}}
ORDER = {
    "specversion": "1.0",
    "id": "1",
    "type": "com.example.order",
    "source": "/shop",
    "datacontenttype": "application/json",
    "data": {"total": 120, "items": [{"sku": "a"}]},
}


def test_the_engine_is_ours_unless_the_annotation_says_otherwise() -> None:
    assert engine_named({}) is Engine.OWN
    assert engine_named({ENGINE: "cel-python"}) is Engine.CEL_PYTHON
    with pytest.raises(InvalidInput, match="it is one of fleetd, cel-python"):
        engine_named({ENGINE: "v8"})


def test_a_rule_that_only_the_second_engine_understands_goes_there_with_a_remark() -> None:
    rule = compile_rule("google.protobuf.Int64Value{value: 3} == 3")
    assert rule.remark.startswith("is evaluated by cel-python")
    assert compile_rule("resource.a == 3").remark == ""


def test_what_neither_engine_understands_is_told_in_our_words() -> None:
    with pytest.raises(EvaluationFailed) as caught:
        compile_rule("proto.getExt(resource, a")
    assert "missing" in str(caught.value)
    with pytest.raises(EvaluationFailed, match="did you mean resource"):
        compile_rule("resourc.a == 3")
    with pytest.raises(EvaluationFailed, match="the object is called 'resource' here"):
        compile_rule("object.a == 3")


def test_both_engines_are_given_the_object_and_its_cluster() -> None:
    for engine in Engine:
        rule = compile_rule("resource.env == cluster.labels.env && cluster.name == 'east'", engine)
        assert rule.reads_cluster
        assert rule.program.matches({"env": "prod"}, CLUSTER)
        assert not rule.program.matches({"env": "test"}, CLUSTER)
    assert not compile_rule("resource.cluster == 'east'").reads_cluster


def test_a_condition_on_a_cloud_event_names_the_event_its_data_and_the_cluster() -> None:
    rule = compile_rule("event.type.startsWith('com.example') && data.total > 100 && cluster.labels.env == 'prod'", variables=CLOUD_EVENT)
    assert rule.program.evaluate(cloud_event(ORDER, CLUSTER)) is True
    assert rule.program.evaluate(cloud_event({**ORDER, "data": {"total": 1}}, CLUSTER)) is False
    with pytest.raises(EvaluationFailed, match="undeclared reference to 'resource'"):
        compile_rule("resource.a == 1", variables=CLOUD_EVENT)


def test_data_of_a_cloud_event_is_json_text_or_bytes() -> None:
    bare = {key: value for key, value in ORDER.items() if key not in ("data", "datacontenttype")}
    assert cloud_event({**bare, "data_base64": "eyJhIjogMX0="}, CLUSTER)["data"] == {"a": 1}
    assert cloud_event({**bare, "data_base64": "eyJhIjogMX0=", "datacontenttype": "text/plain"}, CLUSTER)["data"] == '{"a": 1}'
    assert cloud_event({**bare, "data_base64": "/w==", "datacontenttype": "image/png"}, CLUSTER)["data"] == b"\xff"
    assert cloud_event(bare, CLUSTER)["data"] is None
