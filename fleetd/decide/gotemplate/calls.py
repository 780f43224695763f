"""Function calls to closures: arguments are checked as Go checks them, results are charged to the run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fleetd.decide.gotemplate.expressions import Expression, Frame, constant, failing
from fleetd.decide.gotemplate.functions.signature import GO_TYPES, Function, arity_message
from fleetd.decide.gotemplate.nodes import Chain, Command, Constant, Field, Identifier, Nil, Number, Variable, text_of
from fleetd.decide.gotemplate.run import FREE, Run
from fleetd.decide.gotemplate.source import Site
from fleetd.decide.gotemplate.values import CallFailed, Int, NilMap, type_name
from fleetd.domain.errors import EvaluationFailed, OverBudget

_PLAIN_TYPES: dict[str, type] = {"string": str, "int": Int, "int64": int, "float64": float, "bool": bool, "map": dict}
_FAILURES = (CallFailed, OverBudget, ArithmeticError, ValueError, LookupError, TypeError, AttributeError)
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
    fixed = _fixed(arguments[0][0], checked[0]) if arguments else ()
    if final is not None:
        last = checks(_word(function, given - 1), final, site)
        return _piped(function, last, checked, site, fixed)
    return _plain(function, checked, site, fixed)


def _fixed(node: Any, checked: Expression) -> tuple[Any, ...]:
    """The value of a literal that fits; nothing of what is known at each call only."""
    if not isinstance(node, (Constant, Number)):
        return ()
    try:
        return (checked([], None),)
    except EvaluationFailed:
        return ()


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
            if word == "map":
                return constant(NilMap())
            return failing(site, f"cannot assign nil to {GO_TYPES[word]}")
        case Field() | Chain() | Identifier() | Variable(names=(_, *_)) if word == "map":
            return checks(word, _no_nil(inner, site), site)
    return checks(word, inner, site)


def _no_nil(inner: Expression, site: Site) -> Expression:
    """An element of the data: where it is nil, Go knows nothing of its type, and takes it for no map."""

    def element(frame: Frame, dot: Any) -> Any:
        value = inner(frame, dot)
        if value is None:
            raise site.failed(f"wrong type for value; expected {GO_TYPES['map']}; got interface {{}}")
        return value

    return element


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
    if value is None and word == "map":
        return NilMap()
    if word == "map" and type(value) is NilMap:
        return value
    if word == "time" and isinstance(value, datetime):
        return value
    if word == "string" and isinstance(value, str):
        return str(value)
    shown = "interface {}" if value is None else type_name(value)
    raise site.failed(f"wrong type for value; expected {GO_TYPES[word]}; got {shown}")


def _plain(function: Function, arguments: list[Expression], site: Site, fixed: tuple[Any, ...] = ()) -> Expression:
    """The closure for a call in its own right; the usual numbers of arguments have forms of their own because they are the hot path."""
    match arguments:
        case [first]:
            return _of_one(function, first, site)
        case [first, second] if fixed:
            return _of_fixed(function, fixed[0], second, site)
        case [first, second]:
            return _of_two(function, first, second, site, piped=False)

    def several(frame: Frame, dot: Any) -> Any:
        return _called(function, [argument(frame, dot) for argument in arguments], frame[1], site)

    return several


def _of_one(function: Function, first: Expression, site: Site) -> Expression:
    body, quick = function.body, function.quick
    if function.metered:

        def one_metered(frame: Frame, dot: Any) -> Any:
            argument = first(frame, dot)
            if quick is not None and type(argument) is str and len(argument) < FREE:
                return quick(argument)
            run = frame[1]
            try:
                value = body(run, argument)
                return value if type(value) is str and len(value) <= FREE else _settled(value, run)
            except _FAILURES as failure:
                raise _failed(failure, site) from failure

        return one_metered

    def one(frame: Frame, dot: Any) -> Any:
        argument = first(frame, dot)
        try:
            value = body(argument)
            return value if type(value) is str and len(value) <= FREE else _settled(value, frame[1])
        except _FAILURES as failure:
            raise _failed(failure, site) from failure

    return one


def _of_fixed(function: Function, ahead: Any, second: Expression, site: Site) -> Expression:
    """Of two arguments, the first of which is a literal: `default "none"`, `trunc 20`."""
    body = function.body
    if function.metered:

        def fixed_metered(frame: Frame, dot: Any) -> Any:
            behind = second(frame, dot)
            run = frame[1]
            try:
                value = body(run, ahead, behind)
                return value if type(value) is str and len(value) <= FREE else _settled(value, run)
            except _FAILURES as failure:
                raise _failed(failure, site) from failure

        return fixed_metered

    def fixed(frame: Frame, dot: Any) -> Any:
        behind = second(frame, dot)
        try:
            value = body(ahead, behind)
            return value if type(value) is str and len(value) <= FREE else _settled(value, frame[1])
        except _FAILURES as failure:
            raise _failed(failure, site) from failure

    return fixed


def _piped(function: Function, last: Expression, arguments: list[Expression], site: Site, fixed: tuple[Any, ...]) -> Expression:
    if not arguments:
        return _plain(function, [last], site)
    if fixed and len(arguments) == 1:
        return _of_fixed(function, fixed[0], last, site)
    if len(arguments) == 1:
        return _of_two(function, arguments[0], last, site, piped=True)

    def several(frame: Frame, dot: Any) -> Any:
        piped = last(frame, dot)
        return _called(function, [*[argument(frame, dot) for argument in arguments], piped], frame[1], site)

    return several


def _of_two(function: Function, first: Expression, second: Expression, site: Site, *, piped: bool) -> Expression:
    """What is piped in is evaluated first."""
    body = function.body
    if function.metered:

        def two_metered(frame: Frame, dot: Any) -> Any:
            run = frame[1]
            if piped:
                behind = second(frame, dot)
                ahead = first(frame, dot)
            else:
                ahead = first(frame, dot)
                behind = second(frame, dot)
            try:
                value = body(run, ahead, behind)
                return value if type(value) is str and len(value) <= FREE else _settled(value, run)
            except _FAILURES as failure:
                raise _failed(failure, site) from failure

        return two_metered

    def two(frame: Frame, dot: Any) -> Any:
        if piped:
            behind = second(frame, dot)
            ahead = first(frame, dot)
        else:
            ahead = first(frame, dot)
            behind = second(frame, dot)
        try:
            value = body(ahead, behind)
            return value if type(value) is str and len(value) <= FREE else _settled(value, frame[1])
        except _FAILURES as failure:
            raise _failed(failure, site) from failure

    return two


def _called(function: Function, arguments: list[Any], run: Run, site: Site) -> Any:
    try:
        value = function.body(run, *arguments) if function.metered else function.body(*arguments)
        return value if type(value) is str and len(value) <= FREE else _settled(value, run)
    except _FAILURES as failure:
        raise _failed(failure, site) from failure


_SMALL = frozenset({bool, int, Int, float, type(None)})
"""Results that cost nothing beyond the step that made them."""


def _settled(value: Any, run: Run) -> Any:
    """The value, accounted for; short texts need no account."""
    if type(value) in _SMALL:
        return value
    if type(value) is str:
        run.text(len(value))
    elif isinstance(value, (list, dict)):
        run.elements(len(value))
    return value


def _failed(failure: Exception, site: Site) -> Exception:
    if isinstance(failure, OverBudget):
        return site.over(failure)
    command: Command = site.node
    return site.failed(f"error calling {text_of(command.args[0])}: {_reason(failure)}")


def _reason(failure: Exception) -> str:
    if isinstance(failure, ZeroDivisionError):
        return "runtime error: integer divide by zero"
    if isinstance(failure, KeyError):
        return str(failure.args[0]) if failure.args else "no such key"
    return str(failure)
