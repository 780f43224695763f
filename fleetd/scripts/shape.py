"""A script's result, held against its place's contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fleetd.domain.errors import EvaluationFailed
from fleetd.scripts.places import Contract, Field, Kind

_TYPES: Mapping[Kind, type[Any]] = {Kind.BOOL: bool, Kind.TEXT: str, Kind.OBJECT: dict, Kind.OBJECTS: list, Kind.RECORDS: list}
_WORDS: Mapping[type[Any], str] = {bool: "a boolean", str: "a text", int: "a number", float: "a number", dict: "a table", list: "a list"}
_MESSAGE = "message"


class _Wrong(Exception):
    """A field holds something else than the contract says."""


def shaped(contract: Contract, value: Any, message_characters: int) -> Any:
    """The result with every field of the contract and no other.

    Raises:
        EvaluationFailed: it has another shape; the text says which is right.
    """
    try:
        if not contract.listed:
            return _record(contract.result, value, "", message_characters)
        entries = _as_list(value, "the result")
        return [
            _record(contract.result, entry, f"entry {index} of the result", message_characters) for index, entry in enumerate(entries, 1)
        ]
    except _Wrong as wrong:
        raise EvaluationFailed(f"{wrong}; evaluate() must return {contract.example} here") from wrong


def hint(contract: Contract, names: Sequence[str], others: Sequence[str]) -> str:
    """A sentence where the field that decides is missing from the result's `names` and it has `others`; empty otherwise."""
    if not others or contract.listed:
        return ""
    deciding = next(iter(contract.result))
    if deciding in {name.lower() for name in names}:
        return ""
    return f"the result has {', '.join(others)} and no {deciding}; evaluate() returns {contract.example} here"


def _record(fields: Mapping[str, Field], value: Any, path: str, message_characters: int) -> dict[str, Any]:
    if not isinstance(value, dict):
        if value:
            raise _Wrong(f"{path or 'the result'} is {_word(value)} and not a table with names")
        value = {}
    folded = {key.lower(): element for key, element in value.items()}
    for name, field in fields.items():
        if field.required and folded.get(name.lower()) is None:
            raise _Wrong(f"{path or 'the result'} has no {name}")
    record = {
        name: _field(field, value[name] if name in value else folded.get(name.lower()), f"{path}.{name}" if path else name)
        for name, field in fields.items()
    }
    if len(record.get(_MESSAGE, "")) > message_characters:
        record[_MESSAGE] = record[_MESSAGE][: message_characters - 1] + "…"
    for name, field in fields.items():
        if field.kind is Kind.RECORDS:
            entries = enumerate(record[name], 1)
            record[name] = [_record(field.fields or {}, entry, f"{name}[{index}]", message_characters) for index, entry in entries]
    return record


def _field(field: Field, value: Any, path: str) -> Any:
    if value is None:
        return _TYPES[field.kind]()
    if field.kind in (Kind.OBJECTS, Kind.RECORDS):
        value = _as_list(value, path)
    if field.kind is Kind.OBJECT and value == []:
        value = {}
    if not isinstance(value, _TYPES[field.kind]):
        raise _Wrong(f"{path} is {_word(value)} and not {field.kind.value}")
    if field.among and value not in field.among:
        raise _Wrong(f"{path} is {_word(value)} and none of {', '.join(field.among)}")
    if field.kind is Kind.OBJECTS:
        _objects(value, path)
    return value


def _objects(entries: list[Any], path: str) -> None:
    for index, entry in enumerate(entries, 1):
        if not isinstance(entry, dict):
            raise _Wrong(f"{path}[{index}] is {_word(entry)} and not an object")
        if not isinstance(entry.get("kind"), str):
            raise _Wrong(f"{path}[{index}] has no kind, as an object of Kubernetes has")


def _as_list(value: Any, path: str) -> list[Any]:
    """Lua has one empty table for both; holes in a list are no entries."""
    if isinstance(value, dict) and not value:
        return []
    if not isinstance(value, list):
        raise _Wrong(f"{path} is {_word(value)} and not a list")
    return [entry for entry in value if entry is not None]


def _word(value: Any) -> str:
    if isinstance(value, str) and len(value) <= 20:
        return f'the text "{value}"'
    return _WORDS.get(type(value), "something else")
