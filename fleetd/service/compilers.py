"""The engines that the checker of manifests asks whether a text compiles."""

from __future__ import annotations

from datetime import UTC, datetime

from fleetd.decide.cel.rules import Engine, compile_rule
from fleetd.decide.engines.annotations import Engine as Name
from fleetd.decide.engines.annotations import Form, Language
from fleetd.decide.engines.go_structure import compile_go
from fleetd.decide.gotemplate.template import compile_template, event_functions
from fleetd.domain.errors import EvaluationFailed
from fleetd.scripts.syntax import check


class Engines:
    """CEL and Go templates as fleetd evaluates them, and Lua's compiler; nothing is run."""

    def __init__(self) -> None:
        # A moment is needed to make the functions of time; no template is rendered here.
        self._functions = event_functions(now=datetime(2000, 1, 1, tzinfo=UTC))

    def cel(self, text: str, engine: Engine = Engine.OWN) -> str:
        return compile_rule(text, engine).remark

    def lua(self, text: str) -> None:
        if error := check(text):
            raise EvaluationFailed(str(error), line=error.line, column=1 if error.line else 0)

    def template(self, text: str) -> None:
        compile_template(text, functions=self._functions)

    def in_language(self, text: str, language: Language) -> None:
        if language.engine is Name.JINJA2:
            # Jinja2 is needed by few, and everybody would wait for it.
            from fleetd.decide.engines.jinja_syntax import check_jinja

            check_jinja(text, self._functions, structured=language.form is Form.STRUCTURED)
        elif language.form is Form.STRUCTURED:
            compile_go(text, self._functions)
