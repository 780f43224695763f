"""Conditions by the engine that their source names: our own, or cel-python, which also gets what ours does not understand."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Final

import orjson

from fleetd.decide.cel.fallback import compile_with_cel_python
from fleetd.decide.cel.port import Evaluator, NotUnderstood
from fleetd.decide.cel.program import compile_cel
from fleetd.domain.errors import EvaluationFailed, InvalidInput

OBJECT: Final = ("resource", "cluster")
"""What a condition on an object may name."""
CLOUD_EVENT: Final = ("event", "data", "cluster")
"""What a condition on a CloudEvent may name: the event with its attributes, its data, and the cluster that it came from."""
ENGINE: Final = "fleetd.io/cel-engine"
"""Annotation of a source."""


class Engine(StrEnum):
    """Who evaluates CEL."""

    OWN = "fleetd"
    CEL_PYTHON = "cel-python"


def engine_named(annotations: Mapping[str, str]) -> Engine:
    """The engine that a source asks for.

    Raises:
        InvalidInput: there is none of this name.
    """
    name = annotations.get(ENGINE) or Engine.OWN
    try:
        return Engine(name)
    except ValueError:
        near = get_close_matches(str(name), list(Engine), 1, 0.4)
        hint = f"did you mean {near[0]}?" if near else f"it is one of {', '.join(Engine)}"
        raise InvalidInput(f"the annotation {ENGINE} names no engine: {name!r}; {hint}") from None


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled condition; `remark` is what its author should know, behind the name of the rule."""

    program: Evaluator
    reads_cluster: bool
    remark: str = ""


def compile_rule(text: str, engine: Engine = Engine.OWN, variables: tuple[str, ...] = OBJECT) -> Rule:
    """A condition, ready to be asked.

    Raises:
        EvaluationFailed: no engine understands it; with its place in the text.
    """
    if engine is Engine.CEL_PYTHON:
        return Rule(compile_with_cel_python(text, variables=variables), reads_cluster=True)
    try:
        program = compile_cel(text, variables=variables)
    except NotUnderstood as missing:
        try:
            other = compile_with_cel_python(text, variables=variables)
        except EvaluationFailed:
            raise missing from None  # our own sentence says more
        where = f"line {missing.line}, column {missing.column}: " if missing.line else ""
        return Rule(other, reads_cluster=True, remark=f"is evaluated by cel-python, slowly and without limits ({where}{missing})")
    return Rule(program, "cluster" in program.names)


def cloud_event(event: Mapping[str, Any], cluster: Mapping[str, Any]) -> dict[str, Any]:
    """What `CLOUD_EVENT` names stand for, of a CloudEvent in its JSON form.

    `event` has the attributes; `data` is the event's data as JSON, text where it is none, bytes where it is no text either.
    """
    data = event.get("data")
    if "data_base64" in event:
        data = _decoded(base64.b64decode(event["data_base64"]), str(event.get("datacontenttype") or "application/json"))
    attributes = {key: value for key, value in event.items() if key not in ("data", "data_base64")}
    return {"event": attributes, "data": data, "cluster": cluster}


def _decoded(raw: bytes, kind: str) -> Any:
    try:
        if "json" in kind:
            return orjson.loads(raw)
        return raw.decode()
    except ValueError:
        return raw
