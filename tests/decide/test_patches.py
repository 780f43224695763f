"""Patches on rendered objects, their targets, and what they say when they do not fit."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetd.decide.definitions import Target, compile_profile
from fleetd.decide.drift import drifted_fields, owned_digest
from fleetd.decide.exclusions import excluded, spared
from fleetd.decide.patching.operations import carry_out, read_operations
from fleetd.decide.patching.patches import apply_patches, read_patch
from fleetd.decide.patching.targets import compile_target
from fleetd.domain.errors import EvaluationFailed
from fleetd.domain.fieldset import FieldSet
from fleetd.domain.objects import Manifest
from fleetd.kubeapi.apply import apply_patch

DEPLOYMENT: Manifest = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}, "annotations": {"team": "blue"}},
    "spec": {
        "replicas": 1,
        "template": {
            "spec": {"containers": [{"name": "a", "image": "a:1", "env": [{"name": "X", "value": "1"}]}], "volumes": [{"name": "v"}]}
        },
    },
}
WIDGET: Manifest = {
    "apiVersion": "example.com/v1",
    "kind": "Widget",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"parts": [{"name": "a"}], "box": {"x": 1}},
}
ANY = Target()


def patched(text: str, *objects: Manifest, target: Target | None = ANY) -> tuple[Manifest, ...]:
    before = copy.deepcopy(objects)
    made = apply_patches(objects or (DEPLOYMENT,), [read_patch(text, target, "spec.patches[0]")])
    assert objects == before, "what is patched is not changed in place"
    return made.objects


def refused(text: str, *objects: Manifest, target: Target | None = ANY) -> str:
    with pytest.raises(EvaluationFailed) as caught:
        patched(text, *objects, target=target)
    return str(caught.value)


def merge(body: str) -> str:
    return f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: any}}\n{body}"


# Strategic merge.


def test_lists_with_merge_keys_are_merged_by_them() -> None:
    (made,) = patched(merge("spec: {template: {spec: {containers: [{name: a, env: [{name: Z, value: '2'}]}, {name: side, image: s}]}}}"))
    containers = {item["name"]: item for item in made["spec"]["template"]["spec"]["containers"]}
    assert containers["a"] == {"name": "a", "image": "a:1", "env": [{"name": "Z", "value": "2"}, {"name": "X", "value": "1"}]}
    assert containers["side"] == {"name": "side", "image": "s"}


def test_null_takes_a_field_out_and_a_directive_an_entry_of_a_list() -> None:
    (made,) = patched(merge("spec: {replicas: null, template: {spec: {volumes: [{name: v, $patch: delete}]}}}"))
    assert "replicas" not in made["spec"]
    assert made["spec"]["template"]["spec"]["volumes"] == []


def test_a_kind_without_a_schema_is_merged_as_json() -> None:
    text = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: web}\nspec: {parts: [{name: b}], box: {x: null, z: 2}}"
    (made,) = patched(text, WIDGET)
    assert made["spec"] == {"parts": [{"name": "b"}], "box": {"z": 2}}


def test_an_object_keeps_its_identity_whatever_a_merge_is_called() -> None:
    (made,) = patched("apiVersion: v9\nkind: Other\nmetadata: {name: other, namespace: elsewhere, labels: {more: 'yes'}}")
    assert (made["apiVersion"], made["kind"]) == ("apps/v1", "Deployment")
    assert made["metadata"] == {**DEPLOYMENT["metadata"], "labels": {"app": "web", "more": "yes"}}


def test_a_merge_may_take_the_object_out() -> None:
    assert patched(merge("$patch: delete")) == ()


def test_a_merge_without_a_target_is_for_the_object_that_it_names_or_else_for_all() -> None:
    named = patched("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, labels: {x: new}}", DEPLOYMENT, WIDGET, target=None)
    assert [item["metadata"].get("labels", {}).get("x") for item in named] == ["new", None]
    others = patched("apiVersion: v1\nkind: Any\nmetadata: {name: nobody, labels: {x: new}}", DEPLOYMENT, WIDGET, target=None)
    assert [item["metadata"]["labels"]["x"] for item in others] == ["new", "new"]


def test_what_is_no_patch_is_said_in_one_sentence() -> None:
    assert refused("kind: Deployment\nspec: {}") == (
        "spec.patches[0]: a strategic merge patch must carry metadata.name; a list of operations needs none"
    )
    assert refused("hello") == "spec.patches[0]: it is neither a strategic merge document nor a list of operations"
    assert refused("") == "spec.patches[0] holds no documents; a patch is one"
    assert refused("a: [") == "spec.patches[0]: line 2, column 1 of the patch: a value is missing here"
    assert refused(merge("spec: {template: {spec: {containers: [{image: i}]}}}")).startswith(
        "spec.patches[0] on Deployment.apps/shop/web: "
    )


# JSON6902.


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        ("{op: test, path: /spec/replicas, value: 2}", "operation 1 (test /spec/replicas) failed: 1 is there, not 2"),
        ("{op: test, path: /spec/paused, value: true}", "operation 1 (test /spec/paused) failed: there is nothing, not true"),
        ("{op: test, path: /spec/replicas, value: true}", "operation 1 (test /spec/replicas) failed: 1 is there, not true"),
        ("{op: replace, path: /spec/paused, value: true}", "operation 1 (replace /spec/paused): there is nothing at /spec/paused"),
        ("{op: add, path: /spec/a/b, value: 1}", "operation 1 (add /spec/a/b): there is no mapping or list at /spec/a to put it into"),
        ("{op: move, from: /spec/a, path: /spec/b}", "operation 1 (move /spec/b): there is nothing at /spec/a"),
        (
            "{op: add, path: /spec/template/spec/volumes/7, value: 1}",
            "operation 1 (add /spec/template/spec/volumes/7): it does not fit the object",
        ),
        ("{op: replace, path: /metadata/name, value: x}", "a patch may not change what the object is called, nor its kind"),
    ],
)
def test_an_operation_that_cannot_be_carried_out_says_which_and_why(operation: str, sentence: str) -> None:
    assert refused(f"- {operation}") == f"spec.patches[0] on Deployment.apps/shop/web: {sentence}"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[1]", "operation 1 is no mapping with op and path"),
        ('[{"op": "put", "path": "/a"}]', 'operation 1: op is "put"; it must be one of add, remove, replace, move, copy, test'),
        ('[{"op": "remove", "path": "a"}]', "operation 1 (remove): path must be a JSON pointer such as /metadata/labels"),
        ('[{"op": "add", "path": "/a"}]', "operation 1 (add /a) has no value"),
    ],
)
def test_an_operation_of_the_wrong_form_is_refused_before_anything_is_done(text: str, sentence: str) -> None:
    assert refused(text) == f"spec.patches[0]: {sentence}"


def test_removing_what_is_not_there_asks_for_nothing() -> None:
    (made,) = patched("[{op: remove, path: /spec/paused}, {op: replace, path: /spec/replicas, value: 2}]")
    assert made["spec"]["replicas"] == 2


def test_keys_with_slashes_and_tildes_are_found() -> None:
    made = carry_out({"a/b": {"c~d": 1}}, read_operations([{"op": "replace", "path": "/a~1b/c~0d", "value": 2}]))
    assert made == {"a/b": {"c~d": 2}}


def test_one_patch_on_two_objects_leaves_no_trace_of_the_first_in_the_second() -> None:
    text = "- {op: add, path: /spec/extra, value: {}}\n- {op: add, path: /spec/extra/x, value: 1}"
    one, other = patched(text, DEPLOYMENT, WIDGET)
    one["spec"]["extra"]["x"] = 2
    assert other["spec"]["extra"] == {"x": 1}


def test_copies_that_double_an_object_again_and_again_are_refused() -> None:
    grow = [{"op": "copy", "from": "/spec", "path": f"/spec/x{number}"} for number in range(40)]
    with pytest.raises(EvaluationFailed, match="the copies add up to more than"):
        carry_out(DEPLOYMENT, read_operations(grow))


def test_a_secrets_contents_are_not_in_the_sentence() -> None:
    secret: Manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"key": "aHVudGVyMg=="}}
    said = refused("- {op: test, path: /data/key, value: Z3Vlc3M=}", secret)
    assert said == "spec.patches[0] on Secret//s: operation 1 (test /data/key) failed: something else is there"


# Targets.


@pytest.mark.parametrize(
    ("target", "hit"),
    [
        (Target(kind="Deploy"), True),
        (Target(kind="^eploy"), False),
        (Target(group="^apps$", version="v1", namespace="sho", name="w.b"), True),
        (Target(group="^$"), False),
        (Target(name="^(we|api)$"), False),
        (Target(labels="app in (web,api),!gone"), True),
        (Target(labels="app!=web"), False),
        (Target(annotations="team=blue"), True),
        (Target(annotations="team=red"), False),
        (Target(), True),
    ],
)
def test_a_target_is_regular_expressions_and_selectors(target: Target, hit: bool) -> None:
    assert compile_target(target)(DEPLOYMENT) is hit


@pytest.mark.parametrize(
    ("target", "named"), [(Target(kind="("), "target.kind '('"), (Target(labels="a in"), "target.labelSelector 'a in'")]
)
def test_a_target_that_cannot_be_read_is_named(target: Target, named: str) -> None:
    assert named in refused("[]", target=target)


def test_a_hostile_expression_takes_no_time() -> None:
    target = Target(name="(a+)+$")
    hostile = {**WIDGET, "metadata": {"name": "a" * 5000 + "!"}}
    assert compile_target(target)(hostile) is False


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
OPERATION = st.fixed_dictionaries(
    {
        "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]),
        "path": st.sampled_from(["", "/", "/a", "/a/0", "/a/-", "/b/c", "/~1"]),
        "from": st.sampled_from(["", "/a", "/b"]),
        "value": JSON,
    }
)


@given(st.dictionaries(st.sampled_from("abc"), JSON, max_size=3), st.lists(OPERATION, max_size=6))
def test_whatever_the_operations_the_object_is_not_changed_and_only_our_error_comes(obj: dict[str, Any], operations: list[Any]) -> None:
    before = copy.deepcopy(obj)
    given_operations = copy.deepcopy(operations)
    with suppress(EvaluationFailed):
        assert isinstance(carry_out(obj, read_operations(operations)), dict)
    assert obj == before
    assert operations == given_operations


# What is left to others.


def profile(*paths: str) -> Any:
    spec = {"syncMode": "ContinuousWithDriftDetection", "driftExclusions": [{"paths": list(paths), "target": {"kind": "Deployment"}}]}
    return compile_profile(
        {"apiVersion": "config.projectsveltos.io/v1beta1", "kind": "ClusterProfile", "metadata": {"name": "p"}, "spec": spec}
    )


def applied(live: Manifest | None, manifest: Manifest, manager: str = "fleetd") -> Manifest:
    return apply_patch(live, copy.deepcopy(manifest), manager=manager, force=True, subresource="", now="2030-01-01T12:00:00Z")


@pytest.mark.parametrize(
    "path", ["/spec/replicas", "/spec/template/spec/containers/0/image", "/spec/template/spec/containers/0", "/metadata/labels"]
)
def test_a_change_below_an_excluded_path_is_no_drift_and_any_other_is(path: str) -> None:
    paths = excluded(profile(path), DEPLOYMENT)
    ours = applied(None, DEPLOYMENT)
    theirs: Manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}}
    taken = {
        "/spec/replicas": {"spec": {"replicas": 9}},
        "/metadata/labels": {"metadata": {**theirs["metadata"], "labels": {"app": "other"}}},
    }.get(path, {"spec": {"template": {"spec": {"containers": [{"name": "a", "image": "a:9"}]}}}})
    changed = applied(ours, {**theirs, **taken}, "scaler")
    fields = ours["metadata"]["managedFields"][0]["fieldsV1"]
    assert owned_digest(changed) != owned_digest(ours)
    assert owned_digest(changed, excluded=paths) == owned_digest(ours, excluded=paths)
    assert not drifted_fields(changed, DEPLOYMENT, json.dumps(fields), paths)
    worse = applied(changed, {**theirs, "metadata": {**theirs["metadata"], "annotations": {"team": "red"}}}, "somebody")
    assert owned_digest(worse, excluded=paths) != owned_digest(ours, excluded=paths)


def test_a_later_apply_says_what_is_there_where_the_field_is_ours_and_else_nothing() -> None:
    ours = applied(None, DEPLOYMENT)
    fields = FieldSet.from_fields_v1(ours["metadata"]["managedFields"][0]["fieldsV1"])
    wanted = {**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], "replicas": 5}}
    assert spared(wanted, ours, fields, ("/spec/replicas",))["spec"]["replicas"] == 1
    assert "replicas" not in spared(wanted, ours, FieldSet(), ("/spec/replicas",))["spec"]
    assert wanted["spec"]["replicas"] == 5


def test_exclusions_count_where_drift_is_corrected_only() -> None:
    spec = {"driftExclusions": [{"paths": ["/spec"]}]}
    continuous = compile_profile(
        {"apiVersion": "config.projectsveltos.io/v1beta1", "kind": "ClusterProfile", "metadata": {"name": "p"}, "spec": spec}
    )
    assert excluded(continuous, DEPLOYMENT) == ()
    assert excluded(profile("/spec"), WIDGET) == ()
