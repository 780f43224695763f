"""What went wrong in a Jinja2 template, as one sentence with its line."""

from __future__ import annotations

import re

from jinja2 import Template, TemplateError, TemplateSyntaxError, UndefinedError
from jinja2.exceptions import SecurityError

from fleetd.decide.engines.jinja import Jinja
from fleetd.decide.engines.missing import named, nearest
from fleetd.domain.errors import EvaluationFailed, OverBudget

_NO_SUCH = re.compile(r"No (filter|test) named '(.+?)'")
_LONGEST = 600
_GO = re.compile(r"unexpected '\.'|unexpected char '\$'|'end of print statement', got '(string|integer|\.)'")
_HINT = (
    "; this looks like a Go template: in Jinja2 it is Cluster, not .Cluster, and name | trunc(5)"
    " (without the annotation fleetd.io/template-engine it is a Go template)"
)


def sentence_of(error: Exception, environment: Jinja, template: Template | None = None) -> EvaluationFailed | OverBudget:
    """The error of a template; of its own errors the kind is kept."""
    line = _line(error, template)
    match error:
        case OverBudget() | EvaluationFailed():
            return error
        case RecursionError():
            return OverBudget("values or calls are nested too deeply")
        case MemoryError():
            return OverBudget("the template uses more memory than it may")
        case TemplateSyntaxError(message=message, lineno=line):
            sentence = _known(message or "the syntax is wrong", environment)
        case UndefinedError(message=message) | SecurityError(message=message):
            sentence = str(message)
        case TemplateError(message=message):
            sentence = _known(str(message), environment)
        case ZeroDivisionError():
            sentence = "division by zero"
        case _:
            sentence = str(error) or type(error).__name__
    return EvaluationFailed(_shortened(sentence), line=line)


def _known(message: str, environment: Jinja) -> str:
    found = _NO_SUCH.search(message)
    if found is None:
        return message.rstrip(".") + (_HINT if _GO.search(message) else "")
    kind, name = found[1], found[2]
    there = environment.filters if kind == "filter" else environment.tests
    return f"there is no {kind} {name}{nearest(name, there) or f'; there are {named(there)}'}"


def _line(error: Exception, template: Template | None) -> int:
    """The innermost line of the template on the way to the error."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals.get("__jinja_template__") is template and template is not None:
            line = template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return line


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
