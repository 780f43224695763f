"""Custom kinds: what their schema fills in, takes out and refuses; and how definitions begin and end."""

from __future__ import annotations

from typing import Any

import pytest

PATH = "/apis/example.com/v1/namespaces/default/widgets"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SPEC: dict[str, Any] = {
    "type": "object",
    "properties": {
        "size": {"type": "integer", "default": 2, "minimum": 1},
        "mode": {"type": "string", "enum": ["a", "b"]},
        "rules": {"type": "array", "items": {"type": "object", "properties": {"port": {"type": "integer"}}}},
        "any": {"oneOf": [{"required": ["x"]}, {"required": ["y"]}], "type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
    "x-kubernetes-validations": [{"rule": "self.size >= oldSelf.size", "message": "it may not shrink"}],
}


def definition(spec: dict[str, Any] | None = None, **names: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"spec": spec or SPEC}}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
    }
    plural = names.get("plural", "widgets")
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget", **names},
            "versions": [version],
        },
    }


def widget(spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w", **metadata}, "spec": spec}


@pytest.fixture
async def defined(world: Any) -> Any:
    assert (await world.ask("POST", DEFINITIONS, definition())).status == 201
    return world


async def test_defaults_are_filled_in_and_unknown_fields_taken_out_with_a_warning(defined: Any) -> None:
    answer = await defined.ask("POST", PATH, widget({"rules": [{"port": 1, "x": 2}]}))
    assert answer.headers["Warning"] == '299 - "unknown field \\"spec.rules[0].x\\""'
    assert (await defined.body("GET", f"{PATH}/w"))["spec"] == {"rules": [{"port": 1}], "size": 2}


@pytest.mark.parametrize(
    ("spec", "field"),
    [({"size": "x"}, "spec.size"), ({"size": 0}, "spec.size"), ({"mode": "c"}, "spec.mode"), ({"any": {}}, "spec.any")],
)
async def test_what_breaks_the_schema_is_refused_with_its_field(defined: Any, spec: dict[str, Any], field: str) -> None:
    answer = await defined.body("POST", PATH, widget(spec))
    assert answer["code"] == 422
    assert answer["details"]["causes"][0]["field"] == field


async def test_a_rule_about_changes_is_asked_of_changes_only(defined: Any) -> None:
    assert (await defined.ask("POST", PATH, widget({"size": 5}))).status == 201
    headers = {"content-type": "application/merge-patch+json"}
    refused = await defined.body("PATCH", f"{PATH}/w", {"spec": {"size": 4}}, headers=headers)
    assert refused["details"]["causes"][0]["message"] == "Invalid value: it may not shrink"
    assert (await defined.ask("PATCH", f"{PATH}/w", {"spec": {"size": 6}}, headers=headers)).status == 200


async def test_an_object_that_a_stricter_schema_forbids_can_still_be_changed_elsewhere(defined: Any) -> None:
    assert (await defined.ask("POST", PATH, widget({"size": 5, "mode": "a"}))).status == 201
    stricter = {**SPEC, "properties": {**SPEC["properties"], "mode": {"type": "string", "enum": ["z"]}}}
    headers = {"content-type": "application/merge-patch+json"}
    changed = {"spec": {"versions": definition(stricter)["spec"]["versions"]}}
    assert (await defined.ask("PATCH", f"{DEFINITIONS}/widgets.example.com", changed, headers=headers)).status == 200
    assert (await defined.ask("PATCH", f"{PATH}/w", {"spec": {"size": 6}}, headers=headers)).status == 200
    assert (await defined.ask("PATCH", f"{PATH}/w", {"spec": {"mode": "b"}}, headers=headers)).status == 422


async def test_an_applied_field_that_the_schema_does_not_have_is_refused(defined: Any) -> None:
    headers = {"content-type": "application/apply-patch+yaml"}
    refused = await defined.body("PATCH", f"{PATH}/w", widget({"nope": 1}), headers=headers, fieldManager="m")
    assert (refused["code"], ".spec.nope: field not declared in schema" in refused["message"]) == (500, True)


async def test_a_definition_waits_for_the_last_of_its_objects(defined: Any) -> None:
    await defined.ask("POST", PATH, widget({}, finalizers=["example.com/hold"]))
    ended = await defined.body("DELETE", f"{DEFINITIONS}/widgets.example.com")
    assert ended["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    assert (await defined.body("POST", PATH, widget({}, name="v")))["code"] == 405
    headers = {"content-type": "application/merge-patch+json"}
    await defined.ask("PATCH", f"{PATH}/w", {"metadata": {"finalizers": None}}, headers=headers)
    assert (await defined.ask("GET", f"{DEFINITIONS}/widgets.example.com")).status == 404
    assert (await defined.ask("GET", PATH)).status == 404


async def test_names_that_are_taken_are_given_once_their_holder_is_gone(defined: Any) -> None:
    await defined.ask("POST", DEFINITIONS, definition(plural="gizmos", singular="gizmo"))
    assert (await defined.ask("GET", PATH.replace("widgets", "gizmos"))).status == 404
    await defined.ask("DELETE", f"{DEFINITIONS}/widgets.example.com")
    assert (await defined.ask("GET", PATH.replace("widgets", "gizmos"))).status == 200


async def test_a_table_has_the_columns_of_the_definition(defined: Any) -> None:
    await defined.ask("POST", PATH, widget({"size": 7}))
    shown = await defined.body("GET", PATH, headers={"accept": "application/json;as=Table;g=meta.k8s.io;v=v1"})
    assert [column["name"] for column in shown["columnDefinitions"]] == ["Name", "Size"]
    assert shown["rows"][0]["cells"] == ["w", 7]


async def test_a_schema_without_types_is_refused(world: Any) -> None:
    refused = await world.body("POST", DEFINITIONS, definition({"properties": {"a": {"type": "string"}}}))
    assert refused["details"]["causes"][0]["field"].endswith("properties[spec].type")


async def test_a_default_that_came_later_stands_in_what_was_stored_before(world: Any) -> None:
    name, odds = "odds.example.com", "/apis/example.com/v1/namespaces/default/odds"
    schema: dict[str, Any] = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"a": {"type": "string"}}}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    spec = {"group": "example.com", "scope": "Namespaced", "names": {"plural": "odds", "kind": "Odd"}, "versions": [version]}
    definition = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": name}, "spec": spec}
    await world.server.create(definition)
    await world.body("POST", odds, {"apiVersion": "example.com/v1", "kind": "Odd", "metadata": {"name": "o"}, "spec": {}})
    assert (await world.body("GET", f"{odds}/o"))["spec"] == {}
    later = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"a": {"type": "string", "default": "x"}}}}}
    versions = [{**version, "schema": {"openAPIV3Schema": later}}]
    await world.server.patch("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", name, {"spec": {"versions": versions}})
    assert (await world.body("GET", f"{odds}/o"))["spec"] == {"a": "x"}
    assert (await world.body("GET", odds))["items"][0]["spec"] == {"a": "x"}
