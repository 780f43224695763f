"""What an evaluation did: the value of every sub-expression, and the one that decided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fleetd.decide.cel import tree


@dataclass(slots=True)
class Trace:
    """One evaluation of one sub-expression.

    ``start`` and ``end`` are offsets into the source; ``error`` is the sentence of the error that it raised, and then
    ``value`` means nothing. A loop's body stands among the children once for every item.
    """

    node: tree.Node
    text: str
    value: Any = None
    error: str | None = None
    children: list[Trace] = field(default_factory=list)

    @property
    def start(self) -> int:
        return self.node.start

    @property
    def end(self) -> int:
        return self.node.end

    @property
    def deciding(self) -> str:
        """The smallest sub-expression that decided the outcome, with the values that it saw."""
        culprit = decider(self)
        seen = ", ".join(dict.fromkeys(_values(culprit)))
        outcome = f"failed: {culprit.error}" if culprit.error is not None else f"is {shown(culprit.value)}"
        return f"{culprit.text} {outcome}" + (f" ({seen})" if seen else "")


def decider(trace: Trace) -> Trace:
    """Goes down as long as one child alone made the outcome of its parent."""
    while True:
        child = _sole_cause(trace)
        if child is None:
            return trace
        trace = child


def _sole_cause(trace: Trace) -> Trace | None:
    below = trace.children
    if trace.error is not None:
        return next((child for child in below if child.error == trace.error), None)
    match trace.node:
        case tree.Logic(sign=sign):
            wanted = sign == "||"
            return (
                next((child for child in below if child.value is wanted and child.error is None), None) if trace.value is wanted else None
            )
        case tree.Unary(sign="!"):
            return below[0] if below else None
        case tree.Conditional() | tree.Bind():
            return below[-1] if below and below[-1].value is trace.value else None
        case tree.Loop(macro="exists" | "all" as macro, body=body):
            wanted = macro == "exists"
            bodies = (child for child in below if child.node is body and child.error is None)
            return next((child for child in bodies if child.value is wanted), None) if trace.value is wanted else None
        case _:
            return None


def _values(trace: Trace) -> Iterator[str]:
    """The leaves whose value a reader cannot see in the text."""
    for child in trace.children:
        match child.node:
            case tree.Literal():
                continue
            case tree.Name() | tree.Select() | tree.Index() | tree.Call():
                yield f"{child.text} = {'error' if child.error is not None else shown(child.value)}"
            case _:
                yield from _values(child)


def shown(value: Any, longest: int = 80) -> str:
    """A value on one line, cut where it gets long or deep."""
    match value:
        case None:
            text = "null"
        case bool():
            text = str(value).lower()
        case str():
            text = f'"{value}"' if len(value) <= longest else f'"{value[:longest]}…"'
        case list() | dict() if value and longest < 5:
            text = "…"
        case list():
            text = f"[{', '.join(shown(item, longest // 4) for item in value[:5])}{', …' if len(value) > 5 else ''}]"
        case dict():
            pairs = [f"{key}: {shown(item, longest // 4)}" for key, item in list(value.items())[:5]]
            text = f"{{{', '.join(pairs)}{', …' if len(value) > 5 else ''}}}"
        case _:
            text = str(getattr(value, "value", value))
    return text if len(text) <= 2 * longest else f"{text[: 2 * longest]}…"
