"""What can be said of an expression's types beforehand: parts that fail whatever the object is, with their places.

Whether a function or an operator takes some types is asked of it itself, with sample values of those types, so that nothing is called
wrong here which would be evaluated there. What is wrong may still be forgiven by another term; it is a remark, and no refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Any, Final

from fleetd.decide.cel import tree
from fleetd.decide.cel.library import catalogue
from fleetd.decide.cel.operators import calculate, negate
from fleetd.decide.cel.program import compile_cel
from fleetd.decide.cel.values import Duration, Maybe, NoOverload, Timestamp, TypeName, UInt, compare, type_name
from fleetd.domain.errors import EvaluationFailed, OverBudget

ANY: Final = "dyn"
"""The type of which nothing is known."""
_SAMPLES: Final[Mapping[str, tuple[Any, ...]]] = {
    "bool": (True,),
    "int": (1, 0),
    "uint": (UInt(1),),
    "double": (1.0,),
    "string": ("1", "a", "2020-01-01T00:00:00Z", "1s", "10.0.0.1", "10.0.0.0/8", "1.2.3", "http://a/b", "dns1123Label", "UTC", "[a]"),
    "bytes": (b"1",),
    "null_type": (None,),
    "list": ([], [1], [1.0], ["a"], [[1]], [True], [Duration(1)], [Maybe(1)], [["a", 1]]),
    "map": ({}, {"a": 1}, {"a": "b"}),
    "google.protobuf.Timestamp": (Timestamp(0),),
    "google.protobuf.Duration": (Duration(1),),
    "type": (TypeName("int"),),
    "optional_type": (Maybe(), Maybe(1), Maybe("a"), Maybe([1])),
}
_MADE: Final = (
    "ip('10.0.0.1')",
    "cidr('10.0.0.0/8')",
    "quantity('1')",
    "semver('1.2.3')",
    "url('http://a/b')",
    "format.named('dns1123Label').value()",
)
"""Calls whose results are samples of the types that only functions make."""
_ALL: Final = (
    *(sample for samples in _SAMPLES.values() for sample in samples),
    *(compile_cel(source, variables=()).evaluate({}) for source in _MADE),
)
_NUMBERS: Final = frozenset(("int", "uint", "double"))
_HOLDERS: Final = frozenset((ANY, "map", "list", "optional_type"))
_MOST: Final = 4000
"""Combinations of samples that are tried for one call."""

Shapes = Callable[[tuple[str, ...]], str]
"""The type of what stands at a path of the object; ``dyn`` where it is not known."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A part that cannot be evaluated, or a comparison that is decided beforehand; ``start`` is an offset."""

    start: int
    message: str


@dataclass(frozen=True, slots=True)
class Checked:
    """The type of the whole, and what is wrong with its parts."""

    type: str
    remarks: tuple[Remark, ...]


def check(node: tree.Node, variable: str = "resource", shapes: Shapes = lambda _: ANY) -> Checked:
    """Looks at every part once; never raises for what a user wrote, but for its depth."""
    checker = _Checker(variable, shapes)
    return Checked(checker.of(node, {}), tuple(checker.remarks))


class _Checker:
    def __init__(self, variable: str, shapes: Shapes) -> None:
        self._variable = variable
        self._shapes = shapes
        self.remarks: list[Remark] = []

    def _wrong(self, node: tree.Node, message: str) -> str:
        self.remarks.append(Remark(node.start, message))
        return ANY

    def of(self, node: tree.Node, names: Mapping[str, str]) -> str:
        """The type of a part."""
        match node:
            case tree.Literal(value=value):
                return type_name(value)
            case tree.Name(name=name):
                return self._name(node, names) if name in names else "map" if name == self._variable else ANY
            case tree.Select() | tree.Index():
                return self._inside(node, names)
            case tree.Unary(sign="!", operand=operand):
                return self._boolean(operand, "!", names)
            case tree.Unary(operand=operand):
                return self._tried(node, "-", [self.of(operand, names)], negate)
            case tree.Binary():
                return self._binary(node, names)
            case tree.Logic(sign=sign, terms=terms):
                for term in terms:
                    self._boolean(term, sign, names)
                return "bool"
            case _:
                return self._rarer(node, names)

    def _name(self, node: tree.Name, names: Mapping[str, str]) -> str:
        return ANY if node.absolute else names[node.name]

    def _rarer(self, node: tree.Node, names: Mapping[str, str]) -> str:
        match node:
            case tree.Conditional(condition=condition, yes=yes, no=no):
                self._boolean(condition, "?", names)
                one, other = self.of(yes, names), self.of(no, names)
                return one if one == other else ANY
            case tree.Has(selected=selected):
                self._inside(selected, names)
                return "bool"
            case tree.Loop():
                return self._loop(node, names)
            case tree.Bind(name=name, bound=bound, body=body):
                return self.of(body, {**names, name: self.of(bound, names)})
            case tree.Call():
                return self._call(node, names)
            case tree.Items(items=items):
                for item in items:
                    self.of(item, names)
                return "list"
            case tree.Entries(entries=entries):
                for key, value in entries:
                    self.of(key, names)
                    self.of(value, names)
                return "map"
            case _:
                return ANY

    def _boolean(self, node: tree.Node, sign: str, names: Mapping[str, str]) -> str:
        kind = self.of(node, names)
        if kind not in (ANY, "bool"):
            self._wrong(node, f"{sign} takes booleans, and this is {_said(kind)}")
        return "bool"

    def _path(self, node: tree.Node, names: Mapping[str, str]) -> tuple[str, ...] | None:
        match node:
            case tree.Name(name=name, absolute=absolute):
                return () if name == self._variable and (absolute or name not in names) else None
            case tree.Select(operand=operand, key=key, optional=False):
                before = self._path(operand, names)
            case tree.Index(operand=operand, key=tree.Literal(value=str() as key), optional=False):
                before = self._path(operand, names)
            case _:
                return None
        return None if before is None else (*before, key)

    def _inside(self, node: tree.Select | tree.Index, names: Mapping[str, str]) -> str:
        operand = self.of(node.operand, names)
        wanted = repr(node.key) if isinstance(node, tree.Select) else "[ ]"
        key = self.of(node.key, names) if isinstance(node, tree.Index) else "string"
        if operand not in _HOLDERS or (operand == "list" and isinstance(node, tree.Select)):
            return self._wrong(node, f"{wanted} cannot be selected from {_said(operand)}")
        if operand == "list" and key not in (ANY, *_NUMBERS):
            return self._wrong(node.key if isinstance(node, tree.Index) else node, f"a list has no position that is {_said(key)}")
        if node.optional or operand == "optional_type":
            return "optional_type"
        path = self._path(node, names)
        return self._shapes(path) if path else ANY

    def _binary(self, node: tree.Binary, names: Mapping[str, str]) -> str:
        left, right = self.of(node.left, names), self.of(node.right, names)
        match node.sign:
            case "==" | "!=":
                self._equality(node, left, right)
                return "bool"
            case "in":
                if right not in (ANY, "list", "map"):
                    self._wrong(node.right, f"in looks into a list or a map, and this is {_said(right)}")
                return "bool"
            case "<" | "<=" | ">" | ">=":
                self._tried(node, node.sign, [left, right], compare)
                return "bool"
            case sign:
                return self._tried(node, sign, [left, right], lambda one, other: calculate(sign, one, other))

    def _equality(self, node: tree.Binary, left: str, right: str) -> None:
        if ANY in (left, right) or left == right or {left, right} <= _NUMBERS:
            return
        if "null_type" in (left, right):
            return  # it is how people ask whether something is there
        outcome = "never true" if node.sign == "==" else "always true"
        self._wrong(node, f"{_said(left)} never equals {_said(right)}, so this is {outcome}")

    def _loop(self, node: tree.Loop, names: Mapping[str, str]) -> str:
        over = self.of(node.over, names)
        optional = node.macro in ("optMap", "optFlatMap")
        if over != ANY and (over != "optional_type" if optional else over not in ("list", "map")):
            self._wrong(node.over, f"{node.macro} goes over {'an optional' if optional else 'a list or a map'}, and this is {_said(over)}")
        inner = {**names, **dict.fromkeys(node.names, ANY)}
        if node.condition is not None:
            self._boolean(node.condition, node.macro, inner)
        if node.macro in ("all", "exists", "exists_one", "filter"):
            self._boolean(node.body, node.macro, inner)
        else:
            self.of(node.body, inner)
        if node.macro in ("all", "exists", "exists_one"):
            return "bool"
        return "optional_type" if optional else "map" if node.macro.startswith("transformMap") else "list"

    def _call(self, node: tree.Call, names: Mapping[str, str]) -> str:
        name, target = _named(node)
        function = catalogue.function(name, member=target is not None)
        arguments = [*([target] if target is not None else []), *node.arguments]
        kinds = [self.of(argument, names) for argument in arguments]
        if function is None or not function.fewest <= len(arguments) <= function.most:
            return ANY  # the compiler says so
        if name in ("dyn", "orValue", "value") or not kinds:
            return ANY
        return self._tried(node, name, kinds, function.run)

    def _tried(self, node: tree.Node, name: str, kinds: Sequence[str], run: Callable[..., Any]) -> str:
        """The type of what comes out; a remark where no sample of these types is taken."""
        found: set[str] = set()
        for values in islice(_combined(kinds), _MOST + 1):
            try:
                found.add(type_name(run(*values)))
            except NoOverload:
                continue
            except (EvaluationFailed, OverBudget):
                found.add(ANY)
        if not found:
            if not any(kind in _SAMPLES for kind in kinds):
                return ANY
            if len(kinds) == 2 and not name[0].isalpha():
                return self._wrong(node, f"{_said(kinds[0])} {name} {_said(kinds[1])} has no meaning")
            return self._wrong(node, f"{name} does not take {' and '.join(map(_said, kinds))}")
        return _always(name) or (found.pop() if len(found) == 1 else ANY)


def _combined(kinds: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    return product(*(_SAMPLES.get(kind, _ALL) for kind in kinds))


def _always(name: str) -> str:
    """The type of what a conversion yields where it yields anything."""
    return {"timestamp": "google.protobuf.Timestamp", "duration": "google.protobuf.Duration"}.get(
        name, name if name in ("int", "uint", "double", "string", "bool", "bytes") else ""
    )


def _named(node: tree.Call) -> tuple[str, tree.Node | None]:
    """The function's name with its namespace, and its target where that is a value."""
    names: list[str] = []
    target = node.target
    while isinstance(target, tree.Select):
        names.append(target.key)
        target = target.operand
    if isinstance(target, tree.Name) and target.name in catalogue.NAMESPACES:
        return ".".join((target.name, *reversed(names), node.function)), None
    return node.function, node.target


_ARTICLES: Final = {"int": "an int", "null_type": "null", ANY: "something", "optional_type": "an optional", "type": "a type"}


def _said(kind: str) -> str:
    return _ARTICLES.get(kind, f"a {kind.rpartition('.')[2].lower()}")
