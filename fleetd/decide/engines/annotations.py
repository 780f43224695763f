"""Which language a content is written in, and in which form: what its annotations, or its profile's, say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from fleetd.decide.engines.missing import nearest
from fleetd.domain.errors import EvaluationFailed

ENGINE = "fleetd.io/template-engine"
FORM = "fleetd.io/template-form"


class Engine(StrEnum):
    """The languages, as the annotation names them."""

    GO = "go"
    JINJA2 = "jinja2"
    JSONNET = "jsonnet"


class Form(StrEnum):
    """Whether a template makes the text of manifests, or stands in the places of manifests that are there."""

    TEXT = "text"
    STRUCTURED = "structured"


@dataclass(frozen=True, slots=True)
class Language:
    """An engine and a form."""

    engine: Engine = Engine.GO
    form: Form = Form.TEXT

    @property
    def contained(self) -> bool:
        """Whether it is run in a child."""
        return self.engine is not Engine.GO


PLAIN = Language()
_Choice = TypeVar("_Choice", bound=StrEnum)


def language_of(*annotations: Mapping[str, str] | None) -> Language:
    """The language that the first annotations which name one say: the content's, then its profile's.

    Raises:
        EvaluationFailed: there is no such engine or form, or not both at once.
    """
    engine = _chosen(Engine, ENGINE, annotations)
    form = _chosen(Form, FORM, annotations)
    if engine is Engine.JSONNET and form is Form.STRUCTURED:
        raise EvaluationFailed(f"{FORM}: Jsonnet yields objects in any case, so it has no structured form")
    return Language(engine or Engine.GO, form or Form.TEXT)


def _chosen(choices: type[_Choice], name: str, annotations: tuple[Mapping[str, str] | None, ...]) -> _Choice | None:
    value = next((entry[name] for entry in annotations if entry and name in entry), None)
    if value is None:
        return None
    try:
        return choices(value)
    except ValueError:
        known = ", ".join(choices)
        raise EvaluationFailed(f'{name} is "{value}" and may be {known}{nearest(value, choices)}') from None


@dataclass(frozen=True, slots=True)
class Task:
    """What a child is to do with a text: its language, whose functions it sees, and whether it says what made each part."""

    language: Language
    event: bool
    traced: bool = False

    def __str__(self) -> str:
        return f"{self.language.engine} {self.language.form} {'event' if self.event else 'deploy'}{' traced' if self.traced else ''}"

    @classmethod
    def parse(cls, text: str) -> Task:
        """The task that `str` wrote."""
        engine, form, moment, *traced = text.split(" ")
        return cls(Language(Engine(engine), Form(form)), moment == "event", bool(traced))
