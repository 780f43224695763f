"""Which triggers and profiles choose a cluster, and which clusters a selector chooses, without asking every pair."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from fleetd.decide.definitions import Profile, Trigger
from fleetd.decide.select import Labels, Selector
from fleetd.decide.select_index import SelectorIndex
from fleetd.decide.sets import ClusterSet

_TRIGGER, _PROFILE, _SET = "trigger:", "profile:", "set:"


class Choosing:
    """The index over members, triggers, profiles and sets; it is told of each that comes, changes or goes."""

    __slots__ = ("_index", "_named", "_names")

    def __init__(self) -> None:
        self._index = SelectorIndex()
        self._names: dict[str, frozenset[str]] = {}
        """profile or set → the clusters that it names"""
        self._named: dict[str, set[str]] = defaultdict(set)
        """cluster → the profiles and sets that name it"""

    def member(self, cluster: str, labels: Labels | None) -> None:
        """Takes a member with its labels, or None when it is gone."""
        if labels is None:
            self._index.remove(cluster)
        else:
            self._index.add_cluster(cluster, labels)

    def trigger(self, name: str, trigger: Trigger | None) -> None:
        """Takes a trigger as it is now, or None when it is gone."""
        self._selector(_TRIGGER + name, trigger.sources if trigger is not None else None)

    def profile(self, name: str, profile: Profile | None) -> None:
        """Takes a profile as it is now, or None when it is gone."""
        self._choosing(_PROFILE + name, profile)

    def cluster_set(self, name: str, mine: ClusterSet | None) -> None:
        """Takes a set as it is now, or None when it is gone."""
        self._choosing(_SET + name, mine)

    def _choosing(self, name: str, mine: Profile | ClusterSet | None) -> None:
        self._selector(name, mine.selector if mine is not None else None)
        for cluster in self._names.pop(name, frozenset()):
            self._named[cluster].discard(name)
            if not self._named[cluster]:
                del self._named[cluster]
        if mine is not None and mine.cluster_refs:
            self._names[name] = mine.cluster_refs
            for cluster in mine.cluster_refs:
                self._named[cluster].add(name)

    def _selector(self, name: str, selector: Selector | None) -> None:
        if selector is None:
            self._index.remove_selector(name)
        else:
            self._index.add_selector(name, selector)

    def clusters(self, selector: Selector) -> set[str]:
        """The members that a selector chooses."""
        return self._index.matching(selector)

    def of(self, cluster: str, labels: Labels) -> tuple[set[str], set[str]]:
        """The triggers that choose a cluster with these labels; the profiles that choose or name it."""
        names = self._index.selectors_matching(labels)
        return _of_kind(names, _TRIGGER), _of_kind(names | self._named.get(cluster, set()), _PROFILE)

    def sets(self, cluster: str, labels: Labels) -> set[str]:
        """The sets that choose or name a cluster with these labels."""
        return _of_kind(self._index.selectors_matching(labels) | self._named.get(cluster, set()), _SET)


def _of_kind(names: Iterable[str], kind: str) -> set[str]:
    return {name.removeprefix(kind) for name in names if name.startswith(kind)}
