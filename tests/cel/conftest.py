"""Google's runtime as the oracle, and values of both engines in one form."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cel_expr_python import cel

from fleetd.decide.cel.program import compile_cel
from fleetd.decide.cel.values import Duration, Table, Timestamp, TypeName, UInt
from fleetd.domain.errors import GiveUp

ERROR = ("error",)
EXTENSIONS = ("strings", "math", "lists", "sets", "regex", "optional", "bindings", "encoders", "two-var-comprehensions")
FOLDER = Path(__file__).parent


_TYPES = {"NULL": "null_type"} | {name: f"google.protobuf.{name.title()}" for name in ("DURATION", "TIMESTAMP")}


def _environment() -> Any:
    names = "".join(f"{{name: {name}}}," for name in EXTENSIONS)
    return cel.NewEnv(
        config=cel.NewEnvConfigFromYaml(f"name: oracle\nextensions: [{names}]\nvariables: [{{name: resource, type_name: dyn}}]\n")
    )


_ENVIRONMENT = _environment()


def _theirs(source: str, resource: Any) -> Any:
    try:
        # Without its type check the oracle decides by values, as an engine over JSON must.
        value = _ENVIRONMENT.compile(source, disable_check=True).eval(_ENVIRONMENT.Activation({"resource": resource}))
        return _of_oracle(value)
    except (RuntimeError, ValueError, TypeError):
        return ERROR


def _of_oracle(value: Any) -> Any:
    if not hasattr(value, "type"):
        return _tagged(value)
    kind = value.type()
    if kind == cel.Type.ERROR:
        return ERROR
    if kind == cel.Type.UINT:
        return ("uint", value.plain_value())
    if kind == cel.Type.TYPE:
        name = value.plain_value().name().partition("<")[0].upper()
        return ("type", _TYPES.get(name, name.lower()))
    plain = value.value()
    if isinstance(plain, list):
        return ("list", [_of_oracle(item) for item in plain])
    if isinstance(plain, dict):
        return ("map", {repr(key): _of_oracle(item) for key, item in plain.items()})
    return _tagged(plain)


def _tagged(value: Any) -> Any:
    match value:
        case bool() | None | str() | int():
            return (type(value).__name__, value)
        case float():
            return ("float", repr(value))
        case bytes() | bytearray():
            return ("bytes", bytes(value))
        case datetime():
            return ("timestamp", (value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1))
        case timedelta():
            return ("duration", value // timedelta(microseconds=1))
        case _:
            return ("other", repr(value))


def _ours(source: str, resource: Any) -> Any:
    try:
        return _of_ours(compile_cel(source).evaluate({"resource": resource}))
    except GiveUp:
        return ERROR


def _of_ours(value: Any) -> Any:
    match value:
        case UInt():
            return ("uint", value.value)
        case TypeName():
            return ("type", value.name)
        case Timestamp():
            return ("timestamp", value.nanoseconds // 1000)
        case Duration():
            return ("duration", value.nanoseconds // 1000)
        case list():
            return ("list", [_of_ours(item) for item in value])
        case dict():
            return ("map", {repr(key): _of_ours(item) for key, item in value.items()})
        case Table():
            return ("map", {repr(key.value if isinstance(key, UInt) else key): _of_ours(item) for key, item in value.entries.values()})
        case _:
            return _tagged(value)


@pytest.fixture(scope="session")
def oracle() -> Callable[[str, Any], Any]:
    """What Google's runtime says, or ``("error",)``."""
    return _theirs


@pytest.fixture(scope="session")
def ours() -> Callable[[str, Any], Any]:
    """What our engine says, in the same form."""
    return _ours


@pytest.fixture(scope="session")
def objects() -> list[Any]:
    """Objects that fit the expressions of the table, and some that do not."""
    return json.loads((FOLDER / "objects.json").read_text())  # type: ignore[no-any-return]
