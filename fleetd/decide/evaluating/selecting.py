"""Which objects the selectors of a source take, judged as the engine judges them, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fleetd.decide.cel import tree
from fleetd.decide.cel.program import Program
from fleetd.decide.cel.trace import WITHHELD, Trace, shown
from fleetd.decide.evaluating.verdicts import (
    Answer,
    Circumstances,
    Cost,
    Evaluation,
    Script,
    ScriptPlace,
    Verdict,
    script_failed,
    script_said,
    subject_of,
)
from fleetd.decide.observe import (
    RULE,
    Condition,
    Judgement,
    Source,
    Wish,
    answered,
    compile_source,
    decisive,
    decisive_rule,
    explained,
    judge,
    secretive,
)
from fleetd.domain.kinds.mistakes import Path
from fleetd.domain.objects import Manifest, Observed, gvk_of, ref_of
from fleetd.domain.refs import GroupVersionKind
from fleetd.domain.states import VerdictState

_DEEPEST = 40
"""Levels of a trace that are told."""


@dataclass(frozen=True)
class Selectors:
    """A list of resource selectors, ready to be asked; `path` is where it stands in its manifest."""

    source: Source
    path: Path
    entries: Sequence[Mapping[str, Any]] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Sight:
    """An object on the cluster that it stands on."""

    manifest: Manifest
    gvk: GroupVersionKind
    observed: Observed
    cluster: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sighted:
    """An object and what was said of it."""

    manifest: Manifest
    verdict: Verdict

    @property
    def taken(self) -> bool:
        return self.verdict.state is VerdictState.MATCH


def compile_selectors(
    name: str, entries: Sequence[Mapping[str, Any]], path: Path, annotations: Mapping[str, str] | None = None
) -> Selectors:
    """Never raises for what a user wrote: the source then has a problem. The annotations may name another engine for CEL."""
    source = compile_source({"metadata": {"name": name, "annotations": annotations}, "spec": {"resourceSelectors": entries}})
    return Selectors(replace(source, problem=source.problem.replace("spec.resourceSelectors", ".".join(map(str, path)))), path, entries)


def select(selectors: Selectors, objects: Sequence[Manifest], known: Circumstances, *, traced: bool = True) -> Evaluation[list[Sighted]]:
    """Says of every object whether some selector takes it; `traced` only where it is `known` to be asked for."""
    traced = traced and known.traced
    sights = [_observed(manifest) for manifest in objects]
    judged = [_judged(selectors.source, gvk, observed, known.cluster) for gvk, observed in sights]
    scripts = [(number, script) for number, answer in enumerate(judged) if isinstance(answer, Wish) for script in answer.scripts]
    answers: Sequence[Answer] = ()
    if scripts:
        answers = yield [
            Script(script, ScriptPlace.SELECTOR, sights[number][1].body, _path_of(selectors, sights[number][0], script))
            for number, script in scripts
        ]
    given: dict[int, list[tuple[str, Answer]]] = {}
    for (number, script), answer in zip(scripts, answers, strict=True):
        given.setdefault(number, []).append((script, answer))
    found = []
    for number, (manifest, (gvk, observed), said) in enumerate(zip(objects, sights, judged, strict=True)):
        if isinstance(said, Wish):
            verdict = _by_script(selectors, manifest, gvk, given[number])
        else:
            verdict = _by_rule(selectors, Sight(manifest, gvk, observed, known.cluster), said)
        sight = Sight(manifest, gvk, observed, known.cluster)
        trace = _trace(selectors, sight) if traced else None
        found.append(Sighted(manifest, replace(verdict, trace=trace).after(Cost(_steps(selectors.source, sight)))))
    return found


def _observed(manifest: Manifest) -> tuple[GroupVersionKind, Observed]:
    """As a list of the cluster would show it: whole, but for managedFields."""
    metadata = manifest.get("metadata") or {}
    if "managedFields" in metadata:
        metadata = {key: value for key, value in metadata.items() if key != "managedFields"}
        manifest = {**manifest, "metadata": metadata}
    observed = Observed(ref_of(manifest), str(metadata.get("uid") or ""), str(metadata.get("resourceVersion") or ""), manifest)
    return gvk_of(manifest), observed


def _judged(source: Source, gvk: GroupVersionKind, observed: Observed, cluster: Mapping[str, Any]) -> Judgement | Wish:
    if source.problem:
        return Judgement(VerdictState.ERROR, source.problem, "")
    if gvk in source.conditions:
        return judge(source, gvk, observed, cluster)
    other = next((known for known in source.conditions if known.group_kind == gvk.group_kind), None)
    hint = f"; one names {other.api_version}" if other is not None else ""
    return Judgement(VerdictState.NO_MATCH, f"no selector names {gvk}{hint}", "kind")


def _conditions(selectors: Selectors, gvk: GroupVersionKind) -> Iterator[tuple[Path, Condition]]:
    """The conditions for a kind, with the place of each."""
    ours = iter(selectors.source.conditions.get(gvk, ()))
    for index, entry in enumerate(selectors.entries):
        if GroupVersionKind(entry.get("group") or "", str(entry.get("version")), str(entry.get("kind"))) == gvk:
            condition = next(ours, None)
            if condition is not None:
                yield (*selectors.path, index), condition


def _path_of(selectors: Selectors, gvk: GroupVersionKind, script: str) -> Path:
    return next(((*path, "evaluate") for path, one in _conditions(selectors, gvk) if one.script == script), selectors.path)


def _by_script(selectors: Selectors, manifest: Manifest, gvk: GroupVersionKind, given: Sequence[tuple[str, Answer]]) -> Verdict:
    said = [
        (None, script_failed(answer)) if answer.error else (answer.value["matching"], script_said(answer, yes=answer.value["matching"]))
        for _, answer in given
    ]
    judgement = answered(said)
    script, answer = given[said.index(decisive(said))]
    verdict = Verdict(subject_of(manifest), judgement.state, judgement.reason, judgement.deciding)
    spent = Cost(0, sum(one.milliseconds for _, one in given))
    path = _path_of(selectors, gvk, script)
    if answer.error:
        return replace(verdict, deciding=script_failed(answer), path=path, line=answer.line).after(spent)
    returned = "true" if answer.value["matching"] else "false"
    return replace(verdict, deciding=f"evaluate() returned matching = {returned}", path=path).after(spent)


def _by_rule(selectors: Selectors, sight: Sight, said: Judgement) -> Verdict:
    verdict = Verdict(subject_of(sight.manifest), said.state, said.reason, said.deciding, said.reason)
    places = list(_conditions(selectors, sight.gvk))
    found = decisive_rule(selectors.source, [condition for _, condition in places], sight.observed, sight.cluster, said)
    if found is None:
        return verdict
    why = explained(selectors.source, sight.gvk, sight.observed, sight.cluster, said).removeprefix(f"{said.deciding}: ")
    return replace(verdict, deciding=why, path=(*places[found[0]][0], RULE, found[1], "rule"))


def _steps(source: Source, sight: Sight) -> int:
    programs = [program for condition in source.conditions.get(sight.gvk, ()) for _, program in condition.rules]
    return sum(program.spent(sight.observed.body, sight.cluster) for program in programs if isinstance(program, Program))


def _trace(selectors: Selectors, sight: Sight) -> list[dict[str, Any]]:
    """One entry for every term of every selector of this kind."""
    told: list[dict[str, Any]] = []
    hidden = secretive(sight.observed)
    for path, condition in _conditions(selectors, sight.gvk):
        where = f"{'.'.join(map(str, path[:-1]))}[{path[-1]}]"
        for term, said in _filters(condition, sight.observed):
            told.append({"selector": where, "rule": term, "value": said is None, **({"why": said} if said else {})})
        for name, program in condition.rules:
            trace = program.trace({"resource": sight.observed.body, "cluster": sight.cluster})
            told.append({"selector": where, "rule": f"{RULE} {name}", **_told(trace, hidden)})
    return told


def _filters(condition: Condition, observed: Observed) -> Iterator[tuple[str, str | None]]:
    """Namespace, name and labels: the term, and why it does not hold."""
    ref = observed.ref
    if condition.namespace:
        yield "namespace", None if condition.namespace == ref.namespace else f"it is {ref.namespace!r}, not {condition.namespace!r}"
    if condition.name:
        yield "name", None if condition.name == ref.name else f"it is {ref.name!r}, not {condition.name!r}"
    if condition.filters is not None:
        yield "labelFilters", condition.filters.why_not(observed.labels)
    if condition.selector is not None:
        yield "selector", condition.selector.why_not(observed.labels)


def _told(trace: Trace, hidden: bool, depth: int = 0) -> dict[str, Any]:
    """Values of what holds secrets are hidden, but for what the expression itself says, and truths."""
    told: dict[str, Any] = {"expression": trace.text}
    if trace.error is not None:
        told["error"] = WITHHELD if hidden else trace.error
    elif (hidden and not isinstance(trace.value, bool) and not isinstance(trace.node, tree.Literal)) or trace.sensitive:
        told["value"] = WITHHELD
    else:
        told["value"] = _plain(trace.value)
    if trace.children and depth < _DEEPEST:
        told["children"] = [_told(child, hidden, depth + 1) for child in trace.children]
    return told


def _plain(value: Any) -> Any:
    """Numbers, texts and truths as they are; what is larger on one line, cut."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value if len(value) <= 200 else f"{value[:200]}…"
    return shown(value)
