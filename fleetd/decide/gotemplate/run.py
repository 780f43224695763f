"""One rendering: what it may spend, and what surrounds it (time, chance, resources: all of them given)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from fleetd.domain.errors import OverBudget

CALL_DEPTH = 60
"""Templates calling templates: each takes several Python frames; Go's own limit is 100,000."""
FREE = 512
"""Values up to this size cost nothing beyond the step that made them."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one rendering may spend.

    Args:
        steps: about one for each node executed, each value visited inside a function, and each 64 characters handled.
        output_bytes: length of the result, in characters.
        value_bytes: length of any single text, and of any single list or map in elements of 16.
    """

    steps: int = 200_000
    output_bytes: int = 1 << 20
    value_bytes: int = 1 << 20


class Chance(Protocol):
    """A source of chance; `random.Random` is one."""

    def randrange(self, stop: int, /) -> int:
        """A number from 0 up to, not including, stop."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a template may learn beside its data; a function that needs what is not given answers with an error."""

    now: datetime | None = None
    chance: Chance | None = None
    resources: Mapping[str, Any] = field(default_factory=dict)


class Run:
    """The meter of one rendering; functions that handle large or nested values spend from it."""

    __slots__ = ("budget", "depth", "output_left", "steps_left", "surroundings")

    def __init__(self, budget: Budget, surroundings: Surroundings) -> None:
        self.budget = budget
        self.steps_left = budget.steps
        self.output_left = budget.output_bytes
        self.surroundings = surroundings
        self.depth = 0

    def spend(self, steps: int) -> None:
        """Takes steps from the budget.

        Raises:
            OverBudget: none are left.
        """
        self.steps_left -= steps
        if self.steps_left < 0:
            raise OverBudget(self.over_steps())

    def text(self, size: int) -> None:
        """Asks for room for a text of this many characters, before it is made.

        Raises:
            OverBudget: it would be too large.
        """
        if size > FREE:
            if size > self.budget.value_bytes:
                raise OverBudget(f"the template makes a text of {size} characters, more than {self.budget.value_bytes}")
            self.spend(size >> 6)

    def elements(self, count: int) -> None:
        """Asks for room for a list or map of this many elements, before it is made.

        Raises:
            OverBudget: it would be too large.
        """
        if count > 16:
            if count * 16 > self.budget.value_bytes:
                raise OverBudget(f"the template makes a list or map of {count} elements, more than {self.budget.value_bytes // 16}")
            self.spend(count >> 2)

    def settle(self, value: Any) -> None:
        """Accounts for what a function returned."""
        if isinstance(value, str):
            self.text(len(value))
        elif isinstance(value, (list, dict)):
            self.elements(len(value))

    def over_output(self) -> str:
        return f"the template writes more than {self.budget.output_bytes} bytes"

    def over_steps(self) -> str:
        return f"the template takes more than {self.budget.steps} steps"

    def enter(self) -> None:
        """One template calls another.

        Raises:
            OverBudget: too deep.
        """
        self.depth += 1
        if self.depth > CALL_DEPTH:
            raise OverBudget(f"templates call each other more than {CALL_DEPTH} deep")
