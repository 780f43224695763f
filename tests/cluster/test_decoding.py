"""Only what somebody reads is built, and it is what a whole decode would have shown."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetd.cluster.decoding import Bookmark, Fault, ObjectDecoder, Unreadable
from fleetd.cluster.port import Changed
from fleetd.domain.objects import Reads
from fleetd.domain.refs import GroupVersionKind, ObjectRef

DEPLOYMENT = GroupVersionKind("apps", "v1", "Deployment")
KEYS = st.sampled_from(["spec", "status", "a", "b.c/d"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
PATHS = st.frozensets(st.lists(KEYS, min_size=1, max_size=3).map(tuple), max_size=4)


def live(**more):
    metadata = {"name": "web", "namespace": "shop", "uid": "u1", "resourceVersion": "7", "labels": {"app": "web"}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata | {"managedFields": [{"manager": "x"}]}, **more}


def line(body, kind="MODIFIED"):
    return orjson.dumps({"type": kind, "object": body})


def reads(*paths):
    return Reads(frozenset(tuple(path.split(".")) for path in paths), raw=True)


def at(body, path):
    for key in path:
        if not isinstance(body, dict) or key not in body:
            return None
        body = body[key]
    return body


def test_an_event_holds_the_paths_that_are_read_and_the_whole_as_bytes():
    body = live(spec={"replicas": 3, "template": {"big": 1}}, status={"ready": True})
    event = ObjectDecoder(DEPLOYMENT, reads("spec.replicas")).line(line(body))
    assert isinstance(event, Changed)
    assert event.observed.ref == ObjectRef("Deployment", "apps", "shop", "web")
    assert event.observed.body["spec"] == {"replicas": 3}
    assert "status" not in event.observed.body
    assert "managedFields" not in event.observed.body["metadata"]
    assert event.observed.labels == {"app": "web"}
    assert orjson.loads(event.observed.raw) == body


def test_a_line_written_with_spaces_or_in_another_order_is_read_the_same():
    body = live(spec={"replicas": 3})
    decoder = ObjectDecoder(DEPLOYMENT, reads("spec.replicas"))
    for text in (json.dumps({"type": "ADDED", "object": body}), json.dumps({"object": body, "type": "ADDED"})):
        event = decoder.line(text.encode())
        assert isinstance(event, Changed)
        assert event.observed.body["spec"] == {"replicas": 3}
        assert orjson.loads(event.observed.raw) == body


def test_another_shape_than_the_paths_suppose_is_decoded_whole():
    body = live(spec=[{"replicas": 3}])
    event = ObjectDecoder(DEPLOYMENT, reads("spec.replicas")).line(line(body))
    assert isinstance(event, Changed)
    assert event.observed.body["spec"] == [{"replicas": 3}]
    assert "managedFields" not in event.observed.body["metadata"]


def test_everything_but_managed_fields_is_there_when_all_is_read():
    body = live(spec={"a": [1, {"b": None}]})
    event = ObjectDecoder(DEPLOYMENT, Reads(whole=True, raw=True)).line(line(body))
    assert isinstance(event, Changed)
    del body["metadata"]["managedFields"]
    assert event.observed.body == body


def test_what_a_typed_list_leaves_out_is_put_in_again():
    item = {"metadata": {"name": "web", "namespace": "shop", "resourceVersion": "3"}, "spec": {"replicas": 1}}
    body = orjson.dumps({"metadata": {"resourceVersion": "9", "continue": "more"}, "items": [item]})
    objects, meta = ObjectDecoder(DEPLOYMENT, reads("spec")).page(body)
    assert (meta.resourceVersion, meta.continue_) == ("9", "more")
    assert objects[0].body["apiVersion"] == "apps/v1"
    assert orjson.loads(objects[0].raw) == {"apiVersion": "apps/v1", "kind": "Deployment", **item}


def test_bookmarks_and_faults_are_told_apart():
    decoder = ObjectDecoder(DEPLOYMENT, reads("spec"))
    assert decoder.line(line({"metadata": {"resourceVersion": "12"}}, "BOOKMARK")) == Bookmark("12")
    fault = decoder.line(line({"kind": "Status", "code": 410}, "ERROR"))
    assert isinstance(fault, Fault)
    assert fault.code == 410


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"nonsense",
        b"[]",
        b'{"type":"ADDED"}',
        b'{"type":"ADDED","object":null}',
        b'{"type":"ADDED","object":{"metadata":{}}}',
        b'{"type":"ADDED","object":{"kind":"Deployment"}}',
        b'{"type":"ADDED","object":{"metadata":{"name":7}}}',
        b'{"type":"ADDED","object":{"metadata":{"name":"x","resourceVersion":7}}}',
        b'{"type":"ADDED","object":{"metadata":{"name":"x","uid":[]}}}',
        b'{"type":"WAT","object":{}}',
        b'{"type":"ADDED","object":{"metadata":{"name":"x"}}',
        b'{"type":"ADDED","object":{"metadata":{"name":"\xff\xfe"}}}',
        b'{"type":"ADDED","object":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
        b'{"type":"ADDED","object":' + b"[" * 100_000,
    ],
    ids=lambda text: text[:48].decode(errors="replace"),
)
@pytest.mark.parametrize("wanted", [reads("spec.a"), Reads(whole=True, raw=True)], ids=["paths", "whole"])
def test_what_is_no_event_is_refused_in_one_way(text, wanted):
    with pytest.raises(Unreadable) as refused:
        ObjectDecoder(DEPLOYMENT, wanted).line(text)
    assert len(str(refused.value)) < 300


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(more=st.dictionaries(KEYS, VALUES, max_size=4), paths=PATHS)
def test_what_is_read_is_what_a_whole_decode_shows(more, paths):
    body = live(**more)
    event = ObjectDecoder(DEPLOYMENT, Reads(paths, raw=True)).line(line(body))
    assert isinstance(event, Changed)
    assert all(at(event.observed.body, path) == at(body, path) for path in paths)
    assert orjson.loads(event.observed.raw) == body
