"""Which clusters are meant: one small language for every face.

    prod-*               by name or namespace/name, with *; several names are alternatives
    !prod-eu-1           not these
    env=prod             by label; also !=, in (a,b), notin (a,b)
    label:env            the label is there; !label:env it is not
    set:active           those that a ClusterSet has, or a Set by namespace/name; !set:active not these

Terms are separated by commas. All label terms must hold; a cluster must be one of the names or of a set, when there are any.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from fleetd.service.answers import Hint
from fleetd.service.teaching import Taught, bad

_TERM = re.compile(
    r"(?P<key>[A-Za-z0-9][A-Za-z0-9._/-]*)\s*(?:(?P<sign>==|!=|=)\s*(?P<value>[A-Za-z0-9._-]*)"
    r"|\s+(?P<set>in|notin)\s*\((?P<values>[^()]*)\))"
)
_NAME = re.compile(r"[A-Za-z0-9*][A-Za-z0-9.*:_-]*(/[A-Za-z0-9*][A-Za-z0-9.*_-]*)?")
_LABEL = re.compile(r"label:([A-Za-z0-9][A-Za-z0-9._/-]*)")
_SET = re.compile(r"set:([A-Za-z0-9][A-Za-z0-9.-]*(?:/[A-Za-z0-9][A-Za-z0-9.-]*)?)")
_VALUE = re.compile(r"[A-Za-z0-9._-]*")
EXAMPLE = "prod-*, env=prod,region in (eu,us), !name"


@dataclass(frozen=True, slots=True)
class LabelTerm:
    """A condition on one label; without values, that it is there."""

    key: str
    values: tuple[str, ...]
    wanted: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """Clusters by name, label and set; nothing in it means all of them. What a set has is for who asks the database to say."""

    names: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    labels: tuple[LabelTerm, ...] = ()
    sets: tuple[str, ...] = ()
    without_sets: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.names or self.without or self.labels or self.sets or self.without_sets)

    @property
    def exact(self) -> tuple[str, ...]:
        """Names without a pattern: somebody means a cluster that should be there."""
        return tuple(name for name in self.names if "*" not in name)

    @property
    def left_out(self) -> tuple[str, ...]:
        """Names without a pattern that are not meant."""
        return tuple(name for name in self.without if "*" not in name)


@dataclass(slots=True)
class _Terms:
    names: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    labels: list[LabelTerm] = field(default_factory=list)
    sets: list[str] = field(default_factory=list)
    without_sets: list[str] = field(default_factory=list)


def read_choice(text: str, field_name: str = "clusters") -> Choice:
    """Reads the language.

    Raises:
        Taught: a term is none; the lesson has its column.
    """
    terms = _Terms()
    for start, term in _split(text):
        _take(term, terms, lambda sentence, at=start: _wrong(field_name, text, at, sentence))
    return Choice(tuple(terms.names), tuple(terms.without), tuple(terms.labels), tuple(terms.sets), tuple(terms.without_sets))


def _split(text: str) -> list[tuple[int, str]]:
    """Terms with their 1-based columns; a comma in brackets separates values."""
    found, start, depth = [], 0, 0
    for place, sign in enumerate(text + ","):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth <= 0:
            part = text[start:place]
            if part.strip():
                found.append((start + len(part) - len(part.lstrip()) + 1, part.strip()))
            start, depth = place + 1, 0
    if depth > 0 or text[start:].strip():
        found.append((start + 1, text[start:].strip()))
    return found


def _take(term: str, terms: _Terms, wrong: Any) -> None:
    bare = term.removeprefix("!").strip()
    wanted = bare == term
    if bare.startswith("set:"):
        if not (named := _SET.fullmatch(bare)):
            raise wrong("this is no name of a set: set:NAME for a ClusterSet, set:NAMESPACE/NAME for a Set")
        (terms.sets if wanted else terms.without_sets).append(named[1])
    elif label := _LABEL.fullmatch(bare):
        terms.labels.append(LabelTerm(label[1], (), wanted))
    elif found := _TERM.fullmatch(term):
        terms.labels.append(_label(found, wrong))
    elif _NAME.fullmatch(bare):
        (terms.names if wanted else terms.without).append(bare)
    else:
        raise wrong("this is no name and no label term")


def _label(found: re.Match[str], wrong: Any) -> LabelTerm:
    if found["set"]:
        values = tuple(value.strip() for value in found["values"].split(","))
        if values == ("",):
            raise wrong("there is no value between the brackets")
        if not all(_VALUE.fullmatch(value) for value in values):
            raise wrong("a value has letters, digits, '.', '_' and '-' only")
        return LabelTerm(found["key"], values, found["set"] == "in")
    return LabelTerm(found["key"], (found["value"],), found["sign"] != "!=")


def _wrong(field_name: str, text: str, column: int, sentence: str) -> Taught:
    hint = Hint(why="a selector that is one", tool="list_clusters", arguments={"clusters": "env=prod"})
    return bad(field_name, text[column - 1 :][:40], f"column {column}: {sentence}; write for example {EXAMPLE}", column=column, next=hint)


def condition(choice: Choice, column: str, values: dict[str, Any]) -> str:
    """SQL that holds where the cluster in `column` is chosen; puts what it names into `values`."""
    parts = []
    if choice.names:
        parts.append("(" + " OR ".join(_named(name, column, values) for name in choice.names) + ")")
    parts += [f"NOT {_named(name, column, values)}" for name in choice.without]
    wanted = [_labelled(term, values) for term in choice.labels if term.wanted]
    # One set of clusters: two conditions would be checked row by row.
    parts += [f"{column} IN ({' INTERSECT '.join(wanted)})"] if wanted else []
    parts += [f"{column} NOT IN ({_labelled(term, values)})" for term in choice.labels if not term.wanted]
    return " AND ".join(parts) or "1 = 1"


def _named(name: str, column: str, values: dict[str, Any]) -> str:
    whole = name if "/" in name else f"*/{name}"
    if "*" not in whole:
        return f"{column} = :{_value(values, whole)}"
    pattern = re.sub(r"([%_\\])", r"\\\1", whole).replace("*", "%")
    return f"{column} LIKE :{_value(values, pattern)} ESCAPE '\\'"


def _labelled(term: LabelTerm, values: dict[str, Any]) -> str:
    """The clusters with a label."""
    here = f"SELECT l.cluster FROM fleet_cluster_labels l WHERE l.label_key = :{_value(values, term.key)}"
    if term.values:
        here += f" AND l.label_value IN ({', '.join(f':{_value(values, value)}' for value in term.values)})"
    return here


def _value(values: dict[str, Any], value: str) -> str:
    name = f"choice{len(values)}"
    values[name] = value
    return name
