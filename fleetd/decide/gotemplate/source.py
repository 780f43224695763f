"""Where in a template something went wrong."""

from __future__ import annotations

from typing import Any, NamedTuple

from fleetd.decide.gotemplate.nodes import text_of
from fleetd.domain.errors import EvaluationFailed


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

    def failed(self, message: str) -> EvaluationFailed:
        """Executing the node failed."""
        line, column = self.source.place(self.node.pos)
        return EvaluationFailed(
            f'template: {self.source.name}:{line}:{column}: executing "{self.template}" at <{text_of(self.node)}>: {message}',
            line=line,
            column=column + 1,
        )
