"""Trees to closures: nothing of the tree is looked at again while rendering."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from fleetd.decide.gotemplate import expressions
from fleetd.decide.gotemplate.calls import call
from fleetd.decide.gotemplate.costs import cost_of
from fleetd.decide.gotemplate.expressions import Expression, Frame, Missing, failing
from fleetd.decide.gotemplate.formatting import text_of
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
from fleetd.decide.gotemplate.parser import NOWHERE
from fleetd.decide.gotemplate.run import Run
from fleetd.decide.gotemplate.source import Site, Source
from fleetd.decide.gotemplate.statements import Statement, jump, junction, literal, loop, noting, writes
from fleetd.decide.gotemplate.values import truth

Body = Callable[[list[str], Run, Any], None]
TOGETHER = 16
"""So many texts and actions write before the output is measured; a single value has a limit of its own."""


def compile_definitions(
    source: Source,
    definitions: Mapping[str, Definition],
    functions: Mapping[str, Function],
    missing: Missing,
    trail: list[Any] | None = None,
) -> dict[str, Body]:
    """A closure for each template; each is called with the output's parts, the run and its data.

    Args:
        trail: takes up, while rendering, the node that made each of the parts.
    """
    bodies: dict[str, Body] = {}
    for definition in definitions.values():
        compiler = Compiler(source, definition.name, functions, missing, bodies)
        compiler.trail = trail
        bodies[definition.name] = compiler.body(definition)
    return bodies


class Compiler:
    """Compiles one template of a source."""

    def __init__(
        self, source: Source, template: str, functions: Mapping[str, Function], missing: Missing, bodies: Mapping[str, Body]
    ) -> None:
        self.source = source
        self.template = template
        self.functions = functions
        self.missing = missing
        self.bodies = bodies
        self.trail: list[Any] | None = None

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
        statements = self.statements(nodes)
        cost = 1 + sum(map(cost_of, nodes))
        site = self.site(nodes[0] if nodes else Text(0, ""))
        if len(statements) == 1:
            only = statements[0]

            def single(frame: Frame, dot: Any) -> None:
                run = frame[1]
                run.steps_left -= cost
                if run.steps_left < 0:
                    raise site.over(run.over_steps())
                only(frame, dot)

            return single

        def several(frame: Frame, dot: Any) -> None:
            run = frame[1]
            run.steps_left -= cost
            if run.steps_left < 0:
                raise site.over(run.over_steps())
            for statement in statements:
                statement(frame, dot)

        return several

    def statements(self, nodes: tuple[Any, ...]) -> tuple[Statement, ...]:
        """A closure for each node, and one for those together that write: most of a template are texts and actions in turn."""
        if self.trail is not None:
            return tuple(noting(self.statement(node), node, self.trail) for node in nodes)
        made: list[Statement] = []
        for writing, group in groupby(nodes, _writes):
            together = list(group)
            if writing:
                made += [self.writing(together[start : start + TOGETHER]) for start in range(0, len(together), TOGETHER)]
            else:
                made += map(self.statement, together)
        return tuple(made)

    def writing(self, nodes: Sequence[Text | Action]) -> Statement:
        """One closure for texts and actions that write."""
        pairs: list[tuple[str, Expression]] = []
        before = ""
        site = self.site(nodes[0])
        for node in nodes:
            if isinstance(node, Text):
                before += node.text
            else:
                site = self.site(node.pipe)
                pairs.append((before, self.pipe(node.pipe)))
                before = ""
        return writes(pairs, before, site) if pairs else literal(before, site)

    def statement(self, node: Any) -> Statement:
        match node:
            case Text(text=text):
                return literal(text, self.site(node))
            case Action(pipe=pipe):
                return self.action(pipe)
            case Branch(word="range"):
                return self.loop(node)
            case Branch():
                return self.branch(node)
            case Jump(word=word):
                return jump(word)
        return self.invocation(node)

    def action(self, pipe: Pipe) -> Statement:
        value_of = self.pipe(pipe)
        site = self.site(pipe)
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
                raise site.over(run.over_output())

        return write

    def branch(self, node: Branch) -> Statement:
        value_of = self.pipe(node.pipe)
        body = self.block(node.body)
        orelse = self.block(node.orelse) if node.orelse else None
        sets_dot = node.word == "with"

        def choose(frame: Frame, dot: Any) -> None:
            value = value_of(frame, dot)
            if value is True or (value is not False and truth(value)):
                body(frame, value if sets_dot else dot)
            elif orelse is not None:
                orelse(frame, dot)

        return choose

    def source_of(self, node: Branch) -> Expression:
        """What a range goes over."""
        value_of = self.pipe(node.pipe._replace(variables=()))
        for name, slot in node.pipe.variables:
            if slot == NOWHERE:
                value_of = expressions.after(value_of, failing(self.site(node.pipe), f"undefined variable: {name}"))
        return value_of

    def loop(self, node: Branch) -> Statement:
        value_of = self.source_of(node)
        body = self.block(node.body)
        orelse = self.block(node.orelse) if node.orelse else None
        slots = [slot for _, slot in node.pipe.variables]
        return loop(value_of, body, orelse, slots, self.site(node.pipe))

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
        name, slot = pipe.variables[0]
        undeclared = failing(self.site(pipe), f"undefined variable: {name}") if slot == NOWHERE else None

        def assign(frame: Frame, dot: Any) -> Any:
            value = frame[slot] = value_of(frame, dot)
            return value

        if undeclared is not None:
            return expressions.after(value_of, undeclared)

        return assign

    def command(self, command: Command, final: Expression | None) -> Expression:
        first = command.args[0]
        if isinstance(first, Identifier):
            return self.call(first.name, command, final)
        if len(command.args) > 1 or final is not None:
            return self.method(first, command, final)
        if isinstance(first, Nil):
            return failing(self.site(first), "nil is not a command")
        return self.operand(first)

    def method(self, first: Any, command: Command, final: Expression | None) -> Expression:
        """A field that is given arguments; most take none."""
        names = getattr(first, "names", ())
        if not names or not (len(names) > 1 or isinstance(first, (Variable, Chain))):
            return self.refused(first)
        arguments = [self.operand(node) for node in command.args[1:]] + ([final] if final is not None else [])
        inner = first._replace(names=names[:-1])
        receiver = self.operand(inner.node if isinstance(inner, Chain) and not inner.names else inner)
        return expressions.method(receiver, names[-1], arguments, self.site(first))

    def refused(self, first: Any) -> Expression:
        """Arguments to what takes none."""
        site = self.site(first)
        if isinstance(first, Field):
            return failing(site, f"{first.names[-1]} is not a method but has arguments")
        if isinstance(first, (Variable, Chain)) and first.names:
            return failing(site, f"{first.names[-1]} is not a method but has arguments")
        return failing(site, f"can't give argument to non-function {written(first)}")

    def call(self, name: str, command: Command, final: Expression | None) -> Expression:
        arguments = [(node, self.operand(node)) for node in command.args[1:]]
        site = self.site(command)
        if name in {"and", "or"}:
            return junction(name, [inner for _, inner in arguments], final, site)
        return call(self.functions[name], arguments, final, site)

    def operand(self, node: Any) -> Expression:  # noqa: C901, PLR0911 - one line a kind of node
        match node:
            case Field(names=names):
                return expressions.field(names, self.site(node), self.missing)
            case Variable(slot=-1, name=name):
                return failing(self.site(node), f"undefined variable: {name}")
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


def _writes(node: Any) -> bool:
    return isinstance(node, Text) or (isinstance(node, Action) and not node.pipe.variables)
