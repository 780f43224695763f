"""Observed objects and sources make verdicts, or a wish that a script be run.

Rules of `resourceSelectors`: an object that is being deleted never matches; namespace, name and label filters must all
hold; CEL rules are OR-ed, and a rule that fails or yields no boolean counts as not true; where both CEL and Lua are given,
CEL that is true decides, and Lua is asked only if no rule is true (Sveltos' `resourceSelectors`, release 1.14).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from fleetd.decide.cel.fallback import compile_with_cel_python
from fleetd.decide.cel.port import Evaluator, NotUnderstood
from fleetd.decide.cel.program import compile_cel
from fleetd.decide.select import LabelFilters, Selector, compile_label_filters, compile_selector
from fleetd.domain.errors import EvaluationFailed, GiveUp, InvalidInput
from fleetd.domain.objects import Observed, Reads
from fleetd.domain.refs import GroupVersionKind
from fleetd.domain.states import VerdictState


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a source says of an object; `deciding` is the term that decided, in the source's own words."""

    state: VerdictState
    reason: str
    deciding: str


@dataclass(frozen=True, slots=True)
class Wish:
    """Scripts that must be run on the object before there is a judgement; one that says yes is enough."""

    source: str
    scripts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """One entry of `resourceSelectors`, ready to be asked."""

    gvk: GroupVersionKind
    namespace: str
    name: str
    filters: LabelFilters | None
    selector: Selector | None
    rules: tuple[tuple[str, Evaluator], ...]
    script: str
    reads: Reads


@dataclass(frozen=True, slots=True)
class Source:
    """An EventSource, ready to be asked. With a `problem` it is asked nothing, and what it reported stays."""

    name: str
    collect: bool
    conditions: Mapping[GroupVersionKind, tuple[Condition, ...]]
    problem: str = ""
    tenant: Mapping[str, str] = field(default_factory=dict)

    def reads(self, gvk: GroupVersionKind) -> Reads:
        """What must be decoded of objects of this kind."""
        reads = Reads(raw=self.collect)
        for condition in self.conditions.get(gvk, ()):
            reads |= condition.reads
        return reads


MATCHED = Judgement(VerdictState.MATCH, "selected", "resourceSelectors")
DELETING = Judgement(VerdictState.NO_MATCH, "the object is being deleted", "metadata.deletionTimestamp")


def compile_source(manifest: Mapping[str, Any]) -> Source:
    """Never raises for what a user wrote: the source then carries the problem as one sentence."""
    metadata, spec = manifest["metadata"], manifest.get("spec") or {}
    conditions: dict[GroupVersionKind, tuple[Condition, ...]] = {}
    problem = ""
    for index, entry in enumerate(spec.get("resourceSelectors") or ()):
        try:
            condition = _compile_condition(entry)
        except (EvaluationFailed, InvalidInput) as error:
            problem = f"spec.resourceSelectors[{index}]{_where(error)}: {error}"
            break
        conditions[condition.gvk] = (*conditions.get(condition.gvk, ()), condition)
    labels = metadata.get("labels") or {}
    tenant = {key: value for key, value in labels.items() if key.startswith("projectsveltos.io/serviceaccount-")}
    return Source(metadata["name"], bool(spec.get("collectResources")), conditions, problem, tenant)


def _where(error: Exception) -> str:
    if isinstance(error, EvaluationFailed) and error.line:
        return f" line {error.line}, column {error.column}"
    return ""


def _compile_condition(entry: Mapping[str, Any]) -> Condition:
    rules = []
    reads = Reads()
    for rule in entry.get("evaluateCEL") or ():
        try:
            program = _compile_rule(rule["rule"])
        except EvaluationFailed as error:
            raise EvaluationFailed(f"rule {rule['name']!r}: {error}", line=error.line, column=error.column) from error
        rules.append((str(rule["name"]), program))
        whole = () in program.reads
        reads |= Reads(frozenset(path for path in program.reads if path), whole)
    script = entry.get("evaluate") or ""
    if script:
        reads |= Reads(raw=True)
    filters, selector = entry.get("labelFilters"), entry.get("selector")
    return Condition(
        GroupVersionKind(entry.get("group") or "", entry["version"], entry["kind"]),
        entry.get("namespace") or "",
        entry.get("name") or "",
        compile_label_filters(filters) if filters else None,
        compile_selector(selector) if selector else None,
        tuple(rules),
        script,
        reads,
    )


def _compile_rule(text: str) -> Evaluator:
    """Our compiler; what it knows to be CEL but does not understand goes to cel-python."""
    try:
        return compile_cel(text)
    except NotUnderstood:
        return compile_with_cel_python(text)


def judge(source: Source, gvk: GroupVersionKind, observed: Observed) -> Judgement | Wish:
    """Asks every selector for this kind: the first that matches decides, otherwise scripts do, otherwise the last refusal is the reason."""
    if observed.deleting:
        return DELETING
    refusal = MATCHED
    scripts: list[str] = []
    for condition in source.conditions.get(gvk, ()):
        answer = _ask(source, condition, observed)
        if isinstance(answer, Wish):
            scripts += answer.scripts
        elif answer.state is VerdictState.MATCH:
            return answer
        else:
            refusal = answer
    return Wish(source.name, tuple(dict.fromkeys(scripts))) if scripts else refusal


def _ask(source: Source, condition: Condition, observed: Observed) -> Judgement | Wish:
    ref = observed.ref
    if condition.namespace and condition.namespace != ref.namespace:
        return _refused(f"the namespace is not {condition.namespace}", "namespace")
    if condition.name and condition.name != ref.name:
        return _refused(f"the name is not {condition.name}", "name")
    if condition.filters is not None and not condition.filters.matches(observed.labels):
        return _refused(condition.filters.why_not(observed.labels) or "", "labelFilters")
    if condition.selector is not None and not condition.selector.matches(observed.labels):
        return _refused(condition.selector.why_not(observed.labels) or "", "selector")
    if not condition.rules and not condition.script:
        return MATCHED
    reason, deciding = "", ""
    for name, program in condition.rules:
        try:
            if program.matches(observed.body):
                return Judgement(VerdictState.MATCH, f"rule {name} is true", f"evaluateCEL {name}")
            reason, deciding = reason or f"rule {name} is not true", deciding or f"evaluateCEL {name}"
        except GiveUp as error:
            reason, deciding = f"rule {name} counts as not true: {error}", f"evaluateCEL {name}"
    return Wish(source.name, (condition.script,)) if condition.script else _refused(reason, deciding)


@lru_cache(4096)
def _refused(reason: str, deciding: str) -> Judgement:
    return Judgement(VerdictState.NO_MATCH, reason, deciding)


def decisive(answers: Sequence[tuple[bool | None, str]]) -> tuple[bool | None, str]:
    """Of several scripts' answers the one that counts: a yes, otherwise a failure, otherwise the last no."""
    for wanted in (True, None):
        for answer in answers:
            if answer[0] is wanted:
                return answer
    return answers[-1]


def answered(answers: Sequence[tuple[bool | None, str]]) -> Judgement:
    """The judgement of scripts that were run on one object: (matching, message or error); None where the script failed."""
    matching, message = decisive(answers)
    if matching is None:
        return Judgement(VerdictState.ERROR, message, "evaluate")
    if matching:
        return Judgement(VerdictState.MATCH, message or "the script says so", "evaluate")
    return Judgement(VerdictState.NO_MATCH, message or "the script says no", "evaluate")
