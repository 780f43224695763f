"""The syntax tree: every node knows the stretch of source text that it stands for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any


@dataclass(frozen=True, slots=True)
class Node:
    """``start`` and ``end`` are offsets into the source."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Literal(Node):
    value: Any


@dataclass(frozen=True, slots=True)
class Name(Node):
    """``absolute`` is one written with a dot before it: no name of a macro hides it."""

    name: str
    absolute: bool = False


@dataclass(frozen=True, slots=True)
class Select(Node):
    """``operand.key``, or ``operand.?key``."""

    operand: Node
    key: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Index(Node):
    """``operand[key]``, or ``operand[?key]``."""

    operand: Node
    key: Node
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function of the language or of a library; ``target`` is what stands before the dot."""

    function: str
    target: Node | None
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Unary(Node):
    sign: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary(Node):
    sign: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Logic(Node):
    """Terms joined by ``&&`` or by ``||``; a chain is one node."""

    sign: str
    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Conditional(Node):
    condition: Node
    yes: Node
    no: Node


@dataclass(frozen=True, slots=True)
class Items(Node):
    """A list; ``optional`` holds the positions of items written with ``?``."""

    items: tuple[Node, ...]
    optional: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Entries(Node):
    """A map; ``optional`` holds the positions of entries written with ``?``."""

    entries: tuple[tuple[Node, Node], ...]
    optional: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Has(Node):
    selected: Select


@dataclass(frozen=True, slots=True)
class Loop(Node):
    """A macro over a list or map: ``all exists exists_one map filter``, and those with two variables.

    ``condition`` is the filter of a ``map`` with three arguments.
    """

    macro: str
    over: Node
    names: tuple[str, ...]
    body: Node
    condition: Node | None = None


@dataclass(frozen=True, slots=True)
class Bind(Node):
    """``cel.bind(name, bound, body)``; what is bound is evaluated when it is first used."""

    name: str
    bound: Node
    body: Node


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below, in the order of the source."""
    match node:
        case Select(operand=below) | Unary(operand=below) | Has(selected=below):
            yield below
        case Call(target=target, arguments=arguments):
            yield from filter(None, (target, *arguments))
        case Binary(left=one, right=two) | Index(operand=one, key=two) | Bind(bound=one, body=two):
            yield from (one, two)
        case Logic(terms=terms) | Items(items=terms):
            yield from terms
        case Conditional(condition=condition, yes=yes, no=no):
            yield from (condition, yes, no)
        case Entries(entries=entries):
            yield from chain.from_iterable(entries)
        case Loop(over=over, condition=asked, body=body):
            yield from filter(None, (over, asked, body))
        case _:
            return
