"""Calls that are not functions: their arguments are names and bodies."""

from __future__ import annotations

from typing import Final

from fleetd.decide.cel import tree
from fleetd.decide.cel.position import Text

_ONE_VARIABLE: Final = {"all": (2,), "exists": (2,), "exists_one": (2,), "existsOne": (2,), "map": (2, 3), "filter": (2,), "sortBy": (2,)}
_TWO_VARIABLES: Final = {
    "all": (3,),
    "exists": (3,),
    "exists_one": (3,),
    "existsOne": (3,),
    "transformList": (3, 4),
    "transformMap": (3, 4),
    "transformMapEntry": (3, 4),
}
_SPELLING: Final = {"existsOne": "exists_one"}
LOOPS: Final = frozenset(_ONE_VARIABLE) | frozenset(_TWO_VARIABLES)


def expand(text: Text, call: tree.Call, at: int) -> tree.Node:
    """The node of a macro, or the call itself when it is none; ``at`` is where its name stands."""
    count = len(call.arguments)
    if call.target is None:
        return _has(text, call) if call.function == "has" and count == 1 else call
    if isinstance(call.target, tree.Name) and call.target.name == "cel" and (made := _of_cel(text, call)) is not None:
        return made
    if call.function in ("optMap", "optFlatMap") and count == 2:
        names = (_variable(text, call.arguments[0]),)
        return tree.Loop(call.start, call.end, call.function, call.target, names, call.arguments[1])
    if count in _ONE_VARIABLE.get(call.function, ()):
        return _loop(text, call, 1)
    if count in _TWO_VARIABLES.get(call.function, ()):
        return _loop(text, call, 2)
    if call.function in LOOPS:
        raise text.failure(f"{call.function} takes a name and an expression, not {count} arguments", at)
    return call


def _of_cel(text: Text, call: tree.Call) -> tree.Node | None:
    """The macros that begin with ``cel.``; those that number their names are what optimizers write."""
    match call.function, call.arguments:
        case "bind", (name, bound, body):
            return tree.Bind(call.start, call.end, _variable(text, name), bound, body)
        case "block", (tree.Items(items=bound), body):
            for number, value in reversed([*enumerate(bound)]):
                body = tree.Bind(call.start, call.end, f"@index{number}", value, body)
            return body
        case "index" | "iterVar" | "accuVar" as kind, (tree.Literal(), *_) as numbers:
            values = [number.value if isinstance(number, tree.Literal) else None for number in numbers]
            if all(type(value) is int and value >= 0 for value in values) and len(values) == (1 if kind == "index" else 2):
                return tree.Name(call.start, call.end, f"@{kind}{':'.join(map(str, values))}")
    return None


def _has(text: Text, call: tree.Call) -> tree.Node:
    (selected,) = call.arguments
    if not isinstance(selected, tree.Select) or selected.optional:
        raise text.failure("has takes the selection of a field, such as has(resource.spec.replicas)", selected.start)
    return tree.Has(call.start, call.end, selected)


def _loop(text: Text, call: tree.Call, variables: int) -> tree.Node:
    names = tuple(_variable(text, argument) for argument in call.arguments[:variables])
    if len(set(names)) != len(names):
        raise text.failure(f"{call.function} needs two different names", call.arguments[1].start)
    *conditions, body = call.arguments[variables:]
    macro = _SPELLING.get(call.function, call.function)
    assert call.target is not None  # noqa: S101 - the caller has looked
    return tree.Loop(call.start, call.end, macro, call.target, names, body, conditions[0] if conditions else None)


def _variable(text: Text, node: tree.Node) -> str:
    if not isinstance(node, tree.Name):
        raise text.failure("the first argument is a name for the items, such as x", node.start)
    return node.name
