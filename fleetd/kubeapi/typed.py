"""Values held against the types of the built-in kinds: what does not fit, what is not known, and what is kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from fleetd.domain.fieldset import path_text
from fleetd.domain.mergefacts import Shape
from fleetd.kubeapi.apply_merge import element_of
from fleetd.kubeapi.quantities import NOT_A_QUANTITY, canonical
from fleetd.kubeapi.types import Sort, Type

INT32, INT64 = 2**31, 2**63
MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)")
SIXTH = len(".000000")
TIMES = (Sort.TIME, Sort.MICROTIME)
LAYOUTS = {Sort.TIME: "2006-01-02T15:04:05Z07:00", Sort.MICROTIME: "2006-01-02T15:04:05.000000Z07:00"}
SCALARS = (str, int, float)


# Looking a member up in its Enum costs more than all else that `fits` does with a value.
_STRUCT, _LIST, _MAP, _INT32 = Sort.STRUCT, Sort.LIST, Sort.MAP, Sort.INT32


def fits(kind: Type, value: Any) -> bool:
    """Whether a value has the form of its type to the last field, with its quantities as the server keeps them."""
    if value is None:
        return True
    sort = kind.sort
    if sort is _STRUCT:
        if type(value) is not dict:
            return False
        fields = kind.fields
        for name, inner in value.items():
            below = fields.get(name)
            if below is None or (below.leaf is not type(inner) and not fits(below, inner)):
                return False
        return True
    if sort is _LIST:
        return type(value) is list and _all_fit(kind.of, value)
    if sort is _MAP:
        return type(value) is dict and _all_fit(kind.of, value.values())
    if sort is _INT32 and type(value) is int:
        return -INT32 <= value < INT32
    return wrong(kind, value) is None and _in_its_form(sort, value)


def _in_its_form(sort: Sort, value: Any) -> bool:
    if sort is Sort.QUANTITY:
        return bool(canonical(str(value)) == value)
    return sort not in TIMES or moment(value) == value


def moment(value: str) -> str:
    """A time as the server writes it: in UTC, without or (where it has one) with its fraction."""
    found = MOMENT.fullmatch(value)
    if found is None or (found[3] == "Z" and len(found[2] or "") in (0, SIXTH)):
        return value
    try:
        at = datetime.fromisoformat(found[1] + found[3]).astimezone(UTC)
    except (OverflowError, ValueError):
        return value
    fraction = found[2] if len(found[2] or "") == SIXTH else ""
    return f"{at:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def _all_fit(kind: Type, values: Iterable[Any]) -> bool:
    leaf = kind.leaf
    for value in values:  # noqa: SIM110  # a generator costs more than the loop
        if type(value) is not leaf and not fits(kind, value):
            return False
    return True


def wrong(kind: Type, value: Any) -> str | None:
    """What is wrong with a scalar: None, the JSON type that does not fit, or behind a colon a whole sentence."""
    said: str | None = json_type(value)
    match kind.sort:
        case Sort.TEXT | Sort.BYTES:
            fine = type(value) is str
        case Sort.TRUTH:
            fine = type(value) is bool
        case Sort.INT32 | Sort.INT64:
            limit = INT32 if kind.sort is Sort.INT32 else INT64
            fine = type(value) is int and -limit <= value < limit
            said = f"number {orjson.dumps(value).decode()}" if type(value) in (int, float) else said
        case Sort.NUMBER:
            fine = type(value) in (int, float)
        case Sort.INT_OR_TEXT:
            fine = type(value) in (int, str)
        case Sort.QUANTITY:
            fine = type(value) in SCALARS and canonical(str(value)) is not None
            said = f":{NOT_A_QUANTITY}" if type(value) in SCALARS else said
        case Sort.TIME | Sort.MICROTIME:
            found = MOMENT.fullmatch(value) if type(value) is str else None
            exact = kind.sort is Sort.TIME or (found is not None and len(found[2] or "") == SIXTH)
            fine = found is not None and exact
            if type(value) is str:
                rest, layout = (value, "2006") if found is None else (value[len(found[1]) :], ".000000")
                said = f':parsing time "{value}" as "{LAYOUTS[kind.sort]}": cannot parse "{rest}" as "{layout}"'
        case _:
            fine = True
    return None if fine else said


def json_type(value: Any) -> str:
    """The name of a JSON type, as messages use it."""
    match value:
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"
        case _:
            return "null"


def misfit(kind: Type, value: Any, struct: str = "", path: str = "") -> str | None:
    """Why a value cannot be read as its type, as the server's reader of JSON says it; None where it can."""
    if value is None:
        return None
    match kind.sort:
        case Sort.STRUCT if isinstance(value, dict):
            below = ((name, kind.fields.get(name), inner) for name, inner in value.items())
            inside = (misfit(one, inner, kind.title, f"{path}.{name}" if path else name) for name, one, inner in below if one is not None)
            return next((found for found in inside if found is not None), None)
        case Sort.LIST if isinstance(value, list):
            return next((found for item in value if (found := misfit(kind.of, item, struct, path)) is not None), None)
        case Sort.MAP if isinstance(value, dict):
            return next((found for item in value.values() if (found := misfit(kind.of, item, struct, path)) is not None), None)
        case Sort.STRUCT | Sort.LIST | Sort.MAP:
            said: str | None = json_type(value)
        case _:
            said = wrong(kind, value)
    if said is None:
        return None
    if said.startswith(":"):
        return said[1:]
    return f"json: cannot unmarshal {said} into Go struct field {struct}.{path} of type {kind.go}"


def unknown(kind: Type, value: Any, path: str = "") -> Iterator[str]:
    """The paths of the fields that the type does not have, in the order of the document."""
    match kind.sort:
        case Sort.STRUCT if isinstance(value, dict):
            for name, inner in value.items():
                here = f"{path}.{name}" if path else name
                below = kind.fields.get(name)
                if below is None:
                    yield here
                else:
                    yield from unknown(below, inner, here)
        case Sort.LIST if isinstance(value, list):
            for number, item in enumerate(value):
                yield from unknown(kind.of, item, f"{path}[{number}]")
        case Sort.MAP if isinstance(value, dict):
            for name, inner in value.items():
                yield from unknown(kind.of, inner, f"{path}.{name}")
        case _:
            pass


def kept(kind: Type, value: Any) -> Any:
    """The value as the server keeps it: without fields that the type does not have, quantities in their one form."""
    match kind.sort:
        case Sort.STRUCT if isinstance(value, dict):
            return {name: kept(kind.fields[name], inner) for name, inner in value.items() if name in kind.fields}
        case Sort.LIST if isinstance(value, list):
            return [kept(kind.of, item) for item in value]
        case Sort.MAP if isinstance(value, dict):
            return {name: kept(kind.of, inner) for name, inner in value.items()}
        case Sort.QUANTITY if value is not None:
            return canonical(str(value)) or value
        case Sort.TIME | Sort.MICROTIME if isinstance(value, str):
            return moment(value)
        case _:
            return value


def untyped(kind: Type, value: Any, shape: Shape, path: Sequence[str] = ()) -> Iterator[str]:
    """Why an applied configuration does not have its type's form, in the words of structured merge and diff."""
    if value is None:
        return
    match kind.sort:
        case Sort.STRUCT if isinstance(value, dict):
            for name, inner in value.items():
                here = (*path, f"f:{name}")
                below = kind.fields.get(name)
                if below is None:
                    yield f"{path_text(here)}: field not declared in schema"
                else:
                    yield from untyped(below, inner, shape.child(name), here)
        case Sort.MAP if isinstance(value, dict):
            for name, inner in value.items():
                yield from untyped(kind.of, inner, shape.child(name), (*path, f"f:{name}"))
        case Sort.LIST if isinstance(value, list):
            for number, item in enumerate(value):
                element = element_of(item, shape) if shape.keys or shape.unique else f"i:{number}"
                yield from untyped(kind.of, item, shape.item, (*path, element))
        case _:
            why = mismatch(kind.sort, value)
            if why:
                yield f"{path_text(tuple(path))}: {why}"


def mismatch(sort: Sort, value: Any) -> str:
    """What structured merge and diff says of a value that is not of its sort; empty for one that is."""
    match sort:
        case Sort.STRUCT | Sort.MAP:
            return f"expected map, got &{{{go_value(value)}}}" if not isinstance(value, dict) else ""
        case Sort.LIST:
            return f"expected list, got &{{{go_value(value)}}}" if not isinstance(value, list) else ""
        case Sort.TEXT:
            return "" if isinstance(value, str) else f"expected string, got &value.valueUnstructured{{Value:{go_syntax(value)}}}"
        case Sort.TRUTH:
            return "" if isinstance(value, bool) else f"expected boolean, got &{{{go_value(value)}}}"
        case Sort.INT32 | Sort.INT64 | Sort.NUMBER:
            right = isinstance(value, (int, float)) and not isinstance(value, bool)
            return "" if right else f"expected numeric (int or float), got {_go_name(value)}"
        case Sort.ANY:
            return ""
        case _:
            return f"expected any scalar, got &{{{go_value(value)}}}" if isinstance(value, (dict, list)) else ""


def _go_name(value: Any) -> str:
    names = {"bool": "bool", "string": "string", "array": "[]interface {}", "object": "map[string]interface {}"}
    return names.get(json_type(value), "float64" if isinstance(value, float) else "int64")


def go_value(value: Any) -> str:
    """A JSON value as Go prints it with `%v`."""
    match value:
        case bool():
            return str(value).lower()
        case None:
            return "<nil>"
        case list():
            return f"[{' '.join(map(go_value, value))}]"
        case dict():
            return f"map[{' '.join(f'{key}:{go_value(inner)}' for key, inner in sorted(value.items()))}]"
        case _:
            return str(value)


def go_syntax(value: Any) -> str:
    """A JSON value as Go prints it with `%#v`."""
    match value:
        case bool():
            return str(value).lower()
        case None:
            return "interface {}(nil)"
        case str():
            return orjson.dumps(value).decode()
        case list():
            return f"[]interface {{}}{{{', '.join(map(go_syntax, value))}}}"
        case dict():
            inner = ", ".join(f"{go_syntax(key)}:{go_syntax(one)}" for key, one in sorted(value.items()))
            return f"map[string]interface {{}}{{{inner}}}"
        case _:
            return str(value)
