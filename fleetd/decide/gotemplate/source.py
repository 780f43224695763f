"""Where in a template something went wrong."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice
from typing import Any, NamedTuple

from fleetd.decide.gotemplate.nodes import text_of
from fleetd.domain.errors import EvaluationFailed, OverBudget

_LOOKED_AT = 1000
"""Names among which a near one is looked for."""


def nearest(names: Iterable[str], wanted: str) -> str:
    """`; did you mean "name"?`, or nothing when none is near."""
    found = get_close_matches(wanted[:100], list(islice(names, _LOOKED_AT)), n=1, cutoff=0.7)
    folded = found or [name for name in islice(names, _LOOKED_AT) if name.lower() == wanted.lower()]
    return f'; did you mean "{folded[0]}"?' if folded else ""


class Source(NamedTuple):
    """A template's text under its name."""

    name: str
    text: str

    def place(self, pos: int) -> tuple[int, int]:
        """Line from 1, column from 0 as Go counts it."""
        return self.text.count("\n", 0, pos) + 1, pos - self.text.rfind("\n", 0, pos) - 1

    def malformed(self, pos: int, message: str) -> EvaluationFailed:
        """The text is no template."""
        line, column = self.place(pos)
        return EvaluationFailed(f"template: {self.name}:{line}: {message}", line=line, column=column + 1)


class Site(NamedTuple):
    """A node within one template of a source; its error says what was executed."""

    source: Source
    template: str
    node: Any

    def over(self, message: object) -> OverBudget:
        """The budget ends here."""
        line, column = self.source.place(self.node.pos)
        return OverBudget(f'template: {self.source.name}:{line}:{column}: executing "{self.template}": {message}')

    def failed(self, message: str) -> EvaluationFailed:
        """Executing the node failed."""
        line, column = self.source.place(self.node.pos)
        return EvaluationFailed(
            f'template: {self.source.name}:{line}:{column}: executing "{self.template}" at <{text_of(self.node)}>: {message}',
            line=line,
            column=column + 1,
        )
