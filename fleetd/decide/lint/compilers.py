"""The engines that know whether an expression compiles; the checker is given them, it imports none."""

from __future__ import annotations

from typing import Protocol

from fleetd.decide.cel.rules import Engine
from fleetd.decide.engines.annotations import Language


class Compilers(Protocol):
    """Compiles without evaluating."""

    def cel(self, text: str, engine: Engine = Engine.OWN) -> str:
        """What the author of a rule should know although it works; raises EvaluationFailed, with line and column, when it is no CEL."""

    def lua(self, text: str) -> None:
        """Raises EvaluationFailed, with line and column in the text, when it is no Lua chunk."""

    def template(self, text: str) -> None:
        """Raises EvaluationFailed, with line and column in the text, when it is no Go template."""

    def in_language(self, text: str, language: Language) -> None:
        """The same for a template in another language, or whose structure stands fast; what is only known by running it is not said."""
