"""An expression on one object, by the engines that the daemon has, within their budgets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from fleetd.decide.cel import tree
from fleetd.decide.cel.port import DEFAULT_BUDGET, NotUnderstood
from fleetd.decide.cel.program import compile_cel
from fleetd.decide.cel.rules import OBJECT
from fleetd.decide.cel.trace import Trace, shown, told
from fleetd.decide.languages import Moment
from fleetd.decide.rendering import Render
from fleetd.decide.trail import place_of
from fleetd.domain.errors import EvaluationFailed, GiveUp
from fleetd.domain.objects import Manifest, gvk_of, ref_of
from fleetd.scripts.limits import ScriptLimits
from fleetd.scripts.places import Place
from fleetd.scripts.pool import ScriptPool
from fleetd.service.foreign import WITHHELD, plain_text, plain_value
from fleetd.service.questions.evaluated import Cost, Evaluated, Part

MOST_PARTS = 60
DEEPEST = 12
LONGEST_VALUE = 6_000
"""Characters of a value as JSON."""
_PART = 200


@dataclass(frozen=True, slots=True)
class Subject:
    """What an expression is evaluated on; the cluster's manifest is empty where none is meant."""

    object: Manifest = field(repr=False)
    cluster: Manifest = field(repr=False)

    @property
    def cluster_shown(self) -> Mapping[str, Any]:
        """The variable `cluster` of conditions."""
        metadata = self.cluster.get("metadata") or {}
        labels = dict(metadata.get("labels") or {})
        return {"name": metadata.get("name") or "", "namespace": metadata.get("namespace") or "", "labels": labels}


def evaluated_cel(expression: str, subject: Subject) -> Evaluated:
    """A condition as `evaluateCEL` has it. What only cel-python understands is not evaluated: it has no budget."""
    try:
        program = compile_cel(expression, variables=OBJECT)
    except EvaluationFailed as error:
        more = " (a source is evaluated by cel-python then, which has no limits, so not here)" if isinstance(error, NotUnderstood) else ""
        return _failed(f"{error}{more}", Cost(steps=0, steps_allowed=DEFAULT_BUDGET), error.line, error.column)
    bindings = {"resource": subject.object, "cluster": subject.cluster_shown}
    trace = program.trace(bindings)
    steps = min(program.spent(*(bindings[name] for name in program.variables)), DEFAULT_BUDGET)
    cost = Cost(steps=steps, steps_allowed=DEFAULT_BUDGET)
    parts, more_parts = _some(list(_parts(trace, expression)))
    if trace.error is not None:
        line, column = place_of(expression, _culprit(trace).start)
        failed = _failed(trace.error, cost, line, column)
        return Evaluated(
            ok=False, cost=cost, selects=False, line=line, column=column, more_parts=more_parts, parts_untrusted=parts,
            deciding_untrusted=plain_text(told(trace)), error_untrusted=failed.error_untrusted,
        )  # fmt: skip
    value, cut = _fitting(WITHHELD if trace.sensitive else _json(trace.value))
    return Evaluated(
        ok=True, cost=cost, selects=trace.value is True, type=_type(trace.value), value_cut=cut, more_parts=more_parts,
        value_untrusted=value, deciding_untrusted=plain_text(told(trace)), parts_untrusted=parts,
    )  # fmt: skip


def evaluated_lua(expression: str, subject: Subject) -> Evaluated:
    """A script as `evaluate` of a resource selector has it, in a child of its own, which is ended when it takes too much."""
    limits = ScriptLimits()

    async def run() -> Any:
        async with ScriptPool(1, limits) as pool:
            begin = time.perf_counter()
            return await pool.call(expression, Place.SELECTOR, subject.object), (time.perf_counter() - begin) * 1000

    result, took = asyncio.run(run())
    cost = Cost(milliseconds=round(took, 1), milliseconds_allowed=round(limits.seconds * 1000))
    said = plain_text(result.explanation)
    if result.error:
        return _failed(result.error, cost, result.line, 1 if result.line else 0, said)
    value, cut = _fitting(result.value)
    return Evaluated(
        ok=True, cost=cost, selects=bool(result.value["matching"]), type="table", value_cut=cut, value_untrusted=value,
        deciding_untrusted=plain_text(result.value["message"]) or ("" if result.value["matching"] else said),
    )  # fmt: skip


def evaluated_template(expression: str, subject: Subject, now: datetime) -> Evaluated:
    """A Go template as an event renders it, with the variables of both forms of oneForEvent."""
    begin = time.perf_counter()
    data = _template_data(subject)

    def cost() -> Cost:
        return Cost(milliseconds=round((time.perf_counter() - begin) * 1000, 1))

    try:
        trail = Render(now).trail(expression, data, Moment.EVENT)
    except EvaluationFailed as error:
        return _failed(str(error), cost(), error.line, error.column)
    except GiveUp as error:
        return _failed(str(error), cost())
    found = []
    for piece in trail.pieces:
        if piece.expression:
            line, column = place_of(expression, piece.pos)
            made = plain_text(trail.text[piece.start : piece.end], most=_PART, lines=True)
            found.append(
                Part(depth=1, line=line, column=column, expression_untrusted=plain_text(piece.expression, most=_PART), value_untrusted=made)
            )
    parts, more_parts = _some(found)
    value, cut = _fitting(trail.text)
    return Evaluated(
        ok=True, cost=cost(), type="text", value_cut=cut, value_untrusted=value, parts_untrusted=parts, more_parts=more_parts
    )  # fmt: skip


def _template_data(subject: Subject) -> dict[str, Any]:
    metadata = subject.cluster.get("metadata") or {}
    reference = Render.reference(gvk_of(subject.object).api_version, ref_of(subject.object))
    return {
        "Cluster": subject.cluster,
        "ClusterNamespace": metadata.get("namespace") or "",
        "ClusterName": metadata.get("name") or "",
        "MatchingResource": reference,
        "MatchingResources": [reference],
        "Resource": subject.object,
        "Resources": [subject.object],
    }


def _failed(sentence: str, cost: Cost, line: int = 0, column: int = 0, deciding: str = "") -> Evaluated:
    said = plain_text(sentence)
    return Evaluated(ok=False, cost=cost, line=line or None, column=column or None, error_untrusted=said, deciding_untrusted=deciding)


def _culprit(trace: Trace) -> Trace:
    """The innermost part with the error of the whole."""
    while below := next((child for child in trace.children if child.error == trace.error), None):
        trace = below
    return trace


def _parts(trace: Trace, source: str, depth: int = 0) -> Iterator[Part]:
    line, column = place_of(source, trace.start)
    value = None if trace.error is not None else plain_value(WITHHELD if trace.sensitive else _one_line(trace.value))
    yield Part(
        depth=depth, line=line, column=column, expression_untrusted=plain_text(trace.text, most=_PART), value_untrusted=value,
        error_untrusted=plain_text(trace.error, most=_PART),
    )  # fmt: skip
    if depth < DEEPEST:
        for child in trace.children:
            if isinstance(child.node, tree.Literal):
                continue  # it says its value itself
            yield from _parts(child, source, depth + 1)


def _some(parts: list[Part]) -> tuple[tuple[Part, ...], int | None]:
    """The first of them, and how many more there are."""
    return tuple(parts[:MOST_PARTS]), max(0, len(parts) - MOST_PARTS) or None


def _one_line(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return value if isinstance(value, str) and len(value) <= _PART else shown(value)


def _json(value: Any, depth: int = 0) -> Any:
    """A value of CEL as JSON; what JSON has no form for, as it is shown."""
    if depth < DEEPEST and isinstance(value, Mapping):
        return {str(key): _json(item, depth + 1) for key, item in value.items()}
    if depth < DEEPEST and isinstance(value, list | tuple):
        return [_json(item, depth + 1) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else shown(value)


def _type(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "double"
        case str():
            return "string"
        case list():
            return "list"
        case Mapping():
            return "map"
    return type(value).__name__.lower()


def _fitting(value: Any) -> tuple[Any, bool | None]:
    """A value stripped of what must not be shown, or the beginning of it as text; and whether something is left out."""
    if isinstance(value, str):
        return plain_text(value, most=LONGEST_VALUE, lines=True), len(value) > LONGEST_VALUE or None
    plain = plain_value(value)
    try:
        text = orjson.dumps(plain).decode()
    except TypeError:  # a whole number of more than 64 bits
        return str(plain)[:LONGEST_VALUE], True
    return (plain, None) if len(text) <= LONGEST_VALUE else (f"{text[:LONGEST_VALUE]}…", True)
