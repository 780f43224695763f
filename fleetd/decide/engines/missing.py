"""What a Jinja2 template reads and that is not there, said in one sentence."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Any

from jinja2 import StrictUndefined
from jinja2.utils import missing

_SHOWN = 12
_LONGEST = 60
_WORDS = {str: "a text", bool: "a boolean", int: "a number", float: "a number", list: "a list", tuple: "a list"}


def nearest(name: str, among: Iterable[str]) -> str:
    """`; did you mean x?`, or nothing."""
    found = difflib.get_close_matches(name, list(among), 1, 0.6)
    return f"; did you mean {found[0]}?" if found else ""


def named(names: Iterable[str]) -> str:
    """The first names of what is there."""
    every = [name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…" for name in map(str, names)]
    shown = ", ".join(sorted(every)[:_SHOWN])
    return f"{shown} and {len(every) - _SHOWN} more" if len(every) > _SHOWN else shown


def word_of(value: Any) -> str:
    """What a value is, for a sentence."""
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "a map"
    return _WORDS.get(type(value), "something else")


def strict(variables: Callable[[], Iterable[str]], functions: Iterable[str]) -> type[StrictUndefined]:
    """The class of values that are not there; any use of one but `is defined` and `default` fails.

    Args:
        variables: names that the template may read now.
    """
    callable_names = tuple(functions)

    class Missing(StrictUndefined):
        """Says which key was read where, and which keys were there."""

        __slots__ = ()

        @property
        def _undefined_message(self) -> str:
            if self._undefined_hint:
                return self._undefined_hint
            name = str(self._undefined_name)
            if self._undefined_obj is missing:
                there = tuple(variables())
                hint = nearest(name, (*there, *callable_names))
                return f"there is no variable or function {name}{hint or f'; the variables are {named(there)}'}"
            return _unread(self._undefined_obj, self._undefined_name)

    return Missing


def _unread(owner: Any, name: Any) -> str:
    if isinstance(owner, dict):
        keys = [key for key in owner if isinstance(key, str)]
        if not keys:
            return f'there is no key "{name}": the map is empty'
        return f'there is no key "{name}"; the keys there are {named(keys)}{nearest(str(name), keys)}'
    if isinstance(owner, list | tuple) and isinstance(name, int):
        return f"there is no element {name}: the list has {len(owner)}"
    return f'"{name}" is read of {word_of(owner)}, which has no such part'
