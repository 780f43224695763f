"""Tokens to a syntax tree: the grammar of the CEL specification, and its macros."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from fleetd.decide.cel import tree
from fleetd.decide.cel.lexer import Kind, Token, tokens
from fleetd.decide.cel.macros import expand
from fleetd.decide.cel.port import NotUnderstood
from fleetd.decide.cel.position import Text
from fleetd.decide.cel.values import INT_MAX
from fleetd.domain.errors import EvaluationFailed

LONGEST: Final = 16 * 1024
"""Characters of a source."""
DEEPEST: Final = 100
"""Brackets and conditionals within each other."""
LONGEST_CHAIN: Final = 250
"""Links of one chain: selections, calls, or operators of one strength."""

_STRENGTH: Final = {"in": 1, "+": 2, "-": 2, "*": 3, "/": 3, "%": 3} | dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), 1)
_RESERVED: Final = frozenset(("as", "break", "const", "continue", "else", "for", "function", "if", "import", "in", "let")) | frozenset(
    ("loop", "namespace", "package", "return", "var", "void", "while")
)
_CONSTANTS: Final = {"true": True, "false": False, "null": None}


def parse(source: str) -> tree.Node:
    """The tree of an expression.

    Raises:
        EvaluationFailed: with the line and column where the text stops to make sense.
    """
    if len(source) > LONGEST:
        raise EvaluationFailed(f"the expression has {len(source)} characters; {LONGEST} are allowed", line=1, column=1)
    if not source.isascii() and source.encode(errors="replace").decode() != source:
        raise EvaluationFailed("half of a character stands in the expression", line=1, column=1)
    text = Text(source)
    return _Parser(text, tokens(text)).whole()


class _Parser:
    def __init__(self, text: Text, found: list[Token]) -> None:
        self._text = text
        self._tokens = found
        self._position = 0
        self._depth = 0

    @property
    def _here(self) -> Token:
        return self._tokens[self._position]

    def _is(self, sign: str) -> bool:
        token = self._here
        return token.value == sign and token.kind is Kind.SIGN

    def _take(self) -> Token:
        token = self._here
        self._position += 1
        return token

    def _accept(self, sign: str) -> Token | None:
        return self._take() if self._is(sign) else None

    def _expect(self, sign: str, after: str) -> Token:
        if not self._is(sign):
            raise self._unexpected(f"{sign!r} is missing {after}")
        return self._take()

    def _unexpected(self, message: str) -> EvaluationFailed:
        token = self._here
        found = "the expression ends here" if token.kind is Kind.END else f"found {token.text!r}"
        return self._text.failure(f"{message}: {found}", token.start)

    def whole(self) -> tree.Node:
        """The only expression of the text."""
        if len(self._tokens) == 1:
            raise self._text.failure("the expression is empty", 0)
        node = self._expression()
        if self._here.kind is not Kind.END:
            raise self._unexpected("an operator is missing")
        return node

    def _expression(self) -> tree.Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._text.failure(f"the expression is nested more than {DEEPEST} levels deep", self._here.start)
        condition = self._any()
        if self._accept("?"):
            yes = self._any()
            self._expect(":", "in the conditional")
            no = self._expression()
            condition = tree.Conditional(condition.start, no.end, condition, yes, no)
        self._depth -= 1
        return condition

    def _any(self) -> tree.Node:
        terms = [self._all()]
        while self._accept("||"):
            terms.append(self._all())
        return terms[0] if len(terms) == 1 else tree.Logic(terms[0].start, terms[-1].end, "||", tuple(terms))

    def _all(self) -> tree.Node:
        terms = [self._binary(1)]
        while self._accept("&&"):
            terms.append(self._binary(1))
        return terms[0] if len(terms) == 1 else tree.Logic(terms[0].start, terms[-1].end, "&&", tuple(terms))

    def _binary(self, weakest: int) -> tree.Node:
        left, links = self._operand(), 0
        while (strength := self._strength()) >= weakest:
            links = self._chained(links)
            sign = self._take().text
            right = self._binary(strength + 1)
            left = tree.Binary(left.start, right.end, sign, left, right)
        return left

    def _strength(self) -> int:
        token = self._here
        return _STRENGTH.get(token.text, 0) if token.kind in (Kind.SIGN, Kind.NAME) else 0

    def _chained(self, links: int) -> int:
        if links >= LONGEST_CHAIN:
            raise self._text.failure(f"more than {LONGEST_CHAIN} links in one chain", self._here.start)
        return links + 1

    def _operand(self) -> tree.Node:
        signs: list[Token] = []
        while self._is("!") or self._is("-"):
            signs.append(self._take())
            if signs[0].value != signs[-1].value:
                raise self._text.failure("'!' and '-' do not stand side by side", signs[-1].start)
            self._chained(len(signs))
        node = self._negative(signs) or self._links(self._primary())
        for sign in reversed(signs):
            node = tree.Unary(sign.start, node.end, sign.value, node)
        return node

    def _negative(self, signs: list[Token]) -> tree.Node | None:
        """The literal that the last minus belongs to, so that -2**63 can be written."""
        token = self._here
        if not signs or signs[-1].value != "-" or token.kind is not Kind.VALUE or type(token.value) not in (int, float):
            return None
        sign = signs.pop()
        self._take()
        return self._links(tree.Literal(sign.start, token.end, -token.value))

    def _links(self, node: tree.Node) -> tree.Node:
        links = 0
        while True:
            if self._accept("."):
                node = self._member(node)
            elif self._accept("["):
                optional = self._accept("?") is not None
                key = self._expression()
                node = tree.Index(node.start, self._expect("]", "after the index").end, node, key, optional)
            elif self._is("{") and isinstance(node, tree.Name | tree.Select):
                raise NotUnderstood("messages are not built in conditions; write a map", *self._text.at(node.start))
            else:
                return node
            links = self._chained(links)

    def _member(self, node: tree.Node) -> tree.Node:
        optional = self._accept("?") is not None
        name = self._take()
        if name.kind not in (Kind.NAME, Kind.QUOTED) or name.text == "in" or name.text in _CONSTANTS:
            self._position -= 1
            raise self._unexpected(f"a name is missing after the dot{f', or backticks around it: `{name.text}`' if name.text else ''}")
        if self._is("(") and name.kind is Kind.NAME and not optional:
            return self._call(name, node)
        return tree.Select(node.start, name.end, node, str(name.value), optional)

    def _call(self, name: Token, target: tree.Node | None) -> tree.Node:
        self._take()
        arguments: list[tree.Node] = []
        while not self._is(")"):
            arguments.append(self._expression())
            if not self._accept(","):
                break
            if self._is(")"):
                raise self._unexpected("an argument is missing")
        end = self._expect(")", f"after the arguments of {name.text}").end
        start = name.start if target is None else target.start
        return expand(self._text, tree.Call(start, end, name.text, target, tuple(arguments)), name.start)

    def _primary(self) -> tree.Node:
        token = self._take()
        if token.kind is Kind.VALUE:
            if type(token.value) is int and token.value > INT_MAX:
                raise self._text.failure(f"{token.text} is too large for an integer of 64 bits", token.start)
            return tree.Literal(token.start, token.end, token.value)
        if token.kind is Kind.NAME:
            return self._name(token)
        if token.kind is Kind.SIGN:
            match token.value:
                case "(":
                    node = self._expression()
                    end = self._expect(")", "after the bracket's expression").end
                    return replace(node, start=token.start, end=end)
                case "[":
                    return self._items(token)
                case "{":
                    return self._entries(token)
                case "." if self._here.kind is Kind.NAME:
                    named = self._name(self._take())
                    return replace(named, absolute=True) if isinstance(named, tree.Name) else named
        self._position -= 1
        raise self._unexpected("a value is missing")

    def _name(self, token: Token) -> tree.Node:
        if token.text in _CONSTANTS:
            return tree.Literal(token.start, token.end, _CONSTANTS[token.text])
        if token.text in _RESERVED:
            raise self._text.failure(f"{token.text!r} is a reserved word", token.start)
        return self._call(token, None) if self._is("(") else tree.Name(token.start, token.end, token.text)

    def _items(self, opening: Token) -> tree.Node:
        items: list[tree.Node] = []
        optional = set()
        while not self._is("]"):
            if self._accept("?"):
                optional.add(len(items))
            items.append(self._expression())
            if not self._accept(","):
                break
        return tree.Items(opening.start, self._expect("]", "after the list").end, tuple(items), frozenset(optional))

    def _entries(self, opening: Token) -> tree.Node:
        entries: list[tuple[tree.Node, tree.Node]] = []
        optional = set()
        while not self._is("}"):
            if self._accept("?"):
                optional.add(len(entries))
            key = self._expression()
            self._expect(":", "after the key of the map")
            entries.append((key, self._expression()))
            if not self._accept(","):
                break
        return tree.Entries(opening.start, self._expect("}", "after the map").end, tuple(entries), frozenset(optional))
