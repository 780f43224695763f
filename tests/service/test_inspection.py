"""What is kept of an object that was looked at: nothing secret, nothing large, and what it was compared with."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetd.decide.digest import keyed
from fleetd.domain.inspection import Look
from fleetd.domain.objects import holds_secrets
from fleetd.domain.records import DriftField
from fleetd.service.inspection import MOST_BYTES, shown

DIGEST = keyed(b"a key")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=40,
)


def answer(live, *, left=None, differs=(), secretive=None):
    hidden = holds_secrets(live) if secretive is None else secretive
    return json.loads(shown(Look(live, left, tuple(differs), hidden, DIGEST)))


def secret(**data):
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login", "namespace": "shop"}, "type": "Opaque", "data": data}


def test_a_secret_shows_its_keys_and_whether_two_values_are_the_same():
    found = answer(secret(password="aHVudGVyMg==", copy="aHVudGVyMg==", other="eA=="))
    assert found["manifest"]["data"] == dict.fromkeys(("password", "copy", "other"), "[withheld]")
    digests = found["digests"]
    assert digests["data.password"] == digests["data.copy"] != digests["data.other"]
    assert "aHVudGVyMg" not in json.dumps(found)


def test_the_digest_of_a_value_says_nothing_without_the_key():
    live = secret(password="aHVudGVyMg==")
    other = json.loads(shown(Look(live, None, (), True, keyed(b"another key"))))
    assert other["digests"] != answer(live)["digests"]


def test_what_was_made_of_a_secret_is_held_like_one():
    live = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"url": "plain"}, "binaryData": {"b": "AAAA"}}
    found = answer(live, secretive=True, left=False, differs=[DriftField(".data.url", '"plain"', '"other"')])
    assert found["manifest"]["data"] == {"url": "[withheld]"}
    assert found["differs"] == [{"path": ".data.url", "wanted": "[withheld]", "found": "[withheld]"}]
    assert "plain" not in json.dumps(found)


@pytest.mark.parametrize(
    "text",
    [
        "postgres://shop:hunter2@db/shop",
        "password: hunter2",
        "-----BEGIN RSA PRIVATE KEY-----\nhunter2",
        "Authorization: Bearer hunter2hunter2",
    ],
)
def test_what_looks_like_a_secret_is_withheld_wherever_it_stands(text):
    found = answer({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"settings": text}})
    assert "hunter2" not in json.dumps(found)


def test_an_environment_variable_that_names_a_secret_has_no_value():
    env = [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "MODE", "value": "fast"}]
    found = answer({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"env": env}]}})
    assert found["manifest"]["spec"]["containers"][0]["env"] == [{"name": "DB_PASSWORD", "value": "[withheld]"}, env[1]]


def test_managers_stand_for_managed_fields():
    entries = [{"manager": "kubectl", "operation": "Apply", "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:data": {}}}]
    found = answer({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "managedFields": entries, "resourceVersion": "7"}})
    assert found["managers"] == ["kubectl Apply 2026-01-01T00:00:00Z"]
    assert "managedFields" not in found["manifest"]["metadata"]
    assert found["resource_version"] == "7"


def test_a_copy_of_the_whole_object_in_an_annotation_is_withheld():
    name = "kubectl.kubernetes.io/last-applied-configuration"
    copied = {name: '{"data":{"x":"hunter2"}}', "note": "kept"}
    found = answer({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "annotations": copied}})
    assert found["manifest"]["metadata"]["annotations"] == {
        "kubectl.kubernetes.io/last-applied-configuration": "[withheld]",
        "note": "kept",
    }


@given(st.dictionaries(st.text(max_size=12), JSON, max_size=6), st.booleans())
def test_whatever_a_cluster_sends_the_answer_is_small_and_can_be_read(live, secretive):
    text = shown(Look({**live, "metadata": {"name": "x"}}, None, (), secretive, DIGEST))
    assert len(text.encode()) <= MOST_BYTES * 2
    assert isinstance(json.loads(text)["manifest"], dict)


@given(st.lists(st.integers(1, 7000), min_size=1, max_size=40))
def test_what_is_cut_is_named(sizes):
    live = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c"},
        "data": {f"k{n}": "a b " * (s // 4) for n, s in enumerate(sizes)},
    }
    found = answer(live)
    assert len(json.dumps(found["manifest"]).encode()) <= MOST_BYTES * 1.2
    for path in found["cut"]:
        assert path.startswith("data.k")
        assert found["manifest"]["data"][path.removeprefix("data.")].startswith("[cut: ")
    whole = {key: value for key, value in found["manifest"].get("data", {}).items() if f"data.{key}" not in found["cut"]}
    assert all(value.strip() == live["data"][key].strip() for key, value in whole.items())
