"""What a model says of a manifest, as findings that name the place and the fix."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from fleetd.domain.kinds.schema import FieldShape, fields_of, places_of

Path = tuple[str | int, ...]

_OTHER_WORDS = {"expression": "rule"}
"""Words of other APIs for the same thing."""

_TYPES = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "dict_attributes_type": "a mapping",
}
_ALLOWED = frozenset({"enum", "literal_error"})
_LIMITS = frozenset(
    {"string_pattern_mismatch", "string_too_short", "string_too_long", "greater_than_equal", "less_than_equal", "too_short"}
)


@dataclass(frozen=True, slots=True)
class Mistake:
    """A finding whose place is still a path."""

    path: Path
    code: str
    message: str
    fix: str = ""


def mistakes_of(error: ValidationError, manifest: Mapping[str, Any], model: type[BaseModel]) -> list[Mistake]:
    """One mistake for each thing that pydantic found, in the order of the document."""
    found: dict[tuple[Path, str], Mistake] = {}
    for detail in error.errors(include_url=False):
        path = _path_in(detail["loc"], manifest)
        mistake = _mistake(detail, path, manifest, model)
        found.setdefault((path, mistake.code), mistake)
    return list(found.values())


def _path_in(location: tuple[int | str, ...], manifest: Any) -> Path:
    """The location without the words that pydantic adds for alternatives and mapping keys."""
    path: list[str | int] = []
    value = manifest
    for number, step in enumerate(location):
        last = number == len(location) - 1
        if isinstance(value, dict) and (step in value or last):
            if step == "[key]":
                break
            path.append(step)
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int):
            path.append(step)
            value = value[step] if step < len(value) else None
    return tuple(path)


def _mistake(detail: ErrorDetails, path: Path, manifest: Mapping[str, Any], model: type[BaseModel]) -> Mistake:
    kind = detail["type"]
    where = dotted(path)
    if kind == "extra_forbidden":
        return unknown_field(path, manifest, model)
    if kind == "missing":
        near = _nearly_given(path, manifest)
        return Mistake(path[:-1] or path, "FD103", f"{where} is missing", f"did you mean it by {near!r}?" if near else "")
    if kind in _TYPES:
        found = _kind_of_value(detail["input"]) if _confidential(path, manifest) else _shown(detail["input"])
        return Mistake(path, "FD104", f"{where} must be {_TYPES[kind]}, not {found}", _type_fix(kind, detail["input"]))
    context = detail.get("ctx", {})
    if kind in _ALLOWED:
        return _not_allowed(path, detail, str(context.get("expected", "")))
    if kind in _LIMITS:
        return Mistake(path, "FD106", f"{where}: {_limit(kind, context, detail['input'])}")
    if kind == "value_error":
        scalar = not isinstance(detail["input"], dict | list | BaseModel)
        return Mistake(path, "FD106" if scalar else "FD107", f"{where}: {context.get('error', detail['msg'])}")
    return Mistake(path, "FD106", f"{where}: {detail['msg']}")


def unknown_field(path: Path, manifest: Mapping[str, Any], model: type[BaseModel]) -> Mistake:
    """Says of a field that the schema does not have where it belongs, or how it is spelt."""
    name = str(path[-1])
    where = dotted(path)
    part, _ = part_at(model, path[:-1])
    here = fields_of(part) if part else {}
    if _OTHER_WORDS.get(name) in here:
        return Mistake(path, "FD101", f"{where} is no field here", f"write {_OTHER_WORDS[name]!r} for {name!r}")
    home = _home(path, model)
    near = difflib.get_close_matches(name, [known for known in here if known != "status"], n=1, cutoff=0.72)
    if home is not None and not (near and len(path) > 1 and near[0].lower() == name.lower()):
        return Mistake(path, "FD102", _misplaced(path, home), f"move it to {'.'.join(home)}")
    if near:
        return Mistake(path, "FD101", f"{where} is no field", f"did you mean {near[0]!r}?")
    elsewhere = _spelt_elsewhere(name, model)
    return Mistake(path, "FD101", f"{where} is no field of {manifest.get('kind')}", f"did you mean {elsewhere}?" if elsewhere else "")


def _home(path: Path, model: type[BaseModel]) -> tuple[str, ...] | None:
    """The one place nearby where a field of that name stands: further in, further out, or beside in metadata and spec.

    Two places equally near are a guess, and a guess is not told.
    """
    here = tuple(step for step in path[:-1] if isinstance(step, str))
    near: dict[int, list[tuple[str, ...]]] = {}
    for place in places_of(model, str(path[-1])):
        there = tuple(step.removesuffix("[]") for step in place[:-1])
        shared = min(len(here), len(there))
        if here[:shared] == there[:shared] or len(here) == len(there) == 1:
            near.setdefault(abs(len(here) - len(there)), []).append(place)
    nearest = near[min(near)] if near else []
    return nearest[0] if len(nearest) == 1 else None


def _misplaced(path: Path, home: tuple[str, ...]) -> str:
    name = str(path[-1])
    stands = "at top level" if len(path) == 1 else f"in {dotted(path[:-1])}"
    belongs = f"under {'.'.join(home[:-1])}" if len(home) > 1 else "at top level"
    if belongs.endswith("[]"):
        belongs = f"inside an entry of {'.'.join(home[:-1])[:-2]}"
    return f"{name!r} stands {stands}; it belongs {belongs}"


def _spelt_elsewhere(name: str, model: type[BaseModel]) -> str:
    top = [(group, known) for group in ("metadata", "spec") for known in fields_of(part_at(model, (group,))[0] or model)]
    near = difflib.get_close_matches(name, [known for _, known in top], n=1, cutoff=0.8)
    return next((f"{group}.{known}" for group, known in top if near and known == near[0]), "")


def part_at(model: type[BaseModel], path: Path) -> tuple[type[BaseModel] | None, FieldShape | None]:
    """The model of what stands at a path, and the field it is in; None where it is no part with fields."""
    part: type[BaseModel] | None = model
    shape: FieldShape | None = None
    for step in path:
        if isinstance(step, int):
            continue
        shape = fields_of(part).get(step) if part is not None else None
        part = shape.part if shape is not None else None
    return part, shape


def _nearly_given(path: Path, manifest: Mapping[str, Any]) -> str:
    value: Any = manifest
    for step in path[:-1]:
        value = value.get(step) if isinstance(value, dict) else value[int(step)] if isinstance(value, list) else None
    near = difflib.get_close_matches(str(path[-1]), list(value), n=1, cutoff=0.8) if isinstance(value, dict) else []
    return near[0] if near else ""


def _not_allowed(path: Path, detail: ErrorDetails, expected: str) -> Mistake:
    allowed = [word.strip().strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    near = difflib.get_close_matches(str(detail["input"]), allowed, n=1)
    message = f"{dotted(path)} cannot be {_shown(detail['input'])}: it takes {', '.join(word or 'an empty text' for word in allowed)}"
    return Mistake(path, "FD105", message, f"did you mean {near[0]!r}?" if near else "")


def _limit(kind: str, context: Mapping[str, Any], value: Any) -> str:
    match kind:
        case "string_pattern_mismatch":
            return f"{value!r} does not fit the pattern {context['pattern']}"
        case "string_too_short":
            return "must not be empty"
        case "string_too_long":
            return f"has more than {context['max_length']} characters"
        case "greater_than_equal":
            return f"{value} is less than {context['ge']}"
        case "less_than_equal":
            return f"{value} is more than {context['le']}"
        case _:
            return f"needs at least {context['min_length']} entry"


def _type_fix(kind: str, value: Any) -> str:
    if kind == "string_type" and isinstance(value, bool | int | float):
        return "put it into quotes"
    if kind in ("int_type", "bool_type") and isinstance(value, str):
        return "leave the quotes out"
    if kind == "tuple_type" and isinstance(value, dict | str):
        return "begin the entry with '- '"
    return ""


def _confidential(path: Path, manifest: Mapping[str, Any]) -> bool:
    return manifest.get("kind") == "Secret" and path[:1] in (("data",), ("stringData",))


def _kind_of_value(value: Any) -> str:
    match value:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case _:
            return _shown(value)


def _shown(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case str():
            return f"the text {value[:60]!r}"
        case None:
            return "empty"
        case _:
            return str(value)


def dotted(path: Path) -> str:
    """`spec.policyRefs[0].kind`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text or "the document"
