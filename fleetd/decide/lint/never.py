"""CEL rules that are never true, whatever the object: they contradict themselves, their selector, or what Kubernetes allows.

Beside them, parts of rules whose types do not fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from fleetd.decide.cel import tree
from fleetd.decide.cel.checking import ANY, check
from fleetd.decide.cel.parser import parse
from fleetd.decide.cel.position import Text
from fleetd.decide.cel.rules import Engine
from fleetd.decide.lint.expressions import engine_of
from fleetd.decide.lint.field_types import shapes_of
from fleetd.decide.lint.given import Given, texts
from fleetd.domain.documents import Document
from fleetd.domain.errors import EvaluationFailed
from fleetd.domain.findings import CODES, Finding
from fleetd.domain.kinds.mistakes import Path, dotted

_YIELDS = {
    "size": "a number", "int": "a number", "uint": "a number", "double": "a number", "string": "a text", "lowerAscii": "a text",
    "upperAscii": "a text", "trim": "a text", "replace": "a text", "split": "a list", "join": "a text", "type": "a type",
    "duration": "a duration", "timestamp": "a time",
}  # fmt: skip
_PHASES = ("status", "phase")
_ALLOWED: Mapping[tuple[str, tuple[str, ...]], tuple[str, ...]] = {
    ("Service", ("spec", "type")): ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"),
    ("Pod", _PHASES): ("Pending", "Running", "Succeeded", "Failed", "Unknown"),
    ("Pod", ("spec", "restartPolicy")): ("Always", "OnFailure", "Never"),
    ("Namespace", _PHASES): ("Active", "Terminating"),
    ("PersistentVolume", _PHASES): ("Pending", "Available", "Bound", "Released", "Failed"),
    ("PersistentVolumeClaim", _PHASES): ("Pending", "Bound", "Lost"),
}
"""Values that a field of a core kind takes."""

_TEXTS = frozenset({("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"), ("metadata", "uid")})


@dataclass(frozen=True, slots=True)
class Never:
    """Why an expression is never true, and the part that makes it so."""

    node: tree.Node
    reason: str
    fix: str = ""


def check_never(given: Given) -> Iterator[Finding]:
    """Rules that no object satisfies."""
    for document in given.documents:
        if engine_of(document) is not Engine.OWN:
            continue
        for path, text in texts(document.manifest.get("spec"), ("spec",)):
            if len(path) > 3 and path[-1] == "rule" and path[-3] == "evaluateCEL":
                yield from _never(document, path, text)


def _never(document: Document, path: Path, text: str) -> Iterator[Finding]:
    selector = _selector(document, path)
    try:
        node = parse(text)
        why = Rule(selector).never(node)
        types = check(node, shapes=shapes_of(selector))
    except (EvaluationFailed, RecursionError):
        return
    if why is None and types.type not in (ANY, "bool"):
        why = Never(node, f"it yields a {types.type.rpartition('.')[2].lower()}, not true or false", "compare it with something")
    for remark in types.remarks if why is None else ():
        line, column = document.place_inside(path, *Text(text).at(remark.start))
        message = f"{dotted(path)}: {remark.message}"
        yield Finding(document.source, line, column, "FD212", CODES["FD212"].severity, message)
    if why is not None:
        line, column = document.place_inside(path, *Text(text).at(why.node.start))
        message = f"{dotted(path)} is never true: {why.reason}"
        yield Finding(document.source, line, column, "FD210", CODES["FD210"].severity, message, why.fix)


def _selector(document: Document, path: Path) -> Mapping[str, Any]:
    value: Any = document.manifest
    for step in path[:-3]:
        value = value[step]
    return value if isinstance(value, Mapping) else {}


class Rule:
    """One rule of one selector."""

    def __init__(self, selector: Mapping[str, Any]) -> None:
        self._selector = selector

    def never(self, node: tree.Node) -> Never | None:
        """Why the node is never true; None where it may be."""
        match node:
            case tree.Literal(value=value):
                return None if value is True else Never(node, "it is the constant false" if value is False else f"it is {_kind(value)}")
            case tree.Logic(sign="||", terms=terms):
                reasons = [self.never(term) for term in terms]
                return reasons[0] if all(reasons) else None
            case tree.Logic(terms=terms):
                flat = list(_flat(terms))
                return next(filter(None, map(self.never, flat)), None) or _contradiction(flat)
            case tree.Conditional(yes=yes, no=no):
                one, other = self.never(yes), self.never(no)
                return one if one and other else None
            case tree.Binary(sign="==", left=left, right=right):
                return self._equal(node, left, right) or self._equal(node, right, left)
            case tree.Has(selected=selected) if _path(selected) == ("metadata", "deletionTimestamp"):
                return Never(node, "objects that are being deleted are never selected")
            case _:
                return _no_truth(node)

    def _equal(self, node: tree.Node, one: tree.Node, other: tree.Node) -> Never | None:
        path = _path(one)
        if not path or not isinstance(other, tree.Literal):
            both = isinstance(one, tree.Literal) and isinstance(other, tree.Literal)
            return Never(node, "two constants are not equal") if both and one.value != other.value else None  # type: ignore[attr-defined]
        value = other.value
        said = ".".join(path)
        if not isinstance(value, str) and _is_text(path):
            shown = str(value).lower() if isinstance(value, bool) else value
            return Never(node, f"{said} is a text, and {shown} is none", f"write '{shown}' in quotes")
        return self._against_the_selector(node, path, value) or self._not_allowed(node, path, value)

    def _against_the_selector(self, node: tree.Node, path: tuple[str, ...], value: object) -> Never | None:
        group, version = str(self._selector.get("group") or ""), str(self._selector.get("version") or "")
        known = {
            ("kind",): self._selector.get("kind"),
            ("apiVersion",): f"{group}/{version}" if group else version,
            ("metadata", "namespace"): self._selector.get("namespace"),
            ("metadata", "name"): self._selector.get("name"),
        }.get(path)
        if isinstance(known, str) and known and known != value:
            return Never(node, f"the selector asks for {path[-1]} {known!r}")
        return None

    def _not_allowed(self, node: tree.Node, path: tuple[str, ...], value: object) -> Never | None:
        allowed = _ALLOWED.get((str(self._selector.get("kind")), path))
        core = not self._selector.get("group")
        if allowed is None or not core or value in allowed or not isinstance(value, str):
            return None
        near = get_close_matches(value, allowed, n=1) or get_close_matches(value.capitalize(), allowed, n=1)
        said = f"{'.'.join(path)} of a {self._selector['kind']} is one of {', '.join(allowed)}"
        return Never(node, said, f"did you mean {near[0]!r}?" if near else "")


def _is_text(path: tuple[str, ...]) -> bool:
    return path in _TEXTS or (path[:2] in (("metadata", "labels"), ("metadata", "annotations")) and len(path) == 3)


def _kind(value: object) -> str:
    return "a text" if isinstance(value, str) else "a number" if isinstance(value, int | float) else "no boolean"


def _no_truth(node: tree.Node) -> Never | None:
    """Expressions that yield no boolean."""
    match node:
        case tree.Binary(sign="+" | "-" | "*" | "/" | "%"):
            return Never(node, "it yields a value, not true or false", "compare it with something")
        case tree.Items() | tree.Entries():
            return Never(node, "it is a list or a map, not true or false")
        case tree.Loop(macro="map" | "filter"):
            return Never(node, "it yields a list, not true or false", "use exists, or compare size(…)")
        case tree.Call(function=name) if name in _YIELDS:
            return Never(node, f"{name} yields {_YIELDS[name]}, not true or false", "compare it with something")
        case tree.Unary(sign="!", operand=tree.Literal(value=True)):
            return Never(node, "it is the constant false")
        case _:
            return None


def _flat(terms: Iterable[tree.Node]) -> Iterator[tree.Node]:
    for term in terms:
        if isinstance(term, tree.Logic) and term.sign == "&&":
            yield from _flat(term.terms)
        else:
            yield term


def _contradiction(terms: Sequence[tree.Node]) -> Never | None:
    """Two terms that must both hold and cannot."""
    equal: dict[tuple[str, ...], object] = {}
    different: dict[tuple[str, ...], list[object]] = {}
    there: dict[tuple[str, ...], bool] = {}
    for term in terms:
        match term:
            case tree.Binary(sign="==" | "!=" as sign, left=one, right=other):
                path = _path(one) or _path(other)
                literal = other if isinstance(other, tree.Literal) else one
                if not path or not isinstance(literal, tree.Literal):
                    continue
                value = literal.value
                if sign == "==" and path in equal and equal[path] != value:
                    return Never(term, f"{'.'.join(path)} cannot be {_shown(equal[path])} and {_shown(value)} at once", "join them with ||")
                if (sign == "==" and value in different.get(path, ())) or (sign == "!=" and path in equal and equal[path] == value):
                    return Never(term, f"{'.'.join(path)} cannot be {_shown(value)} and not be it")
                if sign == "==":
                    equal[path] = value
                else:
                    different.setdefault(path, []).append(value)
            case tree.Has(selected=selected) | tree.Unary(sign="!", operand=tree.Has(selected=selected)):
                path, wanted = _path(selected), isinstance(term, tree.Has)
                if path and there.setdefault(path, wanted) is not wanted:
                    return Never(term, f"{'.'.join(path)} cannot be there and not be there")
            case _:
                continue
    return None


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str) else str(value).lower()


def _path(node: tree.Node) -> tuple[str, ...]:
    """The keys below `resource` that a node reads; empty where it is no such path."""
    match node:
        case tree.Select(operand=tree.Name(name="resource"), key=key, optional=False):
            return (key,)
        case tree.Index(operand=tree.Name(name="resource"), key=tree.Literal(value=str() as key), optional=False):
            return (key,)
        case tree.Select(operand=operand, key=key, optional=False):
            below = _path(operand)
            return (*below, key) if below else ()
        case tree.Index(operand=operand, key=tree.Literal(value=str() as key), optional=False):
            below = _path(operand)
            return (*below, key) if below else ()
        case _:
            return ()
