"""Observed objects and sources make verdicts, or a wish that a script be run.

Rules of `resourceSelectors`: an object that is being deleted never matches; namespace, name and label filters must all
hold; CEL rules are OR-ed, and a rule that fails or yields no boolean counts as not true; where both CEL and Lua are given,
CEL that is true decides, and Lua is asked only if no rule is true (Sveltos' `resourceSelectors`, release 1.14).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from operator import or_
from typing import Any

from fleetd.decide.cel.port import Evaluator
from fleetd.decide.cel.rules import Engine, Rule, compile_rule, engine_named
from fleetd.decide.cel.why import why
from fleetd.decide.members import Member
from fleetd.decide.select import LabelFilters, Selector, compile_label_filters, compile_selector
from fleetd.domain.errors import EvaluationFailed, GiveUp, InvalidInput
from fleetd.domain.objects import SECRETIVE, Observed, Reads
from fleetd.domain.refs import GroupVersionKind
from fleetd.domain.states import VerdictState


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a source says of an object; `deciding` is the term that decided, in the source's own words.

    What a row tells of the term's values is no part of what two judgements are compared by.
    """

    state: VerdictState
    reason: str
    deciding: str = field(compare=False)


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
    refusal: Judgement
    """what is said where no rule is true, and none failed"""
    reads_cluster: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """An EventSource, ready to be asked. With a `problem` it is asked nothing, and what it reported stays.

    `remark` is what its author should know although it works; `reads_cluster` says that a rule depends on the cluster's labels or name.
    """

    name: str
    collect: bool
    conditions: Mapping[GroupVersionKind, tuple[Condition, ...]]
    problem: str = ""
    tenant: Mapping[str, str] = field(default_factory=dict)
    remark: str = ""
    reads_cluster: bool = False
    aggregate: str = ""
    """the script of `aggregatedSelection`"""
    needs: Mapping[GroupVersionKind, Reads] = field(default_factory=dict)
    """kind → what must be decoded of its objects"""

    @property
    def rules(self) -> frozenset[tuple[str, str]]:
        """Names and texts of the rules."""
        return frozenset((name, rule.source) for several in self.conditions.values() for one in several for name, rule in one.rules)

    def reads(self, gvk: GroupVersionKind) -> Reads:
        """What must be decoded of objects of this kind."""
        return self.needs.get(gvk) or Reads(raw=self.collect or bool(self.aggregate))


MATCHED = Judgement(VerdictState.MATCH, "selected", "resourceSelectors")
DELETING = Judgement(VerdictState.NO_MATCH, "the object is being deleted", "metadata.deletionTimestamp")


NO_CLUSTER: Mapping[str, Any] = {"name": "", "namespace": "", "labels": {}}
RULE = "evaluateCEL"
"""What a judgement's `deciding` begins with where a rule of CEL decided; the rule's name follows."""


def cluster_shown(member: Member | None) -> Mapping[str, Any]:
    """The variable `cluster` of conditions."""
    return NO_CLUSTER if member is None else {"name": member.name, "namespace": member.namespace, "labels": dict(member.labels)}


def compile_source(manifest: Mapping[str, Any]) -> Source:
    """Never raises for what a user wrote: the source then carries the problem as one sentence."""
    metadata, spec = manifest["metadata"], manifest.get("spec") or {}
    conditions: dict[GroupVersionKind, tuple[Condition, ...]] = {}
    problem, remarks, reads_cluster = "", [], False
    try:
        engine = engine_named(metadata.get("annotations") or {})
    except InvalidInput as error:
        engine, problem = Engine.OWN, str(error)
    for index, entry in enumerate(() if problem else spec.get("resourceSelectors") or ()):
        try:
            condition, said = _compile_condition(entry, engine)
        except (EvaluationFailed, InvalidInput) as error:
            problem = f"spec.resourceSelectors[{index}]{_where(error)}: {error}"
            break
        remarks += said
        reads_cluster = reads_cluster or condition.reads_cluster
        conditions[condition.gvk] = (*conditions.get(condition.gvk, ()), condition)
    labels = metadata.get("labels") or {}
    tenant = {key: value for key, value in labels.items() if key.startswith("projectsveltos.io/serviceaccount-")}
    remark = "; ".join(remarks[:3]) + (f"; and {len(remarks) - 3} more" if len(remarks) > 3 else "")
    aggregate = spec.get("aggregatedSelection") or ""
    collect = bool(spec.get("collectResources"))
    raw = Reads(raw=collect or bool(aggregate))
    needs = {gvk: reduce(or_, (condition.reads for condition in several), raw) for gvk, several in conditions.items()}
    return Source(metadata["name"], collect, conditions, problem, tenant, remark, reads_cluster, aggregate, needs)


def _where(error: Exception) -> str:
    if isinstance(error, EvaluationFailed) and error.line:
        return f" line {error.line}, column {error.column}"
    return ""


def _compile_condition(entry: Mapping[str, Any], engine: Engine) -> tuple[Condition, list[str]]:
    """The condition, and what its author should know."""
    rules: list[tuple[str, Evaluator]] = []
    reads, remarks, reads_cluster = Reads(), [], False
    for rule in entry.get("evaluateCEL") or ():
        name = str(rule["name"])
        try:
            made: Rule = compile_rule(rule["rule"], engine)
        except EvaluationFailed as error:
            raise EvaluationFailed(f"rule {name!r}: {error}", line=error.line, column=error.column) from error
        rules.append((name, made.program))
        remarks += [f"rule {name!r} {made.remark}"] if made.remark else []
        reads_cluster = reads_cluster or made.reads_cluster
        whole = () in made.program.reads
        reads |= Reads(frozenset(path for path in made.program.reads if path), whole)
    script = entry.get("evaluate") or ""
    if script:
        reads |= Reads(raw=True)
    filters, selector = entry.get("labelFilters"), entry.get("selector")
    condition = Condition(
        GroupVersionKind(entry.get("group") or "", entry["version"], entry["kind"]),
        entry.get("namespace") or "",
        entry.get("name") or "",
        compile_label_filters(filters) if filters else None,
        compile_selector(selector) if selector else None,
        tuple(rules),
        script,
        reads,
        _refused(f"rule {rules[0][0]} is not true", f"{RULE} {rules[0][0]}") if rules else MATCHED,
        reads_cluster,
    )
    return condition, remarks


def judge(source: Source, gvk: GroupVersionKind, observed: Observed, cluster: Mapping[str, Any] = NO_CLUSTER) -> Judgement | Wish:
    """Asks every selector for this kind: the first that matches decides, otherwise scripts do, otherwise the last refusal is the reason.

    Args:
        cluster: as `cluster_shown` has it.
    """
    if observed.deleting:
        return DELETING
    refusal = MATCHED
    scripts: list[str] = []
    for condition in source.conditions.get(gvk, ()):
        answer = ask(source, condition, observed, cluster)
        if isinstance(answer, Wish):
            scripts += answer.scripts
        elif answer.state is VerdictState.MATCH:
            return answer
        else:
            refusal = answer
    return Wish(source.name, tuple(dict.fromkeys(scripts))) if scripts else refusal


def ask(source: Source, condition: Condition, observed: Observed, cluster: Mapping[str, Any]) -> Judgement | Wish:
    """What one selector says."""
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
    refusal = condition.refusal
    for name, program in condition.rules:
        try:
            if program.matches(observed.body, cluster):
                return _matched(name)
        except GiveUp as error:
            # What an error says may be a value.
            said = "it fails; what it says is withheld, for the object holds secrets" if secretive(observed) else str(error)
            refusal = _refused(f"rule {name} counts as not true: {said}", f"{RULE} {name}")
    return Wish(source.name, (condition.script,)) if condition.script else refusal


@lru_cache(4096)
def _matched(rule: str) -> Judgement:
    return Judgement(VerdictState.MATCH, f"rule {rule} is true", f"{RULE} {rule}")


@lru_cache(4096)
def _refused(reason: str, deciding: str) -> Judgement:
    return Judgement(VerdictState.NO_MATCH, reason, deciding)


def decisive_rule(
    source: Source, conditions: Sequence[Condition], observed: Observed, cluster: Mapping[str, Any], said: Judgement
) -> tuple[int, int] | None:
    """Which condition's which rule a judgement names; None where no rule decided. It asks all of them again."""
    word, _, name = said.deciding.partition(" ")
    if word != RULE:
        return None
    found = None
    for position, condition in enumerate(conditions):
        if ask(source, condition, observed, cluster) != said:
            continue
        named = [number for number, (known, _) in enumerate(condition.rules) if known == name]
        if said.state is VerdictState.MATCH:
            # Of two rules of one name the one that is true.
            named = [number for number in named if _true(condition.rules[number][1], observed, cluster)]
        if named:
            found = position, named[0]
        if said.state is VerdictState.MATCH:
            break
    return found


def explained(source: Source, gvk: GroupVersionKind, observed: Observed, cluster: Mapping[str, Any], said: Judgement) -> str:
    """`deciding`, and behind it why: what the rule saw, and what would have changed its mind.

    It costs as much as some evaluations: it is for verdicts that are news, and for who asks.
    """
    conditions = source.conditions.get(gvk, ())
    found = decisive_rule(source, conditions, observed, cluster, said)
    if found is None:
        return said.deciding
    _, program = conditions[found[0]].rules[found[1]]
    return f"{said.deciding}: {why(program, {'resource': observed.body, 'cluster': cluster}, secretive=secretive(observed))}"


def _true(program: Evaluator, observed: Observed, cluster: Mapping[str, Any]) -> bool:
    try:
        return program.matches(observed.body, cluster)
    except GiveUp:
        return False


def secretive(observed: Observed) -> bool:
    """Whether nothing of its contents may be told; as `holds_secrets`, of an object that need not be there as a whole."""
    metadata = observed.body.get("metadata") or {}
    return (observed.ref.kind == "Secret" and not observed.ref.group) or SECRETIVE in (metadata.get("annotations") or {})


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
