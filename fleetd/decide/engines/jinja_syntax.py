"""Whether a text is a Jinja2 template: it is compiled to the text of a program, which is never run."""

from __future__ import annotations

from fleetd.decide.engines.jinja import Jinja
from fleetd.decide.engines.jinja_structure import JinjaStructure
from fleetd.decide.engines.sentences import sentence_of
from fleetd.decide.gotemplate.deep import compiled
from fleetd.decide.gotemplate.functions.library import Functions
from fleetd.domain.errors import EvaluationFailed

_LOOKED_AT = 64 * 1024
"""Characters; a larger text is left to the children that may be ended."""


def check_jinja(text: str, functions: Functions, *, structured: bool) -> None:
    """Compiles.

    Raises:
        EvaluationFailed: the syntax is wrong, or a filter is not there; it has the line.
    """
    if len(text) > _LOOKED_AT:
        return
    environment = Jinja(functions, len(text))
    if structured:
        compiled(lambda: JinjaStructure(text, environment), "structured")
    else:
        compiled(lambda: _plain(text, environment), "template")


def _plain(text: str, environment: Jinja) -> None:
    try:
        environment.compile(text, raw=True)
    except RecursionError:
        raise
    except Exception as error:  # whatever Jinja2 says of a text is the text's
        said = sentence_of(error, environment)
        if isinstance(said, EvaluationFailed):
            raise said from error
