"""Reactions that lead back to themselves, and those that come again and again.

A trigger that makes what it watches is found by going back from an object to the event that led to it, and so on. Triggers that change
one another's objects are found by the lineage of what they make: each rendering that changes something knows the renderings that led to it.
What goes round by way of somebody else (a controller, an operator) is nobody's lineage, and is found by how often it comes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from fleetd.decide.damping import FREE, WINDOW, counted
from fleetd.decide.definitions import LIB_GROUP
from fleetd.decide.digest import digest
from fleetd.decide.ownership import OWNER_KIND, OWNER_NAME, marks
from fleetd.decide.plane.alarms import DampedKey
from fleetd.decide.plane.matching import put_match
from fleetd.decide.plane.pausing import KEPT, lift, paused, put, strike
from fleetd.decide.plane.state import Hop, Plane, Reaction, ReactionKey
from fleetd.decide.plane.turn import Turn
from fleetd.domain.held_back import Damped
from fleetd.domain.records import ReportedObject
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import DampedKind, MatchState

ROUNDS = 3
"""How often a reaction may stand in its own lineage before it is a loop."""
LONGEST = 64
"""Hops of a lineage that are kept."""
LOOKED_AT = 100
"""Of many objects that changed at once, those whose makers are looked at."""


def stopped(plane: Plane, turn: Turn, key: ReactionKey, reaction: Reaction) -> bool:
    """Whether the match stands still: what it has made stays as it is."""
    if not plane.damped:
        return False
    loop = plane.damped.get(_key(DampedKind.LOOP, key))
    if loop is not None and loop.mark:
        if loop.mark == _mark(plane, loop.watched):
            _block(plane, turn, reaction, loop.reason)
            return True
        lift(plane, turn, _key(DampedKind.LOOP, key), "what goes round was edited")
    known = paused(plane, turn, _key(DampedKind.RATE, key))
    if known is not None:
        _block(plane, turn, reaction, known.reason)
    return known is not None


def looping(plane: Plane) -> set[ReactionKey]:
    """The reactions that stand still until something is edited."""
    return {(key[1].partition("/")[2], key[2], key[3]) for key in plane.damped if key[0] is DampedKind.LOOP}


def breeds(plane: Plane, turn: Turn, key: ReactionKey, reaction: Reaction, item: ReportedObject) -> bool:
    """Whether a new match would go on a chain of the trigger's own making; it then stands still and says so.

    One that has made something already was taken when it was new.
    """
    sentence = "" if key[2] is None or reaction.profile else _chain(plane, key[0], key[1], item)
    if sentence:
        _stop(plane, turn, key, reaction, sentence)
    elif plane.damped:
        lift(plane, turn, _key(DampedKind.LOOP, key), "it is no loop any more")
    return bool(sentence)


def goes_round(plane: Plane, turn: Turn, key: ReactionKey, reaction: Reaction) -> bool:
    """Whether what was rendered anew came of itself too often; it is then not taken, and the match stands still."""
    way = _way(plane, key)
    if sum(hop.key == key for hop in way) < ROUNDS:
        reaction.lineage = way
        return False
    began = max(index for index, hop in enumerate(way) if hop.key == key)
    cycle = way[began:]
    watched = _watched(plane, {hop.key for hop in cycle})
    steps = " → ".join(f"EventTrigger {hop.key[0]} on {hop.key[1]} makes {hop.made}" for hop in cycle)
    sentence = (
        f"it goes round: {steps} → EventTrigger {key[0]} on {key[1]}; after {ROUNDS} rounds it stands still until one of them is edited"
    )
    _stop(plane, turn, key, reaction, sentence, watched)
    return True


def rendered(plane: Plane, turn: Turn, key: ReactionKey, *, anew: bool) -> None:
    """Takes note of what a rendering changed; `anew`: there was another one before it."""
    refs = plane.triggered.pop(key, set())
    if not refs or not anew:
        return
    often = max(_count(plane, turn, key, ref) for ref in refs)
    place = _key(DampedKind.RATE, key)
    if often > plane.limits.changes_per_minute or place in plane.damped:
        what = f"one object changed what is made of it more than {plane.limits.changes_per_minute} times in a minute"
        strike(plane, turn, place, what, at_least=FREE)


def ended(plane: Plane, turn: Turn, key: ReactionKey) -> None:
    """The match is over, and with it what held it back."""
    plane.triggered.pop(key, None)
    for kind in (DampedKind.LOOP, DampedKind.RATE) if plane.damped else ():
        lift(plane, turn, _key(kind, key), "it no longer matches")


def _count(plane: Plane, turn: Turn, key: ReactionKey, ref: ObjectRef) -> int:
    place = key, ref
    if place not in plane.often and len(plane.often) % KEPT == KEPT - 1:
        plane.often = {known: often for known, often in plane.often.items() if turn.now - often.since <= WINDOW}
    plane.often[place] = counted(plane.often.get(place), turn.now)
    return plane.often[place].times


def _key(kind: DampedKind, key: ReactionKey) -> DampedKey:
    return kind, f"EventTrigger/{key[0]}", key[1], key[2]


def _stop(plane: Plane, turn: Turn, key: ReactionKey, reaction: Reaction, sentence: str, watched: tuple[str, ...] = ()) -> None:
    kind, subject, cluster, ref = _key(DampedKind.LOOP, key)
    known = plane.damped.get((kind, subject, cluster, ref))
    damped = Damped(
        kind=kind,
        subject=subject,
        cluster=cluster,
        object_ref=ref,
        pauses=1,
        since=known.since if known is not None else turn.now,
        until=None,
        reason=f"{sentence}, or let it try once more: fleetd requeue {subject}",
        cause_id=known.cause_id if known is not None else turn.cause or turn.caused_by(),
        watched=watched,
        mark=_mark(plane, watched) if watched else "",
    )
    put(plane, turn, damped)
    _block(plane, turn, reaction, damped.reason)


def _block(plane: Plane, turn: Turn, reaction: Reaction, reason: str) -> None:
    reaction.problem = reason
    match = plane.matches[reaction.match_id]
    put_match(plane, turn, replace(match, state=MatchState.BLOCKED, reason=reason, acted_at=None))


def _way(plane: Plane, key: ReactionKey) -> tuple[Hop, ...]:
    """The longest lineage that led to one of the objects that changed."""
    longest: tuple[Hop, ...] = ()
    for ref in sorted(plane.triggered.get(key, ()))[:LOOKED_AT]:
        maker = plane.reaction_of.get(_maker(plane, key[1], ref, _reported(plane, key, ref)))
        reaction = plane.reactions.get(maker) if maker is not None else None
        if maker is not None and reaction is not None:
            longest = max(longest, (*reaction.lineage, Hop(maker, ref)), key=len)
    return longest[-LONGEST:]


def _watched(plane: Plane, keys: Collection[ReactionKey]) -> tuple[str, ...]:
    """The declared objects that a cycle is made of: an edit of one may break it."""
    refs: set[ObjectRef] = set()
    for name, cluster, ref in keys:
        refs.add(ObjectRef("EventTrigger", LIB_GROUP, "", name))
        refs.add(ObjectRef("EventSource", LIB_GROUP, "", plane.selected.get(name, {}).get(cluster, "")))
        reaction = plane.reactions.get((name, cluster, ref))
        refs |= reaction.uses - plane.generated.keys() if reaction is not None else frozenset()
    return tuple(sorted(str(ref) for ref in refs if ref.name))


def _mark(plane: Plane, watched: Iterable[str]) -> str:
    found = [plane.contents.get(ObjectRef.parse(text), {}) for text in watched]
    return digest([[item.get(name) for name in ("spec", "data", "stringData")] for item in found])


def _chain(plane: Plane, trigger: str, cluster: str, item: ReportedObject) -> str:
    """The chain as a sentence, or empty; `item` is an object that would make the trigger react once more."""
    profile = _maker(plane, cluster, item.ref, item)
    way = [str(item.ref)]
    rounds = 0
    while (key := plane.reaction_of.get(profile)) is not None and len(way) < 16:
        name, cluster, ref = key
        rounds += name == trigger
        if ref is None or rounds >= ROUNDS:
            break
        way.append(f"{ref} (EventTrigger {name} on {cluster})")
        profile = _maker(plane, cluster, ref, _reported(plane, key, ref))
    if rounds < ROUNDS:
        return ""
    return f"EventTrigger {trigger} makes what it watches: {' made by '.join(way)}; narrow its EventSource or its template"


def _maker(plane: Plane, cluster: str, ref: ObjectRef, item: ReportedObject | None) -> str:
    """The profile that put the object there, by our books or, as long as they do not know it, by its marks."""
    known = plane.inventory.get(cluster, {}).get(ref)
    if known is not None:
        return known.profile
    found = marks(item.body) if item is not None and item.body is not None else {}
    return f"{found.get(OWNER_KIND, '')}/{found.get(OWNER_NAME, '')}"


def _reported(plane: Plane, key: ReactionKey, ref: ObjectRef) -> ReportedObject | None:
    source = plane.selected.get(key[0], {}).get(key[1])
    report = plane.reports.get((source, key[1])) if source else None
    return report.objects.get(ref) if report is not None else None
