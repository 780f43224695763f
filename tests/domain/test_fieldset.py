"""Sets of fields: reading, writing, finding and projecting."""

from __future__ import annotations

from typing import Any

import pytest

from fleetd.domain.fieldset import (
    MISSING,
    Difference,
    FieldSet,
    NotMergeable,
    fields_of,
    missing_or_different,
    path_text,
    project,
    value_at,
)
from fleetd.domain.mergefacts import Facts, facts_of
from fleetd.domain.objects import gvk_of

SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}, "finalizers": ["example.com/a"]},
    "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
}
LIVE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {
        "name": "web",
        "namespace": "shop",
        "uid": "1",
        "labels": {"app": "web", "more": "x"},
        "finalizers": ["example.com/b", "example.com/a"],
    },
    "spec": {
        "clusterIP": "10.0.0.1",
        "selector": {"app": "web"},
        "ports": [
            {"name": "dns", "port": 80, "protocol": "UDP", "targetPort": 53},
            {"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080},
        ],
    },
}


def facts(manifest: dict[str, Any]) -> Facts:
    return facts_of(gvk_of(manifest))


def changed(manifest: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {**manifest, "spec": {**manifest["spec"], **spec}}


def test_a_manifest_covers_its_leaves_and_list_items_but_not_its_name() -> None:
    port = {".": {}, "f:name": {}, "f:port": {}, "f:targetPort": {}}
    assert fields_of(SERVICE, facts(SERVICE)).to_fields_v1() == {
        "f:metadata": {"f:finalizers": {'v:"example.com/a"': {}}, "f:labels": {"f:app": {}}},
        "f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': port}, "f:selector": {}},
    }


def test_paths_read_as_kubernetes_writes_them() -> None:
    assert [path_text(path) for path in fields_of(SERVICE, facts(SERVICE)).paths()] == [
        '.metadata.finalizers[="example.com/a"]',
        ".metadata.labels.app",
        ".spec.selector",
        '.spec.ports[port=80,protocol="TCP"]',
        '.spec.ports[port=80,protocol="TCP"].name',
        '.spec.ports[port=80,protocol="TCP"].port',
        '.spec.ports[port=80,protocol="TCP"].targetPort',
    ]
    assert path_text(("f:spec", "i:3")) == ".spec[3]"


def test_a_set_contains_its_members_and_not_what_only_leads_to_them() -> None:
    fields = FieldSet.from_fields_v1({"f:spec": {"f:ports": {'k:{"port":80}': {".": {}, "f:name": {}}}}})
    assert fields.contains(("f:spec", "f:ports", 'k:{"port":80}'))
    assert fields.contains(("f:spec", "f:ports", 'k:{"port":80}', "f:name"))
    assert not fields.contains(("f:spec", "f:ports"))
    assert not fields.contains(("f:spec", "f:ports", 'k:{"port":80}', "f:name", "f:deep"))
    assert not fields.contains(())


def test_values_are_found_by_the_keys_of_their_item() -> None:
    tcp = ("f:spec", "f:ports", 'k:{"port":80,"protocol":"TCP"}', "f:targetPort")
    assert value_at(LIVE, tcp) == value_at(SERVICE, tcp) == 8080
    assert value_at(LIVE, ("f:metadata", "f:finalizers", 'v:"example.com/a"')) == "example.com/a"
    assert value_at(LIVE, ("f:spec", "f:ports", "i:0", "f:port")) == 80
    assert value_at(LIVE, ("f:spec", "f:ports", "i:9")) is MISSING
    assert value_at(SERVICE, ("f:spec", "f:clusterIP")) is MISSING


def test_a_projection_holds_what_the_set_covers_and_no_more() -> None:
    part = project(LIVE, fields_of(SERVICE, facts(SERVICE)))
    assert part == {name: SERVICE[name] for name in ("spec",)} | {
        "metadata": {"labels": {"app": "web"}, "finalizers": ["example.com/a"]},
    }
    assert project(LIVE, FieldSet()) == {}


def test_a_projection_does_not_change_with_what_others_add() -> None:
    fields = fields_of(SERVICE, facts(SERVICE))
    more = changed(LIVE, ports=[{"port": 1, "protocol": "TCP"}, *LIVE["spec"]["ports"]], type="NodePort")
    assert project(more, fields) == project(LIVE, fields)


def test_what_is_as_wanted_is_no_difference() -> None:
    assert missing_or_different(SERVICE, LIVE, facts(SERVICE)) == []


def test_differences_name_the_path_what_was_wanted_and_what_is_there() -> None:
    live = changed(LIVE, ports=[{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 9}], selector={"app": "web", "v": "2"})
    assert missing_or_different(SERVICE, live, facts(SERVICE)) == [
        Difference(".spec.selector", {"app": "web"}, {"app": "web", "v": "2"}),
        Difference('.spec.ports[port=80,protocol="TCP"].targetPort', 8080, 9),
    ]
    bare = {**LIVE, "metadata": {"name": "web"}}
    assert [(each.path, each.found) for each in missing_or_different(SERVICE, bare, facts(SERVICE))] == [
        ('.metadata.finalizers[="example.com/a"]', None),
        (".metadata.labels.app", None),
    ]


@pytest.mark.parametrize(
    ("wanted", "found", "differs"),
    [
        ({"fieldPath": "metadata.name"}, {"apiVersion": "v1", "fieldPath": "metadata.name"}, False),
        ({"fieldPath": "metadata.name"}, {"apiVersion": "v1", "fieldPath": "metadata.uid"}, True),
        ({"fieldPath": "metadata.name"}, None, True),
    ],
)
def test_defaults_within_one_piece_are_no_difference(wanted: Any, found: Any, differs: bool) -> None:
    def pod(reference: Any) -> dict[str, Any]:
        source = {"fieldRef": reference} if reference else {}
        container = {"name": "app", "env": [{"name": "A", "valueFrom": source}]}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [container]}}

    assert bool(missing_or_different(pod(wanted), pod(found), facts(pod(wanted)))) is differs


def test_a_rule_added_to_a_list_of_one_piece_is_a_difference() -> None:
    def role(*verbs: str) -> dict[str, Any]:
        rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": list(verbs)}]
        return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "a"}, "rules": rules}

    assert missing_or_different(role("get"), role("get"), facts(role())) == []
    assert [each.path for each in missing_or_different(role("get"), role("get", "delete"), facts(role()))] == [".rules"]


def test_null_and_empty_ask_for_nothing() -> None:
    wanted = changed(SERVICE, sessionAffinity=None, externalIPs=[])
    assert missing_or_different(wanted, LIVE, facts(wanted)) == []
    assert [each.path for each in missing_or_different(wanted, changed(LIVE, externalIPs=["1.2.3.4"]), facts(wanted))] == [
        ".spec.externalIPs"
    ]


def test_a_key_that_is_there_twice_is_refused() -> None:
    twice = changed(SERVICE, ports=[{"port": 80}, {"port": 80, "protocol": "TCP"}])
    with pytest.raises(NotMergeable, match=r'^\.spec\.ports: duplicate entries for key \[port=80,protocol="TCP"\]$'):
        fields_of(twice, facts(twice))
