"""The engines that know whether an expression compiles; the checker is given them, it imports none."""

from __future__ import annotations

from typing import Protocol


class Compilers(Protocol):
    """Compiles without evaluating."""

    def cel(self, text: str) -> None:
        """Raises EvaluationFailed, with line and column in the text, when it is no CEL expression."""

    def lua(self, text: str) -> None:
        """Raises EvaluationFailed, with line and column in the text, when it is no Lua chunk."""

    def template(self, text: str) -> None:
        """Raises EvaluationFailed, with line and column in the text, when it is no Go template."""
