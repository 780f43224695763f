"""A script's result, held against its place's contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleetd.domain.errors import EvaluationFailed
from fleetd.scripts.places import Contract, Field, Kind

_TYPES: Mapping[Kind, type[Any]] = {Kind.BOOL: bool, Kind.TEXT: str, Kind.OBJECT: dict, Kind.OBJECTS: list, Kind.RECORDS: list}


def shaped(contract: Contract, value: Any) -> Any:
    """The result with every field of the contract and no other.

    Raises:
        EvaluationFailed: a field holds something else than the contract says.
    """
    if not contract.listed:
        return _record(contract.result, value, "")
    return [_record(contract.result, entry, f"[{index}]") for index, entry in enumerate(_as_list(value, "the result"), 1)]


def _record(fields: Mapping[str, Field], value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        # A table with whole numbers for keys came as a list; it has none of the names.
        if value and isinstance(value, list) and not path:
            return {name: _field(field, None, name) for name, field in fields.items()}
        if value:
            raise EvaluationFailed(f"{path or 'the result'} is not a table with names")
        value = {}
    folded = {key.lower(): element for key, element in value.items()}
    return {
        name: _field(field, value[name] if name in value else folded.get(name.lower()), f"{path}.{name}" if path else name)
        for name, field in fields.items()
    }


def _field(field: Field, value: Any, path: str) -> Any:
    if value is None:
        return _TYPES[field.kind]()
    if field.kind in (Kind.OBJECTS, Kind.RECORDS):
        value = _as_list(value, path)
    if field.kind is Kind.OBJECT and value == []:
        value = {}
    if not isinstance(value, _TYPES[field.kind]):
        raise EvaluationFailed(f"the result's {path} is not {field.kind.value}")
    if field.kind is Kind.OBJECTS and not all(isinstance(entry, dict) for entry in value):
        raise EvaluationFailed(f"the result's {path} is not a list of objects")
    if field.kind is Kind.RECORDS:
        return [_record(field.fields or {}, entry, f"{path}[{index}]") for index, entry in enumerate(value, 1)]
    return value


def _as_list(value: Any, path: str) -> list[Any]:
    """Lua has one empty table for both; holes in a list are no entries."""
    if isinstance(value, dict) and not value:
        return []
    if not isinstance(value, list):
        raise EvaluationFailed(f"{path} is not a list")
    return [entry for entry in value if entry is not None]
