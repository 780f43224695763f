"""Which labels does a selector choose?

The terms are those of ``metav1.LabelSelector``. One rule is Sveltos' own: a selector without any term chooses nothing,
where Kubernetes lets it choose everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fleetd.domain.errors import InvalidInput

Labels = Mapping[str, str]


class Operator(StrEnum):
    """What a term asks of one label."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


@dataclass(frozen=True, slots=True)
class Term:
    """One condition on one label; ``values`` is empty for the two operators on existence."""

    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def holds(self, labels: Labels) -> bool:
        """Says whether these labels satisfy the term; an absent label satisfies ``NotIn``."""
        match self.operator:
            case Operator.IN:
                return labels.get(self.key) in self.values
            case Operator.NOT_IN:
                return labels.get(self.key) not in self.values
            case Operator.EXISTS:
                return self.key in labels
            case Operator.DOES_NOT_EXIST:
                return self.key not in labels

    @property
    def is_positive(self) -> bool:
        """True when only labels that carry the key can satisfy it."""
        return self.operator in (Operator.IN, Operator.EXISTS)

    def __str__(self) -> str:
        values = sorted(self.values)
        match self.operator:
            case Operator.IN if len(values) == 1:
                return f"{self.key}={values[0]}"
            case Operator.IN:
                return f"{self.key} in ({', '.join(values)})"
            case Operator.NOT_IN if len(values) == 1:
                return f"{self.key}!={values[0]}"
            case Operator.NOT_IN:
                return f"{self.key} notin ({', '.join(values)})"
            case Operator.EXISTS:
                return self.key
            case Operator.DOES_NOT_EXIST:
                return f"!{self.key}"


@dataclass(frozen=True, slots=True)
class Selector:
    """Terms that must all hold; without terms it chooses nothing."""

    terms: tuple[Term, ...]

    def matches(self, labels: Labels) -> bool:
        """Says whether these labels are chosen."""
        return bool(self.terms) and _failing(self.terms, labels) is None

    def why_not(self, labels: Labels) -> str | None:
        """Names the first term that fails, with the label that is there; None when the labels are chosen."""
        return _reason(self.terms, labels) if self.terms else "the selector is empty, and an empty selector matches nothing"

    def __str__(self) -> str:
        return ",".join(map(str, self.terms))


@dataclass(frozen=True, slots=True)
class LabelFilters:
    """Terms that must all hold; without terms nothing is left out."""

    terms: tuple[Term, ...]

    def matches(self, labels: Labels) -> bool:
        """Says whether these labels pass."""
        return _failing(self.terms, labels) is None

    def why_not(self, labels: Labels) -> str | None:
        """Names the first term that fails, with the label that is there; None when the labels pass."""
        return _reason(self.terms, labels)

    def __str__(self) -> str:
        return ",".join(map(str, self.terms))


def _failing(terms: Iterable[Term], labels: Labels) -> Term | None:
    for term in terms:
        if not term.holds(labels):
            return term
    return None


def _reason(terms: Iterable[Term], labels: Labels) -> str | None:
    term = _failing(terms, labels)
    if term is None:
        return None
    found = f"{term.key}={labels[term.key]}" if term.key in labels else f"no label {term.key}"
    return f"{term} does not hold: it has {found}"


def compile_selector(selector: Mapping[str, Any]) -> Selector:
    """Reads a ``metav1.LabelSelector``; without any term it matches nothing.

    Raises:
        InvalidInput: an operator that does not exist, or values that do not go with it.
    """
    unknown = set(selector) - {"matchLabels", "matchExpressions"}
    if unknown:
        raise InvalidInput(f"a selector has no field {', '.join(sorted(unknown))}; it has matchLabels and matchExpressions")
    pairs = selector.get("matchLabels") or {}
    if not isinstance(pairs, Mapping):
        raise InvalidInput("matchLabels is a map of label keys to values")
    terms = [Term(key, Operator.IN, frozenset((_text(value, f"matchLabels[{key}]"),))) for key, value in sorted(pairs.items())]
    expressions = selector.get("matchExpressions") or ()
    if not isinstance(expressions, Sequence) or isinstance(expressions, str):
        raise InvalidInput("matchExpressions is a list")
    terms += [_requirement(item, index) for index, item in enumerate(expressions)]
    return Selector(tuple(terms))


def compile_label_filters(filters: Iterable[Mapping[str, Any]]) -> LabelFilters:
    """Reads Sveltos' ``labelFilters``, all of which must hold; none means no restriction.

    ``Different`` also holds for an object without the label.

    Raises:
        InvalidInput: an operation that does not exist, or no key.
    """
    return LabelFilters(tuple(_filter(item, index) for index, item in enumerate(filters)))


def _requirement(item: Any, index: int) -> Term:
    where = f"matchExpressions[{index}]"
    key, name = _key(item, where), item.get("operator")
    try:
        operator = Operator(name)
    except ValueError:
        raise InvalidInput(f"{where} has the operator {name!r}; there are {', '.join(Operator)}") from None
    values = item.get("values") or ()
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise InvalidInput(f"{where}.values is a list")
    if bool(values) != (operator in (Operator.IN, Operator.NOT_IN)):
        raise InvalidInput(f"{where}: {operator} takes {'no values' if values else 'at least one value'}")
    return Term(key, operator, frozenset(_text(value, f"{where}.values") for value in values))


_OPERATIONS: Mapping[str, Callable[[str, str], Term]] = {
    "Equal": lambda key, value: Term(key, Operator.IN, frozenset((value,))),
    "Different": lambda key, value: Term(key, Operator.NOT_IN, frozenset((value,))),
    "Has": lambda key, _: Term(key, Operator.EXISTS),
    "DoesNotHave": lambda key, _: Term(key, Operator.DOES_NOT_EXIST),
}


def _filter(item: Any, index: int) -> Term:
    where = f"labelFilters[{index}]"
    key, operation = _key(item, where), item.get("operation")
    build = _OPERATIONS.get(operation) if isinstance(operation, str) else None
    if build is None:
        raise InvalidInput(f"{where} has the operation {operation!r}; there are {', '.join(_OPERATIONS)}")
    return build(key, _text(item.get("value") or "", f"{where}.value"))


def _key(item: Any, where: str) -> str:
    if not isinstance(item, Mapping) or not isinstance(item.get("key"), str) or not item["key"]:
        raise InvalidInput(f"{where} needs a key")
    return str(item["key"])


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise InvalidInput(f"{where} is {value!r}; labels are text, so write it in quotes")
    return value
