"""Structural schemas of custom kinds: what is pruned, what is filled in, and what a schema itself may not say.

The rules are those of "Extend the Kubernetes API with CustomResourceDefinitions" in the documentation of Kubernetes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fleetd.kubeapi.typed import kept as kept_by_type
from fleetd.kubeapi.typed import unknown as unknown_to_type
from fleetd.kubeapi.types import named_type

Schema = Mapping[str, Any]
PRESERVE = "x-kubernetes-preserve-unknown-fields"
EMBEDDED = "x-kubernetes-embedded-resource"
INT_OR_STRING = "x-kubernetes-int-or-string"
ALWAYS = ("apiVersion", "kind", "metadata")
NOTHING: Schema = {}


def properties(schema: Schema) -> Mapping[str, Schema]:
    return schema.get("properties") or NOTHING


def below(schema: Schema, name: str) -> Schema | None:
    """The schema of a field or of the value under a free key; None for one that is not known."""
    known = properties(schema).get(name)
    if known is not None:
        return known
    more = schema.get("additionalProperties")
    if isinstance(more, Mapping):
        return more
    return NOTHING if more is True else None


def is_object(schema: Schema, *, root: bool = False) -> bool:
    """Whether an object has metadata of its own here."""
    return root or bool(schema.get(EMBEDDED))


def unknown(schema: Schema, value: Any, path: str = "", *, root: bool = False) -> Iterator[str]:
    """The paths of what pruning takes out, in the order of the document."""
    if isinstance(value, dict):
        whole = is_object(schema, root=root)
        for name, inner in value.items():
            here = f"{path}.{name}" if path else name
            if whole and name in ALWAYS:
                if name == "metadata":
                    yield from unknown_to_type(named_type("ObjectMeta"), inner, here)
                continue
            found = below(schema, name)
            if found is not None:
                yield from unknown(found, inner, here) if found else ()
            elif not schema.get(PRESERVE):
                yield here
    elif isinstance(value, list):
        items = schema.get("items")
        for number, item in enumerate(value if items else ()):
            yield from unknown(items or NOTHING, item, f"{path}[{number}]")


def pruned(schema: Schema, value: Any, *, root: bool = False) -> Any:
    """The value without what its schema does not know; shares with it what stays."""
    if isinstance(value, list):
        items = schema.get("items")
        return [pruned(items, item) for item in value] if items else value
    if not isinstance(value, dict):
        return value
    whole, result = is_object(schema, root=root), {}
    for name, inner in value.items():
        found = below(schema, name)
        if whole and name in ALWAYS:
            result[name] = kept_by_type(named_type("ObjectMeta"), inner) if name == "metadata" else inner
        elif found is not None:
            result[name] = pruned(found, inner) if found else inner
        elif schema.get(PRESERVE):
            result[name] = inner
    return result


def fills(schema: Schema) -> bool:
    """Whether a schema has defaults anywhere."""
    if "default" in schema:
        return True
    beneath = [*properties(schema).values(), schema.get("items"), schema.get("additionalProperties")]
    return any(fills(one) for one in beneath if isinstance(one, Mapping))


def lacks(schema: Schema, value: Any) -> bool:
    """Whether `fill` would change the value."""
    if isinstance(value, list):
        items = schema.get("items")
        return items is not None and any(lacks(items, item) for item in value)
    if not isinstance(value, dict):
        return False
    for name, known in properties(schema).items():
        if "default" in known and (name not in value or (value[name] is None and not known.get("nullable"))):
            return True
    return any(lacks(found, inner) for name, inner in value.items() if (found := below(schema, name)))


def fill(schema: Schema, value: Any, copied: Callable[[Any], Any]) -> None:
    """Puts defaults in, where a field is not there or is a null that may be none."""
    if isinstance(value, dict):
        for name, known in properties(schema).items():
            if "default" in known and (name not in value or (value[name] is None and not known.get("nullable"))):
                value[name] = copied(known["default"])
        for name, inner in value.items():
            found = below(schema, name)
            if found:
                fill(found, inner, copied)
    elif isinstance(value, list) and schema.get("items"):
        for item in value:
            fill(schema["items"], item, copied)
