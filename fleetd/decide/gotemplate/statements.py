"""Closures of statements: texts, jumps, what `and` and `or` choose, and what a range goes over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fleetd.decide.gotemplate.expressions import Expression, Frame, failing
from fleetd.decide.gotemplate.formatting import plain, text_of
from fleetd.decide.gotemplate.nodes import Action, Text
from fleetd.decide.gotemplate.run import Run
from fleetd.decide.gotemplate.source import Site
from fleetd.decide.gotemplate.values import Int, truth

Statement = Callable[[Frame, Any], None]


class Break(Exception):
    """`{{ break }}`"""


class Continue(Exception):
    """`{{ continue }}`"""


def noting(statement: Statement, node: Any, trail: list[Any] | None) -> Statement:
    """Notes the node of each part, where somebody asks: texts and actions that write make one each, all else none of its own."""
    if trail is None or not (isinstance(node, Text) or (isinstance(node, Action) and not node.pipe.variables)):
        return statement

    def noting(frame: Frame, dot: Any) -> None:
        statement(frame, dot)
        trail.append(node)

    return noting


def literal(text: str, site: Site) -> Statement:
    """Writes a text between actions."""
    size = len(text)

    def write(frame: Frame, _dot: Any) -> None:
        frame[0].append(text)
        run = frame[1]
        run.output_left -= size
        if run.output_left < 0:
            raise site.over(run.over_output())

    return write


def literal_and_value(before: str, value_of: Expression, site: Site) -> Statement:
    """Writes a text, and what the action behind it yields."""
    size = len(before)

    def write(frame: Frame, dot: Any) -> None:
        parts = frame[0]
        parts.append(before)
        value = value_of(frame, dot)
        run = frame[1]
        text = value if type(value) is str else text_of(value, run)
        parts.append(text)
        run.output_left -= size + len(text)
        if run.output_left < 0:
            raise site.over(run.over_output())

    return write


def jump(word: str) -> Statement:
    """`{{ break }}` and `{{ continue }}`."""
    kind = Break if word == "break" else Continue

    def leave(_frame: Frame, _dot: Any) -> None:
        raise kind

    return leave


def junction(name: str, arguments: list[Expression], final: Expression | None, site: Site) -> Expression:
    """`and` and `or`, which evaluate no further than they must."""
    stop = name == "or"
    if final is not None:
        return piped_junction(arguments, final, stop=stop)
    if not arguments:
        return failing(site, f"wrong number of args for {name}: want at least 1 got 0")

    def junction(frame: Frame, dot: Any) -> Any:
        value = None
        for argument in arguments:
            value = argument(frame, dot)
            if truth(value) is stop:
                return value
        return value

    return junction


def piped_junction(arguments: list[Expression], final: Expression, *, stop: bool) -> Expression:
    """The last argument is piped in, so it is evaluated whatever the others are."""

    def junction(frame: Frame, dot: Any) -> Any:
        last = final(frame, dot)
        for argument in arguments:
            value = argument(frame, dot)
            if truth(value) is stop:
                return value
        return last

    return junction


def elements(value: Any, site: Site, *, two: bool, run: Run) -> Any:
    """What a range goes over, as (key, element)."""
    if isinstance(value, list):
        return enumerate(list(value)) if not two else ((Int(at), element) for at, element in enumerate(list(value)))
    if isinstance(value, dict):
        run.spend(len(value) >> 3)
        return [(key, value[key]) for key in sorted(value)]
    if value is None:
        return ()
    if isinstance(value, int) and not isinstance(value, bool):
        if two:
            raise site.failed(f"can't use {value} to iterate over more than one variable")
        kind = type(value)
        return ((at, kind(at)) for at in range(value))
    raise site.failed(f"range can't iterate over {plain(value, run)}")
