"""What a HealthCheck says of objects."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fleetd.decide.evaluating.selecting import compile_selectors, select
from fleetd.decide.evaluating.verdicts import (
    Answer,
    Circumstances,
    Cost,
    Evaluation,
    Findings,
    Script,
    ScriptPlace,
    Verdict,
    script_failed,
    subject_of,
)
from fleetd.domain.kinds.health import HealthStatus
from fleetd.domain.objects import Manifest
from fleetd.domain.states import VerdictState

_PATH = ("spec", "evaluateHealth")


def health_check(manifest: Manifest, objects: Sequence[Manifest], known: Circumstances) -> Evaluation[Findings]:
    """A match is an object that was judged; how it is, is its status. The answer is no when one is anything but healthy.

    Objects of which the script says nothing count as well, as they do for a ClusterHealthCheck.
    """
    spec = manifest.get("spec") or {}
    metadata, entries = manifest["metadata"], spec.get("resourceSelectors") or ()
    selectors = compile_selectors(metadata["name"], entries, ("spec", "resourceSelectors"), metadata.get("annotations"))
    sighted = yield from select(selectors, objects, known)
    taken = [one.manifest for one in sighted if one.taken]
    results = [one.verdict for one in sighted]
    if taken:
        (answer,) = yield [Script(str(spec.get("evaluateHealth") or ""), ScriptPlace.HEALTH, taken, _PATH)]
        judged = iter(_judged([one.verdict for one in sighted if one.taken], answer))
        results = [next(judged) if one.taken else one.verdict for one in sighted] + list(judged)
    return Findings(tuple(results), all(_well(one) for one in results))


def _well(verdict: Verdict) -> bool:
    return verdict.state is not VerdictState.ERROR and verdict.status in (None, HealthStatus.HEALTHY.value)


def _judged(verdicts: Sequence[Verdict], answer: Answer) -> list[Verdict]:
    """First those that were given, in their order, then those that the script made up."""
    spent = Cost(0, answer.milliseconds)
    if answer.error:
        reason = script_failed(answer)
        failed = [replace(one, state=VerdictState.ERROR, message=reason, rule="evaluateHealth", deciding=reason) for one in verdicts]
        failed = [replace(one, path=_PATH, line=answer.line) for one in failed]
        return [failed[0].after(spent), *failed[1:]]
    statuses = {subject_of(entry["resource"]): entry for entry in answer.value["resources"]}
    given = {one.about for one in verdicts}
    results = [_with_status(one, statuses.get(one.about)) for one in verdicts]
    made = [Verdict(about, VerdictState.MATCH) for about in statuses if about not in given]
    return [results[0].after(spent), *results[1:], *(_with_status(one, statuses[one.about]) for one in made)]


def _with_status(verdict: Verdict, entry: Mapping[str, Any] | None) -> Verdict:
    if entry is None:
        return replace(verdict, message="the script says nothing of it, which counts as well", rule="evaluateHealth", path=_PATH)
    status = str(entry["status"])
    named = verdict.about.name or "a resource without a name"
    if status not in {known.value for known in HealthStatus}:
        near = difflib.get_close_matches(status.capitalize(), [known.value for known in HealthStatus], n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; it is one of {', '.join(known.value for known in HealthStatus)}"
        reason = f"the script gives {named} the status {status!r}{hint}" if status else f"the script gives {named} no status{hint}"
        return replace(verdict, state=VerdictState.ERROR, message=reason, rule="evaluateHealth", deciding=reason, path=_PATH)
    return replace(
        verdict,
        status=status,
        message=str(entry["message"]),
        rule="evaluateHealth",
        deciding=f"evaluate() returned status = {status}",
        path=_PATH,
    )
