"""Where somebody is: a screen, what it is about, and how it is narrowed down. A place can be written as a command, and read from one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from fleetd.service.questions.windows import Choice

LOCAL: Mapping[str, str] = {"help": "Keys", "aliases": "Screens", "log": "Commands", "views": "Views", "sql": "SQL"}
"""Screens that are about this program and not about the fleet, with their titles."""


@dataclass(frozen=True, slots=True)
class Place:
    """A screen and its subject.

    Attributes:
        of: limits a list to what belongs to one thing (`EventTrigger=x`), or says which way a page looks.
        as_of: the time of everything that is shown, where it is not now.
        revision: a time at which a revision of the subject stood; only that is of then.
    """

    screen: str
    subject: str = ""
    cluster: str = ""
    of: str = ""
    needle: str = ""
    clusters: str = ""
    as_of: str = ""
    revision: str = ""
    sort: str = ""
    descending: bool = False
    faults: bool = False

    @property
    def command(self) -> str:
        """How to come here again: what would be typed after `:`."""
        words = [self.screen, self.subject, self.of]
        words += [f"/{self.needle}" if self.needle else "", f"on {self.cluster}" if self.cluster else ""]
        words += [
            f"@{self.clusters.replace(' ', '')}" if self.clusters else "",
            f"~{then}" if (then := self.revision or self.as_of) else "",
        ]
        return " ".join(word for word in words if word)

    @property
    def crumb(self) -> str:
        """Its name in the way that led here."""
        return f"{self.screen} {self.subject or self.of}".strip() + (f" /{self.needle}" if self.needle else "")

    @property
    def choice(self) -> Choice:
        """The rows that its list has."""
        return Choice(
            sheet=self.screen,
            needle=self.needle,
            clusters=self.clusters,
            subject=self.of,
            faults=self.faults,
            sort=self.sort,
            descending=self.descending,
            as_of=self.as_of,
        )

    def at(self, as_of: str) -> Place:
        """The same at another time."""
        return replace(self, as_of=as_of)


@dataclass(slots=True)
class History:
    """The way somebody went: back, forward, and the place before."""

    places: list[Place]
    now: int = 0

    @property
    def place(self) -> Place:
        return self.places[self.now]

    @property
    def as_of(self) -> str:
        """The time of the last place that has one: pages about the program itself are of no time."""
        return next((one.as_of for one in reversed(self.places[: self.now + 1]) if one.screen not in LOCAL), "")

    def go(self, place: Place) -> None:
        """On to a new place; what was ahead is forgotten."""
        self.places = [*self.places[: self.now + 1], place][-100:]
        self.now = len(self.places) - 1

    def change(self, place: Place) -> None:
        """The same place, narrowed down in another way: no step of its own."""
        self.places[self.now] = place

    def back(self) -> bool:
        """One step back; False at the beginning."""
        self.now -= (moved := self.now > 0)
        return moved

    def forward(self) -> bool:
        """One step forward; False at the end."""
        self.now += (moved := self.now < len(self.places) - 1)
        return moved
