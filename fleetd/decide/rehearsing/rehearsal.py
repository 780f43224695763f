"""A fleet out of files: the daemon's own stages, up to what would be delivered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from fleetd.decide.definitions import member_key
from fleetd.decide.engines.answers import Rendered, Rendering
from fleetd.decide.plane.aggregating import Selected, conclude
from fleetd.decide.plane.declaring import declared, settle
from fleetd.decide.plane.membering import member_declared, member_state
from fleetd.decide.plane.observing import answer_asked, listed, seen
from fleetd.decide.plane.rendered import rendered
from fleetd.decide.plane.state import Plane
from fleetd.decide.plane.turn import Ask, Selecting, Turn
from fleetd.domain.objects import Manifest, Observed, gvk_of, ref_of
from fleetd.domain.refs import GroupVersionKind, ObjectRef
from fleetd.domain.states import ClusterState

CLUSTERS = ("SveltosCluster", "Cluster")
LISTS = 100
"""Rounds until nothing is to be listed any more; each one is of kinds that were not looked at before."""

Answer = tuple[bool | None, str]
"""Whether a script says that the object matches (None: it failed), and its message."""

Standing = Callable[[str, GroupVersionKind], Sequence[Observed]]
"""The objects of a kind that stand on a cluster."""


@dataclass(frozen=True, slots=True)
class Given:
    """What the fleet is made of. `objects` stand on the cluster that is named, or, without one, on each that is listened to."""

    declared: Sequence[Manifest]
    objects: Sequence[tuple[str, Manifest]]


@dataclass(slots=True)
class Rehearsal:
    """One plane, and the objects that its clusters show."""

    now: datetime
    plane: Plane = field(default_factory=lambda: Plane("rehearsal"))
    _number: int = 0
    _asks: list[Ask] = field(default_factory=list)
    _renderings: list[Rendering] = field(default_factory=list)
    _selections: list[Selecting] = field(default_factory=list)
    _listed: set[tuple[str, GroupVersionKind, frozenset[str]]] = field(default_factory=set)
    _again: set[tuple[str, GroupVersionKind]] = field(default_factory=set)
    _doubts: set[tuple[str, GroupVersionKind]] = field(default_factory=set)

    def play(self, given: Given) -> Generator[Sequence[Ask], Sequence[Sequence[Answer]], None]:
        """Plays everything to its end; asks for scripts to be run, an answer for each wish of each ask."""
        with self._turn() as turn:
            for manifest in given.declared:
                self._declare(turn, manifest)
        self.meet_all()
        yield from self.catch_up(lambda cluster, gvk: _observed(given.objects, cluster, gvk))

    def declare(self, ref: ObjectRef, manifest: Manifest | None) -> None:
        """Somebody declares an object, edits it, or deletes it (None)."""
        with self._turn() as turn:
            turn.caused_by()
            declared(self.plane, turn, ref, manifest)
            if ref.kind in CLUSTERS:
                member_declared(self.plane, turn, member_key(ref))

    def meet_all(self) -> None:
        """Every member that was not met before answers."""
        for cluster in sorted(self.plane.members):
            if not self.plane.members[cluster].ready:
                with self._turn() as turn:
                    member_state(self.plane, turn, cluster, ClusterState.READY)

    def show(self, cluster: str, manifest: Manifest, *, exists: bool = True) -> None:
        """A watch on a cluster says that an object is there, is now so, or is gone."""
        with self._turn() as turn:
            seen(self.plane, turn, cluster, gvk_of(manifest), [(exists, observed_of(manifest))])

    def catch_up(self, standing: Standing) -> Generator[Sequence[Ask], Sequence[Sequence[Answer]], None]:
        """Lists what is listened to and was not listed so; what a list leaves in doubt is read a second time."""
        yield from self._answered()
        for _ in range(LISTS):
            unlisted = [key for key in self._interesting() if key not in self._listed]
            again = self._again - {(cluster, gvk) for cluster, gvk, _ in unlisted}
            doubts, self._doubts, self._again = self._doubts, set(), set()
            self._listed |= set(unlisted)
            if not unlisted and not again and not doubts:
                break
            for cluster, gvk in [(cluster, gvk) for cluster, gvk, _ in unlisted] + sorted(again):
                yield from self._list(cluster, gvk, standing)
            for cluster, gvk in sorted(doubts):
                yield from self._list(cluster, gvk, standing, confirming=True)

    def _list(
        self, cluster: str, gvk: GroupVersionKind, standing: Standing, *, confirming: bool = False
    ) -> Generator[Sequence[Ask], Sequence[Sequence[Answer]], None]:
        with self._turn() as turn:
            listed(self.plane, turn, cluster, gvk, standing(cluster, gvk), confirming=confirming)
        yield from self._answered()

    def renderings(self) -> Sequence[Rendering]:
        """What is to be rendered by somebody else since the last time; until there is nothing, the play is not at its end."""
        asked, self._renderings = self._renderings, []
        return asked

    def selections(self) -> Sequence[Selecting]:
        """Scripts to be run on all candidates of a source since the last time; likewise."""
        asked, self._selections = self._selections, []
        return asked

    def choose(self, asked: Selecting, answer: Selected) -> None:
        """Takes what such a script chose."""
        with self._turn() as turn:
            conclude(self.plane, turn, asked, answer)

    def take(self, answers: Sequence[tuple[str, Rendered]]) -> None:
        """Takes what was rendered, by the key of each."""
        with self._turn() as turn:
            rendered(self.plane, turn, answers)

    def _interesting(self) -> list[tuple[str, GroupVersionKind, frozenset[str]]]:
        return [
            (cluster, gvk, frozenset(source.name for source in sources))
            for cluster, kinds in sorted(self.plane.interest.items())
            for gvk, sources in kinds.items()
        ]

    def _answered(self) -> Generator[Sequence[Ask], Sequence[Sequence[Answer]], None]:
        while self._asks:
            asks, self._asks = self._asks, []
            answers = yield asks
            with self._turn() as turn:
                for ask, said in zip(asks, answers, strict=True):
                    answer_asked(self.plane, turn, ask, said)

    def _declare(self, turn: Turn, manifest: Manifest) -> None:
        ref = ref_of(manifest)
        turn.caused_by()
        declared(self.plane, turn, ref, manifest)
        if ref.kind in CLUSTERS:
            member_declared(self.plane, turn, member_key(ref))

    @contextmanager
    def _turn(self) -> Iterator[Turn]:
        turn = Turn(self.now, self._new_id)
        yield turn
        settle(self.plane, turn)
        self._asks += turn.asks
        self._renderings += turn.renderings
        self._selections += turn.selections
        self._doubts |= turn.doubts
        self._again |= turn.rejudge

    def _new_id(self) -> str:
        self._number += 1
        return f"rehearsed-{self._number}"


def _observed(objects: Iterable[tuple[str, Manifest]], cluster: str, gvk: GroupVersionKind) -> list[Observed]:
    found: dict[ObjectRef, Observed] = {}
    for where, manifest in objects:
        if where in ("", cluster) and gvk_of(manifest) == gvk:
            found[ref_of(manifest)] = observed_of(manifest)
    return list(found.values())


def observed_of(manifest: Manifest) -> Observed:
    """An object as a watch would show it."""
    metadata = {key: value for key, value in manifest["metadata"].items() if key != "managedFields"}
    body = {**manifest, "metadata": metadata}
    return Observed(
        ref=ref_of(manifest),
        uid=str(metadata.get("uid") or ""),
        resource_version=str(metadata.get("resourceVersion") or "0"),
        body=body,
        raw=orjson.dumps(body),
    )


def listened(plane: Plane) -> Mapping[str, frozenset[GroupVersionKind]]:
    """The clusters that some trigger listens to, with the kinds."""
    found: dict[str, frozenset[GroupVersionKind]] = defaultdict(frozenset)
    found.update({cluster: frozenset(kinds) for cluster, kinds in plane.interest.items()})
    return found


def carry_out(play: Generator[Sequence[Ask], Sequence[Sequence[Answer]], None], answer: Callable[[Ask], Sequence[Answer]]) -> None:
    """Plays with somebody who answers at once."""
    said: Sequence[Sequence[Answer]] | None = None
    while True:
        try:
            asks = next(play) if said is None else play.send(said)
        except StopIteration:
            return
        said = [answer(ask) for ask in asks]
