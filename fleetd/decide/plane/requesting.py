"""Small things that people ask of the daemon."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from fleetd.decide.plane.declaring import settle
from fleetd.decide.plane.holding import decide, drop, expire
from fleetd.decide.plane.pausing import lift_all
from fleetd.decide.plane.placing import hold
from fleetd.decide.plane.state import Plane, Report
from fleetd.decide.plane.turn import Turn
from fleetd.decide.proposals import Decision, mark_of
from fleetd.domain.errors import InvalidInput
from fleetd.domain.inspection import VERB, Sight
from fleetd.domain.records import HeldLoss, RequestRecord, Stage
from fleetd.domain.refs import ObjectRef, PlacedRef
from fleetd.domain.states import AddonState, ProposalState, RequestState, VerdictState

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
            problem, outcome = _decide(plane, turn, request, ProposalState.APPROVED)
        case "reject":
            problem, outcome = _decide(plane, turn, request, ProposalState.REJECTED)
        case "requeue":
            problem, outcome = _requeue(plane, turn, request.subject)
        case "resync":
            problem, outcome = _resync(plane, turn, request.subject)
        case _:
            problem, outcome = f"{request.verb} is not known to this daemon", ""
    state = RequestState.FAILED if problem else RequestState.DONE
    turn.records.append(replace(request, state=state, decided_at=turn.now, outcome=problem or outcome))
    subject, _, _ = request.subject.partition("#")
    turn.tell(Stage.REQUEST, subject, "", request.verb, problem or f"{request.actor}: {request.reason}")


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


def _decide(plane: Plane, turn: Turn, request: RequestRecord, to: ProposalState) -> tuple[str, str]:
    """A person's word on a held loss. What is approved follows in this turn, what expired or was rejected is only proposed anew."""
    named, _, mark = request.subject.partition("#")
    known = _proposal(plane, named)
    if known is None:
        return f"nothing is held under {named}", ""
    if known.state is ProposalState.WAITING and known.expires_at is not None and turn.now >= known.expires_at:
        expire(plane, turn, known.subject)
        known = plane.held[known.subject]
    if known.state is not ProposalState.WAITING:
        anew = to is ProposalState.APPROVED and known.state in (ProposalState.EXPIRED, ProposalState.REJECTED)
        return _decided_before(known) + (_anew(plane, turn, known) if anew else ""), ""
    if mark and mark != mark_of(known.lost):
        return f"it is another loss than the one that was shown: {known.summary}; look again: fleetd proposals show {known.proposal_id}", ""
    decide(plane, turn, known.subject, to, Decision(request.actor, request.via, request.reason))
    if to is ProposalState.REJECTED:
        return "", f"{len(known.lost)} stay"
    _look_again(plane, known)
    return "", f"{len(known.lost)} go"


def _proposal(plane: Plane, named: str) -> HeldLoss | None:
    every = (*plane.held.values(), *plane.rejected.values())
    return next((item for item in every if named in (item.proposal_id, item.subject)), None)


def _decided_before(known: HeldLoss) -> str:
    by = f" by {known.decided_by}: {known.decision}" if known.decided_by else ""
    at = f" at {known.decided_at:%Y-%m-%d %H:%M} UTC" if known.decided_at else ""
    return f"it is {known.state} already{at}{by}"


def _anew(plane: Plane, turn: Turn, known: HeldLoss) -> str:
    """Proposes what would be lost today, and says under which name."""
    drop(plane, turn, known)
    _look_again(plane, known)
    settle(plane, turn)
    now = plane.held.get(known.subject)
    if now is None:
        return "; there is no such loss any more"
    return f"; nothing goes by it. What would go now is proposed anew: {len(now.lost)}, as {now.proposal_id}"


def _look_again(plane: Plane, known: HeldLoss) -> None:
    """Lets the next settling weigh it once more."""
    kind, _, name = known.subject.partition("/")
    if kind == "Profile":
        plane.dirty.profiles.add(name)
    elif kind == "EventTrigger":
        plane.dirty.triggers.add(name)
    else:
        source, _, cluster = name.partition("@")
        report = plane.reports.get((source, cluster))
        if report is not None:
            report.pending.update(dict.fromkeys(ref for ref in report.objects if str(ref) in known.lost and _lost(report, ref)))
            plane.dirty.reports.add((source, cluster))


def _lost(report: Report, ref: ObjectRef) -> bool:
    """Whether a held object still is lost: it may have come back since."""
    judgement = report.judgements.get(ref)
    return ref in report.doubted or judgement is None or judgement.state is not VerdictState.MATCH


def _requeue(plane: Plane, turn: Turn, subject: str) -> tuple[str, str]:
    """Makes a profile try again everywhere, and lets go on what of it, or of a trigger or source, is held back."""
    lifted = lift_all(plane, turn, subject)
    key = plane.reaction_of.get(subject)
    lifted += lift_all(plane, turn, f"EventTrigger/{key[0]}") if key is not None else 0
    clusters = plane.placements.get(subject)
    if clusters is None:
        return ("", f"{lifted} go on") if lifted else (f"{subject} is placed nowhere, and nothing of it is held back", "")
    for cluster in clusters:
        if not hold(plane, cluster, subject):
            turn.due[subject, cluster] = turn.cause
    return "", f"{len(clusters)} clusters{f', {lifted} go on' if lifted else ''}"


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
