"""Renders templates of other engines in this process: only ever used inside a child, which may be killed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo, available_timezones

import orjson
from jinja2 import Template

from fleetd.decide.engines.annotations import Engine, Form, Task
from fleetd.decide.engines.jinja import Jinja
from fleetd.decide.engines.jinja_structure import JinjaStructure
from fleetd.decide.engines.jsonnet import Jsonnet
from fleetd.decide.engines.sentences import sentence_of
from fleetd.decide.gotemplate.functions.library import deploy_functions, event_functions
from fleetd.decide.gotemplate.run import Budget, Run, Surroundings
from fleetd.domain.errors import EvaluationFailed, OverBudget

_RECURSION = 600
"""Frames: what Jinja2 compiles may nest, and its stack of C is bounded."""

Compiled: TypeAlias = "Template | JinjaStructure"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a child answers: the text, or one sentence with its line; the other fields are those of scripts."""

    value: str | None = None
    error: str = ""
    line: int = 0
    missing: tuple[str, ...] = ()
    hint: str = ""


class Contained:
    """Templates are kept by key, and compiled when they are first run.

    Args:
        budget: of one rendering; the limits of the process hold beside it.
    """

    def __init__(self, budget: Budget) -> None:
        sys.setrecursionlimit(_RECURSION)
        self._budget = budget
        self._environments = {
            True: Jinja(event_functions(), budget.value_bytes),
            False: Jinja(deploy_functions({}), budget.value_bytes),
        }
        self._jsonnet = Jsonnet()
        self._texts: dict[str, str] = {}
        self._compiled: dict[tuple[str, str], Compiled] = {}
        # A child can open no files: what reads some when it is first used is used now.
        self._zones = [ZoneInfo(name) for name in sorted(available_timezones())]
        self.keep("", _WARMING)
        for form in Form:
            self.run("", f"{Engine.JINJA2} {form} event", b'{"data": {}, "now": "2000-01-01T00:00:00+00:00"}', lambda: None)
        self.forget()

    def keep(self, key: str, text: str) -> None:
        """Takes a template that `run` will name by this key."""
        self._texts[key] = text

    def forget(self) -> None:
        """Forgets all templates."""
        self._texts.clear()
        self._compiled.clear()

    def run(self, key: str, place: str, argument: bytes, begun: Callable[[], None]) -> Outcome:
        """Renders a kept template; whatever is wrong is told by the outcome.

        Args:
            place: a `Task`, as it is written.
            argument: JSON: `data`, and `now` as ISO 8601.
            begun: called when the rendering itself begins.
        """
        task = Task.parse(place)
        given = orjson.loads(argument)
        begun()
        try:
            return Outcome(self._render(key, task, given["data"], datetime.fromisoformat(given["now"])))
        except (EvaluationFailed, OverBudget) as error:
            return Outcome(error=str(error), line=getattr(error, "line", 0))
        except RecursionError:
            return Outcome(error="values or calls are nested too deeply")
        except MemoryError:
            return Outcome(error="the template uses more memory than it may")

    def _render(self, key: str, task: Task, data: Mapping[str, Any], now: datetime) -> str:
        if task.language.engine is Engine.JSONNET:
            return self._jsonnet.render(self._texts[key], data, self._budget)
        environment = self._environments[task.event]
        run = Run(self._budget, Surroundings(now, None, data.get("MgmtResources") or {}))
        environment.begin(run, data)
        template: Template | None = None
        try:
            compiled = self._compile(key, task, environment)
            if isinstance(compiled, JinjaStructure):
                return compiled.render(data, run)
            template = compiled
            return (_traced if task.traced else _written)(environment, compiled, data, run)
        except Exception as error:  # whatever the template made Python raise is the template's
            raise sentence_of(error, environment, template) from error

    def _compile(self, key: str, task: Task, environment: Jinja) -> Compiled:
        found = self._compiled.get((key, str(task)))
        if found is None:
            text = self._texts[key]
            structured = task.language.form is Form.STRUCTURED
            found = JinjaStructure(text, environment) if structured else environment.from_string(text)
            self._compiled[key, str(task)] = found
        return found


def _written(environment: Jinja, template: Template, data: Mapping[str, Any], run: Run) -> str:
    parts = []
    for part in environment.parts(template, data):
        run.output_left -= len(part)
        if run.output_left < 0:
            raise OverBudget(f"the template writes more than {run.budget.output_bytes} bytes")
        parts.append(part)
    text = "".join(parts)
    try:
        return text.encode("utf-8", "surrogateescape").decode()
    except UnicodeError:
        raise EvaluationFailed("what it yields is not valid UTF-8") from None


def _traced(environment: Jinja, template: Template, data: Mapping[str, Any], run: Run) -> str:
    """JSON: the text, and of each part its length, the template's line, from 1, and whether an expression made it."""
    parts: list[str] = []
    places: list[tuple[int, int, bool]] = []
    for part, line, made in environment.placed_parts(template, data):
        run.output_left -= len(part)
        if run.output_left < 0:
            raise OverBudget(f"the template writes more than {run.budget.output_bytes} bytes")
        parts.append(part)
        places.append((len(part), line, made))
    return orjson.dumps({"text": "".join(parts), "parts": places}).decode()


_WARMING = "a: \"{{ '2000-01-01' | upper }} {{ now() | date('2006') }} {{ 1.5 }} {{ range(2) | map('string') | join }} {{ 'é' | title }}\""


def contained(_limits: object) -> Contained:
    """For a child, whose limits hold beside the budget."""
    return Contained(Budget())
