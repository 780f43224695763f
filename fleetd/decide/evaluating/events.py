"""What an EventSource says of objects: its selectors, then its aggregated selection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fleetd.decide.evaluating.selecting import Sighted, compile_selectors, select
from fleetd.decide.evaluating.verdicts import (
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
from fleetd.domain.objects import Manifest
from fleetd.domain.states import VerdictState


def event_source(manifest: Manifest, objects: Sequence[Manifest], known: Circumstances) -> Evaluation[Findings]:
    """The answer is yes when some object matches."""
    spec = manifest.get("spec") or {}
    metadata, entries = manifest["metadata"], spec.get("resourceSelectors") or ()
    selectors = compile_selectors(metadata["name"], entries, ("spec", "resourceSelectors"), metadata.get("annotations"))
    sighted = yield from select(selectors, objects, known)
    results = [one.verdict for one in sighted]
    if spec.get("aggregatedSelection") and any(one.taken for one in sighted):
        results = yield from _aggregated(spec["aggregatedSelection"], sighted)
    failed = any(one.state is VerdictState.ERROR for one in results)
    return Findings(tuple(results), not failed and any(one.state is VerdictState.MATCH for one in results))


def _aggregated(text: str, sighted: Sequence[Sighted]) -> Evaluation[list[Verdict]]:
    """An error of the script is an error of every object that it was given: none of them is reported."""
    path = ("spec", "aggregatedSelection")
    taken = [one.manifest for one in sighted if one.taken]
    (answer,) = yield [Script(text, ScriptPlace.AGGREGATED_SELECTION, taken, path)]
    # The time is the script's as a whole; it stands with the first object.
    spent = [Cost(0, answer.milliseconds)] + [Cost()] * len(taken)
    if answer.error:
        reason = script_failed(answer)

        def judged(verdict: Verdict) -> Verdict:
            said = replace(verdict, state=VerdictState.ERROR, message=reason, rule="aggregatedSelection", deciding=reason)
            return replace(said, path=path, line=answer.line).after(spent.pop(0))

        return [judged(one.verdict) if one.taken else one.verdict for one in sighted]
    message = str(answer.value["message"])
    kept = [subject_of(manifest) for manifest in answer.value["resources"]]

    def chosen(verdict: Verdict) -> Verdict:
        verdict = verdict.after(spent.pop(0))
        if verdict.about in kept:
            return verdict
        said = message or "the aggregated selection leaves it out"
        deciding = f"evaluate() returned {len(kept)} of {len(taken)} objects, and not this one"
        return replace(verdict, state=VerdictState.NO_MATCH, message=said, rule="aggregatedSelection", deciding=deciding, path=path)

    known = {one.verdict.about for one in sighted}
    made = [
        Verdict(about, VerdictState.MATCH, "the aggregated selection returned an object that it was not given", "aggregatedSelection")
        for about in dict.fromkeys(kept)
        if about not in known
    ]
    return [chosen(one.verdict) if one.taken else one.verdict for one in sighted] + made
