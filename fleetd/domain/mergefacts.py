"""How Kubernetes merges each part of an object: which lists have keys, which parts are one piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from fleetd.domain.mergefacts_table import KINDS, TYPES
from fleetd.domain.refs import GroupVersionKind


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What merging needs to know of one place in an object; without any rule it is a value, a struct or an atomic list.

    `atomic`: owned and replaced as one piece. `keys`: a list whose items these fields tell apart, with `defaults` for those
    left out. `unique`: a list that is a set. `free`: a map whose keys are data; one without an `element` has values of its own
    shape (objects that no schema describes). `always`: the server writes it even when it is empty.
    """

    fields: Mapping[str, Shape] = field(default_factory=dict)
    element: Shape | None = None
    atomic: bool = False
    keys: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    unique: bool = False
    free: bool = False
    always: bool = False

    def child(self, name: str) -> Shape:
        """The shape of a field or of the value under a free key."""
        known = self.fields.get(name)
        if known is not None:
            return known
        if self.free:
            return self.element or self
        return PLAIN

    @property
    def item(self) -> Shape:
        """The shape of a list's items."""
        return self.element or PLAIN


PLAIN = Shape()
_FREE = Shape(free=True, element=PLAIN)


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """A kind's rules.

    `status_apart`: status is written through its own subresource only. `typed`: the server holds the object in a typed form, in
    which a null is no value (the empty string under a free key).
    """

    root: Shape = field(repr=False)
    status_apart: bool = True
    typed: bool = False


def facts_of(gvk: GroupVersionKind) -> Facts:
    """The rules of a built-in kind; for any other those of an object without a schema: each list is one piece."""
    kinds = _builtin()
    known = kinds.get((gvk.group, gvk.version, gvk.kind)) or kinds.get((gvk.group, "", gvk.kind))
    return known or _unknown()


def facts_from_openapi(schema: Mapping[str, Any], *, status_apart: bool = True) -> Facts:
    """The rules that a CustomResourceDefinition's `openAPIV3Schema` states (`x-kubernetes-list-type` and its kin).

    Args:
        status_apart: whether the version has the status subresource.
    """
    root = _from_schema(schema)
    return Facts(replace(root, fields={**root.fields, "metadata": _metadata()}), status_apart)


def _from_schema(schema: Mapping[str, Any]) -> Shape:
    if schema.get("x-kubernetes-map-type") == "atomic":
        return replace(_open_schema(schema), atomic=True)
    items = schema.get("items")
    if not isinstance(items, Mapping):
        return _open_schema(schema)
    match schema.get("x-kubernetes-list-type"):
        case "map":
            keys = tuple(schema.get("x-kubernetes-list-map-keys") or ())
            properties = items.get("properties") or {}
            defaults = {key: properties[key]["default"] for key in keys if "default" in (properties.get(key) or {})}
            return Shape(element=_from_schema(items), keys=keys, defaults=defaults)
        case "set":
            return Shape(element=PLAIN, unique=True)
        case _:
            return Shape(element=_from_schema(items))


def _open_schema(schema: Mapping[str, Any]) -> Shape:
    fields = {name: _from_schema(each) for name, each in (schema.get("properties") or {}).items() if isinstance(each, Mapping)}
    if schema.get("x-kubernetes-embedded-resource"):
        fields["metadata"] = _metadata()
    more = schema.get("additionalProperties")
    if isinstance(more, Mapping):
        return Shape(fields=fields, element=_from_schema(more), free=True)
    free = more is True or bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    return Shape(fields=fields, free=free) if fields or free else PLAIN


def _lines(text: str) -> Iterator[tuple[str, list[str]]]:
    for line in text.replace("\n  ", " ").splitlines():
        name, colon, rest = line.partition(": ")
        if colon:
            yield name, rest.split()


@cache
def _types() -> Mapping[str, Mapping[str, str]]:
    """Rules by type and field; the field keeps its `+`."""
    return {name: dict(rule.split("=", 1) for rule in rules) for name, rules in _lines(TYPES)}


@cache
def _type(type_name: str) -> Shape:
    rules = _types().get(type_name, {})
    return Shape(fields={name.rstrip("+"): _rule(rule, always=name.endswith("+")) for name, rule in rules.items()})


def _rule(rule: str, *, always: bool) -> Shape:
    if rule == "set":
        return Shape(element=PLAIN, unique=True, always=always)
    if rule.startswith("["):
        keys, _, element = rule[1:].partition("]")
        pairs = [key.partition(":") for key in keys.split(",")]
        shape = Shape(
            element=_named(element) if element else PLAIN,
            keys=tuple(sorted(key for key, _, _ in pairs)),
            defaults={key: default for key, colon, default in pairs if colon},
        )
        return replace(shape, always=always)
    return replace(_named(rule), always=always)


def _named(rule: str) -> Shape:
    if rule.startswith("!"):
        return replace(_named(rule[1:]) if rule[1:] else PLAIN, atomic=True)
    if rule.startswith("*"):
        return Shape(free=True, element=_named(rule[1:])) if rule[1:] else _FREE
    return PLAIN if rule == "." else _type(rule)


@cache
def _metadata() -> Shape:
    return replace(_type("ObjectMeta"), always=True)


@cache
def _unknown() -> Facts:
    return Facts(Shape(fields={"metadata": _metadata(), "apiVersion": PLAIN, "kind": PLAIN}, free=True))


@cache
def _builtin() -> Mapping[tuple[str, str, str], Facts]:
    """By group, version and kind; with an empty version, for the versions that are not named."""
    kinds: dict[tuple[str, str, str], Facts] = {}
    for version, names in _lines(KINDS):
        for name in names:
            kind, _, named = name.partition("=")
            gvk = GroupVersionKind.of(version, kind)
            shape = _type(named or kind)
            facts = Facts(replace(shape, fields={**shape.fields, "metadata": _metadata()}), "status" in shape.fields, typed=True)
            kinds[gvk.group, gvk.version, kind] = kinds[gvk.group, "", kind] = facts
    return kinds
