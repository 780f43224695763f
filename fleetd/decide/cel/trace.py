"""What an evaluation did: the value of every sub-expression, and the one that decided."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

from fleetd.decide.cel import tree
from fleetd.decide.cel.times import duration_text, timestamp_text
from fleetd.decide.cel.values import Duration, Maybe, Table, Timestamp, TypeName

LONGEST_PART: Final = 120
"""Characters of the expression that a sentence repeats."""
MOST_VALUES: Final = 4
_LOOKED_AT: Final = 20
"""Values among which those that differ are sought."""
WITHHELD: Final = "[withheld]"
_VARIABLES: Final = frozenset(("resource", "cluster", "event", "data"))
_ENVIRONMENT: Final = re.compile(r"\benv\b")
_SENSITIVE: Final = re.compile(r"(?i)passw|secret|token|api[_-]?key|credential|private[_-]?key|kubeconfig")


class Trace:
    """One evaluation of one sub-expression.

    ``start`` and ``end`` are offsets into the source; ``error`` is the sentence of the error that it raised, and then
    ``value`` means nothing. A loop's body stands among the children once for every item.
    """

    __slots__ = ("_below", "_source", "error", "node", "over", "value")

    def __init__(
        self,
        node: tree.Node,
        source: str,
        value: Any = None,
        error: str | None = None,
        below: Callable[[], list[Trace]] | None = None,
    ) -> None:
        self.node = node
        self.value = value
        self.error = error
        self.over = False
        """its budget was used up"""
        self._source = source
        self._below: list[Trace] | Callable[[], list[Trace]] = below or []

    @property
    def children(self) -> list[Trace]:
        """Its parts that were evaluated, in the order of the source."""
        if callable(self._below):
            self._below = self._below()
        return self._below

    @children.setter
    def children(self, below: list[Trace]) -> None:
        self._below = below

    def of(self, node: tree.Node, value: Any) -> Trace:
        """A part of the same source with a value."""
        return Trace(node, self._source, value)

    @property
    def text(self) -> str:
        """As it stands in the source."""
        return self._source[self.node.start : self.node.end]

    @property
    def start(self) -> int:
        return self.node.start

    @property
    def end(self) -> int:
        return self.node.end

    @property
    def sensitive(self) -> bool:
        """Whether its value is told to nobody: by its name, or by what a name of a macro may stand for."""
        if sensitive(self.text, self.value):
            return True
        head = self.text.lstrip("( ").partition(".")[0].partition("[")[0]
        indirect = head not in _VARIABLES and _SENSITIVE.search(self._source) is not None
        variable = self.text.endswith((".value", '["value"]', "['value']")) and _ENVIRONMENT.search(self._source) is not None
        return (indirect or variable) and sensitive("token", self.value)

    @property
    def deciding(self) -> str:
        """The smallest sub-expression that decided the outcome, with the values that it saw."""
        return told(self)


def told(trace: Trace, *, secretive: bool = False) -> str:
    """What decided, as a sentence: ``resource.spec.replicas >= 3 is false: resource.spec.replicas = 2``.

    Args:
        secretive: no value of the object is told, nor an error, which may have one in it.
    """
    culprit = decider(trace)
    part = short(culprit.text, LONGEST_PART)
    if culprit.error is not None:
        return f"{part} failed{'' if secretive else f': {short(culprit.error, LONGEST_PART)}'}"
    hidden = (secretive and not isinstance(culprit.value, bool)) or culprit.sensitive
    outcome = WITHHELD if hidden else shown(culprit.value)
    seen = [*dict.fromkeys(islice(_values(culprit, secretive), _LOOKED_AT))]
    more = ["…"] if len(seen) > MOST_VALUES else []
    values = f": {', '.join(seen[:MOST_VALUES] + more)}" if seen else ""
    return f"{part} is {outcome}{values}"


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


def _values(trace: Trace, secretive: bool) -> Iterator[str]:
    """The leaves whose value a reader cannot see in the text."""
    for child in trace.children:
        match child.node:
            case tree.Literal():
                continue
            case tree.Name() | tree.Select() | tree.Index() | tree.Call():
                text = short(child.text, LONGEST_PART // 2)
                hidden = secretive or child.sensitive
                yield f"{text} = {'error' if child.error is not None else WITHHELD if hidden else shown(child.value)}"
            case tree.Items() if all(each.error is None and isinstance(each.node, tree.Literal) for each in child.children):
                continue
            case _:
                yield from _values(child, secretive)


def short(text: str, longest: int) -> str:
    """On one line, cut where it gets long."""
    if len(text) > 4 * longest:
        text = text[: 4 * longest]
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def shown(value: Any, longest: int = 60) -> str:
    """A value on one line, cut where it gets long or deep; what lies under a key that speaks of secrets is withheld."""
    under: dict[Any, str]
    match value:
        case None:
            text = "null"
        case bool():
            text = str(value).lower()
        case str():
            text = f'"{short(value, longest)}"'
        case list() | dict() | Table() if len(value) and longest < 5:
            text = "…"
        case list():
            text = f"[{', '.join(shown(item, longest // 4) for item in value[:5])}{', …' if len(value) > 5 else ''}]"
        case dict():
            # As environment variables are written: the name speaks of the value beside it.
            under = {"value": str(value["name"])} if isinstance(value.get("name"), str) else {}
            pairs = [
                f"{short(key, longest)}: {WITHHELD if sensitive(str(under.get(key, key)), item) else shown(item, longest // 4)}"
                for key, item in list(value.items())[:5]
            ]
            text = f"{{{', '.join(pairs)}{', …' if len(value) > 5 else ''}}}"
        case _:
            text = _rarer(value)
    return text if len(text) <= 2 * longest else f"{text[: 2 * longest]}…"


def sensitive(name: str, value: Any) -> bool:
    """Whether what stands under this name is told to nobody."""
    if not value or type(value) in (bool, int, float) or name.endswith(("Name", "Ref")):
        return False
    return _SENSITIVE.search(name) is not None


def _rarer(value: Any) -> str:
    match value:
        case Timestamp():
            return timestamp_text(value)
        case Duration():
            return duration_text(value)
        case Maybe():
            return f"optional.of({shown(value.value, 20)})" if value.present else "optional.none()"
        case TypeName(name=name):
            return name
        case Table():
            return f"a map of {len(value)}"
        case bytes():
            return f"{len(value)} bytes"
        case _:
            return str(getattr(value, "cel_text", None) or getattr(value, "value", value))
