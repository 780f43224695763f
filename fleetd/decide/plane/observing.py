"""Observations become verdicts, verdicts differences of reports."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import NamedTuple

import orjson

from fleetd.decide.observe import NO_CLUSTER, RULE, Judgement, Source, Wish, answered, cluster_shown, explained, judge
from fleetd.decide.plane.aggregating import answered as answered_for
from fleetd.decide.plane.aggregating import await_script, begin_anew, drop, read, take
from fleetd.decide.plane.aggregating import missing as lacking
from fleetd.decide.plane.drifting import new_seen, owned_listed, owned_seen
from fleetd.decide.plane.flapping import calm, reason_of
from fleetd.decide.plane.flapping import changes as flaps
from fleetd.decide.plane.holding import held, kept, nothing_lost
from fleetd.decide.plane.state import Plane, Report, ReportKey
from fleetd.decide.plane.turn import Ask, Turn
from fleetd.decide.report import difference, reported
from fleetd.domain.objects import Observed, Reads
from fleetd.domain.records import EventRecord, ReportedObject, Stage, VerdictGone, VerdictRecord
from fleetd.domain.refs import GroupKind, GroupVersionKind, ObjectRef
from fleetd.domain.states import VerdictState

KEPT_REFUSALS = 100
"""Verdict rows kept of non-matching objects, for each source and cluster."""

Change = tuple[bool, Observed]
"""(it still exists, the object)"""


def seen(
    plane: Plane,
    turn: Turn,
    cluster: str,
    gvk: GroupVersionKind,
    changes: Sequence[Change],
    *,
    confirming: bool = False,
    reads: Reads | None = None,
) -> None:
    """Takes events of an unbroken watch.

    Args:
        confirming: whether they are the objects of a second, complete read.
        reads: what was decoded of them; a source that reads more came after the watch was opened, and waits for the list of the next one.
    """
    sources = [source for source in plane.sources_on(cluster, gvk) if not source.problem]
    seeing = [(source, plane.report(source.name, cluster)) for source in sources if reads is None or reads.covers(source.reads(gvk))]
    owned = plane.inventory.get(cluster)
    shown = cluster_shown(plane.members.get(cluster)) if any(source.reads_cluster for source in sources) else NO_CLUSTER
    for exists, observed in changes:
        if owned and observed.ref in owned:
            owned_seen(plane, turn, cluster, observed, exists)
        elif plane.in_flight:
            new_seen(plane, cluster, observed, exists)
        if not exists:
            for source in sources:
                _gone(plane, turn, source, cluster, observed.ref)
            continue
        wishes = []
        for source, report in seeing:
            answer = judge(source, gvk, observed, shown)
            if not isinstance(answer, Judgement):
                wishes.append(answer)
            elif not _unheard(report, source, observed.ref, answer):
                _conclude(plane, turn, source, Sight(cluster, gvk, observed, confirming), answer)
        if wishes:
            _ask_scripts(plane, turn, Sight(cluster, gvk, observed, confirming), wishes)


def _ask_scripts(plane: Plane, turn: Turn, sight: Sight, wishes: Sequence[Wish]) -> None:
    for wish in wishes:
        source = plane.sources.get(wish.source)
        if source is not None and source.aggregate:
            await_script(plane, (wish.source, sight.cluster), sight.observed.ref)
    turn.asks.append(Ask(sight.cluster, sight.gvk, sight.observed, tuple(wishes), sight.confirming))


def listed(
    plane: Plane,
    turn: Turn,
    cluster: str,
    gvk: GroupVersionKind,
    objects: Sequence[Observed],
    *,
    confirming: bool = False,
    reads: Reads | None = None,
) -> None:
    """Takes a complete list. What it lacks is in doubt until a second read (`confirming`) agrees; `reads` as `seen` has it."""
    seen(plane, turn, cluster, gvk, [(True, item) for item in objects], confirming=confirming, reads=reads)
    present = {item.ref for item in objects}
    for source in plane.sources_on(cluster, gvk):
        if source.problem or not (reads is None or reads.covers(source.reads(gvk))):
            continue
        report = plane.report(source.name, cluster)
        kinds = gvk.group_kind
        if confirming or not report.doubted:
            report.edited.discard(kinds)
        for ref in [ref for ref in report.judgements if ref.group_kind == kinds and ref not in present and ref not in report.objects]:
            del report.judgements[ref]
            turn.records.append(VerdictGone(source=source.name, cluster=cluster, ref=ref, at=turn.now))
        missing = (
            lacking(report, kinds, present)
            if source.aggregate
            else {ref for ref in report.objects if ref.group_kind == kinds and ref not in present}
        )
        if source.aggregate:
            doubts = missing | {ref for ref in report.doubted & report.taken.keys() if ref.group_kind == kinds}
            read(plane, (source.name, cluster), gvk, sure=confirming or not doubts)
        if confirming:
            for ref in sorted(missing & report.doubted):
                _gone(plane, turn, source, cluster, ref)
        elif missing:
            report.doubted |= missing
            turn.doubts.add((cluster, gvk))
            turn.caused_by()
            turn.tell(Stage.OBSERVE, f"EventSource/{source.name}", cluster, "doubt", f"{len(missing)} objects are missing; reading again")
    owned_listed(plane, turn, cluster, gvk, present)


def answer_asked(plane: Plane, turn: Turn, ask: Ask, answers: Sequence[tuple[bool | None, str]]) -> None:
    """Takes the scripts' answers, one for each wish of the ask."""
    by_name = {source.name: source for source in plane.sources_on(ask.cluster, ask.gvk)}
    for wish, answer in zip(ask.wishes, answers, strict=True):
        source = by_name.get(wish.source)
        if source is not None:
            _conclude(plane, turn, source, Sight(ask.cluster, ask.gvk, ask.observed, ask.confirming), answered([answer]))


class Sight(NamedTuple):
    """One object, where it was seen, and whether by a second, complete read."""

    cluster: str
    gvk: GroupVersionKind
    observed: Observed
    confirming: bool


def _conclude(plane: Plane, turn: Turn, source: Source, sight: Sight, answer: Judgement) -> None:
    key = (source.name, sight.cluster)
    report = plane.report(*key)
    observed = sight.observed
    ref = observed.ref
    before = report.judgements.get(ref)
    # Of what an aggregated source takes its script has the last word.
    if before is not answer and before != answer and not (source.aggregate and answer.state is VerdictState.MATCH):
        _note(plane, turn, source, sight, answer)
    if answer.state is VerdictState.ERROR:
        return
    if source.aggregate:
        _give(plane, turn, key, sight, answer)
        return
    if answer.state is VerdictState.MATCH:
        _certain(plane, key, report, ref)
        known = report.pending.get(ref) or report.objects.get(ref)
        if known is not None and known.uid == observed.uid and not source.collect and ref not in report.pending:
            return
        now = reported(sight.gvk, observed, orjson.loads(observed.raw) if source.collect else None, plane.digest)
        if known is not None and known.digest == now.digest and known.uid == now.uid and ref not in report.pending:
            return
        report.pending[ref] = now
    elif (ref not in report.objects and ref not in report.pending) or _doubtful(turn, report, sight):
        return
    else:
        report.pending[ref] = None
    plane.dirty.reports.add(key)


def _give(plane: Plane, turn: Turn, key: ReportKey, sight: Sight, answer: Judgement) -> None:
    """What the selectors of an aggregated source say of an object is for its script."""
    report, ref = plane.report(*key), sight.observed.ref
    answered_for(plane, key, ref)
    if answer.state is VerdictState.MATCH:
        _certain(plane, key, report, ref)
        take(plane, key, sight.gvk, sight.observed)
    elif ref in report.taken and not _doubtful(turn, report, sight):
        drop(plane, key, ref)


def _unheard(report: Report, source: Source, ref: ObjectRef, answer: Judgement) -> bool:
    """Whether it is a refusal that changes nothing, and is kept of too many others already: what most events are."""
    if answer.state is not VerdictState.NO_MATCH or len(report.judgements) < KEPT_REFUSALS or ref in report.judgements:
        return False
    return not source.aggregate and ref not in report.objects and ref not in report.pending


def _certain(plane: Plane, key: ReportKey, report: Report, ref: ObjectRef) -> None:
    """The object is there, and of a loss that was held it is no part any more."""
    if ref in report.doubted:
        report.doubted.discard(ref)
        plane.dirty.reports.add(key)


def _doubtful(turn: Turn, report: Report, sight: Sight) -> bool:
    """Whether an edited source's refusal waits for a second read."""
    ref = sight.observed.ref
    if ref.group_kind not in report.edited or (sight.confirming and ref in report.doubted):
        return False
    report.doubted.add(ref)
    turn.doubts.add((sight.cluster, sight.gvk))
    return True


def _note(plane: Plane, turn: Turn, source: Source, sight: Sight, answer: Judgement) -> None:
    """Records a verdict when it changes, with what decided it; of objects that never matched only so many."""
    report, ref = plane.report(source.name, sight.cluster), sight.observed.ref
    if answer.state is VerdictState.NO_MATCH and ref not in report.judgements and len(report.judgements) >= KEPT_REFUSALS:
        return
    report.judgements[ref] = answer
    deciding = explained(source, sight.gvk, sight.observed, cluster_shown(plane.members.get(sight.cluster)), answer)
    turn.records.append(
        VerdictRecord(
            source=source.name,
            cluster=sight.cluster,
            ref=ref,
            state=answer.state,
            reason=reason_of(plane, turn, source.name, sight.cluster, ref) or answer.reason,
            deciding=deciding,
            since=turn.now,
        )
    )


def _gone(plane: Plane, turn: Turn, source: Source, cluster: str, ref: ObjectRef) -> None:
    report = plane.report(source.name, cluster)
    if report.judgements.pop(ref, None) is not None:
        turn.records.append(VerdictGone(source=source.name, cluster=cluster, ref=ref, at=turn.now))
    if source.aggregate:
        answered_for(plane, (source.name, cluster), ref)
        drop(plane, (source.name, cluster), ref)
    elif ref in report.objects or ref in report.pending:
        report.pending[ref] = None
        plane.dirty.reports.add((source.name, cluster))


def report_changes(plane: Plane, turn: Turn) -> list[EventRecord]:
    """Turns all that is pending into events; a loss that is too large for doubt or for an edit is held."""
    events = []
    for key in sorted(plane.dirty.reports):
        report = plane.reports.get(key)
        if report is None:
            continue
        source, cluster = key
        after, report.pending = report.pending, {}
        after = calm(plane, turn, key, report, _hold(plane, turn, source, cluster, report, after))
        changes = difference(report.objects, after)
        report.doubted -= set(after)
        if not changes:
            continue
        for change in changes:
            if after[change.object.ref] is None:
                report.objects.pop(change.object.ref, None)
            else:
                report.objects[change.object.ref] = change.object
        report.revision += 1
        cause = turn.caused_by()
        event = EventRecord(
            event_id=turn.new_id(),
            source=source,
            cluster=cluster,
            revision=report.revision,
            detected_at=turn.now,
            matching_count=len(report.objects),
            changes=changes,
            cause_id=cause,
        )
        report.event_id = event.event_id
        turn.records.append(event)
        flaps(plane, turn, key, changes)
        for change in changes[:20]:
            turn.tell(Stage.REPORT, change.object.ref, cluster, change.change.value, f"EventSource {source}, revision {report.revision}")
        events.append(event)
    plane.dirty.reports.clear()
    return events


def say_anew(plane: Plane, source: str) -> None:
    """A source's rules were edited: the same verdict for another reason is news, too, at the next look."""
    for report in (report for (name, _), report in plane.reports.items() if name == source):
        report.judgements = {
            ref: replace(said, reason="") if said.deciding.startswith(RULE) else said for ref, said in report.judgements.items()
        }


def drop_kinds(plane: Plane, source: str, cluster: str, kinds: Collection[GroupKind]) -> None:
    """A source was edited: what it reported of other kinds than these is lost by the edit, the rest must be judged anew."""
    report = plane.reports.get((source, cluster))
    if report is None:
        return
    report.edited = {ref.group_kind for ref in (*report.objects, *report.taken)}
    begin_anew(report)
    for ref in [ref for ref in report.taken if ref.group_kind not in kinds]:
        del report.taken[ref]
    for ref in report.objects:
        if ref.group_kind not in kinds:
            report.pending[ref] = None
            report.doubted.add(ref)
            plane.dirty.reports.add((source, cluster))


Pending = dict[ObjectRef, ReportedObject | None]


def _hold(plane: Plane, turn: Turn, source: str, cluster: str, report: Report, after: Pending) -> Pending:
    """Leaves out what is lost on doubt, when it is more than one step may lose."""
    doubted = [ref for ref, now in after.items() if now is None and ref in report.doubted]
    subject = f"EventSource/{source}@{cluster}"
    waiting = {str(ref) for ref in report.doubted if ref in report.objects and ref not in after} & kept(plane, subject)
    if not doubted and not waiting:
        nothing_lost(plane, turn, subject)
    elif doubted and held(plane, turn, Stage.REPORT, subject, {str(ref) for ref in doubted} | waiting, len(report.objects), cluster):
        return {ref: now for ref, now in after.items() if ref not in doubted}
    return after
