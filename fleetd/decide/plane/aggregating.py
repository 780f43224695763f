"""Sources whose script looks at all selected objects together (`aggregatedSelection`), and may answer with others.

What the selectors take is kept here as candidates, with their contents; the report is what the script makes of them. It is asked only when
every kind of the source was listed whole and nothing is in doubt: what is merely not known yet is not "no object".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from fleetd.decide.digest import digest
from fleetd.decide.made import fault_of
from fleetd.decide.observe import Judgement, Source
from fleetd.decide.plane.state import Candidate, Plane, Report, ReportKey
from fleetd.decide.plane.turn import Selecting, Turn
from fleetd.decide.report import shown
from fleetd.domain.objects import SECRETIVE, Manifest, Observed, gvk_of, holds_secrets, ref_of
from fleetd.domain.records import ReportedObject, VerdictGone, VerdictRecord
from fleetd.domain.refs import GroupKind, GroupVersionKind, ObjectRef
from fleetd.domain.states import VerdictState

TERM = "aggregatedSelection"
WITHHELD = "the script failed; what it says is withheld, for it was given objects that hold secrets"
LEFT_OUT = "the aggregated selection leaves it out"


@dataclass(frozen=True, slots=True)
class Selected:
    """What the script answered: objects, or one sentence why there is no answer."""

    objects: Sequence[Manifest] = field(default=(), repr=False)
    message: str = ""
    error: str = ""


def await_script(plane: Plane, key: ReportKey, ref: ObjectRef) -> None:
    """A script of a selector is asked about the object, or failed: until it answers nothing is known of it."""
    plane.report(*key).unsure.add(ref)


def answered(plane: Plane, key: ReportKey, ref: ObjectRef) -> None:
    """It is known whether the selectors take the object."""
    report = plane.report(*key)
    if ref in report.unsure:
        report.unsure.discard(ref)
        plane.dirty.selections.add(key)


def take(plane: Plane, key: ReportKey, gvk: GroupVersionKind, observed: Observed) -> None:
    """The selectors take an object."""
    report = plane.report(*key)
    body = orjson.dumps(shown(gvk, orjson.loads(observed.raw)))
    known = report.taken.get(observed.ref)
    if known is None or known.body != body:
        report.taken[observed.ref] = Candidate(gvk, body)
        plane.dirty.selections.add(key)


def drop(plane: Plane, key: ReportKey, ref: ObjectRef) -> None:
    """The selectors take it no more, or it is gone; what follows is the script's to say."""
    report = plane.report(*key)
    report.taken.pop(ref, None)
    plane.dirty.selections.add(key)


def missing(report: Report, kind: GroupKind, present: set[ObjectRef]) -> set[ObjectRef]:
    """What a complete list of the kind lacks; objects that the script made up are on no list."""
    real = {ref for ref, item in report.objects.items() if item.uid} | report.taken.keys()
    return {ref for ref in real if ref.group_kind == kind and ref not in present}


def read(plane: Plane, key: ReportKey, gvk: GroupVersionKind, *, sure: bool) -> None:
    """A kind was listed: whole and without doubt, or not yet."""
    report = plane.report(*key)
    if not sure:
        report.listed.discard(gvk)
    elif gvk not in report.listed:
        report.listed.add(gvk)
        plane.dirty.selections.add(key)


def begin_anew(report: Report) -> None:
    """The source was edited: every kind has to be listed again, and what the script then leaves out was lost by the edit."""
    report.listed.clear()
    report.unsure.clear()
    report.asked = ""
    report.reselected = True


def ask_selections(plane: Plane, turn: Turn) -> None:
    """Wishes the scripts of all reports whose candidates changed and are known whole."""
    for key in sorted(plane.dirty.selections):
        source, report = plane.sources.get(key[0]), plane.reports.get(key)
        if source is None or report is None or not _whole(source, report):
            continue
        mark = digest([source.aggregate, [[str(ref), item.body.decode()] for ref, item in sorted(report.taken.items())]])
        if report.asked == mark:
            continue
        report.asked = mark
        if report.taken:
            bodies = tuple(item.body for _, item in sorted(report.taken.items()))
            turn.selections.append(Selecting(key[0], key[1], source.aggregate, bodies, mark))
        else:
            conclude(plane, turn, Selecting(key[0], key[1], source.aggregate, (), mark), Selected())
    plane.dirty.selections.clear()


def _whole(source: Source, report: Report) -> bool:
    """Whether all candidates are known."""
    return bool(source.aggregate) and not source.problem and not report.unsure and source.conditions.keys() <= report.listed


def conclude(plane: Plane, turn: Turn, asked: Selecting, answer: Selected) -> None:
    """Takes the answer, unless the candidates are others by now. A failure keeps what was reported."""
    key = (asked.source, asked.cluster)
    source, report = plane.sources.get(asked.source), plane.reports.get(key)
    if source is None or report is None or report.asked != asked.mark:
        return
    answer = _told(report, answer)
    error = answer.error or _fault(answer.objects)
    if error:
        for ref in sorted(report.taken):
            _say(turn, report, key, ref, Judgement(VerdictState.ERROR, error, TERM))
        return
    now = dict(_reported(plane, source, answer.objects))
    for ref in sorted(report.taken.keys() | now.keys()):
        state = VerdictState.MATCH if ref in now else VerdictState.NO_MATCH
        words = answer.message or ("selected together with the others" if ref in now else LEFT_OUT)
        _say(turn, report, key, ref, Judgement(state, words, TERM))
    for ref, item in now.items():
        known = report.objects.get(ref)
        report.doubted.discard(ref)
        if known is None or (known.digest, known.uid) != (item.digest, item.uid):
            report.pending[ref] = item
    for ref in report.objects.keys() - now.keys():
        report.pending[ref] = None
        if report.reselected:
            report.doubted.add(ref)
        if ref not in report.taken and report.judgements.pop(ref, None) is not None:
            turn.records.append(VerdictGone(source=source.name, cluster=asked.cluster, ref=ref, at=turn.now))
    report.reselected = False
    report.doubted &= report.objects.keys()
    plane.dirty.reports.add(key)


def _secret(candidate: Candidate) -> bool:
    """Whether nothing of its contents may be told."""
    return holds_secrets(orjson.loads(candidate.body))


def _told(report: Report, answer: Selected) -> Selected:
    """What a script that was given Secrets says may be a value of one, and what it makes may hold one."""
    if not any(map(_secret, report.taken.values())):
        return answer
    objects = tuple(_marked(item) if isinstance(item.get("metadata"), dict) else item for item in answer.objects)
    return Selected(objects, "", WITHHELD if answer.error else "")


def _marked(manifest: Manifest) -> Manifest:
    if holds_secrets(manifest):
        return manifest
    annotations = manifest["metadata"].get("annotations")
    marked = {**(annotations if isinstance(annotations, dict) else {}), SECRETIVE: "yes"}
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": marked}}


def _reported(plane: Plane, source: Source, objects: Sequence[Manifest]) -> Iterator[tuple[ObjectRef, ReportedObject]]:
    for manifest in objects:
        ref, gvk = ref_of(manifest), gvk_of(manifest)
        uid = str(manifest["metadata"].get("uid") or "")
        body = shown(gvk, manifest) if source.collect else None
        yield ref, ReportedObject(ref, gvk.api_version, uid, plane.digest(body) if body is not None else uid, body)


def _fault(objects: Sequence[Any]) -> str:
    for number, manifest in enumerate(objects, 1):
        wrong = fault_of(manifest)
        if wrong is not None:
            return f"object {number} of {len(objects)} that the script returned: {wrong.sentence}"
    return ""


def _say(turn: Turn, report: Report, key: ReportKey, ref: ObjectRef, said: Judgement) -> None:
    if report.judgements.get(ref) == said:
        return
    report.judgements[ref] = said
    turn.records.append(
        VerdictRecord(source=key[0], cluster=key[1], ref=ref, state=said.state, reason=said.reason, deciding=said.deciding, since=turn.now)
    )
