"""Strategic merge patches: merge patches that know which lists have keys, and their directives."""

from __future__ import annotations

from typing import Any

from fleetd.domain.mergefacts import Shape
from fleetd.kubeapi.refusals import failed
from fleetd.kubeapi.typed import go_value

PATCH = "$patch"
RETAIN = "$retainKeys"
ORDER = "$setElementOrder/"
DELETE = "$deleteFromPrimitiveList/"


def strategic(live: dict[str, Any], patch: dict[str, Any], shape: Shape) -> dict[str, Any]:
    """A patch carried out on a copy. Raises ApiRefusal (500)."""
    directive = patch.get(PATCH)
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != PATCH}
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise failed(f"unknown patch type: {directive} in map: {go_value(patch)}")
    result = dict(live)
    retained = patch.get(RETAIN)
    if isinstance(retained, list):
        result = {key: value for key, value in result.items() if key in retained}
    orders = {key.removeprefix(ORDER): value for key, value in patch.items() if key.startswith(ORDER)}
    for key, value in patch.items():
        if key.startswith(DELETE):
            _without(result, key.removeprefix(DELETE), value)
        elif not key.startswith("$"):
            _put(result, key, value, shape, orders.pop(key, None))
    for key, order in orders.items():
        if isinstance(result.get(key), list):
            result[key] = _merged_list(result[key], [], shape.child(key), order)
    return result


def _without(result: dict[str, Any], key: str, taken: Any) -> None:
    left = [value for value in result.get(key) or () if value not in (taken or ())]
    if left:
        result[key] = left
    else:
        result.pop(key, None)


def _put(result: dict[str, Any], key: str, value: Any, shape: Shape, order: Any) -> None:
    inner = shape.child(key)
    old = result.get(key)
    if value is None:
        result.pop(key, None)
    elif isinstance(value, dict):
        made = strategic(old if isinstance(old, dict) else {}, value, inner)
        if not made and value.get(PATCH) == "delete":
            result.pop(key, None)
        elif not made and value and old is None:
            return
        else:
            result[key] = made
    elif isinstance(value, list) and (inner.keys or inner.unique):
        result[key] = _merged_list(old if isinstance(old, list) else [], value, inner, order)
    else:
        result[key] = value


def _identity(item: Any, shape: Shape) -> Any:
    if not shape.keys:
        return item
    key = shape.keys[0]
    if not isinstance(item, dict) or key not in item:
        shown = " ".join(f"{name}:{value}" for name, value in sorted(item.items())) if isinstance(item, dict) else item
        raise failed(f"map: map[{shown}] does not contain declared merge key: {key}")
    return item[key]


def _merged_list(live: list[Any], patch: list[Any], shape: Shape, order: Any) -> list[Any]:
    if any(isinstance(item, dict) and item.get(PATCH) == "replace" for item in patch):
        return [item for item in patch if not (isinstance(item, dict) and item.get(PATCH) == "replace")]
    places: list[Any] = [_identity(item, shape) for item in live]
    items: dict[Any, Any] = dict(zip(places, live, strict=True))
    told: list[Any] = []
    for change in patch:
        name = _identity(change, shape)
        if isinstance(change, dict) and change.get(PATCH) == "delete":
            items.pop(name, None)
        else:
            told.append(name)
            old = items.get(name)
            items[name] = strategic(old if isinstance(old, dict) else {}, change, shape.item) if isinstance(change, dict) else change
    if isinstance(order, list):
        told = [name for name in (_identity(item, shape) for item in order) if name in items]
    return [items[name] for name in _in_order([name for name in places if name in items], told)]


def _in_order(live: list[Any], told: list[Any]) -> list[Any]:
    """What the patch names in its order; what only the live list has keeps its place before what followed it."""
    told = list(dict.fromkeys(told))
    place = {name: number for number, name in enumerate(live)}
    rest = [name for name in live if name not in told]
    result: list[Any] = []
    for name in told:
        while rest and name in place and place[rest[0]] < place[name]:
            result.append(rest.pop(0))
        result.append(name)
    return result + rest
