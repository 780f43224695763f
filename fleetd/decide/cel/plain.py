"""Values of the language as JSON."""

from __future__ import annotations

import base64
from typing import Any

from fleetd.decide.cel.times import duration_text, timestamp_text
from fleetd.decide.cel.values import Duration, Maybe, Table, Timestamp, UInt, type_name
from fleetd.domain.errors import EvaluationFailed


def to_json(value: Any) -> Any:
    """The value as JSON has it: numbers are numbers, times are text, an absent optional is null, keys are text.

    Raises:
        EvaluationFailed: a value that JSON cannot say, such as a type.
    """
    match value:
        case None | bool() | int() | float() | str():
            return value
        case UInt():
            return value.value
        case list():
            return [to_json(item) for item in value]
        case dict():
            return {key: to_json(item) for key, item in value.items()}
        case Table():
            return {_json_key(key): to_json(item) for key, item in value.entries.values()}
        case Maybe():
            return to_json(value.value) if value.present else None
        case _:
            return _text_of(value)


def _json_key(key: Any) -> str:
    return key if isinstance(key, str) else str(key.value if isinstance(key, UInt) else key).lower()


def _text_of(value: Any) -> str:
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case Timestamp():
            return timestamp_text(value)
        case Duration():
            return duration_text(value)
        case _:
            raise EvaluationFailed(f"a value of type {type_name(value)} has no form in JSON")
