"""JSON patches (RFC 6902) and merge patches (RFC 7386), as the Kubernetes API applies them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from fleetd.kubeapi.refusals import bad_request, rejected_patch
from fleetd.kubeapi.typed import json_type

OPERATIONS = 10_000
COPIED = 3 * 1024 * 1024
"""Bytes that the copies of one patch may add up to; each could double what is there."""


def merged(live: Any, patch: Any) -> Any:
    """A merge patch carried out on a copy; null takes a key out."""
    if not isinstance(patch, dict):
        return patch
    result = dict(live) if isinstance(live, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def json_patched(live: dict[str, Any], operations: Any) -> dict[str, Any]:
    """The operations carried out on `live` itself, which must be a copy. Raises ApiRefusal (400: no list; 422: one that fails)."""
    if not isinstance(operations, list):
        said = json_type(operations)
        raise bad_request(f"error decoding patch: json: cannot unmarshal {said} into Go value of type []handlers.jsonPatchOp")
    if len(operations) > OPERATIONS:
        raise bad_request(f"the allowed maximum operations in a JSON patch is {OPERATIONS}, got {len(operations)}")
    for operation in operations:
        _refuse_form(operation)
    document: Any = {"": live}
    copied = 0
    for operation in operations:
        name = operation.get("op") if isinstance(operation, dict) else None
        carry_out = CARRY_OUT.get(name) if isinstance(name, str) else None
        if carry_out is None:
            raise rejected_patch()
        if name == "copy":
            copied += len(orjson.dumps(_at(document, _path(operation, "from"))))
            if copied > COPIED:
                raise rejected_patch()
        carry_out(document, operation)
    found = document.get("")
    if not isinstance(found, dict):
        raise rejected_patch()
    return found


def touched(operations: list[Any]) -> dict[str, Any]:
    """The objects that a JSON patch goes through, as a tree of their keys."""
    found: dict[str, Any] = {}
    for operation in operations:
        for key in ("path", "from"):
            steps = str((operation or {}).get(key) or "").split("/")[1:-1]
            here = found
            for step in steps:
                here = here.setdefault(step.replace("~1", "/").replace("~0", "~"), {})
    return found


def _refuse_form(operation: Any) -> None:
    """Raises ApiRefusal (400) for what does not have the form of an operation."""
    before = "error decoding patch: json: cannot unmarshal"
    if operation is not None and not isinstance(operation, dict):
        raise bad_request(f"{before} {json_type(operation)} into Go value of type handlers.jsonPatchOp")
    for key in ("op", "path", "from"):
        value = (operation or {}).get(key)
        if value is not None and not isinstance(value, str):
            raise bad_request(f"{before} {json_type(value)} into Go struct field jsonPatchOp.{key} of type string")


def _path(operation: dict[str, Any], key: str) -> list[str]:
    text = operation.get(key)
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise rejected_patch()
    return [step.replace("~1", "/").replace("~0", "~") for step in text.split("/")]


def _index(step: str, length: int) -> int:
    """A place in a list; a negative number counts from its end."""
    digits = step.removeprefix("-")
    if not digits.isdecimal() or len(digits) > 9:
        raise rejected_patch()
    place = int(step)
    place = place + length if place < 0 else place
    if not 0 <= place < length:
        raise rejected_patch()
    return place


def _at(document: Any, steps: list[str]) -> Any:
    for step in steps:
        if isinstance(document, dict) and step in document:
            document = document[step]
        elif isinstance(document, list):
            document = document[_index(step, len(document))]
        else:
            raise rejected_patch()
    return document


def _value(operation: dict[str, Any]) -> Any:
    if "value" not in operation:
        raise rejected_patch()
    return operation["value"]


def _put(document: Any, steps: list[str], value: Any) -> None:
    parent, last = _at(document, steps[:-1]), steps[-1]
    if isinstance(parent, dict):
        parent[last] = value
    elif isinstance(parent, list):
        parent.insert(len(parent) if last == "-" else _index(last, len(parent) + 1), value)
    else:
        raise rejected_patch()


def _take(document: Any, steps: list[str]) -> Any:
    parent, last = _at(document, steps[:-1]), steps[-1]
    if isinstance(parent, dict) and last in parent:
        return parent.pop(last)
    if isinstance(parent, list):
        return parent.pop(_index(last, len(parent)))
    raise rejected_patch()


def _add(document: Any, operation: dict[str, Any]) -> None:
    _put(document, _path(operation, "path"), _value(operation))


def _remove(document: Any, operation: dict[str, Any]) -> None:
    _take(document, _path(operation, "path"))


def _replace(document: Any, operation: dict[str, Any]) -> None:
    """A key of a map that is not there is added, as the API server does."""
    steps = _path(operation, "path")
    parent, last = _at(document, steps[:-1]), steps[-1]
    if isinstance(parent, dict):
        parent[last] = _value(operation)
    elif isinstance(parent, list):
        parent[_index(last, len(parent))] = _value(operation)
    else:
        raise rejected_patch()


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(inner) for key, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value


def _move(document: Any, operation: dict[str, Any]) -> None:
    begin, end = _path(operation, "from"), _path(operation, "path")
    if end[: len(begin)] == begin and len(end) > len(begin):
        raise rejected_patch()
    _put(document, end, _take(document, begin))


def _copy(document: Any, operation: dict[str, Any]) -> None:
    _put(document, _path(operation, "path"), _copied(_at(document, _path(operation, "from"))))


def _test(document: Any, operation: dict[str, Any]) -> None:
    if _at(document, _path(operation, "path")) != operation.get("value"):
        raise rejected_patch()


CARRY_OUT: dict[str, Callable[[Any, dict[str, Any]], None]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}
