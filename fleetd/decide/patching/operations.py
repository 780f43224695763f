"""JSON patches (RFC 6902) on one object, as kustomize carries them out, with sentences for what fails.

A `remove` whose path the object does not have asks for nothing. Unlike in the API server, `replace` needs something to replace.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from fleetd.domain.errors import EvaluationFailed
from fleetd.domain.objects import Manifest
from fleetd.kubeapi.patches import COPIED, OPERATIONS, json_patched
from fleetd.kubeapi.refusals import ApiRefusal

_SHOWN = 60
_TAKES_VALUE = ("add", "replace", "test")
_TAKES_FROM = ("move", "copy")
_NAMES = ("add", "remove", "replace", "move", "copy", "test")


class _Nothing:
    """Stands for what is not there."""


NOTHING = _Nothing()


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, whose form has been looked at; `body` is as it was written."""

    number: int
    name: str
    path: str
    body: Mapping[str, Any]


def read_operations(given: Sequence[Any]) -> tuple[Operation, ...]:
    """The operations of a patch.

    Raises:
        EvaluationFailed: one of them has not the form of an operation.
    """
    if len(given) > OPERATIONS:
        raise EvaluationFailed(f"it has {len(given)} operations, more than {OPERATIONS}")
    return tuple(_read(number, item) for number, item in enumerate(given, 1))


def _read(number: int, item: Any) -> Operation:
    if not isinstance(item, dict):
        raise EvaluationFailed(f"operation {number} is no mapping with op and path")
    name, path = item.get("op"), item.get("path")
    if name not in _NAMES:
        raise EvaluationFailed(f"operation {number}: op is {_shown(name)}; it must be one of {', '.join(_NAMES)}")
    needed = ("path", "from") if name in _TAKES_FROM else ("path",)
    for key in needed:
        if not isinstance(item.get(key), str) or (item[key] and not item[key].startswith("/")):
            raise EvaluationFailed(f"operation {number} ({name}): {key} must be a JSON pointer such as /metadata/labels")
    if name in _TAKES_VALUE and "value" not in item:
        raise EvaluationFailed(f"operation {number} ({name} {path}) has no value")
    return Operation(number, str(name), str(path), item)


def carry_out(manifest: Manifest, operations: Sequence[Operation], *, secretive: bool = False) -> Manifest:
    """The object after all of them; what was given is not changed.

    Args:
        secretive: what is found is not said.

    Raises:
        EvaluationFailed: one of them cannot be carried out; the sentence names it.
    """
    asked = [one for one in operations if one.name != "remove" or value_at(manifest, one.path) is not NOTHING]
    now: Manifest = copy.deepcopy(manifest)
    copied = 0
    for one in asked:
        _possible(now, one, secretive=secretive)
        if one.name == "copy":
            copied += len(orjson.dumps(value_at(now, str(one.body["from"]))))
            if copied > COPIED:
                raise EvaluationFailed(f"operation {one.number} ({one.name} {one.path}): the copies add up to more than {COPIED} bytes")
        try:
            now = json_patched(now, [copy.deepcopy(dict(one.body))])
        except (ApiRefusal, RecursionError) as error:
            raise EvaluationFailed(f"operation {one.number} ({one.name} {one.path}): it does not fit the object") from error
    return now


def _possible(now: Manifest, one: Operation, *, secretive: bool) -> None:
    said = f"operation {one.number} ({one.name} {one.path})"
    found = value_at(now, one.path)
    source = one.body.get("from")
    if one.name in _TAKES_FROM and value_at(now, str(source)) is NOTHING:
        raise EvaluationFailed(f"{said}: there is nothing at {source}")
    if one.name == "test" and (found is NOTHING or not _equal(found, one.body["value"])):
        there = "there is nothing" if found is NOTHING else "something else is there" if secretive else f"{_shown(found)} is there"
        raise EvaluationFailed(f"{said} failed: {there}" + ("" if secretive else f", not {_shown(one.body['value'])}"))
    if one.name in ("replace", "remove") and found is NOTHING:
        raise EvaluationFailed(f"{said}: there is nothing at {one.path}")
    if one.name in ("add", "move", "copy") and one.path:
        parent = one.path.rpartition("/")[0]
        if not isinstance(value_at(now, parent), dict | list):
            raise EvaluationFailed(f"{said}: there is no mapping or list at {parent or '/'} to put it into")


def _equal(one: Any, other: Any) -> bool:
    """True is not 1; 1 is 1.0, as in JSON."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other)


def steps_of(pointer: str) -> list[str]:
    """The keys of a JSON pointer from the top."""
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def value_at(value: Any, pointer: str) -> Any:
    """What a JSON pointer leads to, or NOTHING."""
    for step in steps_of(pointer):
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isascii() and step.isdigit() and len(step) < 9 and int(step) < len(value):
            value = value[int(step)]
        else:
            return NOTHING
    return value


def _shown(value: Any) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
