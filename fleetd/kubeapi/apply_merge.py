"""Merging an applied configuration into an object, and taking out what is applied no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from fleetd.domain.fieldset import Node, NotMergeable, is_member, item_element
from fleetd.domain.mergefacts import Shape


def copied(value: Any) -> Any:
    """A copy that shares nothing that could be changed."""
    if isinstance(value, dict):
        return {name: copied(each) if isinstance(each, (dict, list)) else each for name, each in value.items()}
    if isinstance(value, list):
        return [copied(each) if isinstance(each, (dict, list)) else each for each in value]
    return value


def merge(live: Any, applied: Any, shape: Shape) -> Any:
    """What applying gives, before anything is taken out; shares nothing with its arguments. Nulls that were applied stay in it."""
    if not shape.atomic:
        if isinstance(live, dict) and live and (applied is None or isinstance(applied, dict)):
            return _merge_maps(live, applied or {}, shape)
        if isinstance(live, list) and live and (shape.keys or shape.unique) and (applied is None or isinstance(applied, list)):
            return _merge_lists(live, applied or [], shape)
    return copied(applied)


def _merge_maps(live: dict[str, Any], applied: dict[str, Any], shape: Shape) -> dict[str, Any]:
    merged = {}
    for name, value in live.items():
        if name not in applied:
            merged[name] = copied(value) if isinstance(value, (dict, list)) else value
        elif isinstance(value, (dict, list)):
            merged[name] = merge(value, applied[name], shape.child(name))
        else:
            merged[name] = copied(applied[name])
    for name, value in applied.items():
        if name not in live:
            merged[name] = copied(value)
    return merged


def element_of(item: Any, shape: Shape) -> str:
    """The path element of an item that is stored already: one without its keys is known by its whole value."""
    try:
        return item_element(item, shape)
    except NotMergeable:
        return "v:" + orjson.dumps(item, option=orjson.OPT_SORT_KEYS).decode()


def _merge_lists(live: list[Any], applied: list[Any], shape: Shape) -> list[Any]:
    """Items of the applied list stand in its order; those that only the live list has stay before the common item they stood before."""
    theirs = [(element_of(item, shape), item) for item in live]
    ours = {element_of(item, shape): item for item in applied}
    known: dict[str, Any] = {}
    for element, item in theirs:
        known[element] = None if element in known else item
    return [
        merge(known[element], ours[element], shape.item) if element in ours and element in known else copied(item)
        for element, item in _in_order(theirs, ours, known)
    ]


def _in_order(theirs: list[tuple[str, Any]], ours: dict[str, Any], known: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    wanted = iter(ours.items())
    common = iter([element for element in ours if element in known])
    awaited = next(common, None)
    for element, item in theirs:
        if element not in ours:
            yield element, item
        elif element == awaited:
            for mine in wanted:
                yield mine
                if mine[0] == element:
                    break
            awaited = next(common, None)
    yield from wanted


def take_out(value: Any, given_up: Node, held: Node, shape: Shape) -> None:
    """Removes from a merged value, in place, what an applier held before (`given_up`) and nobody holds now."""
    if isinstance(value, dict):
        _take_out_fields(value, given_up, held, shape)
    elif isinstance(value, list) and (shape.keys or shape.unique):
        _take_out_items(value, given_up, held, shape)


def _take_out_fields(value: dict[str, Any], given_up: Node, held: Node, shape: Shape) -> None:
    for element, below in given_up.items():
        name = element[2:]
        if element[:2] != "f:" or name not in value:
            continue
        holding = held.get(element)
        if holding is None:
            del value[name]
        elif below and value[name]:
            take_out(value[name], below, holding, shape.child(name))
            if value[name] in ({}, []):
                del value[name]


def _take_out_items(value: list[Any], given_up: Node, held: Node, shape: Shape) -> None:
    kept = []
    for item in value:
        element = element_of(item, shape)
        below = given_up.get(element)
        if below is not None:
            holding = held.get(element)
            if is_member(below) and (holding is None or not is_member(holding)):
                continue
            if below:
                take_out(item, below, holding or {}, shape.item)
        kept.append(item)
    value[:] = kept


def without_nulls(value: Any, shape: Shape) -> Any:
    """As a typed server reads it: a null field is none, a null under a free key is the empty string; lists keep theirs."""
    if not isinstance(value, dict):
        if isinstance(value, list) and shape.keys:
            return [without_nulls(item, shape.item) for item in value]
        return value
    if shape.free:
        return {name: "" if each is None else each for name, each in value.items()}
    return {name: without_nulls(each, shape.child(name)) for name, each in value.items() if each is not None}
