"""The nearest change of what an expression is given that would have flipped its result.

Candidates follow from the traced values. Where a candidate names a place and a value, the expression is evaluated with it, and only
what then holds is told; a change that no single value stands for (a function's result, another item) is told as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, product
from typing import Any, Final

from fleetd.decide.cel import tree
from fleetd.decide.cel.spots import ANYTHING, Edit, Names, Spot, edited, spot_of
from fleetd.decide.cel.trace import Trace, short, shown
from fleetd.decide.cel.values import ABSENT, Table, freeze

MOST: Final = 12
"""Candidates that are looked at."""
LONGEST: Final = 80
"""Characters of the expression that a step repeats."""
_ITEMS: Final = 5
"""Items of a list among which the nearest is sought."""
_ELSEWHERE: Final = 7919
"""What a number differs by that is merely another one: a neighbour is often named by the next term."""
_NEGATED: Final = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_MIRRORED: Final = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_AFFIXES: Final = {
    "startsWith": ("began with", "did not begin with"),
    "endsWith": ("ended with", "did not end with"),
    "contains": ("contained", "did not contain"),
    "matches": ("matched", "did not match"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that would have to be otherwise; ``edit`` is None where no value stands for it."""

    said: str
    edit: Edit | None = None


Change = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the search may ask: ``outcome`` of a part that was not evaluated, ``holds`` of the whole with other variables.

    ``secretive`` keeps values of the object out of the sentences.
    """

    variables: Sequence[str]
    outcome: Callable[[tree.Node], Trace | None]
    holds: Callable[[Mapping[str, Any], bool], bool]
    secretive: bool = False


def nearest(trace: Trace, bindings: Mapping[str, Any], asked: Asked) -> str:
    """``resource.spec.replicas were >= 3``, what follows an "if"; empty where nothing is known to flip the result."""
    if trace.error is None and not isinstance(trace.value, bool):
        return ""
    wanted = trace.value is not True or trace.error is not None
    candidates = islice(_Search(asked).changes(trace, wanted, {}), 4 * MOST)
    for change in sorted(candidates, key=lambda each: (len(each), any(step.edit is None for step in each)))[:MOST]:
        edits = [step.edit for step in change if step.edit is not None]
        if len(edits) == len(change):
            after = edited(bindings, edits)
            if after is None or not asked.holds(after, wanted):
                continue
        elif change[0].said == _same(trace, wanted):
            continue  # it says nothing that the outcome does not say
        return " and ".join(step.said for step in change)
    return ""


def _same(trace: Trace, wanted: bool) -> str:
    return f"{short(trace.text, LONGEST)} were {str(wanted).lower()}"


class _Search:
    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    def changes(self, trace: Trace, wanted: bool, names: Names) -> Iterator[Change]:
        """Changes that make a part true, or false."""
        match trace.node:
            case tree.Literal():
                return
            case tree.Logic(sign=sign):
                yield from self._logic(trace, wanted, names, decisive=sign == "||")
            case tree.Unary(sign="!"):
                yield from chain.from_iterable(self.changes(part, not wanted, names) for part in trace.children[:1])
            case tree.Conditional():
                yield from chain.from_iterable(self.changes(part, wanted, names) for part in trace.children[1:])
                asked = trace.children[:1]
                yield from chain.from_iterable(self.changes(part, part.value is False, names) for part in asked)
            case tree.Bind(name=name, bound=bound):
                inner = {**names, name: spot_of(bound, self._asked.variables, names)}
                yield from chain.from_iterable(self.changes(part, wanted, inner) for part in trace.children[-1:])
            case tree.Loop(macro="exists" | "all"):
                yield from self._loop(trace, wanted, names)
            case _:
                yield from self._atom(trace, wanted, names)

    def _logic(self, trace: Trace, wanted: bool, names: Names, *, decisive: bool) -> Iterator[Change]:
        assert isinstance(trace.node, tree.Logic)  # noqa: S101 - the caller has looked
        known = {id(part.node): part for part in trace.children}
        if wanted is decisive:
            for part in trace.children:
                yield from self.changes(part, wanted, names)
            return
        needed: list[list[Change]] = []
        for term in trace.node.terms:
            seen = known.get(id(term))
            if seen is None and not names:
                seen = self._asked.outcome(term)
                if seen is None:
                    return
            if seen is not None and (seen.error is not None or seen.value is not wanted):
                needed.append(list(islice(self.changes(seen, wanted, names), 3)))
        for chosen in islice(product(*needed), MOST):
            if (joined := _joined(chosen)) is not None:
                yield joined

    def _loop(self, trace: Trace, wanted: bool, names: Names) -> Iterator[Change]:
        node = trace.node
        assert isinstance(node, tree.Loop)  # noqa: S101 - the caller has looked
        bodies = [part for part in trace.children if part.node is node.body]
        items = _part(trace.children, node.over)
        listed = items is not None and isinstance(items.value, list) and len(node.names) == 1
        spot = spot_of(node.over, self._asked.variables, names) if listed else None
        for position, body in enumerate(bodies):
            if position < _ITEMS or position == len(bodies) - 1:
                inner = {**names, **dict.fromkeys(node.names), node.names[-1]: spot.under(position) if spot is not None else None}
                yield from (change for change in self.changes(body, wanted, inner) if all(step.edit is not None for step in change))
        which = ("some" if wanted else "no") if node.macro == "exists" else "every" if wanted else "not every"
        said = trace.text[node.body.start - node.start : node.body.end - node.start]
        over = short(_text(node.over, trace, spot), LONGEST // 2)
        yield (Step(f"{which} {', '.join(node.names)} of {over} had {short(said, LONGEST)}"),)

    def _atom(self, trace: Trace, wanted: bool, names: Names) -> Iterator[Change]:
        node, parts = trace.node, trace.children
        match node:
            case tree.Binary(sign="in", left=left, right=right):
                yield from self._membership(_part(parts, left) or _constant(trace, left), _part(parts, right), trace, wanted, names)
            case tree.Binary(sign=sign, left=left, right=right) if sign in _NEGATED:
                sign = sign if wanted else _NEGATED[sign]
                for subject, how, other in ((left, sign, right), (right, _MIRRORED[sign], left)):
                    if (against := _part(parts, other) or _constant(trace, other)) is not None:
                        yield from self._comparison(trace, subject, how, against, names)
            case tree.Has(selected=selected):
                spot = spot_of(selected, self._asked.variables, names)
                owner = _text(selected.operand, trace, spot_of(selected.operand, self._asked.variables, names))
                said = f"{owner} had {'' if wanted else 'no '}{selected.key!r}"
                yield (Step(said, Edit(spot, ANYTHING if wanted else ABSENT) if spot is not None else None),)
            case tree.Call(function=function, target=tree.Node() as target, arguments=(tree.Literal(value=str() as part),)) if (
                function in _AFFIXES
            ):
                spot = spot_of(target, self._asked.variables, names)
                verb = _AFFIXES[function][0 if wanted else 1]
                edit = None if spot is None or function == "matches" else Edit(spot, part if wanted else "")
                yield (Step(f"{_text(target, trace, spot)} {verb} {part!r}", edit),)
            case _:
                spot = spot_of(node, self._asked.variables, names)
                yield (Step(f"{_text(node, trace, spot)} were {str(wanted).lower()}", Edit(spot, wanted) if spot is not None else None),)

    def _comparison(self, trace: Trace, subject: tree.Node, sign: str, other: Trace, names: Names) -> Iterator[Change]:
        if other.error is not None or isinstance(subject, tree.Literal):
            return
        constant = isinstance(other.node, tree.Literal)
        if not constant and (self._asked.secretive or other.sensitive):
            return
        spot = spot_of(subject, self._asked.variables, names)
        value = short(other.text, LONGEST) if constant else shown(other.value)
        how = {"==": f"were {value}", "!=": f"were not {value}"}.get(sign, f"were {sign} {value}")
        new = _satisfying(sign, other.value)
        yield (Step(f"{_text(subject, trace, spot)} {how}", Edit(spot, new) if spot is not None and new is not ABSENT else None),)

    def _membership(self, item: Trace | None, among: Trace | None, trace: Trace, wanted: bool, names: Names) -> Iterator[Change]:
        node = trace.node
        assert isinstance(node, tree.Binary)  # noqa: S101 - the caller has looked
        if isinstance(node.right, tree.Items):
            spot = spot_of(node.left, self._asked.variables, names)
            first = next((each.value for each in node.right.items if isinstance(each, tree.Literal)), ABSENT)
            new = first if wanted else "" if item is None or item.value != "" else "-"
            edit = Edit(spot, new) if spot is not None and new is not ABSENT else None
            text = trace.text[node.right.start - node.start : node.right.end - node.start]
            yield (Step(f"{_text(node.left, trace, spot)} were {'one' if wanted else 'none'} of {short(text, LONGEST)}", edit),)
            return
        if item is None or item.error is not None or not isinstance(item.value, str | int):
            return
        if not isinstance(item.node, tree.Literal) and (self._asked.secretive or item.sensitive):
            return
        spot = spot_of(node.right, self._asked.variables, names)
        listed = among is not None and among.error is None and isinstance(among.value, list)
        verb = ("held" if wanted else "did not hold") if listed else "had" if wanted else "had no"
        said = f"{_text(node.right, trace, spot)} {verb} {item.value!r}"
        yield (Step(said, _held(spot, item.value, among, wanted) if spot is not None else None),)


def _held(spot: Spot, item: str | int, among: Trace | None, wanted: bool) -> Edit:
    if among is not None and among.error is None and isinstance(among.value, list):
        return Edit(spot, [*among.value, item] if wanted else [each for each in among.value if each != item])
    return Edit(spot.under(item), ANYTHING if wanted else ABSENT)


def _part(parts: Sequence[Trace], node: tree.Node) -> Trace | None:
    return next((part for part in parts if part.node is node), None)


def _constant(around: Trace, node: tree.Node) -> Trace | None:
    """A constant behind a part that failed, which nobody came to evaluate."""
    return around.of(node, node.value) if isinstance(node, tree.Literal) else None


def _text(node: tree.Node, around: Trace, spot: Spot | None) -> str:
    """As in the source, but names of macros as the places that they stand for."""
    text = around.text[node.start - around.start : node.end - around.start]
    if isinstance(node, tree.Name | tree.Select | tree.Index) and text.startswith("(") and text.endswith(")"):
        text = text.strip("() ")
    return short(str(spot) if spot is not None and any(isinstance(key, int) for key in spot.keys) else text, LONGEST)


def _satisfying(sign: str, other: Any) -> Any:
    """A value that stands in this relation to another; ABSENT where none is known."""
    if isinstance(other, list | dict | Table) and sign != "==":
        return None if sign == "!=" else ABSENT
    if sign in ("==", "<=", ">="):
        return other
    match other:
        case bool():
            return not other if sign == "!=" else ABSENT
        case int() | float() if sign == "!=":
            return other + _ELSEWHERE
        case int() | float():
            return other + 1 if sign == ">" else other - 1
        case str():
            return ABSENT if sign == "<" and not other else "" if sign == "<" else f"{other}x"
        case _:
            return "" if sign == "!=" else ABSENT


def _joined(changes: Sequence[Change]) -> Change | None:
    """All of them at once; None where they contradict each other."""
    found: dict[object, Step] = {}
    for step in (step for change in changes for step in change):
        place = step.edit.spot if step.edit is not None else step.said
        known = found.get(place)
        if known is not None and known.edit is not None and step.edit is not None:
            if step.edit.value is ANYTHING:
                continue
            if known.edit.value is not ANYTHING and freeze(known.edit.value) != freeze(step.edit.value):
                return None
        found[place] = step
    return tuple(found.values()) or None
