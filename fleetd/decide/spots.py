"""Where in declared objects a text stands, and what goes wrong there."""

from __future__ import annotations

from dataclasses import dataclass

from fleetd.domain.errors import EvaluationFailed
from fleetd.domain.refs import ObjectRef

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """A text within a declared object: of a ConfigMap or Secret one of its values, of others a field."""

    ref: ObjectRef
    path: Path

    def __str__(self) -> str:
        if self.ref.kind in ("ConfigMap", "Secret"):
            return f"{self.ref.kind} {self.ref.namespace}/{self.ref.name}, data[{self.path[-1]}]"
        return path_text(self.path)

    def below(self, *path: str | int) -> Spot:
        """A part of it."""
        return Spot(self.ref, (*self.path, *path))


def path_text(path: Path) -> str:
    """As people write it: `spec.policyRefs[0].name`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


@dataclass(frozen=True, slots=True)
class Flaw:
    """Where a text is wrong: a place in it (1-based, 0 where none is known), or in what it was rendered to."""

    spot: Spot
    line: int = 0
    column: int = 0
    in_output: bool = False


class Misrendered(EvaluationFailed):
    """A text that cannot become something to deploy; `flaw` says where, the text what."""

    def __init__(self, sentence: str, flaw: Flaw) -> None:
        super().__init__(sentence, line=flaw.line, column=flaw.column)
        self.flaw = flaw
