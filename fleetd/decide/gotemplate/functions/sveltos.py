"""Sveltos' own functions: at event time they take an object, at deploy time the identifier of a management resource.

Sveltos changes the shared object in place; here every function works on a copy, as Sveltos' documentation says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fleetd.decide.gotemplate.functions.dicts import deep_copy
from fleetd.decide.gotemplate.functions.signature import Function, declare
from fleetd.decide.gotemplate.run import Run
from fleetd.decide.gotemplate.yaml_write import yaml_text

_Map = dict[str, Any]
_Source = Callable[[Run, Any], "_Map | None"]
_SERVER_FIELDS = ("managedFields", "resourceVersion", "uid")


def cleaned(run: Run, value: Any) -> _Map | None:
    """A copy without what the API server put in; None for anything but an object."""
    if not isinstance(value, dict):
        return None
    copied: _Map = deep_copy(run, value)
    metadata = copied.get("metadata")
    if isinstance(metadata, dict):
        for name in _SERVER_FIELDS:
            metadata.pop(name, None)
    return copied


def _from_resources(run: Run, identifier: str) -> _Map | None:
    return cleaned(run, run.surroundings.resources.get(identifier))


def field_at(value: Any, path: str) -> Any:
    """The value below the dotted path; None where it ends early."""
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    return value


def put_at(value: _Map, path: str, new: Any) -> bool:
    """Sets the field below the dotted path, making maps on the way; False where something else is in the way."""
    *way, last = path.split(".")
    for name in way:
        inner = value.setdefault(name, {})
        if not isinstance(inner, dict):
            return False
        value = inner
    value[last] = new
    return True


def remove_at(value: _Map, path: str) -> None:
    """Removes the field below the dotted path, where there is one."""
    *way, last = path.split(".")
    parent = field_at(value, ".".join(way)) if way else value
    if isinstance(parent, dict):
        parent.pop(last, None)


def _written(run: Run, value: Any) -> str:
    return yaml_text(value, run)


def _functions(source: _Source, word: str) -> dict[str, Function]:
    def get_resource(run: Run, named: Any) -> _Map | None:
        return source(run, named)

    def copy(run: Run, named: Any) -> str:
        found = source(run, named)
        return "" if found is None else _written(run, found)

    def get_field(run: Run, named: Any, path: str) -> Any:
        return field_at(source(run, named), path)

    def set_field(run: Run, named: Any, path: str, value: Any) -> str:
        found = source(run, named)
        return _written(run, found) if found is not None and put_at(found, path, value) else ""

    def remove_field(run: Run, named: Any, path: str) -> str:
        found = source(run, named)
        if found is None:
            return ""
        remove_at(found, path)
        return _written(run, found)

    def chain_set(run: Run, value: _Map, path: str, new: Any) -> _Map | None:
        copied: _Map = deep_copy(run, value)
        return copied if put_at(copied, path, new) else None

    def chain_remove(run: Run, value: _Map, path: str) -> _Map:
        copied: _Map = deep_copy(run, value)
        remove_at(copied, path)
        return copied

    return declare(
        {
            "getResource": (f"meter {word}", get_resource),
            "copy": (f"meter {word}", copy),
            "getField": (f"meter {word} string", get_field),
            "setField": (f"meter {word} string any", set_field),
            "removeField": (f"meter {word} string", remove_field),
            "chainSetField": ("meter map string any", chain_set),
            "chainRemoveField": ("meter map string", chain_remove),
        }
    )


EVENT = _functions(cleaned, "map")
"""The object is the argument: `copy .Resource`."""
DEPLOY = _functions(_from_resources, "string")
"""The argument names a management resource: `copy "id"`."""
