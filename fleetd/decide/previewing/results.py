"""What a preview says: one value for every face."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from fleetd.decide.plan import Action
from fleetd.domain.refs import ObjectRef

DEEPEST = 2
"""Rounds of reactions to what the change itself does."""


class Course(StrEnum):
    """What becomes of a match."""

    BEGINS = "begins"
    CHANGES = "changes"
    ENDS = "ends"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of an object, as JSON before and after; empty where there is none, or where it may not be told (`withheld`)."""

    path: str
    before: str
    after: str
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """What would be done with one object on one cluster.

    `depth` is 0 for the change itself, 1 and 2 for reactions to it; `because` are the objects that led to a reaction. `data_loss` marks
    deletes that take data with them. Where `unsure`, how the object stands is not known: it may already be as wanted.
    """

    action: Action
    cluster: str
    ref: ObjectRef
    profile: str
    addon: str
    reason: str = ""
    fields: tuple[FieldChange, ...] = ()
    data_loss: bool = False
    unsure: bool = False
    waits: str = ""
    """why nothing is delivered to the cluster now"""
    depth: int = 0
    because: str = ""
    """the trigger whose match made the profile"""


@dataclass(frozen=True, slots=True)
class MatchChange:
    """A match that begins, makes something else, or ends; `because` is the object that led to it, where a reaction did."""

    course: Course
    trigger: str
    cluster: str
    object: ObjectRef | None
    profile: str
    depth: int = 0
    because: str = ""


@dataclass(frozen=True, slots=True)
class Reach:
    """The clusters that a profile, trigger or set gains and loses."""

    subject: str
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """A loss that would wait for a person; `objects` stand on clusters because of what is lost."""

    subject: str
    summary: str
    lost: tuple[str, ...]
    objects: int
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """What could not be read or rendered; `clusters` are those where, empty where it is everywhere."""

    subject: str
    message: str
    clusters: tuple[str, ...] = ()
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of what a source would say is known: of the objects of a kind only those that some report holds are judged."""

    source: str
    kind: str
    clusters: int
    judged: int
    kept: int
    """objects that it reports now, of whose contents nothing is recorded: they are taken to stay"""


@dataclass(frozen=True, slots=True)
class Preview:
    """All of it. `members` come or go; `unjudged` objects would be written where sources look, and could not be judged."""

    objects: tuple[ObjectChange, ...] = ()
    matches: tuple[MatchChange, ...] = ()
    reaches: tuple[Reach, ...] = ()
    held: tuple[Held, ...] = ()
    problems: tuple[Problem, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    joining: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()
    standing: int = 0
    """objects of ours that stay on clusters that leave"""
    unjudged: int = 0
    sealed: int = 0
    """add-ons whose contents are secret, and that would be deployed, changed or removed on a cluster"""

    @property
    def counts(self) -> Mapping[str, int]:
        """How many objects, by what would be done with them (a conflict, and what is left, is no write), and what is to be looked at."""
        found = Counter(item.action for item in self.objects)
        courses = Counter(item.course for item in self.matches)
        written = [item for item in self.objects if item.action in (Action.CREATE, Action.UPDATE, Action.DELETE)]
        return {
            **{action.value: found[action] for action in Action if action is not Action.KEEP},
            "clusters": len({item.cluster for item in written}),
            "data_loss": sum(item.data_loss for item in self.objects),
            "waiting": sum(bool(item.waits) for item in written),
            **{f"matches_{course.value}": courses[course] for course in Course},
            "held": len(self.held),
            "problems": len(self.problems),
        }

    @property
    def quiet(self) -> bool:
        """Whether nothing follows from the change, as far as that can be told."""
        noted = (*self.objects, *self.matches, *self.reaches, *self.held, *self.problems, *self.coverage)
        return not (noted or self.joining or self.leaving or self.sealed)
