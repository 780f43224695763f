"""Small things that people ask of the daemon."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from fleetd.decide.plane.placing import hold
from fleetd.decide.plane.state import Plane, Report
from fleetd.decide.plane.turn import Turn
from fleetd.domain.errors import InvalidInput
from fleetd.domain.inspection import VERB, Sight
from fleetd.domain.records import RequestRecord, Stage
from fleetd.domain.refs import ObjectRef, PlacedRef
from fleetd.domain.states import AddonState, RequestState, VerdictState

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._:-]{0,251}[A-Za-z0-9])?")
MOST_INSPECTIONS = 64
"""Looks at objects that may be on their way at once."""
WAITED_FOR = timedelta(minutes=1)
"""As long after it was asked may a look begin; after a restart nobody waits for the older ones."""


def requested(plane: Plane, turn: Turn, request: RequestRecord) -> None:
    """Does what is asked, or says why not; either way the request is decided."""
    turn.caused_by()
    if request.verb == VERB:
        _inspect(plane, turn, request)
        return
    match request.verb:
        case "adopt":
            problem, outcome = _adopt(plane, turn, request.subject)
        case "approve":
            problem, outcome = _approve(plane, request.subject, request.actor)
        case "requeue":
            problem, outcome = _requeue(plane, turn, request.subject)
        case "resync":
            problem, outcome = _resync(plane, turn, request.subject)
        case _:
            problem, outcome = f"{request.verb} is not known to this daemon", ""
    state = RequestState.FAILED if problem else RequestState.DONE
    turn.records.append(replace(request, state=state, decided_at=turn.now, outcome=problem or outcome))
    turn.tell(Stage.REQUEST, request.subject, "", request.verb, problem or f"{request.actor}: {request.reason}")


def _inspect(plane: Plane, turn: Turn, request: RequestRecord) -> None:
    """Lets a look at an object begin, once, and only while somebody still waits for it."""
    if request.request_id in plane.inspecting:
        return
    try:
        placed = PlacedRef.parse(request.subject)
        _named(placed)
    except InvalidInput as error:
        inspected(plane, turn, request, Sight.REFUSED, str(error))
        return
    if placed.cluster not in plane.members:
        inspected(plane, turn, request, Sight.REFUSED, f"{placed.cluster} is not a member")
    elif turn.now - request.created_at > WAITED_FOR:
        inspected(plane, turn, request, Sight.LATE, "nobody waits for it any more: ask again")
    elif len(plane.inspecting) >= MOST_INSPECTIONS:
        inspected(plane, turn, request, Sight.LATE, "too many objects are looked at just now: ask again")
    else:
        plane.inspecting.add(request.request_id)
        turn.inspect.append(request)


def _named(placed: PlacedRef) -> None:
    """Holds that each part could be a name: `..` would lead to another address of the server, past what is known of kinds.

    Raises:
        InvalidInput: one could not.
    """
    ref = placed.ref
    for part in (ref.kind, ref.group, ref.namespace, ref.name):
        if part and not _NAME.fullmatch(part):
            raise InvalidInput("a part of the reference can be no name of Kubernetes")


def inspected(plane: Plane, turn: Turn, request: RequestRecord, sight: Sight, said: str, answer: str = "") -> None:
    """Takes what came of a look; `said` is the cluster's own sentence."""
    plane.inspecting.discard(request.request_id)
    state = RequestState.DONE if sight is Sight.SEEN else RequestState.FAILED
    outcome = f"{sight}: {said}" if said else str(sight)
    turn.records.append(replace(request, state=state, decided_at=turn.now, outcome=outcome, answer=answer))
    turn.tell(Stage.REQUEST, request.subject, "", request.verb, f"{request.actor}: {outcome}")


def _adopt(plane: Plane, turn: Turn, subject: str) -> tuple[str, str]:
    """Lets the object be taken over by whoever wants it there, and makes them try again."""
    try:
        placed = PlacedRef.parse(subject)
    except InvalidInput as error:
        return str(error), ""
    if placed.cluster not in plane.members:
        return f"{placed.cluster} is not a member", ""
    plane.adopted.add((placed.cluster, placed.ref))
    waiting = [
        name
        for name in sorted(plane.placed.get(placed.cluster, ()))
        if any(addon.state in (AddonState.CONFLICT, AddonState.FAILED) for addon in plane.addons[name, placed.cluster].values())
    ]
    for name in waiting:
        if not hold(plane, placed.cluster, name):
            turn.due[name, placed.cluster] = turn.cause
    return "", f"{len(waiting)} profiles try again"


def _approve(plane: Plane, subject: str, actor: str) -> tuple[str, str]:
    """Lets a held loss follow."""
    held = next((item for item in plane.held.values() if subject in (item.proposal_id, item.subject)), None)
    if held is None:
        return f"nothing is held under {subject}", ""
    plane.approved[held.subject] = actor
    if held.subject.startswith("Profile/"):
        plane.dirty.profiles.add(held.subject.removeprefix("Profile/"))
    elif held.subject.startswith("EventTrigger/"):
        plane.dirty.triggers.add(held.subject.removeprefix("EventTrigger/"))
    else:
        source, _, cluster = held.subject.removeprefix("EventSource/").partition("@")
        report = plane.reports.get((source, cluster))
        if report is not None:
            report.pending.update(dict.fromkeys(ref for ref in report.objects if str(ref) in held.lost and _lost(report, ref)))
            plane.dirty.reports.add((source, cluster))
    return "", f"{len(held.lost)} go"


def _lost(report: Report, ref: ObjectRef) -> bool:
    """Whether a held object still is lost: it may have come back since."""
    judgement = report.judgements.get(ref)
    return ref in report.doubted or judgement is None or judgement.state is not VerdictState.MATCH


def _requeue(plane: Plane, turn: Turn, subject: str) -> tuple[str, str]:
    """Makes a profile try again everywhere."""
    clusters = plane.placements.get(subject)
    if clusters is None:
        return f"{subject} is placed nowhere", ""
    for cluster in clusters:
        if not hold(plane, cluster, subject):
            turn.due[subject, cluster] = turn.cause
    return "", f"{len(clusters)} clusters"


def _resync(plane: Plane, turn: Turn, cluster: str) -> tuple[str, str]:
    """Everything on a cluster is listed anew, and every profile looks at what it put there."""
    if cluster not in plane.members:
        return f"{cluster} is not a member", ""
    turn.renew.add(cluster)
    placed = sorted(plane.placed.get(cluster, ()))
    for name in placed:
        if not hold(plane, cluster, name):
            turn.due[name, cluster] = turn.cause
    return "", f"all is read anew; {len(placed)} profiles look at what they put there"
