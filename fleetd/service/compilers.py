"""The engines that the checker of manifests asks whether a text compiles."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from lupa import lua51

from fleetd.decide.cel.program import compile_cel
from fleetd.decide.gotemplate.template import compile_template, event_functions
from fleetd.domain.errors import EvaluationFailed

_PLACE = re.compile(r'\[string "[^\n]*"\]:(\d+): (.*)', re.DOTALL)


class Engines:
    """CEL and Go templates as fleetd evaluates them, and Lua's compiler; nothing is run."""

    def __init__(self) -> None:
        # A moment is needed to make the functions of time; no template is rendered here.
        self._functions = event_functions(now=datetime(2000, 1, 1, tzinfo=UTC))
        self._lua = lua51.LuaRuntime(register_eval=False, register_builtins=False)

    def cel(self, text: str) -> None:
        compile_cel(text)

    def lua(self, text: str) -> None:
        try:
            self._lua.compile(text)
        except (lua51.LuaError, UnicodeError) as error:
            place = _PLACE.search(str(error))
            message = place[2] if place else str(error)
            raise EvaluationFailed(message, line=int(place[1]) if place else 0, column=1 if place else 0) from error

    def template(self, text: str) -> None:
        compile_template(text, functions=self._functions)
