"""Sprig's dictionaries. `set`, `unset` and `merge` change their argument, within one rendering."""

from __future__ import annotations

from typing import Any

from fleetd.decide.gotemplate.functions.defaults import is_empty
from fleetd.decide.gotemplate.functions.signature import Function, declare
from fleetd.decide.gotemplate.functions.strings import as_text
from fleetd.decide.gotemplate.run import Run
from fleetd.decide.gotemplate.values import CallFailed, NilMap, StringMap, Strings, type_name

_Map = dict[str, Any]
_TEXT_ONLY = {str}


def make(run: Run, *pairs: Any) -> _Map:
    texts = pairs[::2]
    if len(pairs) == 2 * len(texts) and set(map(type, texts)) == _TEXT_ONLY:
        return dict(zip(texts, pairs[1::2], strict=True))
    made: _Map = {}
    for at in range(0, len(pairs), 2):
        made[as_text(pairs[at], run)] = pairs[at + 1] if at + 1 < len(pairs) else ""
    return made


def put(run: Run, target: _Map, key: str, value: Any) -> _Map:
    if type(target) is NilMap:
        raise CallFailed("assignment to entry in nil map")
    run.elements(len(target) + 1)
    target[key] = value
    return target


def remove(target: _Map, key: str) -> _Map:
    target.pop(key, None)
    return target


def keys(run: Run, *maps: _Map) -> Strings:
    """Keys of all the maps; Go gives them in no order, here they are sorted."""
    run.elements(sum(map(len, maps)))
    if len(maps) == 1:
        return Strings(sorted(maps[0]))
    return Strings(key for one in maps for key in sorted(one))


def values(run: Run, source: _Map) -> list[Any]:
    """Values in the order of their keys."""
    run.elements(len(source))
    return [source[key] for key in sorted(source)]


def pick(source: _Map, *wanted: str) -> _Map:
    return {key: source[key] for key in wanted if key in source}


def omit(source: _Map, *unwanted: str) -> _Map:
    return {key: value for key, value in source.items() if key not in unwanted}


def pluck(key: str, *maps: _Map) -> list[Any]:
    return [one[key] for one in maps if key in one]


def merge(run: Run, target: _Map, *sources: _Map) -> _Map:
    """Fills what the target has not, or has empty; inner maps are merged."""
    target = {} if type(target) is NilMap else target
    for source in sources:
        _merge(run, target, source, overwrite=False)
    return target


def merge_overwrite(run: Run, target: _Map, *sources: _Map) -> _Map:
    """Replaces what the target has; inner maps are merged."""
    target = {} if type(target) is NilMap else target
    for source in sources:
        _merge(run, target, source, overwrite=True)
    return target


def _merge(run: Run, target: _Map, source: _Map, *, overwrite: bool) -> None:
    run.elements(len(target) + len(source))
    run.spend(len(source) + 1)
    if target is source:
        return
    for key, value in source.items():
        held = target.get(key)
        if isinstance(held, dict) and isinstance(value, dict):
            _merge(run, held, value, overwrite=overwrite)
        elif overwrite or (value is not None and (key not in target or is_empty(held))):
            target[key] = value


_LEAVES = frozenset({str, int, float, bool, type(None)})


def deep_copy(run: Run, value: Any) -> Any:
    """A copy that shares nothing that can be changed."""
    kind = type(value)
    if kind is dict:
        run.spend(6 + len(value))
        return {key: inner if type(inner) in _LEAVES else deep_copy(run, inner) for key, inner in value.items()}
    if kind is list:
        run.spend(4 + len(value))
        return [inner if type(inner) in _LEAVES else deep_copy(run, inner) for inner in value]
    run.spend(1)
    if isinstance(value, dict):
        return kind((key, deep_copy(run, inner)) for key, inner in value.items())
    return kind(deep_copy(run, inner) for inner in value) if isinstance(value, list) else value


def copied(run: Run, value: Any) -> Any:
    if value is None:
        raise CallFailed("nil cannot be copied")
    return deep_copy(run, value)


def dig(*arguments: Any) -> Any:
    """Goes down the keys of the last argument; the one before it is the answer where a key is missing."""
    if len(arguments) < 3:
        raise CallFailed("dig needs at least three arguments")
    *path, fallback, value = arguments
    if not isinstance(value, dict) or type(value) is StringMap:
        raise CallFailed(f"interface conversion: interface {{}} is {type_name(value)}, not map[string]interface {{}}")
    for key in path:
        if not isinstance(key, str):
            raise CallFailed(f"interface conversion: interface {{}} is {'nil' if key is None else type_name(key)}, not string")
    for key in path:
        if not isinstance(value, dict) or type(value) is StringMap:
            raise CallFailed(f"interface conversion: interface {{}} is {type_name(value)}, not map[string]interface {{}}")
        if key not in value:
            return fallback
        value = value[key]
    return value


def get(source: _Map, key: str) -> Any:
    return source.get(key, "")


FUNCTIONS: dict[str, Function] = declare(
    {
        "dict": ("meter any...", make),
        "get": ("map string", get),
        "set": ("meter changes map string any", put),
        "unset": ("changes map string", remove),
        "hasKey": ("map string", lambda source, key: key in source),
        "keys": ("meter map...", keys),
        "values": ("meter map", values),
        "pick": ("map string...", pick),
        "omit": ("map string...", omit),
        "pluck": ("string map...", pluck),
        "merge": ("meter changes map map...", merge),
        "mergeOverwrite": ("meter changes map map...", merge_overwrite),
        "deepCopy": ("meter any", copied),
        "dig": ("any...", dig),
    }
)
