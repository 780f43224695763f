"""The checker with the real engines behind its port."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import lupa
import pytest

from fleetd.decide.cel.rules import Engine, compile_rule
from fleetd.decide.gotemplate.template import compile_template, event_functions
from fleetd.decide.lint.check import check
from fleetd.domain.documents import read_documents
from fleetd.domain.errors import EvaluationFailed
from fleetd.domain.findings import Finding

_LUA_PLACE = re.compile(r'\[string "[^"]*"\]:(\d+): (.*)')


class Engines:
    """CEL and Go templates as fleetd evaluates them, and Lua's own compiler."""

    def cel(self, text: str, engine: Engine = Engine.OWN) -> str:
        return compile_rule(text, engine).remark

    def lua(self, text: str) -> None:
        try:
            lupa.LuaRuntime().compile(text)
        except lupa.LuaSyntaxError as error:
            place = _LUA_PLACE.search(str(error))
            raise EvaluationFailed(place[2] if place else str(error), line=int(place[1]) if place else 0, column=1) from error

    def template(self, text: str) -> None:
        compile_template(text, functions=event_functions(now=datetime(2026, 3, 1, tzinfo=UTC)))


@pytest.fixture
def engines() -> Engines:
    return Engines()


Checked = Callable[..., list[Finding]]


@pytest.fixture
def checked(engines: Engines) -> Checked:
    """Checks files: each argument is a text, or a pair of a name and a text."""

    def check_files(*files: str | tuple[str, str]) -> list[Finding]:
        named = [(f"{number}.yaml", file) if isinstance(file, str) else file for number, file in enumerate(files, 1)]
        return check([document for name, text in named for document in read_documents(text, source=name)], engines)

    return check_files
