"""Label and field selectors, as a list, a watch or a deletecollection names them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any

from fleetd.kubeapi.kinds import Kind
from fleetd.kubeapi.refusals import bad_request
from fleetd.kubeapi.rules import qualified_name, value_faults

Matches = Callable[[Mapping[str, Any]], bool]

NEVER_IN_ONE = ("namespaces", "nodes")
"""Kinds that do not know the field of a namespace."""
TOKEN = re.compile(r"\s*(?:(==|!=|=|!|,|\(|\)|<|>)|([^\s,()=!<>]+))")


class Relation(Enum):
    IN = "in"
    NOT_IN = "notin"
    EXISTS = "exists"
    ABSENT = "!"
    ABOVE = ">"
    BELOW = "<"


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on one key; an object without the key fulfils NOT_IN and ABSENT."""

    key: str
    relation: Relation
    values: frozenset[str] = frozenset()

    def holds(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        match self.relation:
            case Relation.IN:
                return value is not None and value in self.values
            case Relation.NOT_IN:
                return value is None or value not in self.values
            case Relation.EXISTS:
                return value is not None
            case Relation.ABSENT:
                return value is None
            case Relation.ABOVE | Relation.BELOW:
                return self._compares(value)

    def _compares(self, value: str | None) -> bool:
        try:
            number, bound = int(value or ""), int(next(iter(self.values)))
        except ValueError:
            return False
        return number > bound if self.relation is Relation.ABOVE else number < bound


class _Wrong(Exception):
    """What is wrong with one requirement."""


def _found(word: str, expected: str) -> _Wrong:
    return _Wrong(f"found '{word}', expected: {expected}")


Token = tuple[str, str]
END: Token = ("", "")


class _Parser:
    """Recursive descent over `requirement ("," requirement)*`; a token is a sign or a word."""

    def __init__(self, text: str) -> None:
        self._tokens: list[Token] = []
        at = 0
        while at < len(text.rstrip()):
            found = TOKEN.match(text, at)
            if found is None:
                raise bad_request(f"unable to parse requirement: found '{text[at:].strip()}'")
            self._tokens.append((found[1] or "", found[2] or ""))
            at = found.end()
        self._at = 0

    def _peek(self) -> Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else END

    def _next(self) -> Token:
        token = self._peek()
        self._at += 1
        return token

    def selector(self) -> tuple[Requirement, ...]:
        """Raises ApiRefusal (400)."""
        try:
            return tuple(self._requirements())
        except _Wrong as wrong:
            raise bad_request(str(wrong)) from wrong

    def _requirements(self) -> Iterator[Requirement]:
        while (token := self._peek()) != END:
            if not token[1] and token[0] != "!":
                raise _found(token[0], "!, identifier, or 'end of string'")
            try:
                yield self._requirement()
            except _Wrong as wrong:
                raise _Wrong(f"unable to parse requirement: {wrong}") from wrong
            sign, word = self._next()
            if (sign, word) not in ((",", ""), END):
                raise _found(sign or word, "',' or 'end of string'")
            if sign == "," and not (self._peek()[1] or self._peek()[0] == "!"):
                raise _found(self._peek()[0], "identifier after ','")

    def _key(self) -> str:
        sign, word = self._next()
        if not word:
            raise _found(sign, "identifier")
        faults = list(qualified_name(word))
        if faults:
            raise _Wrong(f'<nil>: Invalid value: "{word}": {"; ".join(faults)}')
        return word

    def _requirement(self) -> Requirement:
        absent = self._peek() == ("!", "")
        if absent:
            self._next()
        key = self._key()
        if absent:
            return Requirement(key, Relation.ABSENT)
        sign, word = self._peek()
        if (sign, word) == END or sign == ",":
            return Requirement(key, Relation.EXISTS)
        self._next()
        if sign in ("=", "==", "!="):
            return Requirement(key, Relation.NOT_IN if sign == "!=" else Relation.IN, _checked_values(key, [self._value()]))
        if sign in (">", "<"):
            return Requirement(key, Relation(sign), _checked_values(key, [self._value()], whole=True))
        if word in ("in", "notin"):
            return Requirement(key, Relation(word), _checked_values(key, self._values()))
        raise _found(sign or word, "in, notin, =, ==, !=, gt, lt")

    def _value(self) -> str:
        """A single value, which may be empty (`a=`)."""
        sign, word = self._peek()
        if (sign, word) == END or sign == ",":
            return ""
        self._next()
        if not word:
            raise _found(sign, "identifier")
        return word

    def _values(self) -> list[str]:
        sign, word = self._next()
        if sign != "(":
            raise _Wrong(f"found '{sign or word}' expected: '('")
        sign, word = self._peek()
        if sign == ")":
            self._next()
            return [""]
        if not word and sign != ",":
            raise _found(sign, "',', ')' or identifier")
        values = [self._item()]
        while (token := self._next()) == (",", ""):
            values.append(self._item())
        if token != (")", ""):
            raise _found("".join(token), "',' or ')'")
        return values

    def _item(self) -> str:
        """One of several values; nothing between two commas is the empty one."""
        sign, word = self._peek()
        if word:
            self._next()
            return word
        if sign in (",", ")"):
            return ""
        raise _found(sign, "',', or identifier")


def _checked_values(key: str, values: Sequence[str], *, whole: bool = False) -> frozenset[str]:
    """Raises _Wrong for what cannot be a label's value, or (`whole`) no whole number."""
    for number, value in enumerate(sorted(set(values))):
        faults = list(value_faults(value))
        if faults:
            raise _Wrong(f'values[{number}][{key}]: Invalid value: "{value}": {"; ".join(faults)}')
        if whole and re.fullmatch(r"[+-]?\d+", value) is None:
            raise _Wrong(f"values[{number}]: Invalid value: \"{value}\": for 'Gt', 'Lt' operators, the value must be an integer")
    return frozenset(values)


@lru_cache(4096)
def parse_labels(text: str) -> tuple[Requirement, ...]:
    """The requirements of a label selector, all of which have to hold. Raises ApiRefusal (400)."""
    return _Parser(text).selector()


def labels_match(text: str, labels: Mapping[str, str]) -> bool:
    return all(requirement.holds(labels) for requirement in parse_labels(text))


@dataclass(frozen=True, slots=True)
class FieldTerm:
    """One field and the value that it has to have, or has not to have."""

    path: tuple[str, ...]
    value: str
    wanted: bool

    def holds(self, body: Mapping[str, Any]) -> bool:
        found: Any = body
        for step in self.path:
            found = found.get(step) if isinstance(found, Mapping) else None
        return (_text(found) == self.value) is self.wanted


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a selector in its form as an object (`matchLabels`, `matchExpressions`) chooses what has these labels."""
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_holds(expression, labels) for expression in selector.get("matchExpressions") or ())


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = expression.get("key"), expression.get("values") or ()
    match expression.get("operator"):
        case "In":
            return labels.get(str(key)) in values
        case "NotIn":
            return key not in labels or labels[str(key)] not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case _:
            return False


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


TERM = re.compile(r"\s*([^=!,]+?)\s*(==|!=|=)\s*([^,]*?)\s*")


@lru_cache(4096)
def parse_fields(text: str) -> tuple[FieldTerm, ...]:
    """The terms of a field selector. Raises ApiRefusal (400)."""
    terms = []
    for part in filter(str.strip, text.split(",")):
        found = TERM.fullmatch(part)
        if found is None:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        terms.append(FieldTerm(tuple(found[1].split(".")), found[3], found[2] != "!="))
    return tuple(terms)


def _checked(kind: Kind, terms: tuple[FieldTerm, ...]) -> None:
    known = ("metadata.name", *(("metadata.namespace",) if kind.namespaced else ()), *kind.fields)
    for term in terms:
        path = ".".join(term.path)
        if path in known or (path == "metadata.namespace" and kind.resource not in NEVER_IN_ONE):
            continue
        if kind.fields or kind.custom:
            raise bad_request(f"field label not supported: {path}")
        listed = ", ".join(f'"{one}"' for one in known)
        raise bad_request(f'"{path}" is not a known field selector: only {listed}')


def everything(_body: Mapping[str, Any]) -> bool:
    return True


def matcher(kind: Kind, labels: str, fields: str) -> Matches:
    """What says of an object's body whether both selectors hold. Raises ApiRefusal (400)."""
    requirements, terms = parse_labels(labels), parse_fields(fields)
    _checked(kind, terms)
    if not requirements and not terms:
        return everything

    def matches(body: Mapping[str, Any]) -> bool:
        of = body["metadata"].get("labels") or {}
        return all(requirement.holds(of) for requirement in requirements) and all(term.holds(body) for term in terms)

    return matches
