"""A plane of its own, brought to where the daemon's stands, and then further."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from fleetd.decide.definitions import member_key
from fleetd.decide.engines.answers import Rendered, Rendering
from fleetd.decide.plane.aggregating import Selected, conclude
from fleetd.decide.plane.declaring import declared, settle
from fleetd.decide.plane.membering import SPEAKING, member_declared, member_state
from fleetd.decide.plane.observing import answer_asked
from fleetd.decide.plane.rendered import rendered
from fleetd.decide.plane.restoring import Known, restore
from fleetd.decide.plane.state import Plane
from fleetd.decide.plane.turn import Ask, Selecting, Turn
from fleetd.decide.rehearsing.rehearsal import CLUSTERS, Answer
from fleetd.domain.objects import Manifest
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import ClusterState

ROUNDS = 100
"""Of questions to scripts and templates; each is about what the answers of the last one led to."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A declared object as it would be; None where it would be deleted."""

    ref: ObjectRef
    manifest: Manifest | None = field(repr=False)
    unsupported: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wishes:
    """What children are asked: scripts about objects, scripts about all objects together, templates."""

    asks: Sequence[Ask] = ()
    selections: Sequence[Selecting] = ()
    renderings: Sequence[Rendering] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """The answers, in the order of the wishes."""

    asks: Sequence[Sequence[Answer]]
    selections: Sequence[Selected]
    renderings: Sequence[tuple[str, Rendered]]


Play = Generator[Wishes, Answered, None]


@dataclass(slots=True)
class Stage:
    """The plane and its clock. Every step ends when all that follows has followed."""

    now: datetime
    plane: Plane = field(default_factory=lambda: Plane("preview"))
    _number: int = 0
    _asks: list[Ask] = field(default_factory=list)
    _selections: list[Selecting] = field(default_factory=list)
    _renderings: list[Rendering] = field(default_factory=list)

    def begin(self, known: Known) -> Play:
        """Everything as it stands: what the rows tell, and all that is declared."""
        with self.turn() as turn:
            restore(self.plane, known)
            # Before anything is settled, so that nothing seems to wait for a cluster that answers.
            self.plane.reachable.update((item.cluster, item.state in SPEAKING) for item in known.members)
            self._declare(turn, [Edit(item.ref, item.manifest, item.unsupported) for item in known.declared])
        yield from self.settled()

    def change(self, edits: Iterable[Edit]) -> Play:
        """Declares, and deletes. Clusters that come are taken to answer."""
        before = set(self.plane.members)
        with self.turn() as turn:
            self._declare(turn, edits)
        for cluster in sorted(self.plane.members.keys() - before):
            with self.turn() as turn:
                member_state(self.plane, turn, cluster, ClusterState.READY)
        yield from self.settled()

    def settled(self) -> Play:
        """Asks children until nothing is to be asked any more."""
        for _ in range(ROUNDS):
            wishes = Wishes(self._asks, self._selections, self._renderings)
            if not (wishes.asks or wishes.selections or wishes.renderings):
                return
            self._asks, self._selections, self._renderings = [], [], []
            said = yield wishes
            with self.turn() as turn:
                for ask, answers in zip(wishes.asks, said.asks, strict=True):
                    answer_asked(self.plane, turn, ask, answers)
                for asked, chosen in zip(wishes.selections, said.selections, strict=True):
                    conclude(self.plane, turn, asked, chosen)
                rendered(self.plane, turn, said.renderings)

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """One turn; its records are nobody's."""
        turn = Turn(self.now, self._new_id)
        yield turn
        settle(self.plane, turn)
        self._asks += turn.asks
        self._selections += turn.selections
        self._renderings += turn.renderings

    def _declare(self, turn: Turn, edits: Iterable[Edit]) -> None:
        for edit in edits:
            turn.caused_by()
            declared(self.plane, turn, edit.ref, edit.manifest, unsupported=edit.unsupported)
            if edit.ref.kind in CLUSTERS:
                member_declared(self.plane, turn, member_key(edit.ref))

    def _new_id(self) -> str:
        self._number += 1
        return f"foreseen-{self._number}"
