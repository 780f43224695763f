"""Who owns what after writes of every sort."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fleetd.domain.mergefacts import facts_from_openapi
from fleetd.kubeapi.apply import ApplyConflict, NotTyped, apply_patch, update_managers

Apply = Callable[..., dict[str, Any]]

NOW = "2024-01-01T00:00:00Z"
LATER = "2024-01-01T00:01:00Z"


def config_map(metadata: dict[str, Any] | None = None, **data: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", **(metadata or {})}} | ({"data": data} if data else {})


def deployment(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "a"},
        "spec": {**spec, "template": {"spec": {"containers": list(containers)}}},
    }


def owners(obj: dict[str, Any]) -> dict[str, Any]:
    return {entry["manager"]: entry["fieldsV1"] for entry in obj["metadata"].get("managedFields", ())}


def times(obj: dict[str, Any]) -> dict[str, Any]:
    return {entry["manager"]: entry.get("time") for entry in obj["metadata"].get("managedFields", ())}


def test_a_writer_owns_what_it_changed_and_keeps_what_it_had() -> None:
    made = update_managers(None, config_map(x="1", y="2"), manager="one", now=NOW)
    changed = update_managers(made, {**made, "data": {"x": "9", "y": "2"}}, manager="two", now=LATER)
    assert owners(made) == {"one": {"f:data": {".": {}, "f:x": {}, "f:y": {}}}}
    assert owners(changed) == {"one": {"f:data": {".": {}, "f:y": {}}}, "two": {"f:data": {"f:x": {}}}}
    assert times(changed) == {"one": NOW, "two": LATER}
    again = update_managers(changed, {**changed, "data": {"x": "9", "y": "3"}}, manager="two", now=LATER)
    assert owners(again)["two"] == {"f:data": {"f:x": {}, "f:y": {}}}


def test_a_removed_field_is_nobodys() -> None:
    made = update_managers(None, config_map(x="1", y="2"), manager="one", now=NOW)
    gone = update_managers(made, {**made, "data": {"x": "1"}}, manager="two", now=LATER)
    assert owners(gone) == {"one": {"f:data": {".": {}, "f:x": {}}}}
    assert times(gone) == {"one": NOW}


def test_a_write_that_changes_nothing_keeps_the_times() -> None:
    made = update_managers(None, config_map(x="1"), manager="one", now=NOW)
    assert update_managers(made, made, manager="one", now=LATER) == made


def test_a_typed_object_always_has_its_parts_so_nobody_owns_their_being_there() -> None:
    app = {"name": "app", "image": "i", "ports": [{"containerPort": 80, "protocol": "TCP"}], "resources": {}}
    made = update_managers(None, deployment(app, replicas=1), manager="one", now=NOW)
    port = {".": {}, "f:containerPort": {}, "f:protocol": {}}
    ports = {".": {}, 'k:{"containerPort":80,"protocol":"TCP"}': port}
    container = {".": {}, "f:image": {}, "f:name": {}, "f:ports": ports, "f:resources": {}}
    spec = {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {'k:{"name":"app"}': container}}}}
    assert owners(made) == {"one": {"f:spec": spec}}


def test_only_the_ten_newest_update_entries_are_kept_apart() -> None:
    live = update_managers(None, config_map(first="1"), manager="m00", now=NOW)
    for number in range(1, 14):
        data = {**live["data"], f"k{number:02}": "1"}
        live = update_managers(live, {**live, "data": data}, manager=f"m{number:02}", now=f"2024-01-01T00:{number:02}:00Z")
    assert sorted(owners(live)) == ["ancient-changes", *(f"m{number:02}" for number in range(5, 14))]
    assert owners(live)["ancient-changes"]["f:data"].keys() == {".", "f:first", "f:k01", "f:k02", "f:k03", "f:k04"}
    assert times(live)["ancient-changes"] == "2024-01-01T00:04:00Z"


def test_an_object_that_was_never_tracked_stays_so_until_it_is_applied(apply: Apply) -> None:
    live = config_map(x="1")
    assert "managedFields" not in update_managers(live, config_map(x="2"), manager="one", now=NOW)["metadata"]
    with pytest.raises(ApplyConflict, match=r'conflict with "before-first-apply" using v1: .data.x'):
        apply(live, config_map(x="2"))
    assert owners(apply(live, config_map(x="1")))["before-first-apply"] == {"f:data": {".": {}, "f:x": {}}}


def test_a_writer_may_clear_managed_fields_but_not_lose_them() -> None:
    made = update_managers(None, config_map(x="1"), manager="one", now=NOW)
    assert owners(update_managers(made, config_map(x="1"), manager="two", now=LATER)) == owners(made)
    assert owners(update_managers(made, config_map({"managedFields": [{}]}, x="1"), manager="two", now=LATER)) == {}


def test_a_kept_value_that_is_given_up_stays_with_its_other_owner(apply: Apply) -> None:
    both = apply(apply(None, config_map(x="1", y="2"), "one"), config_map(x="1"), "two")
    left = apply(both, config_map(y="2"), "one", now=LATER)
    assert left["data"] == {"x": "1", "y": "2"}
    assert owners(left) == {"one": {"f:data": {"f:y": {}}}, "two": {"f:data": {"f:x": {}}}}
    assert times(left)["one"] == NOW


def test_conflicts_with_several_owners_are_named_owner_by_owner(apply: Apply) -> None:
    live = apply(apply(None, config_map(x="1"), "one"), config_map(y="2"), "two")
    live = update_managers(live, {**live, "data": {**live["data"], "z": "3"}}, manager="hand", subresource="", now=NOW)
    with pytest.raises(ApplyConflict) as raised:
        apply(live, config_map(x="9", y="9", z="9"), "three")
    assert str(raised.value) == (
        "Apply failed with 3 conflicts: "
        'conflicts with "hand" using v1:\n- .data.z\nconflicts with "one":\n- .data.x\nconflicts with "two":\n- .data.y'
    )
    assert [(cause.manager, cause.path) for cause in raised.value.causes] == [("hand", ".data.z"), ("one", ".data.x"), ("two", ".data.y")]


def test_the_status_is_applied_and_owned_apart(apply: Apply) -> None:
    live = apply(None, deployment(replicas=1) | {"status": {"replicas": 7}})
    assert "status" not in live
    status = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {"replicas": 9}, "status": {"replicas": 1}}
    shown = apply(live, status, "one", subresource="status")
    assert (shown["spec"]["replicas"], shown["status"]) == (1, {"replicas": 1})
    assert [(entry.get("subresource"), entry["fieldsV1"].keys()) for entry in shown["metadata"]["managedFields"]] == [
        (None, {"f:spec"}),
        ("status", {"f:status"}),
    ]
    written = update_managers(live, {**live, "status": {"replicas": 1}}, manager="one", subresource="status", now=NOW)
    with pytest.raises(ApplyConflict, match=r'conflict with "one" with subresource "status" using apps/v1: .status.replicas'):
        apply(written, {**status, "status": {"replicas": 2}}, "two", subresource="status")


def test_an_item_goes_with_all_that_was_filled_in_below_it(apply: Apply) -> None:
    live = apply(None, deployment({"name": "app", "image": "1"}, {"name": "side", "image": "2"}))
    containers = [{**each, "imagePullPolicy": "Always"} for each in live["spec"]["template"]["spec"]["containers"]]
    live["spec"]["template"]["spec"]["containers"] = containers
    left = apply(live, deployment({"name": "app", "image": "1"}))
    assert left["spec"]["template"]["spec"]["containers"] == [{"name": "app", "image": "1", "imagePullPolicy": "Always"}]


@pytest.mark.parametrize(
    ("live", "applied", "merged"),
    [
        ("abc", "c", "abc"),
        ("abc", "cx", "abcx"),
        ("abc", "xc", "abxc"),
        ("abc", "ca", "bca"),
        ("ab", "xy", "abxy"),
        ("abc", "bax", "bcax"),
        ("", "ba", "ba"),
    ],
)
def test_applied_items_stand_in_the_applied_order(live: str, applied: str, merged: str, apply: Apply) -> None:
    first = apply(None, deployment(*({"name": name} for name in live)), "one") if live else None
    both = apply(first, deployment(*({"name": name} for name in applied)), "two")
    assert "".join(each["name"] for each in both["spec"]["template"]["spec"]["containers"]) == merged


def test_an_item_without_its_key_is_refused(apply: Apply) -> None:
    with pytest.raises(NotTyped, match=r'containers: element 0: .* omits key field "name"'):
        apply(None, deployment({"image": "1"}))


def test_a_null_is_owned_and_no_value(apply: Apply) -> None:
    live = apply(None, deployment({"name": "app"}, replicas=2))
    nulled = apply(live, deployment({"name": "app"}, replicas=None))
    assert "replicas" not in nulled["spec"]
    assert owners(nulled)["one"]["f:spec"]["f:replicas"] == {}
    assert apply(None, config_map(x=None))["data"] == {"x": ""}


def test_a_custom_resource_merges_as_its_schema_says() -> None:
    rules = {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "items": {"type": "object", "properties": {"name": {"type": "string"}, "hosts": {"type": "array", "items": {"type": "string"}}}},
    }
    facts = facts_from_openapi({"type": "object", "properties": {"spec": {"type": "object", "properties": {"rules": rules}}}})

    def gateway(*rules: dict[str, Any]) -> dict[str, Any]:
        return {"apiVersion": "example.com/v1", "kind": "Gateway", "metadata": {"name": "a"}, "spec": {"rules": list(rules)}}

    one = gateway({"name": "a", "hosts": ["x", "y"]})
    live = apply_patch(None, one, manager="one", force=False, subresource="", now=NOW, facts=facts)
    both = apply_patch(live, gateway({"name": "b"}), manager="two", force=False, subresource="", now=NOW, facts=facts)
    assert [rule["name"] for rule in both["spec"]["rules"]] == ["a", "b"]
    assert owners(both)["one"] == {"f:spec": {"f:rules": {'k:{"name":"a"}': {".": {}, "f:hosts": {}, "f:name": {}}}}}
    with pytest.raises(ApplyConflict, match=r'.spec.rules\[name="a"\].hosts'):
        apply_patch(both, gateway({"name": "a", "hosts": ["z"]}), manager="two", force=False, subresource="", now=NOW, facts=facts)


def test_without_a_schema_every_list_is_one_piece(apply: Apply) -> None:
    def thing(*names: str) -> dict[str, Any]:
        spec = {"items": [{"name": name} for name in names]}
        return {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a", "finalizers": list(names)}, "spec": spec}

    live = apply(None, thing("a"), "one")
    assert owners(live)["one"]["f:spec"] == {".": {}, "f:items": {}}
    forced = apply(live, thing("b"), "two", force=True)
    assert forced["spec"] == {"items": [{"name": "b"}]}
    assert forced["metadata"]["finalizers"] == ["a", "b"]
    assert owners(forced)["one"] == {"f:metadata": {"f:finalizers": {'v:"a"': {}}}, "f:spec": {}}


def test_an_item_goes_with_its_owner_though_another_changed_a_field_of_it(apply: Apply) -> None:
    live = apply(None, deployment({"name": "app", "image": "1"}, {"name": "side", "image": "2"}), "one")
    containers = [{"name": "app", "image": "1"}, {"name": "side", "image": "9"}]
    edited = update_managers(live, deployment(*containers) | {"metadata": live["metadata"]}, manager="hand", now=NOW)
    side = {'k:{"name":"side"}': {"f:image": {}}}
    assert owners(edited)["hand"] == {"f:spec": {"f:template": {"f:spec": {"f:containers": side}}}}
    left = apply(edited, deployment({"name": "app", "image": "1"}), "one")
    assert left["spec"]["template"]["spec"]["containers"] == [{"name": "app", "image": "1"}]
    assert "hand" not in owners(left)
