"""Closures of statements: texts, jumps, what `and` and `or` choose, and what a range goes over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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


def writes(pairs: Sequence[tuple[str, Expression]], after: str, site: Site) -> Statement:
    """Writes texts and what the actions behind them yield, and the text behind the last: one closure for what is most of a template."""
    if len(pairs) == 1:
        return _write_one(*pairs[0], after, site)
    size = len(after) + sum(len(text) for text, _ in pairs)

    def write(frame: Frame, dot: Any) -> None:
        parts = frame[0]
        run = frame[1]
        written = size
        for before, value_of in pairs:
            value = value_of(frame, dot)
            text = value if type(value) is str else text_of(value, run)
            written += len(text)
            parts += (before, text)
        parts.append(after)
        run.output_left -= written
        if run.output_left < 0:
            raise site.over(run.over_output())

    return write


def _write_one(before: str, value_of: Expression, after: str, site: Site) -> Statement:
    size = len(before) + len(after)

    def write(frame: Frame, dot: Any) -> None:
        value = value_of(frame, dot)
        run = frame[1]
        text = value if type(value) is str else text_of(value, run)
        frame[0] += (before, text, after)
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


def loop(value_of: Expression, body: Statement, orelse: Statement | None, slots: Sequence[int], site: Site) -> Statement:
    """`range` with no variable, one for the element, or two for key and element."""
    if len(slots) == 2:
        return _loop_of_pairs(value_of, body, orelse, (slots[0], slots[1]), site)
    slot = slots[0] if slots else None

    def repeat(frame: Frame, dot: Any) -> None:
        source = value_of(frame, dot)
        if slot is not None:
            frame[slot] = source
        values = list(source) if type(source) is list else _values(source, site, frame[1])
        empty = True
        try:
            for value in values:
                empty = False
                if slot is not None:
                    frame[slot] = value
                try:
                    body(frame, value)
                except Continue:
                    continue
        except Break:
            return
        if empty and orelse is not None:
            orelse(frame, dot)

    return repeat


def _loop_of_pairs(value_of: Expression, body: Statement, orelse: Statement | None, slots: tuple[int, int], site: Site) -> Statement:
    key_slot, value_slot = slots

    def repeat(frame: Frame, dot: Any) -> None:
        frame[key_slot] = frame[value_slot] = source = value_of(frame, dot)
        empty = True
        try:
            for key, value in _pairs(source, site, frame[1]):
                empty = False
                frame[key_slot] = key
                frame[value_slot] = value
                try:
                    body(frame, value)
                except Continue:
                    continue
        except Break:
            return
        if empty and orelse is not None:
            orelse(frame, dot)

    return repeat


def _values(value: Any, site: Site, run: Run) -> Iterable[Any]:
    """What a range goes over; a copy, for what is changed meanwhile is not gone over."""
    if isinstance(value, list):
        return list(value)
    if isinstance(value, dict):
        if len(value) > 7:
            run.spend(len(value) >> 3)
        return [value[key] for key in sorted(value)]
    if isinstance(value, int) and not isinstance(value, bool):
        return map(type(value), range(value))
    return _nothing(value, site, run)


def _pairs(value: Any, site: Site, run: Run) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, dict):
        if len(value) > 7:
            run.spend(len(value) >> 3)
        return sorted(value.items())  # by their keys, which are no two the same
    if isinstance(value, list):
        return zip(map(Int, range(len(value))), list(value), strict=True)
    if isinstance(value, int) and not isinstance(value, bool):
        raise site.failed(f"can't use {value} to iterate over more than one variable")
    return _nothing(value, site, run)


def _nothing(value: Any, site: Site, run: Run) -> tuple[()]:
    if value is None:
        return ()
    raise site.failed(f"range can't iterate over {plain(value, run)}")
