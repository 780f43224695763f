"""What children rendered: who waited for it is looked at again."""

from __future__ import annotations

from collections.abc import Iterable

from fleetd.decide.engines.answers import Rendered
from fleetd.decide.plane.state import Plane
from fleetd.decide.plane.turn import Turn


def rendered(plane: Plane, _turn: Turn, answers: Iterable[tuple[str, Rendered]]) -> None:
    """Takes answers by the keys of what was asked; one that nobody waits for any more is dropped."""
    for key, answer in answers:
        for waiter in plane.answers.put(key, answer):
            if len(waiter) == 3:
                plane.dirty.reactions.add(waiter)
            else:
                plane.dirty.profiles.add(waiter[0])
