"""What a profile's checks before and after a deployment say of objects.

Each object that is found must pass the script and one of the CEL rules, unlike in a resource selector, where either is
enough. Where nothing is found, a check before a deletion passes, and every other one fails (Sveltos, release 1.14).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fleetd.decide.evaluating.selecting import Sighted, compile_selectors, select
from fleetd.decide.evaluating.verdicts import (
    Answer,
    Circumstances,
    Cost,
    Evaluation,
    Findings,
    Script,
    ScriptPlace,
    Subject,
    Verdict,
    script_failed,
    script_said,
)
from fleetd.domain.kinds.mistakes import Path
from fleetd.domain.objects import Manifest
from fleetd.domain.states import VerdictState

_FIELDS = ("preDeployChecks", "validateHealths", "preDeleteChecks", "postDeleteChecks")
_DELETING = ("preDeleteChecks", "postDeleteChecks")


def validations(manifest: Manifest, objects: Sequence[Manifest], known: Circumstances) -> Evaluation[Findings]:
    """A verdict for each check and object that it looks at; the answer is yes when all pass."""
    results: list[Verdict] = []
    for path, check in checks_of(manifest):
        results += yield from _check(path, check, objects, known)
    return Findings(tuple(results), all(one.state is VerdictState.MATCH for one in results))


def checks_of(manifest: Manifest) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The checks of a profile, a trigger or the stages of a promotion, with their places."""
    spec = manifest.get("spec") or {}
    holders: list[tuple[Path, Any]] = [(("spec",), spec), (("spec", "profileSpec"), spec.get("profileSpec"))]
    for path, holder in holders:
        for field in _FIELDS:
            yield from _entries(holder, (*path, field))
    for path, stage in _entries(spec, ("spec", "stages")):
        for how, trigger in (stage.get("trigger") or {}).items():
            yield from _entries(trigger, (*path, "trigger", how, "postDelayHealthChecks"))


def _entries(holder: Any, path: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    found = holder.get(path[-1]) if isinstance(holder, Mapping) else None
    for index, entry in enumerate(found or ()):
        yield (*path, index), entry


def _check(path: Path, check: Mapping[str, Any], objects: Sequence[Manifest], known: Circumstances) -> Evaluation[list[Verdict]]:
    rule = f"{path[-2]} {check.get('name')}"
    kind = str(check.get("kind") or "")
    group, version = str(check.get("group") or ""), str(check.get("version") or "")
    sought = Subject(f"{group}/{version}" if group else version, kind, str(check.get("namespace") or ""), "")
    if check.get("jobCheck"):
        said = "a jobCheck runs a Job on the cluster: nothing of it can be evaluated on files"
        return [Verdict(sought, VerdictState.ERROR, said, rule, path=(*path, "jobCheck"))]
    if not kind:
        return [(yield from _on_metrics(path, check, rule, known))]
    found = yield from _found(path, check, objects, known)
    if not found:
        passes = path[-2] in _DELETING
        said = f"no {kind} is found" + ("" if passes else ", and a check needs one to pass")
        return [Verdict(sought, VerdictState.MATCH if passes else VerdictState.NO_MATCH, said, rule, path=path)]
    by_rules = yield from _by_rules(path, check, found, known)
    by_script = yield from _by_script(path, check, found, known)
    return [_joined(one, other, rule) for one, other in zip(by_script, by_rules, strict=True)]


def _found(path: Path, check: Mapping[str, Any], objects: Sequence[Manifest], known: Circumstances) -> Evaluation[list[Sighted]]:
    entry = {name: check.get(name) for name in ("group", "version", "kind", "labelFilters", "namespace")}
    sighted = yield from select(compile_selectors(str(check.get("name")), [entry], path[:-1]), objects, known, traced=False)
    return [one for one in sighted if one.taken]


def _by_rules(path: Path, check: Mapping[str, Any], found: Sequence[Sighted], known: Circumstances) -> Evaluation[list[Verdict]]:
    rules = check.get("evaluateCEL")
    if not rules:
        return [replace(one.verdict, message="it is found", rule="", deciding="", cost=Cost()) for one in found]
    entry = {name: check.get(name) for name in ("group", "version", "kind")} | {"evaluateCEL": rules}
    selectors = compile_selectors(str(check.get("name")), [entry], path[:-1])
    sighted = yield from select(selectors, [one.manifest for one in found], known)
    return [replace(one.verdict, path=(*path, *one.verdict.path[len(path) :]) if one.verdict.path else path) for one in sighted]


def _by_script(path: Path, check: Mapping[str, Any], found: Sequence[Sighted], known: Circumstances) -> Evaluation[list[Verdict | None]]:
    text = check.get("script")
    if not text:
        return [None] * len(found)
    path = (*path, "script")
    metrics = dict(known.metrics or {})
    answers = yield [Script(text, ScriptPlace.VALIDATE_HEALTH, {"obj": one.manifest, "metrics": metrics}, path) for one in found]
    return [_healthy(one.verdict.about, answer, path) for one, answer in zip(found, answers, strict=True)]


def _on_metrics(path: Path, check: Mapping[str, Any], rule: str, known: Circumstances) -> Evaluation[Verdict]:
    """A check without a kind looks at metrics only."""
    about = Subject("", "", "", str(check.get("name") or ""))
    missing = [str(query.get("name")) for query in check.get("metricQueries") or () if query.get("name") not in (known.metrics or {})]
    if missing:
        said = f"the metric {missing[0]} is not known: give it by --metric {missing[0]}=NUMBER"
        return Verdict(about, VerdictState.ERROR, said, rule, said, path=path)
    text = str(check.get("script") or "")
    if not text:
        return Verdict(about, VerdictState.MATCH, "all metrics have a value", rule, path=path)
    argument = {"obj": {}, "metrics": dict(known.metrics or {})}
    (answer,) = yield [Script(text, ScriptPlace.VALIDATE_HEALTH, argument, (*path, "script"))]
    return replace(_healthy(about, answer, (*path, "script")), rule=rule)


def _healthy(about: Subject, answer: Answer, path: Path) -> Verdict:
    cost = Cost(0, answer.milliseconds)
    if answer.error:
        reason = script_failed(answer)
        return Verdict(about, VerdictState.ERROR, reason, "script", reason, cost=cost, path=path, line=answer.line)
    healthy = bool(answer.value["healthy"])
    said = f"evaluate() returned healthy = {'true' if healthy else 'false'}"
    state = VerdictState.MATCH if healthy else VerdictState.NO_MATCH
    return Verdict(about, state, script_said(answer, yes=healthy), "script", said, cost=cost, path=path)


def _joined(by_script: Verdict | None, by_rules: Verdict, rule: str) -> Verdict:
    """Both must pass; the one that does not is the reason."""
    if by_script is None:
        return replace(by_rules, rule=rule)
    said = by_script if by_script.state is not VerdictState.MATCH or by_rules.state is VerdictState.MATCH else by_rules
    return replace(said, rule=rule, trace=by_rules.trace, cost=by_script.cost + by_rules.cost)
