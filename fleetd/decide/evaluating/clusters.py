"""What is said of a cluster by its objects: Classifiers, a cluster's own checks, classification by the management plane."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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
    subject_of,
)
from fleetd.domain.kinds.classify import VersionComparison
from fleetd.domain.kinds.mistakes import Path
from fleetd.domain.objects import Manifest
from fleetd.domain.states import VerdictState

_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?(?:[-+].*)?")
_CLUSTERS = {"sveltoscluster": ("SveltosCluster", "lib.projectsveltos.io/v1beta1"), "cluster": ("Cluster", "cluster.x-k8s.io/v1beta2")}


def classifier(manifest: Manifest, objects: Sequence[Manifest], known: Circumstances) -> Evaluation[Findings]:
    """The verdicts of the objects, then that of the cluster: its version and what is deployed must both fit."""
    spec = manifest.get("spec") or {}
    about = subject_of(manifest)
    results: list[Verdict] = []
    verdict = _version_fits(about, spec.get("kubernetesVersionConstraints") or (), known.kubernetes_version)
    constraint = spec.get("deployedResourceConstraint")
    if constraint:
        path = ("spec", "deployedResourceConstraint")
        entries = constraint.get("resourceSelectors") or ()
        selectors = compile_selectors(about.name, entries, (*path, "resourceSelectors"), manifest["metadata"].get("annotations"))
        sighted = yield from select(selectors, objects, known)
        results = [one.verdict for one in sighted]
        taken = [one.manifest for one in sighted if one.taken]
        problem = next((one for one in results if one.state is VerdictState.ERROR), None)
        if problem is not None:
            deployed = replace(problem, about=about, trace=None)
        elif constraint.get("aggregatedClassification"):
            deployed = yield from _says(about, constraint["aggregatedClassification"], ScriptPlace.AGGREGATED_CLASSIFICATION, taken, path)
        else:
            deployed = yield from _each_has_one(about, entries, objects, known)
        verdict = deployed if verdict is None or verdict.state is VerdictState.MATCH else verdict
    if verdict is None:
        verdict = Verdict(about, VerdictState.MATCH, "a Classifier without constraints matches every cluster")
    return Findings((*results, verdict), verdict.state is VerdictState.MATCH)


def _version_fits(about: Subject, constraints: Sequence[Mapping[str, Any]], version: str) -> Verdict | None:
    """None where nothing is asked of the version."""
    if not constraints:
        return None
    rule = "kubernetesVersionConstraints"
    path: Path = ("spec", rule)
    here = _VERSION.fullmatch(version)
    if here is None:
        said = f"{version!r} is no version of Kubernetes" if version else "the cluster's Kubernetes version is not known"
        return Verdict(about, VerdictState.ERROR, f"{said}: name it by --kubernetes-version", rule, said, path=path)
    for index, entry in enumerate(constraints):
        wanted = _VERSION.fullmatch(str(entry.get("version")))
        if wanted is None:
            said = f"{entry.get('version')!r} is no version: write for example v1.31.0"
            return Verdict(about, VerdictState.ERROR, said, rule, said, path=(*path, index, "version"))
        comparison = VersionComparison(entry["comparison"])
        if not _compares(_numbers(here), comparison, _numbers(wanted)):
            said = f"{version} is not {comparison.value} {entry['version']}"
            return Verdict(about, VerdictState.NO_MATCH, said, rule, said, path=(*path, index))
    return Verdict(about, VerdictState.MATCH, f"{version} fits all constraints", rule, f"version = {version}", path=path)


def _numbers(match: re.Match[str]) -> tuple[int, ...]:
    return tuple(int(part or 0) for part in match.groups())


def _compares(here: tuple[int, ...], comparison: VersionComparison, wanted: tuple[int, ...]) -> bool:
    match comparison:
        case VersionComparison.EQUAL:
            return here == wanted
        case VersionComparison.NOT_EQUAL:
            return here != wanted
        case VersionComparison.GREATER:
            return here > wanted
        case VersionComparison.LESS:
            return here < wanted
        case VersionComparison.AT_LEAST:
            return here >= wanted
        case VersionComparison.AT_MOST:
            return here <= wanted


def _each_has_one(
    about: Subject, entries: Sequence[Mapping[str, Any]], objects: Sequence[Manifest], known: Circumstances
) -> Evaluation[Verdict]:
    """Without a script every selector needs an object."""
    path: Path = ("spec", "deployedResourceConstraint")
    for index, entry in enumerate(entries):
        sighted = yield from select(compile_selectors(about.name, [entry], (*path, "resourceSelectors")), objects, known, traced=False)
        if not any(one.taken for one in sighted):
            said = f"no {entry.get('kind')} is selected by resourceSelectors[{index}]"
            return Verdict(about, VerdictState.NO_MATCH, said, "deployedResourceConstraint", said, path=(*path, "resourceSelectors", index))
    said = "every selector has an object"
    return Verdict(about, VerdictState.MATCH, said, "deployedResourceConstraint", said, path=path)


def _says(about: Subject, text: str, place: ScriptPlace, taken: Sequence[Manifest], path: Path) -> Evaluation[Verdict]:
    field = place.value.rpartition(".")[2]
    path = (*path, field)
    (answer,) = yield [Script(text, place, list(taken), path)]
    if answer.error:
        return _failed(about, field, path, answer)
    yes = bool(answer.value["pass" if place is ScriptPlace.CLUSTER_CHECK else "matching"])
    name = "pass" if place is ScriptPlace.CLUSTER_CHECK else "matching"
    said = f"evaluate() returned {name} = {'true' if yes else 'false'} for {_counted(len(taken))}"
    state = VerdictState.MATCH if yes else VerdictState.NO_MATCH
    return Verdict(about, state, script_said(answer, yes=yes), field, said, cost=Cost(0, answer.milliseconds), path=path)


def _failed(about: Subject, rule: str, path: Path, answer: Answer) -> Verdict:
    reason = script_failed(answer)
    cost = Cost(0, answer.milliseconds)
    return Verdict(about, VerdictState.ERROR, reason, rule, reason, cost=cost, path=path, line=answer.line)


def _counted(number: int) -> str:
    return f"{number} object{'' if number == 1 else 's'}"


def cluster_checks(manifest: Manifest, objects: Sequence[Manifest], known: Circumstances) -> Evaluation[Findings]:
    """A verdict for each readiness and liveness check; the answer is yes when all pass."""
    about, spec = subject_of(manifest), manifest.get("spec") or {}
    results = []
    for field in ("readinessChecks", "livenessChecks"):
        for index, check in enumerate(spec.get(field) or ()):
            path: Path = ("spec", field, index)
            selectors = compile_selectors(str(check.get("name")), check.get("resourceSelectors") or (), (*path, "resourceSelectors"))
            sighted = yield from select(selectors, objects, known)
            rule = f"{field} {check.get('name')}"
            problem = next((one.verdict for one in sighted if one.verdict.state is VerdictState.ERROR), None)
            if problem is None:
                taken = [one.manifest for one in sighted if one.taken]
                said = yield from _says(about, str(check.get("condition") or ""), ScriptPlace.CLUSTER_CHECK, taken, path)
            else:
                said = replace(problem, about=about)
            trace = _selection(sighted) if known.traced else None
            cost = sum((one.verdict.cost for one in sighted), Cost())
            results.append(replace(said, rule=rule, trace=trace).after(cost))
    return Findings(tuple(results), all(one.state is VerdictState.MATCH for one in results))


def _selection(sighted: Sequence[Sighted]) -> list[dict[str, Any]]:
    return [{"object": str(one.verdict.about), "selected": one.taken, "terms": one.verdict.trace} for one in sighted]


def management_classifier(manifest: Manifest, objects: Sequence[Manifest], known: Circumstances) -> Evaluation[Findings]:
    """The verdicts of the objects, then the clusters that the script names."""
    about, spec = subject_of(manifest), manifest.get("spec") or {}
    selectors = compile_selectors(about.name, spec.get("matchResources") or (), ("spec", "matchResources"))
    sighted = yield from select(selectors, objects, known)
    results = [one.verdict for one in sighted]
    path = ("spec", "classificationLua")
    taken = [one.manifest for one in sighted if one.taken]
    (answer,) = yield [Script(str(spec.get("classificationLua") or ""), ScriptPlace.CLASSIFICATION, taken, path)]
    if answer.error:
        return Findings((*results, _failed(about, "classificationLua", path, answer)), passed=False)
    named = [_cluster(entry, path) for entry in answer.value]
    if not named:
        named = [Verdict(about, VerdictState.NO_MATCH, "the script names no cluster", "classificationLua", path=path)]
    named[0] = named[0].after(Cost(0, answer.milliseconds))
    return Findings((*results, *named), all(one.state is VerdictState.MATCH for one in named))


def _cluster(entry: Mapping[str, Any], path: Path) -> Verdict:
    kind, api_version = _CLUSTERS.get(str(entry["kind"]).lower(), (str(entry["kind"]), ""))
    about = Subject(api_version, kind, str(entry["namespace"]), str(entry["name"]))
    if api_version and about.namespace and about.name:
        return Verdict(about, VerdictState.MATCH, "the script names it", "classificationLua", "evaluate() returned it", path=path)
    said = "a cluster needs namespace, name and kind, which is SveltosCluster or Cluster"
    return Verdict(about, VerdictState.ERROR, said, "classificationLua", said, path=path)
