"""What a real API server answered, at the level of the two functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fleetd.kubeapi.apply import ApplyConflict, ManagedFieldsGiven, NotTyped, apply_patch, update_managers

VECTORS = Path(__file__).parent.parent / "kubeapi" / "vectors"
NOW = "2024-01-01T00:00:00Z"
FILES = ("conflict", "create-noop", "lists", "metadata", "service-ports")


def owners(obj: dict[str, Any]) -> list[str]:
    entries = obj["metadata"].get("managedFields", ())
    return sorted(json.dumps({name: value for name, value in entry.items() if name != "time"}, sort_keys=True) for entry in entries)


def as_applied(obj: dict[str, Any]) -> dict[str, Any]:
    """The object without what the server keeps."""
    kept = ("managedFields", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp")
    return {**obj, "metadata": {name: value for name, value in obj["metadata"].items() if name not in kept}}


def covered(expected: Any, said: Any) -> bool:
    """Whether an answer holds all that was said; a server's defaults come on top of it."""
    if isinstance(said, dict):
        return isinstance(expected, dict) and all(name in expected and covered(expected[name], each) for name, each in said.items())
    if isinstance(said, list):
        return len(expected) == len(said) and all(map(covered, expected, said))
    return expected == said


def write(live: dict[str, Any] | None, request: dict[str, Any]) -> dict[str, Any]:
    query, body = request.get("query", {}), request["body"]
    if "apply-patch" in request["headers"]["Content-Type"]:
        return apply_patch(live, body, manager=query["fieldManager"], force=query.get("force") == "true", subresource="", now=NOW)
    patched = {**(live or body), "data": {**(live or {}).get("data", {}), **body["data"]}}
    return update_managers(live, patched, manager=query.get("fieldManager", "vectors"), now=NOW)


@pytest.mark.parametrize("file", FILES)
def test_the_functions_answer_as_a_real_server_did(file: str) -> None:
    stored: dict[str, dict[str, Any]] = {}
    replayed = 0
    for step in json.loads((VECTORS / f"apply-{file}.json").read_bytes())["steps"]:
        request, response = step["request"], step["response"]
        path = request["path"]
        if request["method"] == "DELETE":
            del stored[path]
        if request["method"] not in ("PATCH", "POST"):
            continue
        expected = response["body"]
        live = stored.get(path)
        replayed += 1
        if response["status"] >= 400:
            with pytest.raises((ApplyConflict, NotTyped)) as raised:
                write(live, request)
            assert str(raised.value) == expected["message"]
            causes = [(cause.message, cause.path) for cause in getattr(raised.value, "causes", ())]
            assert causes == [(cause["message"], cause["field"]) for cause in expected.get("details", {}).get("causes", ())]
            continue
        merged = write(live, request)
        assert owners(merged) == owners(expected), step["name"]
        shown, answered = as_applied(merged), as_applied(expected)
        assert shown == answered if expected["kind"] == "ConfigMap" else covered(answered, shown), step["name"]
        stored[path] = expected
    assert replayed >= 4


def test_a_configuration_with_managed_fields_is_refused() -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "managedFields": [{"manager": "x"}]}}
    with pytest.raises(ManagedFieldsGiven, match=r"^metadata\.managedFields must be nil$"):
        apply_patch(None, config, manager="one", force=False, subresource="", now=NOW)
