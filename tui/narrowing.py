"""What a filter looks at in a long list, read beforehand: what is typed is answered from memory, and by the database afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace

from fleetd.domain.errors import FleetdError
from fleetd.service.asking import Questions
from fleetd.service.columns import Texts
from fleetd.service.questions.windows import Choice, Keys, ReadTexts
from fleetd.service.windows import SHEETS

LONG = 3_000
"""Rows of a list in which the database looks fast enough by itself."""


@dataclass
class Narrowing:
    """The texts of the long list that was in front last. `stale` is set where rows may have changed since they were read."""

    choice: Choice | None = None
    texts: Texts | None = None
    stale: bool = False

    def keys(self, choice: Choice) -> Keys | None:
        """The keys of a choice, as far as is known here."""
        if self.texts is None or self.choice != replace(choice, needle=""):
            return None
        found = self.texts.narrowed(choice.needle)
        return None if found is None else Keys(found)

    def wanted(self, choice: Choice, keys: Keys) -> bool:
        """Whether the texts of a list, whose keys are these, are worth reading."""
        long = len(keys.keys) >= LONG and not keys.more
        return long and not choice.needle and not choice.as_of and self.choice != choice

    def heard(self, kinds: Set[str]) -> None:
        """Something was committed: of these kinds, or nobody knows of which."""
        if self.choice is not None and (not kinds or kinds & SHEETS[self.choice.sheet].kinds):
            self.stale = True

    async def learn(self, questions: Questions, choice: Choice, keys: Callable[[], Sequence[str]]) -> None:
        """Reads the texts; where that cannot be done, the database is asked as before. `keys` are those of the list in front."""
        self.choice, self.texts, self.stale = choice, self.texts if self.choice == choice else None, False
        with contextlib.suppress(FleetdError):
            texts = await questions.ask(ReadTexts(choice=choice))
            # Somebody may be at another list by now.
            if self.choice == choice and texts is not None:
                # The same keys are kept once only.
                here = keys()
                self.texts = replace(texts, keys=here) if texts.keys == here else texts
