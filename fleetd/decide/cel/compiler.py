"""A syntax tree to closures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fleetd.decide.cel import access, calls, comparison, logic, loops, tree
from fleetd.decide.cel.frame import Frame, Place, Run, placed
from fleetd.decide.cel.library import catalogue
from fleetd.decide.cel.library.function import Function
from fleetd.decide.cel.position import Text
from fleetd.decide.cel.values import Duration, Maybe, Timestamp, TypeName, make_map, type_name
from fleetd.domain.errors import EvaluationFailed

_MEANT: Final = frozenset(("object", "self", "obj", "oldObject", "this", "oldSelf"))
_AFFIXES: Final = frozenset(("startsWith", "endsWith", "contains"))
_LAZY: Final = frozenset(("or", "orValue"))
"""Members of optionals whose argument is evaluated only when it is needed."""
_TIMES: Final = frozenset(("timestamp", "duration"))


@dataclass(frozen=True, slots=True)
class Known:
    """What a name stands for: a slot, and for a name of ``cel.bind`` the closure of its value."""

    slot: int
    value: Run | None = None


@dataclass(frozen=True, slots=True)
class Compiled:
    """``steps`` is what one evaluation costs without its loops; ``slots`` the length of a frame behind the variables."""

    run: Run
    steps: int
    slots: int


Recorder = Callable[[tree.Node, Run], Run]


@dataclass(frozen=True, slots=True)
class Given:
    """What an expression may name.

    Args:
        variables: their names, which may have dots.
        container: names are sought in it first, then outwards.
        checked: a name or function that does not exist is refused beforehand; otherwise it is an error of the evaluation.
    """

    variables: tuple[str, ...]
    container: str = ""
    checked: bool = True


def compile_tree(text: Text, node: tree.Node, given: Given, recorder: Recorder | None = None, spare: int = 0) -> Compiled:
    """Closures for a tree.

    Args:
        recorder: wraps the closure of every node, for traces.
        spare: slots of the frame behind the variables that the recorder keeps for itself.

    Raises:
        EvaluationFailed: a name or function that does not exist, or a pattern that is none.
    """
    compiler = _Compiler(text, given, recorder, spare)
    run = compiler.compile(node)
    return Compiled(run, compiler.steps, compiler.slots)


class _Compiler:
    def __init__(self, text: Text, given: Given, recorder: Recorder | None, spare: int) -> None:
        self._text = text
        self._given = given
        self._variables = variables = given.variables
        self._globals = {name: Known(slot) for slot, name in enumerate(variables, 1)}
        self._dots = any("." in name for name in variables)
        self._scope: dict[str, Known] = {}
        """names of macros, which hide variables"""
        self._recorder = recorder
        self._next = len(variables) + 1 + spare
        self.steps = 0

    @property
    def slots(self) -> int:
        """Slots behind the variables."""
        return self._next - 1 - len(self._variables)

    def compile(self, node: tree.Node) -> Run:
        """The closure of a node."""
        self.steps += 1
        run = self._dispatch(node)
        return run if self._recorder is None else self._recorder(node, run)

    def _place(self, node: tree.Node) -> Place:
        return self._text.at(node.start)

    def _dispatch(self, node: tree.Node) -> Run:  # noqa: PLR0911 - one answer for each kind of node
        match node:
            case tree.Literal(value=value):
                return lambda _: value
            case tree.Name():
                return self._name(node)
            case tree.Select():
                return self._select(node)
            case tree.Binary():
                return self._binary(node)
            case tree.Call():
                return self._call(node)
            case tree.Logic():
                return self._logic(node)
            case tree.Has():
                return self._has(node)
            case tree.Loop():
                return self._loop(node)
            case _:
                return self._rarer(node)

    def _rarer(self, node: tree.Node) -> Run:
        match node:
            case tree.Index():
                operand, key = self.compile(node.operand), self.compile(node.key)
                return access.item(operand, key, self._place(node.key), optional=node.optional)
            case tree.Unary(sign="!"):
                return logic.negated(self.compile(node.operand), self._place(node.operand))
            case tree.Unary():
                return comparison.negative(self.compile(node.operand), self._place(node))
            case tree.Conditional():
                runs = self.compile(node.condition), self.compile(node.yes), self.compile(node.no)
                return logic.chosen(*runs, self._place(node.condition))
            case tree.Items():
                return self._items(node)
            case tree.Entries():
                return self._entries(node)
            case tree.Bind():
                return self._bind(node)
            case _:
                raise AssertionError(f"a node that nobody compiles: {type(node).__name__}")

    # Names and paths

    def _name(self, node: tree.Name) -> Run:
        known = self._known(node)
        if known is None:
            if node.name in catalogue.TYPES:
                value = TypeName(catalogue.TYPES[node.name])
                return lambda _: value
            return self._refused(self._undeclared(node))
        if known.value is not None:
            return loops.bound_name(known.slot, known.value)
        slot = known.slot
        return lambda frame: frame[slot]

    def _known(self, node: tree.Name) -> Known | None:
        """What a name stands for: that of a macro, else a variable."""
        return (None if node.absolute else self._scope.get(node.name)) or self._variable(node.name, absolute=node.absolute)

    def _variable(self, name: str, *, absolute: bool = False) -> Known | None:
        """The variable of this name, sought from the container outwards."""
        inner = [] if absolute else self._given.container.split(".")
        names = [".".join((*inner[:length], name)) for length in range(len(inner), -1, -1)]
        return next((self._globals[each] for each in names if each in self._globals), None)

    def _refused(self, error: EvaluationFailed) -> Run:
        """Raises, or where nothing is checked beforehand makes a closure that does."""
        if self._given.checked:
            raise error

        def run(_: Frame) -> Any:
            raise error.with_traceback(None)

        return run

    def _undeclared(self, node: tree.Name) -> EvaluationFailed:
        message = f"undeclared reference to {node.name!r}"
        if node.name in _MEANT and self._variables:
            message += f"; the object is called {self._variables[0]!r} here"
        elif catalogue.function(node.name, member=False) is not None:
            message += f"; the function is called with brackets: {node.name}(…)"
        else:
            names = [*self._globals, *(name for name in self._scope if not name.startswith("@"))]
            close = catalogue.closest(node.name, names)
            message += f"; did you mean {close}?" if close else f"; there is {', '.join(names) or 'no variable'}"
        return self._text.failure(message, node.start)

    def _path(self, node: tree.Node) -> tuple[int, tuple[str, ...], tuple[Place, ...]] | None:
        """Slot, keys and places when the node is a plain path from a slot of the frame."""
        keys: list[str] = []
        places: list[Place] = []
        while isinstance(node, tree.Select) and not node.optional:
            keys.append(node.key)
            places.append(self._text.at(node.end - len(node.key)))
            node = node.operand
        if not isinstance(node, tree.Name):
            return None
        keys.reverse()
        places.reverse()
        known, parts = self._longest(node, keys)
        if known is None or known.value is not None:
            return None
        return known.slot, tuple(keys[parts:]), tuple(places[parts:])

    def _longest(self, node: tree.Name, keys: Sequence[str]) -> tuple[Known | None, int]:
        """The variable with the longest name that a path begins with, and how many keys that name takes."""
        if self._dots and (node.absolute or node.name not in self._scope):
            for length in range(len(keys), 0, -1):
                known = self._variable(".".join((node.name, *keys[:length])), absolute=node.absolute)
                if known is not None:
                    return known, length
        return self._known(node), 0

    def _select(self, node: tree.Select) -> Run:
        if path := self._path(node):
            self.steps += len(path[1])
            return access.path(*path)
        if (name := self._dotted(node)) in catalogue.TYPES:
            value = TypeName(catalogue.TYPES[name])
            return lambda _: value
        operand, at = self.compile(node.operand), self._text.at(node.end - len(node.key))
        return access.optional_field(operand, node.key, at) if node.optional else access.field(operand, node.key, at)

    def _dotted(self, node: tree.Node | None) -> str:
        """``a.b`` as a name, when its first part is no variable; otherwise an empty text."""
        if isinstance(node, tree.Name):
            return "" if self._known(node) is not None else node.name
        if isinstance(node, tree.Select) and (before := self._dotted(node.operand)):
            return f"{before}.{node.key}"
        return ""

    def _has(self, node: tree.Has) -> Run:
        selected = node.selected
        return access.has_key(self.compile(selected.operand), selected.key, self._text.at(selected.end - len(selected.key)))

    # Operators

    def _logic(self, node: tree.Logic) -> Run:
        return logic.joined(node.sign, [self.compile(term) for term in node.terms], [self._place(term) for term in node.terms])

    def _binary(self, node: tree.Binary) -> Run:
        left = self.compile(node.left)
        at = self._text.at(node.left.end + self._gap(node))
        match node:
            case tree.Binary(sign="==" | "!=", right=tree.Literal(value=value)):
                if quick := comparison.equals_constant(node.sign, left, value):
                    return quick
            case tree.Binary(sign="in", right=tree.Items(items=items)):
                constants = [item.value for item in items if isinstance(item, tree.Literal)]
                quick = comparison.membership_of_constants(left, constants) if len(constants) == len(items) else None
                if quick:
                    return quick
        right = self.compile(node.right)
        match node.sign:
            case "==" | "!=":
                return comparison.equality(node.sign, left, right)
            case "in":
                return comparison.membership(left, right, at)
            case "<" | "<=" | ">" | ">=":
                return comparison.ordering(node.sign, left, right, at)
            case _:
                return comparison.arithmetic(node.sign, left, right, at)

    def _gap(self, node: tree.Binary) -> int:
        between = self._text.source[node.left.end : node.right.start]
        return max(between.find(node.sign), 0)

    # Lists and maps

    def _items(self, node: tree.Items) -> Run:
        runs = [self.compile(item) for item in node.items]
        if not node.optional:
            return lambda frame: [run(frame) for run in runs]
        return lambda frame: [value for position, run in enumerate(runs) for value in _kept(run(frame), position in node.optional)]

    def _entries(self, node: tree.Entries) -> Run:
        runs = [(self.compile(key), self.compile(value)) for key, value in node.entries]
        at, optional = self._place(node), node.optional

        def run(frame: Frame) -> Any:
            pairs = []
            for position, (key, value) in enumerate(runs):
                name = key(frame)
                pairs += [(name, kept) for kept in _kept(value(frame), position in optional)]
            try:
                return make_map(pairs)
            except EvaluationFailed as error:
                raise placed(error, at) from None

        return run

    # Macros

    def _loop(self, node: tree.Loop) -> Run:
        over = self.compile(node.over)
        before, steps = dict(self._scope), self.steps
        slots = tuple(range(self._next, self._next + len(node.names)))
        self._next += len(slots)
        self._scope.update({name: Known(slot) for name, slot in zip(node.names, slots, strict=True)})
        condition = self.compile(node.condition) if node.condition is not None else None
        body = self.compile(node.body)
        each, self.steps, self._scope = self.steps - steps + 1, steps, before
        return loops.loop(loops.LoopParts(node.macro, over, slots, body, condition, each, self._place(node)))

    def _bind(self, node: tree.Bind) -> Run:
        value = self.compile(node.bound)
        before, slot = dict(self._scope), self._next
        self._next += 1
        self._scope[node.name] = Known(slot, value)
        body = self.compile(node.body)
        self._scope = before
        return loops.bound(slot, body)

    # Functions

    def _call(self, node: tree.Call) -> Run:
        name, target = self._named(node)
        function = catalogue.function(name, member=target is not None)
        arguments = (() if target is None else (target,)) + node.arguments
        at = self._text.at(node.start if target is None else self._name_of(node))
        if function is None:
            return self._refused(self._unknown(name, target is not None, at))
        if not function.fewest <= len(arguments) <= function.most:
            return self._refused(EvaluationFailed(f"{name} does not take {len(node.arguments)} arguments", line=at[0], column=at[1]))
        if name in _LAZY and target is not None:
            operand, other = map(self.compile, arguments)
            return access.alternative(operand, other, at, unwrapped=name == "orValue")
        if (value := _constant(name, function, arguments)) is not None:
            return lambda _: value
        if quick := self._quick_call(name, arguments, at):
            return quick
        self.steps += function.steps
        return calls.call(name, function, [self.compile(argument) for argument in arguments], at)

    def _named(self, node: tree.Call) -> tuple[str, tree.Node | None]:
        """The name with its namespace, and the target if it is a value."""
        dotted = self._dotted(node.target)
        if dotted and dotted.partition(".")[0] in catalogue.NAMESPACES | catalogue.ELSEWHERE:
            return f"{dotted}.{node.function}", None
        return node.function, node.target

    def _name_of(self, node: tree.Call) -> int:
        assert node.target is not None  # noqa: S101 - asked for members only
        return self._text.source.find(node.function, node.target.end)

    def _unknown(self, name: str, member: bool, at: Place) -> EvaluationFailed:
        return catalogue.unknown(name, member=member, line=at[0], column=at[1])

    def _quick_call(self, name: str, arguments: tuple[tree.Node, ...], at: Place) -> Run | None:
        if len(arguments) != 2 or not isinstance(arguments[1], tree.Literal) or type(arguments[1].value) is not str:
            return None
        constant = arguments[1].value
        if name == "matches":
            try:
                return calls.constant_pattern(self.compile(arguments[0]), constant, at)
            except EvaluationFailed as error:
                raise placed(error, self._place(arguments[1])) from None
        return calls.constant_affix(self.compile(arguments[0]), name, constant, at) if name in _AFFIXES else None


def _constant(name: str, function: Function, arguments: tuple[tree.Node, ...]) -> Timestamp | Duration | None:
    """The time that ``timestamp("…")`` or ``duration("…")`` is; None for every other call, and for text that is no time."""
    if name not in _TIMES or len(arguments) != 1 or not isinstance(arguments[0], tree.Literal):
        return None
    try:
        value: Timestamp | Duration = function.run(arguments[0].value)
    except EvaluationFailed:
        return None  # an error of the evaluation, which another term may forgive
    return value


def _kept(value: Any, optional: bool) -> tuple[Any, ...]:
    """The value as it goes into a list or map: an absent optional does not."""
    if not optional:
        return (value,)
    if type(value) is not Maybe:
        raise EvaluationFailed(f"? stands before an optional, not {type_name(value)}")
    return (value.value,) if value.present else ()
