"""Which engine renders a text.

There is one moment when an event happens and one for each cluster at the deployment; they have the same language, and other
functions. An engine is asked for both, renders within a budget, and can say afterwards what made what.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Protocol

from fleetd.decide.definitions import LUA, TEMPLATE
from fleetd.decide.engines.annotations import Engine as Name
from fleetd.decide.engines.annotations import Form, Language, Task, language_of
from fleetd.decide.engines.answers import LUA as LUA_TASK
from fleetd.decide.engines.answers import Asking
from fleetd.decide.engines.fields import dotted, named_in
from fleetd.decide.engines.go_structure import GoStructure, compile_go
from fleetd.decide.gotemplate.projection import projection
from fleetd.decide.gotemplate.template import Budget, Surroundings, Template, compile_template, deploy_functions, event_functions
from fleetd.decide.gotemplate.tracing import trace
from fleetd.decide.trail import Trail, line_trail
from fleetd.domain.errors import EvaluationFailed
from fleetd.domain.objects import Manifest


class Moment(StrEnum):
    """When a text is rendered."""

    EVENT = "event"
    DEPLOY = "deploy"


class Engine(Protocol):
    """A template language."""

    @property
    def name(self) -> str:
        """The language and its form; what one makes of a text is not what another makes."""

    def concerns(self, text: str) -> bool:
        """Whether there is anything in the text for this language to do."""

    def foresee(self, texts: Iterable[str], data: Mapping[str, Any], moment: Moment, now: datetime) -> None:
        """Says in advance what will be rendered one by one."""

    def sees(self, text: str, data: Mapping[str, Any], moment: Moment) -> list[Any] | None:
        """What of the data the rendered text depends on, as plain values; None where it may depend on all there is."""

    def reads(self, text: str, moment: Moment) -> tuple[str, ...]:
        """The fields that the text names, as it names them; where they stand at the outside."""

    def render(self, text: str, data: Mapping[str, Any], moment: Moment, budget: Budget, surroundings: Surroundings) -> str:
        """Raises EvaluationFailed (with line and column of the text) and OverBudget."""

    def trail(self, text: str, data: Mapping[str, Any], moment: Moment, budget: Budget, surroundings: Surroundings) -> Trail:
        """The same, with what made each part; for the few who ask."""


class GoTemplates:
    """Go's templates with Sprig's and Sveltos' functions."""

    name = "go text"

    def concerns(self, text: str) -> bool:
        return "{{" in text

    def foresee(self, texts: Iterable[str], data: Mapping[str, Any], moment: Moment, now: datetime) -> None:
        """Nothing to do: it renders at once."""

    def sees(self, text: str, data: Mapping[str, Any], moment: Moment) -> list[Any] | None:
        template = _compiled(text, moment)
        return None if isinstance(template, EvaluationFailed) else projection(template, data)

    def reads(self, text: str, moment: Moment) -> tuple[str, ...]:
        template = _compiled(text, moment)
        return () if isinstance(template, EvaluationFailed) else dotted(template.reads)

    def render(self, text: str, data: Mapping[str, Any], moment: Moment, budget: Budget, surroundings: Surroundings) -> str:
        template = _compiled(text, moment)
        if isinstance(template, EvaluationFailed):
            raise template
        return template.render(data, budget=budget, surroundings=surroundings)

    def trail(self, text: str, data: Mapping[str, Any], moment: Moment, budget: Budget, surroundings: Surroundings) -> Trail:
        return trace(text, data, _FUNCTIONS[moment], budget, surroundings)


class GoStructured:
    """Go's templates in the places of a structure."""

    name = "go structured"

    def concerns(self, text: str) -> bool:
        return "{{" in text

    def foresee(self, texts: Iterable[str], data: Mapping[str, Any], moment: Moment, now: datetime) -> None:
        """Nothing to do: it renders at once."""

    def sees(self, _text: str, _data: Mapping[str, Any], _moment: Moment) -> list[Any] | None:
        return None

    def reads(self, text: str, moment: Moment) -> tuple[str, ...]:
        structure = _structured(text, moment)
        return () if isinstance(structure, EvaluationFailed) else dotted(structure.reads)

    def render(self, text: str, data: Mapping[str, Any], moment: Moment, budget: Budget, surroundings: Surroundings) -> str:
        structure = _structured(text, moment)
        if isinstance(structure, EvaluationFailed):
            raise structure
        return structure.render(data, budget, surroundings)

    def trail(self, _text: str, _data: Mapping[str, Any], _moment: Moment, _budget: Budget, _surroundings: Surroundings) -> Trail:
        raise EvaluationFailed(ONE_MOMENT)


class Contained:
    """Jinja2 and Jsonnet, run in children."""

    def __init__(self, language: Language, asking: Asking) -> None:
        self._language = language
        self._asking = asking
        self.name = f"{language.engine} {language.form}"

    def concerns(self, text: str) -> bool:
        return self._language.engine is Name.JSONNET or any(mark in text for mark in ("{{", "{%", "{#"))

    def foresee(self, texts: Iterable[str], data: Mapping[str, Any], moment: Moment, now: datetime) -> None:
        self._asking.foresee(str(self._task(moment)), filter(self.concerns, texts), data, now)

    def sees(self, _text: str, _data: Mapping[str, Any], _moment: Moment) -> list[Any] | None:
        return None

    def reads(self, text: str, _moment: Moment) -> tuple[str, ...]:
        return named_in(text)

    def render(self, text: str, data: Mapping[str, Any], moment: Moment, _budget: Budget, surroundings: Surroundings) -> str:
        return self._asking.text(str(self._task(moment)), text, data, _now(surroundings))

    def trail(self, text: str, data: Mapping[str, Any], moment: Moment, _budget: Budget, surroundings: Surroundings) -> Trail:
        if self._language != JINJA2:
            raise EvaluationFailed(ONE_MOMENT)
        task = replace(self._task(moment), traced=True)
        return line_trail(text, self._asking.text(str(task), text, data, _now(surroundings)))

    def _task(self, moment: Moment) -> Task:
        return Task(self._language, event=moment is Moment.EVENT)


class LuaScript:
    """Lua that yields resources; it sees what the profile's `templateResourceRefs` name, and no cluster."""

    name = "lua"

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def concerns(self, _text: str) -> bool:
        return True

    def foresee(self, texts: Iterable[str], data: Mapping[str, Any], _moment: Moment, now: datetime) -> None:
        self._asking.foresee(LUA_TASK, texts, _resources(data), now)

    def sees(self, _text: str, _data: Mapping[str, Any], _moment: Moment) -> list[Any] | None:
        return None

    def reads(self, _text: str, _moment: Moment) -> tuple[str, ...]:
        return ()

    def render(self, text: str, data: Mapping[str, Any], _moment: Moment, _budget: Budget, surroundings: Surroundings) -> str:
        return self._asking.text(LUA_TASK, text, _resources(data), _now(surroundings))

    def trail(self, _text: str, _data: Mapping[str, Any], _moment: Moment, _budget: Budget, _surroundings: Surroundings) -> Trail:
        raise EvaluationFailed(ONE_MOMENT)


def _resources(data: Mapping[str, Any]) -> Mapping[str, Any]:
    return data.get("MgmtResources") or {}


def _now(surroundings: Surroundings) -> datetime:
    if surroundings.now is None:
        raise EvaluationFailed("the present time is not available: none was given")
    return surroundings.now


JINJA2 = Language(Name.JINJA2)
ONE_MOMENT = "what the event's data made has braces or is code again, and only Go templates in text form are rendered at both moments"
_FUNCTIONS = {Moment.EVENT: event_functions(), Moment.DEPLOY: deploy_functions({})}
GO = GoTemplates()
STRUCTURED = GoStructured()
NOBODY = Asking()


def engine_of(content: Manifest | None, beside: Mapping[str, str] | None = None, asking: Asking = NOBODY) -> Engine:
    """The engine for the texts of a ConfigMap or Secret, by its annotations; None stands for fields of profiles and triggers.

    Args:
        beside: annotations of the profile or trigger, which count where the content's own name nothing.
        asking: who runs what is not run here.

    Raises:
        EvaluationFailed: an annotation names no engine or form.
    """
    language = language_of(_annotations(content) if content is not None else None, beside)
    if content is None:
        # A field holds no structure, and no program.
        return Contained(Language(Name.JINJA2), asking) if language.engine is Name.JINJA2 else GO
    if language.contained:
        return Contained(language, asking)
    return STRUCTURED if language.form is Form.STRUCTURED else GO


def deploying_engine_of(content: Manifest, beside: Mapping[str, str] | None = None, asking: Asking = NOBODY) -> Engine | None:
    """The engine for the texts of a ConfigMap or Secret when it is deployed; None where they stand as they are.

    Raises:
        EvaluationFailed: an annotation names no engine or form, or two annotations cannot both be.
    """
    annotations = _annotations(content)
    if LUA in annotations:
        if TEMPLATE in annotations:
            raise EvaluationFailed(f"it has the annotations {LUA} and {TEMPLATE}: a script is no template, take one of them away")
        return LuaScript(asking)
    return engine_of(content, beside, asking) if TEMPLATE in annotations else None


def _annotations(content: Manifest) -> Mapping[str, str]:
    return content["metadata"].get("annotations") or {}


@lru_cache(maxsize=4096)
def _compiled(text: str, moment: Moment) -> Template | EvaluationFailed:
    """A template without its surroundings; a text that is wrong stays wrong, so its error is kept, too."""
    try:
        return compile_template(text, functions=_FUNCTIONS[moment])
    except EvaluationFailed as error:
        return error


@lru_cache(maxsize=1024)
def _structured(text: str, moment: Moment) -> GoStructure | EvaluationFailed:
    try:
        return compile_go(text, _FUNCTIONS[moment])
    except EvaluationFailed as error:
        return error
