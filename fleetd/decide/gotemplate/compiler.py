"""Trees to closures: nothing of the tree is looked at again while rendering."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fleetd.decide.gotemplate import expressions
from fleetd.decide.gotemplate.calls import call
from fleetd.decide.gotemplate.expressions import Expression, Frame, Missing, failing
from fleetd.decide.gotemplate.formatting import plain, text_of
from fleetd.decide.gotemplate.functions.signature import Function
from fleetd.decide.gotemplate.nodes import (
    Action,
    Branch,
    Chain,
    Command,
    Constant,
    Definition,
    Dot,
    Field,
    Identifier,
    Invocation,
    Jump,
    Nil,
    Number,
    Pipe,
    Text,
    Variable,
)
from fleetd.decide.gotemplate.nodes import text_of as written
from fleetd.decide.gotemplate.run import Run
from fleetd.decide.gotemplate.source import Site, Source
from fleetd.decide.gotemplate.values import Int, truth

Statement = Callable[[Frame, Any], None]
Body = Callable[[list[str], Run, Any], None]


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


def compile_definitions(
    source: Source, definitions: Mapping[str, Definition], functions: Mapping[str, Function], missing: Missing
) -> dict[str, Body]:
    """A closure for each template; each is called with the output's parts, the run and its data."""
    bodies: dict[str, Body] = {}
    for definition in definitions.values():
        bodies[definition.name] = _Compiler(source, definition.name, functions, missing, bodies).body(definition)
    return bodies


class _Compiler:
    """Compiles one template of a source."""

    def __init__(
        self, source: Source, template: str, functions: Mapping[str, Function], missing: Missing, bodies: Mapping[str, Body]
    ) -> None:
        self.source = source
        self.template = template
        self.functions = functions
        self.missing = missing
        self.bodies = bodies

    def site(self, node: Any) -> Site:
        return Site(self.source, self.template, node)

    # Statements

    def body(self, definition: Definition) -> Body:
        block = self.block(definition.body)
        empty = [None] * (definition.slots - 3)

        def render(parts: list[str], run: Run, data: Any) -> None:
            block([parts, run, data, *empty], data)

        return render

    def block(self, nodes: tuple[Any, ...]) -> Statement:
        """The nodes in order, charged at once for what stands in them outside of inner blocks."""
        statements = tuple(self.statement(node) for node in nodes)
        cost = 1 + sum(map(_cost, nodes))
        if len(statements) == 1:
            only = statements[0]

            def single(frame: Frame, dot: Any) -> None:
                frame[1].steps_left -= cost
                if frame[1].steps_left < 0:
                    frame[1].spend(0)
                only(frame, dot)

            return single

        def several(frame: Frame, dot: Any) -> None:
            run = frame[1]
            run.steps_left -= cost
            if run.steps_left < 0:
                run.spend(0)
            for statement in statements:
                statement(frame, dot)

        return several

    def statement(self, node: Any) -> Statement:
        match node:
            case Text(text=text):
                return _text(text)
            case Action(pipe=pipe):
                return self.action(pipe)
            case Branch(word="range"):
                return self.loop(node)
            case Branch():
                return self.branch(node)
            case Jump(word=word):
                return _jump(word)
        return self.invocation(node)

    def action(self, pipe: Pipe) -> Statement:
        value_of = self.pipe(pipe)
        if pipe.variables:

            def assign(frame: Frame, dot: Any) -> None:
                value_of(frame, dot)

            return assign

        def write(frame: Frame, dot: Any) -> None:
            value = value_of(frame, dot)
            text = value if type(value) is str else text_of(value, frame[1])
            frame[0].append(text)
            run = frame[1]
            run.output_left -= len(text)
            if run.output_left < 0:
                raise run.over_output()

        return write

    def branch(self, node: Branch) -> Statement:
        value_of = self.pipe(node.pipe)
        body = self.block(node.body)
        orelse = self.block(node.orelse) if node.orelse else None
        sets_dot = node.word == "with"

        def choose(frame: Frame, dot: Any) -> None:
            value = value_of(frame, dot)
            if value is True or truth(value):
                body(frame, value if sets_dot else dot)
            elif orelse is not None:
                orelse(frame, dot)

        return choose

    def loop(self, node: Branch) -> Statement:
        value_of = self.pipe(node.pipe._replace(variables=()))
        body = self.block(node.body)
        orelse = self.block(node.orelse) if node.orelse else None
        slots = [slot for _, slot in node.pipe.variables]
        key_slot, value_slot = (slots[0], slots[1]) if len(slots) == 2 else (None, slots[0] if slots else None)
        site = self.site(node.pipe)

        def repeat(frame: Frame, dot: Any) -> None:
            pairs = _pairs(value_of(frame, dot), site, two=len(slots) == 2, run=frame[1])
            empty = True
            try:
                for key, value in pairs:
                    empty = False
                    if value_slot is not None:
                        frame[value_slot] = value
                        if key_slot is not None:
                            frame[key_slot] = key
                    try:
                        body(frame, value)
                    except _Continue:
                        continue
            except _Break:
                return
            if empty and orelse is not None:
                orelse(frame, dot)

        return repeat

    def invocation(self, node: Invocation) -> Statement:
        value_of = self.pipe(node.pipe) if node.pipe is not None else expressions.constant(None)
        bodies, name = self.bodies, node.name
        site = self.site(node)

        def invoke(frame: Frame, dot: Any) -> None:
            body = bodies.get(name)
            if body is None:
                raise site.failed(f'template "{name}" not defined')
            run = frame[1]
            run.enter()
            body(frame[0], run, value_of(frame, dot))
            run.depth -= 1

        return invoke

    # Expressions

    def pipe(self, pipe: Pipe) -> Expression:
        value_of = self.command(pipe.commands[0], None)
        for command in pipe.commands[1:]:
            value_of = self.command(command, value_of)
        if not pipe.variables:
            return value_of
        slot = pipe.variables[0][1]

        def assign(frame: Frame, dot: Any) -> Any:
            value = frame[slot] = value_of(frame, dot)
            return value

        return assign

    def command(self, command: Command, final: Expression | None) -> Expression:
        first = command.args[0]
        if isinstance(first, Identifier):
            return self.call(first.name, command, final)
        if len(command.args) > 1 or final is not None:
            return self.refused(first)
        if isinstance(first, Nil):
            return failing(self.site(first), "nil is not a command")
        return self.operand(first)

    def refused(self, first: Any) -> Expression:
        """Arguments to what takes none."""
        site = self.site(first)
        if isinstance(first, Field):
            return failing(site, f"{first.names[-1]} is not a method but has arguments")
        return failing(site, f"can't give argument to non-function {written(first)}")

    def call(self, name: str, command: Command, final: Expression | None) -> Expression:
        arguments = [(node, self.operand(node)) for node in command.args[1:]]
        site = self.site(command)
        if name in {"and", "or"}:
            return _junction(name, [inner for _, inner in arguments], final, site)
        return call(self.functions[name], arguments, final, site)

    def operand(self, node: Any) -> Expression:  # noqa: PLR0911 - one line a kind of node
        match node:
            case Field(names=names):
                return expressions.field(names, self.site(node), self.missing)
            case Variable(slot=slot, names=()):
                return expressions.variable(slot)
            case Variable(slot=slot, names=names):
                return expressions.chain(expressions.variable(slot), names, self.site(node), self.missing)
            case Chain(node=inner, names=names):
                return expressions.chain(self.operand(inner), names, self.site(node), self.missing)
            case Constant(value=value):
                return expressions.constant(value)
            case Number():
                return expressions.ideal(node, self.site(node))
            case Pipe():
                return self.pipe(node)
            case Dot():
                return expressions.dot
            case Identifier(name=name):
                return self.call(name, Command(node.pos, (node,)), None)
        return expressions.constant(None)


def _text(text: str) -> Statement:
    size = len(text)

    def write(frame: Frame, _dot: Any) -> None:
        frame[0].append(text)
        run = frame[1]
        run.output_left -= size
        if run.output_left < 0:
            raise run.over_output()

    return write


def _jump(word: str) -> Statement:
    kind = _Break if word == "break" else _Continue

    def jump(_frame: Frame, _dot: Any) -> None:
        raise kind

    return jump


def _junction(name: str, arguments: list[Expression], final: Expression | None, site: Site) -> Expression:
    """`and` and `or`, which evaluate no further than they must."""
    if final is not None:
        arguments = [*arguments, final]
    if not arguments:
        return failing(site, f"wrong number of args for {name}: want at least 1 got 0")
    stop = name == "or"

    def junction(frame: Frame, dot: Any) -> Any:
        value = None
        for argument in arguments:
            value = argument(frame, dot)
            if truth(value) is stop:
                return value
        return value

    return junction


def _pairs(value: Any, site: Site, *, two: bool, run: Run) -> Any:
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


def _cost(node: Any) -> int:
    """Steps of a node, without its inner blocks."""
    match node:
        case Text(text=text):
            return 1 + (len(text) >> 8)
        case Action(pipe=pipe) | Branch(pipe=pipe):
            return 1 + _cost(pipe)
        case Invocation(pipe=pipe):
            return 3 + (_cost(pipe) if pipe is not None else 0)
        case Pipe(commands=commands):
            return sum(map(_cost, commands))
        case Command(args=args):
            return sum(map(_cost, args))
        case Identifier():
            return 2
        case Chain(node=inner):
            return 1 + _cost(inner)
    return 1
