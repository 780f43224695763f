"""From the rows as they are and a change to all that would follow from it."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from fleetd.decide.plane.restoring import Known
from fleetd.decide.plane.state import Plane
from fleetd.decide.previewing.books import Books
from fleetd.decide.previewing.cascade import Cascade
from fleetd.decide.previewing.differences import losses, matches, problems, reaches
from fleetd.decide.previewing.effect import Effects
from fleetd.decide.previewing.playing import Answered, Edit, Play, Stage, Wishes
from fleetd.decide.previewing.recorded import Bodies, Listening, anew, bodies_of, coverage, judge_recorded
from fleetd.decide.previewing.results import DEEPEST, MatchChange, ObjectChange, Preview
from fleetd.decide.previewing.standing import Standing
from fleetd.domain.refs import ObjectRef


@dataclass(slots=True)
class _Round:
    """What followed by now; each effect is what came between two standings."""

    stage: Stage
    books: Books
    before: Standing
    found: Preview = field(default_factory=Preview)

    def take(self, depth: int, shown: Mapping[str, Sequence[ObjectRef]]) -> list[ObjectChange]:
        """Adds what came since the last time, marked with its depth; the changes of objects."""
        plane, after = self.stage.plane, Standing.of(self.stage.plane)
        effects = Effects(plane, self.books, self.before, after)
        objects = [replace(item, depth=depth) if depth else item for item in effects.objects()]
        known = self.found
        self.found = replace(
            known,
            objects=(*known.objects, *objects),
            matches=(*known.matches, *(_led(item, depth, shown, plane) for item in matches(self.before, after))),
            reaches=(*known.reaches, *(replace(item, depth=depth) for item in reaches(self.before, after))),
            held=(*known.held, *(replace(item, depth=depth) for item in losses(self.before, after, self.books))),
            problems=(*known.problems, *(replace(item, depth=depth) for item in problems(self.before, after))),
            joining=(*known.joining, *sorted(after.members.keys() - self.before.members.keys())),
            leaving=(*known.leaving, *sorted(self.before.members.keys() - after.members.keys())),
            standing=known.standing + effects.standing,
            sealed=known.sealed + effects.sealed,
        )
        self.books.write(objects)
        self.before = after
        return objects


def preview(known: Known, edits: Sequence[Edit], now: datetime) -> Generator[Wishes, Answered, Preview]:
    """Plays it to its end, asking children on the way; nothing is written anywhere."""
    stage = Stage(now)
    yield from stage.begin(known)
    plane = stage.plane
    books, before = Books.of(plane), Standing.of(plane)
    interest = dict(plane.interest)
    yield from stage.change(edits)
    listening = anew(interest, plane.interest)
    bodies: Bodies = bodies_of(plane) if listening else {}
    covered = tuple(coverage(plane, listening, bodies))
    yield from _judged(stage, listening, bodies)
    told = _Round(stage, books, before)
    changes, unjudged = told.take(0, {}), 0
    for depth in range(1, DEEPEST + 1):
        cascade = Cascade(plane, books)
        with stage.turn() as turn:
            somebody = cascade.show(turn, changes)
        unjudged += cascade.unjudged
        if not somebody:
            break
        yield from stage.settled()
        changes = told.take(depth, cascade.shown)
    return replace(told.found, coverage=covered, unjudged=unjudged)


def _judged(stage: Stage, listening: Sequence[Listening], bodies: Bodies) -> Play:
    """Twice, as an edited source is: a loss needs a second look."""
    if not bodies:
        return
    for confirming in (False, True):
        with stage.turn() as turn:
            judge_recorded(stage.plane, turn, listening, bodies, confirming=confirming)
        yield from stage.settled()


def _led(item: MatchChange, depth: int, shown: Mapping[str, Sequence[ObjectRef]], plane: Plane) -> MatchChange:
    """With what led to it: the object that it is about, or the first of what was shown on its cluster that its source looks at."""
    if not depth:
        return item
    there = shown.get(item.cluster, ())
    source = plane.sources.get(plane.selected.get(item.trigger, {}).get(item.cluster, ""))
    kinds = {gvk.group_kind for gvk in source.conditions} if source is not None else set()
    led = item.object if item.object in there else next((ref for ref in there if ref.group_kind in kinds), None)
    return replace(item, depth=depth, because=f"{led}@{item.cluster}" if led is not None else "")
