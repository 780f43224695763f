"""Custom objects held against their schema, with the server's sentences for what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any
from uuid import UUID

import orjson

from fleetd.kubeapi.refusals import Cause
from fleetd.kubeapi.structural import INT_OR_STRING, Schema, below
from fleetd.kubeapi.typed import MOMENT

MISSING = object()
INVALID, TYPE_INVALID = "FieldValueInvalid", "FieldValueTypeInvalid"


def type_name(value: Any) -> str:
    """The name of a value's type in a schema."""
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "number"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"
        case _:
            return "null"


def shown(value: Any) -> str:
    """A value as messages show it."""
    return orjson.dumps(value).decode()


def causes(schema: Schema, value: Any, path: str = "", before: Any = MISSING) -> Iterator[Cause]:
    """What breaks the schema; a part that is as it was `before` is let stand, so that a stricter schema does not lock old objects."""
    if before is not MISSING and before == value:
        return
    if value is None and schema.get("nullable"):
        return
    yield from _type(schema, value, path)
    yield from _enumerated(schema, value, path)
    match value:
        case bool() | None:
            pass
        case str():
            yield from _text(schema, value, path)
        case int() | float():
            yield from _number(schema, value, path)
        case list():
            yield from _list(schema, value, path, before)
        case dict():
            yield from _object(schema, value, path, before)
    yield from _combined(schema, value, path)


def _at(path: str) -> str:
    return path or "<nil>"


def _said(path: str, value: str, why: str, reason: str = INVALID) -> Cause:
    return Cause(reason, f"Invalid value: {value}: {path + ' ' if path else ''}in body {why}", _at(path))


def _type(schema: Schema, value: Any, path: str) -> Iterator[Cause]:
    wanted = schema.get("type")
    found = type_name(value)
    if schema.get(INT_OR_STRING):
        if found not in ("integer", "string"):
            yield _said(path, f'"{found}"', f'must be of type integer,string: "{found}"', TYPE_INVALID)
    elif wanted and found != wanted and not (wanted == "number" and found == "integer"):
        yield _said(path, f'"{found}"', f'must be of type {wanted}: "{found}"', TYPE_INVALID)


def _enumerated(schema: Schema, value: Any, path: str) -> Iterator[Cause]:
    allowed = schema.get("enum")
    if allowed and not any(one == value and type(one) is type(value) for one in allowed):
        message = f"Unsupported value: {shown(value)}: supported values: {', '.join(map(shown, allowed))}"
        yield Cause("FieldValueNotSupported", message, _at(path))


@lru_cache(1024)
def pattern(source: str) -> re.Pattern[str] | None:
    """A pattern of a schema; None for one that cannot be read, which then holds for every text."""
    try:
        return re.compile(source)
    except re.error:
        return None


def _text(schema: Schema, value: str, path: str) -> Iterator[Cause]:
    longest, shortest, form = schema.get("maxLength"), schema.get("minLength"), schema.get("pattern")
    if longest is not None and len(value) > longest:
        yield Cause("FieldValueTooLong", f"Too long: may not be more than {longest} bytes", _at(path))
    if shortest is not None and len(value) < shortest:
        yield _said(path, shown(value), f"should be at least {shortest} chars long")
    compiled = pattern(form) if isinstance(form, str) else None
    if compiled is not None and not compiled.search(value):
        yield _said(path, shown(value), f"should match '{form}'")
    name = schema.get("format")
    if isinstance(name, str) and not _has_format(name, value):
        yield _said(path, shown(value), f"must be of type {name}: {shown(value)}", TYPE_INVALID)


def _has_format(name: str, value: str) -> bool:
    try:
        match name:
            case "date-time":
                return MOMENT.fullmatch(value) is not None
            case "date":
                return re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None
            case "ipv4" | "ipv6":
                return ip_address(value).version == int(name[-1])
            case "cidr":
                ip_network(value, strict=False)
            case "uuid":
                UUID(value)
    except ValueError:
        return False
    return True


def _number(schema: Schema, value: float, path: str) -> Iterator[Cause]:
    highest, lowest, factor = schema.get("maximum"), schema.get("minimum"), schema.get("multipleOf")
    if highest is not None:
        apart = bool(schema.get("exclusiveMaximum"))
        if value > highest or (apart and value == highest):
            yield _said(path, shown(value), f"should be less than {'' if apart else 'or equal to '}{shown(highest)}")
    if lowest is not None:
        apart = bool(schema.get("exclusiveMinimum"))
        if value < lowest or (apart and value == lowest):
            yield _said(path, shown(value), f"should be greater than {'' if apart else 'or equal to '}{shown(lowest)}")
    if factor and value % factor:
        yield _said(path, shown(value), f"should be a multiple of {shown(factor)}")


def _count(schema: Schema, found: int, path: str, keys: tuple[str, str], noun: str) -> Iterator[Cause]:
    most, least = schema.get(keys[0]), schema.get(keys[1])
    if most is not None and found > most:
        yield Cause("FieldValueTooMany", f"Too many: {found}: must have at most {most} items", _at(path))
    if least is not None and found < least:
        yield _said(path, str(found), f"should have at least {least} {noun}")


def _list(schema: Schema, value: Sequence[Any], path: str, before: Any) -> Iterator[Cause]:
    yield from _count(schema, len(value), path, ("maxItems", "minItems"), "items")
    items = schema.get("items")
    if isinstance(items, Mapping):
        old = _by_keys(schema, before)
        for number, item in enumerate(value):
            yield from causes(items, item, f"{path}[{number}]", old.get(key_of(schema, item), MISSING))


def key_of(schema: Schema, item: Any) -> str:
    """What tells an item of a list with keys from the others; in other lists nothing does."""
    keys = schema.get("x-kubernetes-list-map-keys")
    if not keys or not isinstance(item, dict):
        return ""
    return orjson.dumps([item.get(key) for key in keys]).decode()


def _by_keys(schema: Schema, value: Any) -> dict[str, Any]:
    return {key: item for item in value if (key := key_of(schema, item))} if isinstance(value, list) else {}


def _object(schema: Schema, value: Mapping[str, Any], path: str, before: Any) -> Iterator[Cause]:
    yield from _count(schema, len(value), path, ("maxProperties", "minProperties"), "properties")
    old = before if isinstance(before, dict) else {}
    for name, inner in value.items():
        found = below(schema, name)
        if found:
            yield from causes(found, inner, f"{path}.{name}" if path else name, old.get(name, MISSING))
    for name in schema.get("required") or ():
        if name not in value:
            yield Cause("FieldValueRequired", "Required value", f"{path}.{name}" if path else name)


def _combined(schema: Schema, value: Any, path: str) -> Iterator[Cause]:
    """The schemas that are put together of others."""
    every, some, one, none = (schema.get(key) for key in ("allOf", "anyOf", "oneOf", "not"))
    name = f'"{path}"' if path else '""'
    for part in every or ():
        yield from causes(part, value, path)
    if some and all(_breaks(part, value) for part in some):
        yield Cause(INVALID, f'Invalid value: "": {name} must validate at least one schema (anyOf)', _at(path))
    if one:
        held = sum(not _breaks(part, value) for part in one)
        if held != 1:
            found = "Found none valid" if not held else f"Found {held} valid alternatives"
            yield Cause(INVALID, f'Invalid value: "": {name} must validate one and only one schema (oneOf). {found}', _at(path))
    if isinstance(none, Mapping) and not _breaks(none, value):
        yield Cause(INVALID, f'Invalid value: "": {name} must not validate the schema (not)', _at(path))


def _breaks(schema: Schema, value: Any) -> bool:
    return next(causes(schema, value), None) is not None


def doubled(schema: Schema, value: Any, path: str = "") -> Iterator[Cause]:
    """Items that are in a set, or in a list with keys, more than once."""
    if isinstance(value, dict):
        for name, inner in value.items():
            found = below(schema, name)
            if found:
                yield from doubled(found, inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        yield from _doubled_items(schema, value, path)
        for number, item in enumerate(value if isinstance(schema.get("items"), Mapping) else ()):
            yield from doubled(schema["items"], item, f"{path}[{number}]")


def _doubled_items(schema: Schema, value: Sequence[Any], path: str) -> Iterator[Cause]:
    sort = schema.get("x-kubernetes-list-type")
    if sort not in ("set", "map"):
        return
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    seen: set[bytes] = set()
    for number, item in enumerate(value):
        told = {key: item[key] for key in keys if key in item} if sort == "map" and isinstance(item, dict) else item
        text = orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
        if text in seen:
            yield Cause("FieldValueDuplicate", f"Duplicate value: {text.decode()}", f"{path}[{number}]")
        seen.add(text)
