"""How a function says which arguments it takes, and how it is called with what came from Lua."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Call = Callable[[Sequence[Any], int], Iterator[Any]]
"""Takes the arguments and the bytes that a text may have; yields the results."""


class Failed(Exception):
    """A function refuses its arguments; the text is told to the script."""


@dataclass(frozen=True, slots=True)
class Table:
    """A list or a mapping, or what JSON may hold: a table in Lua."""

    content: Any


class Room:
    """How long a text may become."""

    def __init__(self, size: int) -> None:
        self._size = size

    def take(self, characters: int) -> None:
        """Raises Failed when a text of so many characters would be too long."""
        if characters > self._size:
            raise Failed(f"the text would be longer than {self._size} bytes")


_WORDS = {"s": "string", "i": "number", "n": "number", "b": "boolean", "t": "table"}


def declared(module: str, table: Mapping[str, tuple[str, Callable[..., Any]]]) -> dict[str, Call]:
    """Functions from `name: ("ssi", body)`, called `module.name`.

    A letter for each argument: `s` text, `i` whole number, `n` number, `b` boolean, `t` table, `a` anything; `?` after the last
    means that it may be left out, `*` at the end that any number may follow, `+` at the front that the body is given the `Room`
    that a text may take. A body that returns a tuple has several results.
    """
    return {f"{module}.{name}" if module else name: _call(signature, body) for name, (signature, body) in table.items()}


def _call(signature: str, body: Callable[..., Any]) -> Call:
    roomy, more, optional = signature.startswith("+"), signature.endswith("*"), signature.endswith("?")
    letters = signature.strip("+*?")

    def call(arguments: Sequence[Any], size: int) -> Iterator[Any]:
        given = [] if not roomy else [Room(size)]
        if len(arguments) < len(letters) - optional:
            raise Failed(f"{len(letters) - optional} arguments are needed, {len(arguments)} were given")
        for position, letter in enumerate(letters[: len(arguments)], 1):
            given.append(_argument(letter, arguments[position - 1], position))
        if more:
            given += arguments[len(letters) :]
        result = body(*given)
        yield from result if isinstance(result, tuple) else (result,)

    return call


def _argument(letter: str, value: Any, position: int) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if letter == "a" or (letter == "b" and isinstance(value, bool)) or (letter == "t" and isinstance(value, list | dict)):
        return value
    if letter == "s" and (isinstance(value, str) or number):
        return value if isinstance(value, str) else number_text(value)
    if letter in "in" and number:
        return int(value) if letter == "i" else value
    raise Failed(f"bad argument #{position} ({_WORDS[letter]} expected, got {type_word(value)})")


def type_word(value: Any) -> str:
    """Lua's word for the type of a value."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "boolean"
    return "string" if isinstance(value, str) else "number" if isinstance(value, int | float) else "table"


def number_text(value: float) -> str:
    """A number as Lua writes it: whole ones without a fraction."""
    return str(int(value)) if value == int(value) else repr(float(value))


def text_of(value: Any) -> str:
    """Any value as `tostring` would write it."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return {None: "nil", True: "true", False: "false"}[value]
    return number_text(value) if isinstance(value, int | float) else "table"
