"""The tree of a parsed template. `pos` is an offset into the template's text; named tuples because thousands are made."""

from __future__ import annotations

from typing import Any, NamedTuple


class Field(NamedTuple):
    """`.a.b`: names below the dot."""

    pos: int
    names: tuple[str, ...]


class Variable(NamedTuple):
    """`$x.a.b`; the slot is the variable's place in the frame."""

    pos: int
    name: str
    slot: int
    names: tuple[str, ...]


class Chain(NamedTuple):
    """`(pipeline).a.b`, or `function.a`."""

    pos: int
    node: Any
    names: tuple[str, ...]


class Identifier(NamedTuple):
    """A function's name."""

    pos: int
    name: str


class Dot(NamedTuple):
    """`.`"""

    pos: int


class Nil(NamedTuple):
    """`nil`"""

    pos: int


class Constant(NamedTuple):
    """A string or a boolean; text is as written."""

    pos: int
    text: str
    value: str | bool


class Number(NamedTuple):
    """A number or character: as Go, it may be both a whole number and a float (`1e3`), and the use decides."""

    pos: int
    text: str
    whole: int | None
    real: float | None
    prefers_real: bool


class Command(NamedTuple):
    """One stage of a pipeline."""

    pos: int
    args: tuple[Any, ...]


class Pipe(NamedTuple):
    """`$x, $y := a | b`; a variable is (name, slot)."""

    pos: int
    variables: tuple[tuple[str, int], ...]
    assigns: bool
    commands: tuple[Command, ...]


class Text(NamedTuple):
    """Text between actions."""

    pos: int
    text: str


class Action(NamedTuple):
    """`{{ pipeline }}`"""

    pos: int
    pipe: Pipe


class Branch(NamedTuple):
    """`if`, `with` or `range`, said by the word."""

    pos: int
    word: str
    pipe: Pipe
    body: tuple[Any, ...]
    orelse: tuple[Any, ...]


class Jump(NamedTuple):
    """`break` or `continue`."""

    pos: int
    word: str


class Invocation(NamedTuple):
    """`{{ template "name" pipeline }}`"""

    pos: int
    name: str
    pipe: Pipe | None


class Definition(NamedTuple):
    """A template's body, and how many variables a frame of it holds."""

    name: str
    body: tuple[Any, ...]
    slots: int


def text_of(node: Any) -> str:  # noqa: PLR0911 - one line a kind of node
    """The node as Go writes it in an error's place."""
    match node:
        case Field(names=names):
            return "".join(f".{name}" for name in names)
        case Variable(name=name, names=names):
            return ".".join((name, *names))
        case Chain(node=inner, names=names):
            return ".".join((_operand(inner), *names))
        case Dot():
            return "."
        case Nil():
            return "nil"
        case Command(args=args):
            return " ".join(map(_operand, args))
        case Pipe(variables=variables, assigns=assigns, commands=commands):
            declared = ", ".join(name for name, _ in variables)
            return (f"{declared} {'=' if assigns else ':='} " if declared else "") + " | ".join(map(text_of, commands))
        case Invocation(name=name, pipe=pipe):
            return f'{{{{template "{name}"{" " + text_of(pipe) if pipe else ""}}}}}'
    return str(getattr(node, "text", None) or getattr(node, "name", ""))


def _operand(node: Any) -> str:
    return f"({text_of(node)})" if isinstance(node, Pipe) else text_of(node)
