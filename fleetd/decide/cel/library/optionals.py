"""Optional values, and base64."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from fleetd.decide.cel.library.function import Functions, fixed, refuse, want
from fleetd.decide.cel.values import ABSENT, Duration, Maybe, Table, Timestamp, UInt

_EMPTY = (None, False, "", b"", 0, 0.0, UInt(0), Duration(0), Timestamp(0))


def _of_non_zero(value: Any) -> Maybe:
    if type(value) in (list, dict, Table):
        return Maybe(value if len(value) else ABSENT)
    return Maybe(ABSENT if any(type(value) is type(empty) and value == empty for empty in _EMPTY) else value)


def _value(optional: Any) -> Any:
    want(Maybe, optional)
    if not optional.present:
        raise refuse("the optional holds no value")
    return optional.value


def _has_value(optional: Any) -> bool:
    want(Maybe, optional)
    return bool(optional.present)


def _or(optional: Any, other: Any) -> Maybe:
    want(Maybe, optional, other)
    return optional if optional.present else other  # type: ignore[no-any-return]  # want() has looked


def _or_value(optional: Any, other: Any) -> Any:
    want(Maybe, optional)
    return optional.value if optional.present else other


def _unwrap(optionals: Any) -> list[Any]:
    want(list, optionals)
    want(Maybe, *optionals)
    return [optional.value for optional in optionals if optional.present]


def _encode(value: Any) -> str:
    want(bytes, value)
    return base64.b64encode(value).decode()


def _decode(text: Any) -> bytes:
    want(str, text)
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise refuse("the text is not base64") from None


GLOBAL: Functions = {
    "optional.of": fixed(Maybe, 1),
    "optional.none": fixed(Maybe, 0),
    "optional.ofNonZeroValue": fixed(_of_non_zero, 1),
    "optional.unwrap": fixed(_unwrap, 1, reads_all=True),
    "base64.encode": fixed(_encode, 1, reads_all=True),
    "base64.decode": fixed(_decode, 1, reads_all=True),
}
MEMBER: Functions = {
    "unwrapOpt": fixed(_unwrap, 1, reads_all=True),
    "value": fixed(_value, 1),
    "hasValue": fixed(_has_value, 1),
    "or": fixed(_or, 2),
    "orValue": fixed(_or_value, 2),
}
