"""Clusters and selectors, each found from the other without asking every pair."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Any, Final, TypeVar

from pyroaring import BitMap

from fleetd.decide.select import Labels, Selector, Term

_Key = TypeVar("_Key")
_NONE = BitMap()
_FEW: Final = 4
"""Bitmaps up to which joining one after the other is quicker than all at once."""
_OTHER: Final[Any] = object()
"""Stands for every value that no term names."""


class SelectorIndex:
    """Clusters are bits in bitmaps by label; selectors are bits in bitmaps by what refuses them.

    A relabel touches the labels that differ, an edited selector only its own bits. Which selectors choose some labels is
    asked once for every key that any selector names, however many selectors there are.
    """

    def __init__(self) -> None:
        self._clusters: dict[str, int] = {}
        self._identities: dict[int, str] = {}
        self._labels: dict[str, dict[str, str]] = {}
        self._next = 0
        self._all = BitMap()
        self._pairs: dict[tuple[str, str], BitMap] = {}
        self._keys: dict[str, BitMap] = {}
        self._selectors = _Selectors()

    def add_cluster(self, identity: str, labels: Labels) -> None:
        """Takes a cluster in, or its new labels."""
        number = self._clusters.get(identity)
        if number is None:
            number, self._next = self._next, self._next + 1
            self._clusters[identity], self._identities[number] = number, identity
            self._all.add(number)
        before = self._labels.get(identity, {})
        now = self._labels[identity] = dict(labels)
        for pair in before.items() - now.items():
            _without(self._pairs, pair, number)
        for key in before.keys() - now.keys():
            _without(self._keys, key, number)
        for pair in now.items() - before.items():
            self._pairs.setdefault(pair, BitMap()).add(number)
        for key in now.keys() - before.keys():
            self._keys.setdefault(key, BitMap()).add(number)

    def remove(self, identity: str) -> None:
        """Forgets a cluster, if it is known."""
        if identity not in self._clusters:
            return
        self.add_cluster(identity, {})
        del self._labels[identity]
        number = self._clusters.pop(identity)
        del self._identities[number]
        self._all.discard(number)

    def matching(self, selector: Selector) -> set[str]:
        """The clusters that a selector chooses."""
        return {self._identities[number] for number in self.bits(selector)}

    def bits(self, selector: Selector) -> BitMap:
        """The same as a bitmap, for who only counts, intersects or compares."""
        if not selector.terms:
            return BitMap()
        found: BitMap | None = None
        for term in selector.terms:
            if term.is_positive:
                carriers = self._carriers(term)
                found = carriers if found is None else found & carriers
        if found is None:
            found = self._all
        for term in selector.terms:
            if not term.is_positive:
                for carriers in self._several(term):
                    found = found - carriers
        # What is answered is the caller's own.
        return found if len(selector.terms) > 1 else BitMap(found)

    def _carriers(self, term: Term) -> BitMap:
        """The clusters that have the key of a term, or one of its values."""
        several = self._several(term)
        return several[0] if len(several) == 1 else BitMap.union(*several) if len(several) > _FEW else reduce(or_, several)

    def _several(self, term: Term) -> list[BitMap]:
        """The same for each of the values by itself."""
        if not term.values:
            return [self._keys.get(term.key, _NONE)]
        return [self._pairs.get((term.key, value), _NONE) for value in term.values]

    def add_selector(self, name: str, selector: Selector) -> None:
        """Takes a selector in, under a name of the caller's, or its new form."""
        self._selectors.remove(name)
        self._selectors.add(name, selector)

    def remove_selector(self, name: str) -> None:
        """Forgets a selector, if it is known."""
        self._selectors.remove(name)

    def selectors_matching(self, labels: Labels) -> set[str]:
        """The names of the selectors that choose these labels."""
        return self._selectors.choosing(labels)


class _Selectors:
    """The selectors that some label refuses, by its key and value; a value that no term names stands for all such."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._next = 0
        self._all = BitMap()
        self._terms: dict[str, dict[int, tuple[Term, ...]]] = {}
        """key → selector → its terms on this key"""
        self._named: dict[str, dict[str, int]] = {}
        """key → values that terms name → how many do"""
        self._refusing: dict[str, dict[str | None, BitMap]] = {}
        """key → a named value, or that of all others, or None where the label is missing → the selectors that it refuses"""

    def add(self, name: str, selector: Selector) -> None:
        """A selector without terms chooses nothing and is not kept."""
        if not selector.terms:
            return
        number, self._next = self._next, self._next + 1
        self._numbers[name], self._names[number] = number, name
        self._all.add(number)
        for key in dict.fromkeys(term.key for term in selector.terms):
            terms = tuple(term for term in selector.terms if term.key == key)
            self._terms.setdefault(key, {})[number] = terms
            self._count(key, terms, 1)
            for value, refused in self._refusing.get(key, {}).items():
                if _refuses(terms, key, value):
                    refused.add(number)

    def remove(self, name: str) -> None:
        """Forgets a selector, if it is known."""
        number = self._numbers.pop(name, None)
        if number is None:
            return
        del self._names[number]
        self._all.discard(number)
        for key in [key for key, terms in self._terms.items() if number in terms]:
            self._count(key, self._terms[key].pop(number), -1)
            for refused in self._refusing.get(key, {}).values():
                refused.discard(number)
            if not self._terms[key]:
                for by_key in (self._terms, self._named, self._refusing):
                    by_key.pop(key, None)

    def _count(self, key: str, terms: Iterable[Term], step: int) -> None:
        named = self._named.setdefault(key, {})
        for value in (value for term in terms for value in term.values):
            named[value] = named.get(value, 0) + step
            if not named[value]:
                # From now on it is one of the others.
                del named[value]
                self._refusing.get(key, {}).pop(value, None)

    def choosing(self, labels: Labels) -> set[str]:
        """The names of those that nothing refuses."""
        refused = [self._refused(key, labels.get(key)) for key in self._terms]
        chosen = self._all - BitMap.union(*refused) if refused else self._all
        return {self._names[number] for number in chosen}

    def _refused(self, key: str, value: str | None) -> BitMap:
        if value is not None and value not in self._named[key]:
            value = _OTHER
        known = self._refusing.setdefault(key, {})
        found = known.get(value)
        if found is None:
            found = known[value] = BitMap(number for number, terms in self._terms[key].items() if _refuses(terms, key, value))
        return found


def _refuses(terms: Iterable[Term], key: str, value: str | None) -> bool:
    labels = {} if value is None else {key: value}
    return any(not term.holds(labels) for term in terms)


def _without(bitmaps: dict[_Key, BitMap], key: _Key, number: int) -> None:
    bitmaps[key].discard(number)
    if not bitmaps[key]:
        del bitmaps[key]
