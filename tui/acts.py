"""What can be done from here: to what, and as which action of the service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fleetd.service.acting import Acknowledge, Action, Approve, Reject, Requeue, Resync, SetPause
from tui.subjects import Subject


@dataclass(frozen=True, slots=True)
class Act:
    """Something that can be done. `about` says what it would be about; empty: it cannot be done to this.

    Of what is `weighty` one is done at a time, and a part of its id is typed before the reason.
    """

    verb: str
    about: Callable[[Subject], str]
    make: Callable[[Sequence[str], str], list[Action]]
    kinds: str
    weighty: bool = False


def _stuck(subject: Subject) -> str:
    if subject.event:
        return f"event:{subject.event}"
    if subject.trigger:
        return f"EventTrigger/{subject.trigger}"
    return subject.profile or subject.cluster


def named(ref: str) -> str:
    """Without the mark of what was shown."""
    return ref.partition("#")[0]


def _pausable(subject: Subject) -> str:
    return subject.profile if subject.profile and not subject.placed else subject.cluster


ACTS: Mapping[str, Act] = {
    act.verb: act
    for act in (
        Act(
            "pause",
            _pausable,
            lambda scopes, reason: [SetPause(scope=scope, paused=True, reason=reason) for scope in scopes],
            "clusters and profiles",
        ),
        Act(
            "resume",
            _pausable,
            lambda scopes, reason: [SetPause(scope=scope, paused=False, reason=reason) for scope in scopes],
            "clusters and profiles",
        ),
        Act("resync", lambda subject: subject.cluster, lambda refs, reason: [Resync(clusters=tuple(refs), reason=reason)], "clusters"),
        Act("acknowledge", lambda subject: subject.event, lambda refs, reason: [Acknowledge(events=tuple(refs), reason=reason)], "events"),
        Act(
            "approve",
            lambda subject: subject.proposal,
            lambda refs, reason: [Approve(proposal=named(ref), seen=ref.partition("#")[2], reason=reason) for ref in refs],
            "proposals",
            weighty=True,
        ),
        Act(
            "reject",
            lambda subject: subject.proposal,
            lambda refs, reason: [Reject(proposal=named(ref), reason=reason) for ref in refs],
            "proposals",
        ),
        Act("requeue", _stuck, lambda refs, reason: [Requeue(refs=tuple(refs), reason=reason)], "profiles, triggers, events and clusters"),
    )
}
