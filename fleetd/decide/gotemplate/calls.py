"""Function calls to closures: arguments are checked as Go checks them, results are charged to the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from fleetd.decide.gotemplate.expressions import Expression, Frame, constant, failing
from fleetd.decide.gotemplate.functions.signature import GO_TYPES, Function, arity_message
from fleetd.decide.gotemplate.nodes import Command, Constant, Nil, Number, text_of
from fleetd.decide.gotemplate.run import FREE, Run
from fleetd.decide.gotemplate.source import Site
from fleetd.decide.gotemplate.values import CallFailed, Int, type_name

_PLAIN_TYPES: dict[str, type] = {"string": str, "int": Int, "int64": int, "float64": float, "bool": bool, "map": dict, "list": list}
_FAILURES = (CallFailed, ArithmeticError, ValueError, LookupError, TypeError, AttributeError)
"""What a function raises when its arguments are beyond it: Go's functions return an error or panic, both of which fail the call."""


def call(function: Function, arguments: Sequence[tuple[Any, Expression]], final: Expression | None, site: Site) -> Expression:
    """A call of the function.

    Args:
        arguments: each argument's node and closure.
        final: the value piped in, which becomes the last argument and is evaluated first.
    """
    given = len(arguments) + (final is not None)
    wrong = arity_message(function, given)
    if wrong is not None:
        return failing(site._replace(node=site.node.args[0]), wrong)
    checked = [_argument(_word(function, at), node, inner, site) for at, (node, inner) in enumerate(arguments)]
    if final is not None:
        last = checks(_word(function, given - 1), final, site)
        return _piped(function, last, checked, site)
    return _plain(function, checked, site)


def _word(function: Function, at: int) -> str:
    return function.params[at] if at < len(function.params) else function.more or "any"


def _argument(word: str, node: Any, inner: Expression, site: Site) -> Expression:
    """A literal is settled while compiling, everything else at each call."""
    site = site._replace(node=node)
    match node:
        case Number():
            return _number(word, node, inner, site)
        case Constant(value=value):
            wanted = {"string": str, "bool": bool}.get(word)
            if word == "any" or wanted is type(value):
                return inner
            return failing(site, _mismatch(word, node.text))
        case Nil():
            if word == "any":
                return inner
            if word in {"map", "list"}:
                return checks(word, inner, site)
            return failing(site, f"cannot assign nil to {GO_TYPES[word]}")
    return checks(word, inner, site)


def _number(word: str, node: Number, inner: Expression, site: Site) -> Expression:
    if word == "any":
        return inner
    if word in {"int", "int64"} and node.whole is not None:
        return constant(Int(node.whole) if word == "int" else node.whole)
    if word == "float64" and node.real is not None:
        return constant(node.real)
    return failing(site, _mismatch(word, node.text))


def _mismatch(word: str, text: str) -> str:
    expected = {"int": "integer", "int64": "integer", "float64": "float", "bool": "bool", "string": "string"}.get(word)
    return f"can't handle {text} for arg of type {GO_TYPES[word]}" if expected is None else f"expected {expected}; found {text}"


def checks(word: str, inner: Expression, site: Site) -> Expression:
    """The value, once it is known to have the parameter's type."""
    if word == "any":
        return inner
    if word == "string":

        def text(frame: Frame, dot: Any) -> Any:
            value = inner(frame, dot)
            if type(value) is str:
                if len(value) > FREE:
                    frame[1].spend(len(value) >> 6)
                return value
            return _fitting(value, word, site)

        return text

    wanted = _PLAIN_TYPES.get(word)

    def other(frame: Frame, dot: Any) -> Any:
        value = inner(frame, dot)
        return value if type(value) is wanted else _fitting(value, word, site)

    return other


def _fitting(value: Any, word: str, site: Site) -> Any:
    if value is None and word in {"map", "list"}:
        return {} if word == "map" else []
    if word == "time" and isinstance(value, datetime):
        return value
    if word == "string" and isinstance(value, str):
        return str(value)
    shown = "interface {}" if value is None else type_name(value)
    raise site.failed(f"wrong type for value; expected {GO_TYPES[word]}; got {shown}")


def _plain(function: Function, arguments: list[Expression], site: Site) -> Expression:
    """The closure for a call in its own right; the usual numbers of arguments have forms of their own because they are the hot path."""
    body = function.body
    if function.metered:
        arguments = [_run, *arguments]
    match arguments:
        case []:

            def none(frame: Frame, _dot: Any) -> Any:
                return _guarded(body, (), frame[1], site)

            return none
        case [first]:

            def one(frame: Frame, dot: Any) -> Any:
                return _guarded(body, (first(frame, dot),), frame[1], site)

            return one
        case [first, second]:

            def two(frame: Frame, dot: Any) -> Any:
                return _guarded(body, (first(frame, dot), second(frame, dot)), frame[1], site)

            return two

    def several(frame: Frame, dot: Any) -> Any:
        return _guarded(body, [argument(frame, dot) for argument in arguments], frame[1], site)

    return several


def _piped(function: Function, last: Expression, arguments: list[Expression], site: Site) -> Expression:
    body = function.body
    if function.metered:
        arguments = [_run, *arguments]
    match arguments:
        case []:
            return _plain_piped(body, last, site)
        case [first]:

            def one(frame: Frame, dot: Any) -> Any:
                piped = last(frame, dot)
                return _guarded(body, (first(frame, dot), piped), frame[1], site)

            return one

    def several(frame: Frame, dot: Any) -> Any:
        piped = last(frame, dot)
        return _guarded(body, [*[argument(frame, dot) for argument in arguments], piped], frame[1], site)

    return several


def _plain_piped(body: Callable[..., Any], last: Expression, site: Site) -> Expression:
    def none(frame: Frame, dot: Any) -> Any:
        return _guarded(body, (last(frame, dot),), frame[1], site)

    return none


def _run(frame: Frame, _dot: Any) -> Any:
    return frame[1]


def _guarded(body: Callable[..., Any], arguments: Sequence[Any], run: Run, site: Site) -> Any:
    try:
        value = body(*arguments)
    except _FAILURES as failure:
        command: Command = site.node
        raise site.failed(f"error calling {text_of(command.args[0])}: {_reason(failure)}") from failure
    if type(value) is str:
        if len(value) > FREE:
            run.text(len(value))
    elif isinstance(value, (list, dict)):
        run.settle(value)
    return value


def _reason(failure: Exception) -> str:
    if isinstance(failure, ZeroDivisionError):
        return "runtime error: integer divide by zero"
    if isinstance(failure, KeyError):
        return str(failure.args[0]) if failure.args else "no such key"
    return str(failure)
