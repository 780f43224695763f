"""Places in what an expression is given, and what it is given with other values there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fleetd.decide.cel import tree
from fleetd.decide.cel.values import ABSENT


class Anything:
    """The type of the one value that stands where only something has to be."""

    __slots__ = ()


ANYTHING: Final = Anything()


@dataclass(frozen=True, slots=True)
class Spot:
    """A variable, and the keys and positions below it."""

    variable: str
    keys: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        text = self.variable
        for key in self.keys:
            text += f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!r}]"
        return text

    def under(self, key: str | int) -> Spot:
        return Spot(self.variable, (*self.keys, key))


Names = Mapping[str, Spot | None]
"""What the names of macros stand for, where that is known."""


def spot_of(node: tree.Node, variables: Sequence[str], names: Names) -> Spot | None:
    """The place that a node reads; None where it reads more than one, or computes."""
    match node:
        case tree.Name(name=name, absolute=absolute):
            if not absolute and name in names:
                return names[name]
            return Spot(name) if name in variables else None
        case tree.Select(operand=operand, key=key, optional=False):
            before = spot_of(operand, variables, names)
            return before.under(key) if before is not None else None
        case tree.Index(operand=operand, key=tree.Literal(value=str() | int() as key), optional=False) if not isinstance(key, bool):
            before = spot_of(operand, variables, names)
            return before.under(key) if before is not None else None
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Edit:
    """Another value for a place; ``ABSENT`` takes it away, ``ANYTHING`` puts something there."""

    spot: Spot
    value: Any


def edited(bindings: Mapping[str, Any], edits: Sequence[Edit]) -> dict[str, Any] | None:
    """The variables with these values, what is not concerned shared; None where there is no such place."""
    changed = dict(bindings)
    for edit in edits:
        # A variable as a whole is not somebody's to change.
        if not edit.spot.keys or edit.spot.variable not in changed:
            return None
        now = _with(changed[edit.spot.variable], edit.spot.keys, "" if edit.value is ANYTHING else edit.value)
        if now is None:
            return None
        changed[edit.spot.variable] = now
    return changed


def _with(value: Any, keys: tuple[str | int, ...], new: Any) -> Any:
    key, rest = keys[0], keys[1:]
    if isinstance(value, list) and isinstance(key, int):
        if not 0 <= key < len(value):
            return None
        below = new if not rest else _with(value[key], rest, new)
        return None if below is None or below is ABSENT else [*value[:key], below, *value[key + 1 :]]
    if not isinstance(value, dict) or not isinstance(key, str):
        return None
    if not rest and new is ABSENT:
        return {name: item for name, item in value.items() if name != key}
    below = new if not rest else _with(value.get(key, {}), rest, new)
    return None if rest and below is None else {**value, key: below}
