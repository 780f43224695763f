"""Tokens to trees: the grammar of Go's text/template, with every variable resolved to its place in the frame."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from fleetd.decide.gotemplate.lexer import Token, tokens
from fleetd.decide.gotemplate.literals import number, unquote
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
from fleetd.decide.gotemplate.source import Source, nearest

FIRST_SLOT = 2
"""The frame's first two places are the output's parts and the run; `$` comes next."""
NOWHERE = -1
"""The place of a variable that is assigned to, or read in its own declaration, and declared nowhere: Go finds that out on its way."""
NESTING = 60
"""Control structures and parentheses may nest this deep: each costs Python frames at render."""

_ELSEWHERE = {
    "include": "; it is Helm's own, use {{ template }} here",
    "tpl": "; it is Helm's own, texts from data are not rendered here",
    "lookup": "; it is Helm's own, templateResourceRefs bring objects into templates here",
}
_DATA = frozenset(
    {"Cluster", "ClusterName", "ClusterNamespace", "MatchingResource", "MatchingResources", "MgmtResources", "Resource", "Resources"}
)
_UNDOTTED = "; data has a dot before it, .{} (without one it is Jinja2, which the annotation fleetd.io/template-engine chooses)"
_CLOSERS = frozenset({"end", "else"})


def parse(source: Source, functions: Collection[str], variables: Sequence[str] = ()) -> dict[str, Definition]:
    """Every template that the text defines; the text itself is the one under the source's name.

    Args:
        variables: names, with their `$`, that are bound outside; they take the places after `$`.

    Raises:
        EvaluationFailed: the text is no template, or calls a function that is not there.
    """
    parser = _Parser(source, functions)
    for name in variables:
        parser.scope.append((name, parser.slots))
        parser.slots += 1
    body, closing = parser.items(top=True)
    if closing is not None:
        raise source.malformed(closing.pos, f"unexpected {{{{{closing.text}}}}}")
    parser.define(Definition(source.name, body, parser.slots), 0)
    return parser.definitions


class _Parser:
    def __init__(self, source: Source, functions: Collection[str]) -> None:
        self.source = source
        self.functions = functions
        self.tokens = tokens(source)
        self.at = 0
        self.definitions: dict[str, Definition] = {}
        self.scope: list[tuple[str, int]] = [("$", FIRST_SLOT)]
        self.slots = FIRST_SLOT + 1
        self.loops = 0
        self.depth = 0

    # Reading tokens

    def take(self) -> Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def skip_space(self) -> Token:
        """The next token that is no space, not yet taken."""
        while self.tokens[self.at].kind == "space":
            self.at += 1
        return self.tokens[self.at]

    def expect(self, kind: str, context: str) -> Token:
        token = self.skip_space()
        if token.kind != kind:
            raise self.unexpected(token, context)
        self.at += 1
        return token

    def unexpected(self, token: Token, context: str) -> Exception:
        shown = "EOF" if token.kind == "end" else f'"{token.text}"'
        return self.source.malformed(token.pos, f"unexpected {shown} in {context}")

    def deeper(self, pos: int) -> None:
        self.depth += 1
        if self.depth > NESTING:
            raise self.source.malformed(pos, f"nested more than {NESTING} deep")

    # Statements

    def items(self, *, top: bool = False) -> tuple[tuple[Any, ...], Token | None]:
        """Nodes up to `{{end}}` or `{{else`, whose word is taken and returned; None at the end of the text."""
        nodes: list[Any] = []
        mark = len(self.scope)
        while True:
            token = self.take()
            if token.kind == "text":
                nodes.append(Text(token.pos, token.text))
                continue
            if token.kind == "end":
                if not top:
                    raise self.source.malformed(token.pos, "unexpected EOF")
                return tuple(nodes), None
            word = self.skip_space()
            if word.kind == "word" and word.text in _CLOSERS:
                self.at += 1
                self.leave(mark, word)
                return tuple(nodes), word
            node = self.statement(word, top=top)
            if node is not None:
                nodes.append(node)

    def leave(self, mark: int, word: Token) -> None:
        """Ends the scope of a body. Go's parser takes a body's variables for known in its `else`, too, where they are not."""
        inner = {name for name, _ in self.scope[mark:]} if word.text == "else" else ()
        del self.scope[mark:]
        self.scope.extend((name, NOWHERE) for name in inner if self.known(name) is None)

    def statement(self, word: Token, *, top: bool) -> Any:
        if word.kind == "word":
            match word.text:
                case "if" | "with" | "range":
                    self.at += 1
                    return self.branch(word)
                case "break" | "continue":
                    self.at += 1
                    return self.jump(word)
                case "template":
                    self.at += 1
                    return self.invocation()
                case "block":
                    self.at += 1
                    return self.block(word)
                case "define":
                    self.at += 1
                    if not top:
                        raise self.unexpected(word, "action: define stands at the top level only")
                    return self.definition(word)
        return Action(word.pos, self.pipeline("command", "close"))

    def branch(self, word: Token) -> Branch:
        self.deeper(word.pos)
        mark = len(self.scope)
        pipe = self.pipeline(word.text, "close")
        self.loops += word.text == "range"
        body, closing = self.items()
        self.loops -= word.text == "range"
        orelse: tuple[Any, ...] = ()
        if closing is not None and closing.text == "else":
            following = self.skip_space()
            if following.kind == "word" and following.text == word.text and word.text != "range":
                self.at += 1
                orelse = (self.branch(following),)
                del self.scope[mark:]
                self.depth -= 1
                return Branch(word.pos, word.text, pipe, body, orelse)
            self.expect("close", "else")
            orelse, closing = self.items()
            if closing is not None and closing.text != "end":
                raise self.source.malformed(closing.pos, "expected end; found {{else}}")
        self.expect("close", "end")
        del self.scope[mark:]
        self.depth -= 1
        return Branch(word.pos, word.text, pipe, body, orelse)

    def jump(self, word: Token) -> Jump:
        self.expect("close", f"{{{{{word.text}}}}}")
        if not self.loops:
            raise self.source.malformed(word.pos, f"{{{{{word.text}}}}} outside {{{{range}}}}")
        return Jump(word.pos, word.text)

    def name(self, context: str) -> str:
        token = self.expect("string", context)
        value = unquote(token.text)
        if value is None:
            raise self.source.malformed(token.pos, "invalid syntax")
        return value

    def invocation(self) -> Invocation:
        pos = self.skip_space().pos
        name = self.name("template clause")
        if self.skip_space().kind == "close":
            self.at += 1
            return Invocation(pos, name, None)
        return Invocation(pos, name, self.pipeline("template clause", "close"))

    def block(self, word: Token) -> Invocation:
        name = self.name("block clause")
        pipe = self.pipeline("block clause", "close")
        self.inner(name, word)
        return Invocation(word.pos, name, pipe)

    def definition(self, word: Token) -> None:
        name = self.name("define clause")
        self.expect("close", "define clause")
        self.inner(name, word)

    def inner(self, name: str, word: Token) -> None:
        """Reads a template's body in a frame of its own."""
        self.deeper(word.pos)
        outer = self.scope, self.slots, self.loops
        self.scope, self.slots, self.loops = [("$", FIRST_SLOT)], FIRST_SLOT + 1, 0
        body, closing = self.items()
        if closing is not None and closing.text != "end":
            raise self.source.malformed(closing.pos, "unexpected {{else}} in define clause")
        self.expect("close", "end")
        self.define(Definition(name, body, self.slots), word.pos)
        self.scope, self.slots, self.loops = outer
        self.depth -= 1

    def define(self, new: Definition, pos: int) -> None:
        old = self.definitions.get(new.name)
        if old is None or _empty(old.body):
            self.definitions[new.name] = new
        elif not _empty(new.body):
            raise self.source.malformed(pos, f'multiple definition of template "{new.name}"')

    # Pipelines

    def pipeline(self, context: str, end: str) -> Pipe:
        start = self.skip_space()
        mark = len(self.scope)
        variables, assigns = self.declaration(context)
        self.scope.extend((name, NOWHERE) for name, _ in variables if self.known(name) is None)
        commands: list[Command] = []
        while True:
            token = self.skip_space()
            if token.kind == end:
                self.at += 1
                self.check(commands, context, token)
                if not assigns:
                    self.scope[mark:] = variables
                return Pipe(start.pos, tuple(variables), assigns, tuple(commands))
            if token.kind in {"close", "end", "rparen", "comma", "declare", "assign", "pipe"}:
                raise self.unexpected(token, context)
            commands.append(self.command())

    def check(self, commands: list[Command], context: str, token: Token) -> None:
        if not commands:
            raise self.source.malformed(token.pos, f"missing value for {context}")
        for stage, command in enumerate(commands[1:], 2):
            if isinstance(command.args[0], (Constant, Dot, Nil, Number)):
                raise self.source.malformed(command.pos, f"non executable command in pipeline stage {stage}")

    def declaration(self, context: str) -> tuple[list[tuple[str, int]], bool]:
        mark = self.at
        variables: list[str] = []
        while True:
            token = self.skip_space()
            if token.kind != "variable":
                break
            self.at += 1
            following = self.skip_space()
            if following.kind in {"declare", "assign"}:
                self.at += 1
                assigns = following.kind == "assign"
                return [(name, self.assigned(name) if assigns else self.slot()) for name in (*variables, token.text)], assigns
            if following.kind == "comma" and context == "range" and not variables:
                self.at += 1
                variables.append(token.text)
                after = self.skip_space()
                if after.kind not in {"variable", "close", "rparen"}:
                    raise self.source.malformed(after.pos, "range can only initialize variables")
                mark = self.at
                continue
            if following.kind == "comma":
                raise self.source.malformed(following.pos, f"too many declarations in {context}")
            break
        self.at = mark
        # Go's parser takes `range $x, $list` for a declaration of $x over $list.
        return [(name, self.slot()) for name in variables], False

    def slot(self) -> int:
        self.slots += 1
        return self.slots - 1

    def known(self, name: str) -> int | None:
        return next((slot for known, slot in reversed(self.scope) if known == name), None)

    def assigned(self, name: str) -> int:
        slot = self.known(name)
        return NOWHERE if slot is None else slot

    def resolve(self, name: str, token: Token) -> int:
        slot = self.known(name)
        if slot is None:
            raise self.source.malformed(token.pos, f'undefined variable "{name}"')
        return slot

    def command(self) -> Command:
        args: list[Any] = []
        start = self.skip_space()
        while True:
            self.skip_space()
            operand = self.operand()
            if operand is not None:
                args.append(operand)
            token = self.take()
            match token.kind:
                case "space":
                    continue
                case "close" | "rparen":
                    self.at -= 1
                case "pipe":
                    pass
                case _:
                    raise self.unexpected(token, "operand")
            if not args:
                raise self.source.malformed(token.pos, "empty command")
            return Command(start.pos, tuple(args))

    def operand(self) -> Any:
        node = self.term()
        if node is None or self.tokens[self.at].kind != "field":
            return node
        names: list[str] = []
        pos = self.tokens[self.at].pos
        while self.tokens[self.at].kind == "field":
            names.append(self.take().text[1:])
        match node:
            case Field(names=first):
                return Field(pos, (*first, *names))
            case Variable(name=name, slot=slot):
                return Variable(pos, name, slot, tuple(names))
            case Constant() | Number() | Nil() | Dot():
                raise self.source.malformed(node.pos, "unexpected . after term")
        return Chain(pos, node, tuple(names))

    def term(self) -> Any:
        token = self.take()
        match token.kind:
            case "word":
                return self.word(token)
            case "dot":
                return Dot(token.pos)
            case "variable":
                return Variable(token.pos, token.text, self.resolve(token.text, token), ())
            case "field":
                return Field(token.pos, (token.text[1:],))
            case "string":
                value = unquote(token.text)
                if value is None:
                    raise self.source.malformed(token.pos, "invalid syntax")
                return Constant(token.pos, token.text, value)
            case "number" | "char":
                found = number(token.text, token.pos)
                if found is None:
                    raise self.source.malformed(token.pos, f"bad number syntax: {token.text!r}")
                return found
            case "lparen":
                self.deeper(token.pos)
                pipe = self.pipeline("parenthesized pipeline", "rparen")
                self.depth -= 1
                return pipe
        self.at -= 1
        return None

    def word(self, token: Token) -> Any:
        match token.text:
            case "true" | "false":
                return Constant(token.pos, token.text, token.text == "true")
            case "nil":
                return Nil(token.pos)
            case "if" | "with" | "range" | "template" | "block" | "define" | "end" | "else" | "break" | "continue":
                raise self.unexpected(token, "command")
        if token.text not in self.functions:
            undotted = _UNDOTTED.format(token.text) if token.text in _DATA else ""
            near = _ELSEWHERE.get(token.text) or undotted or nearest(self.functions, token.text)
            raise self.source.malformed(token.pos, f'function "{token.text}" not defined{near}')
        return Identifier(token.pos, token.text)


def _empty(body: tuple[Any, ...]) -> bool:
    return all(isinstance(node, Text) and not node.text.strip() for node in body)
