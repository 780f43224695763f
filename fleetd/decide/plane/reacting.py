"""Reports and triggers make matches, and matches generated objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from fleetd.decide.definitions import Trigger, compile_profile, profile_id
from fleetd.decide.digest import digest
from fleetd.decide.engines.answers import Asking, Awaited
from fleetd.decide.instantiate import Generated, instantiate
from fleetd.decide.members import Member
from fleetd.decide.plane.feedback import breeds, ended, goes_round, looping, stopped
from fleetd.decide.plane.feedback import rendered as took
from fleetd.decide.plane.matching import destination_states, new_match, put_match, withdraw_match
from fleetd.decide.plane.state import Plane, Reaction, ReactionKey
from fleetd.decide.plane.turn import Turn
from fleetd.domain.errors import GiveUp
from fleetd.domain.objects import ref_of
from fleetd.domain.records import ChangeKind, EventRecord, GeneratedGone, GeneratedRecord, ReportedObject, Stage
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import MatchState


def meet(plane: Plane, turn: Turn, events: Iterable[EventRecord]) -> None:
    """Finds the triggers that care for each event, and opens or ends their matches."""
    for event in events:
        turn.cause = event.cause_id
        changed = {change.object.ref for change in event.changes if change.change is not ChangeKind.REMOVED}
        for name in sorted(plane.listeners.get(event.cluster, {}).get(event.source, ())):
            trigger = plane.triggers.get(name)
            if trigger is None:
                continue
            refs: list[ObjectRef | None] = [change.object.ref for change in event.changes] if trigger.one_for_event else [None]
            for ref in refs:
                key = (name, event.cluster, ref)
                plane.triggered[key] |= changed if ref is None else changed & {ref}
                if objects_of(plane, key):
                    new_match(plane, turn, key, event.event_id)
                plane.dirty.reactions.add(key)


def reactions_to(plane: Plane, trigger: Trigger, cluster: str) -> set[ReactionKey]:
    """All reactions that the trigger should have to the report as it is, and those that it has."""
    source = plane.selected.get(trigger.name, {}).get(cluster)
    report = plane.reports.get((source, cluster)) if source else None
    refs: set[ObjectRef | None] = set(plane.reactions_by_trigger.get((trigger.name, cluster), ()))
    if report is not None and report.objects:
        refs |= set(report.objects) if trigger.one_for_event else {None}
    return {(trigger.name, cluster, ref) for ref in refs}


def react(plane: Plane, turn: Turn) -> None:
    """Makes, renews or takes back what each dirty match stands for."""
    if plane.damped and plane.dirty.contents:
        plane.dirty.reactions |= looping(plane)
    while plane.dirty.reactions:
        for key in sorted(plane.dirty.reactions, key=_order):
            plane.dirty.reactions.discard(key)
            _react(plane, turn, key)


def _order(key: ReactionKey) -> tuple[str, str, str]:
    return key[0], key[1], str(key[2] or "")


def _react(plane: Plane, turn: Turn, key: ReactionKey) -> None:
    name, cluster, _ = key
    trigger, member = plane.triggers.get(name), plane.members.get(cluster)
    objects = objects_of(plane, key)
    if trigger is None and member is not None and f"EventTrigger/{name}" in plane.unreadable:
        return
    if trigger is None or member is None or not objects:
        _retract(plane, turn, key)
        return
    reaction = plane.reactions.get(key) or _open(plane, turn, key)
    reaction.match_id = plane.match_of[key]
    turn.cause = plane.matches[reaction.match_id].cause_id
    if stopped(plane, turn, key, reaction) or breeds(plane, turn, key, reaction, objects[0]):
        return
    inputs = _inputs(plane, trigger, member, objects, reaction.uses)
    if inputs == reaction.inputs and not reaction.problem:
        destination_states(plane, turn, reaction.profile)
        return
    uses: set[ObjectRef] = set()
    plane.answers.begin(key)
    try:
        render = replace(turn.render, asking=Asking(plane.answers, key))
        made = instantiate(trigger, member, objects, plane.contents, render, source=plane.selected[name][cluster], uses=uses)
        _claim(plane, key, made)
    except Awaited as error:
        _use(plane, key, reaction, frozenset(uses))
        _wait(plane, turn, reaction, str(error))
        return
    except GiveUp as error:
        _use(plane, key, reaction, frozenset(uses | {error.ref} if isinstance(error, Taken) else uses))
        _fail(plane, turn, key, reaction, error)
        return
    reaction.problem = ""
    _use(plane, key, reaction, made.uses)
    _keep(plane, turn, key, reaction, made)
    reaction.inputs = _inputs(plane, trigger, member, objects, made.uses)


def objects_of(plane: Plane, key: ReactionKey) -> Sequence[ReportedObject]:
    """What a match is about: one object, or all of the report; nothing where it is over."""
    name, cluster, ref = key
    trigger = plane.triggers.get(name)
    source = plane.selected.get(name, {}).get(cluster)
    report = plane.reports.get((source, cluster)) if source else None
    if report is None or trigger is None or trigger.one_for_event != (ref is not None):
        return ()
    if ref is not None:
        return (report.objects[ref],) if ref in report.objects else ()
    return [report.objects[item] for item in sorted(report.objects)]


def _inputs(plane: Plane, trigger: Trigger, member: Member, objects: Sequence[ReportedObject], uses: Iterable[ObjectRef]) -> str:
    contents = [[str(ref), _content_digest(plane, ref)] for ref in sorted(uses)]
    return digest([trigger.spec_digest, member.digest, [[str(item.ref), item.digest] for item in objects], contents])


def _content_digest(plane: Plane, ref: ObjectRef) -> str:
    manifest = plane.contents.get(ref)
    if manifest is None:
        return ""
    metadata = manifest["metadata"]
    return digest([manifest.get("data"), manifest.get("stringData"), manifest.get("type"), metadata.get("annotations")])


def _open(plane: Plane, turn: Turn, key: ReactionKey) -> Reaction:
    """A reaction without an event of its own: a trigger that was declared after its report."""
    if key not in plane.match_of:
        report = plane.reports[plane.selected[key[0]][key[1]], key[1]]
        new_match(plane, turn, key, report.event_id)
    reaction = plane.reactions[key] = Reaction(plane.match_of[key])
    plane.reactions_by_trigger[key[0], key[1]].add(key[2])
    return reaction


class Taken(GiveUp):
    """The name of a generated object stands for something else already."""

    def __init__(self, ref: ObjectRef, holder: str) -> None:
        field = "profileNameFormat" if ref.kind == "ClusterProfile" else "nameFormat"
        super().__init__(f"{field} gives the name {ref.name}, which {holder} already has")
        self.ref = ref


def _claim(plane: Plane, key: ReactionKey, made: Generated) -> None:
    for copy in made.copies:
        _claim_copy(plane, key, ref_of(copy))
    ref = ref_of(made.profile)
    holder = plane.reaction_of.get(profile_id(ref))
    if holder is not None and holder != key:
        raise Taken(ref, f"the match of {holder[0]} on {holder[1]}")
    if holder is None and (profile_id(ref) in plane.profiles or profile_id(ref) in plane.unreadable):
        raise Taken(ref, "a declared profile")


def _claim_copy(plane: Plane, key: ReactionKey, ref: ObjectRef) -> None:
    known = plane.generated.get(ref)
    if known is None and ref in plane.contents:
        raise Taken(ref, f"a declared {ref.kind}")
    if known is not None and (known.trigger, known.cluster, known.object_ref) != key:
        raise Taken(ref, f"the match of {known.trigger} on {known.cluster}")


def _fail(plane: Plane, turn: Turn, key: ReactionKey, reaction: Reaction, error: GiveUp) -> None:
    """What was made before stays: never delete on doubt. The same problem is told again of each match that a newer event opened."""
    problem = str(error)
    reaction.problem = problem
    reaction.inputs = ""
    match = plane.matches[reaction.match_id]
    failed = replace(match, state=MatchState.FAILED, reason=problem, acted_at=None)
    if failed != match:
        put_match(plane, turn, failed)
        turn.tell(Stage.INSTANTIATE, f"EventTrigger/{key[0]}", key[1], "failed", problem)


def _wait(plane: Plane, turn: Turn, reaction: Reaction, because: str) -> None:
    """What was made before stays as it is until the answer is there."""
    reaction.inputs = reaction.problem = ""
    match = plane.matches[reaction.match_id]
    if match.state in (MatchState.PENDING, MatchState.FAILED) and match.reason != because:
        put_match(plane, turn, replace(match, state=MatchState.PENDING, reason=because, acted_at=None))


def _use(plane: Plane, key: ReactionKey, reaction: Reaction, uses: frozenset[ObjectRef]) -> None:
    for ref in reaction.uses - uses:
        plane.readers[ref].discard(key)
    for ref in uses:
        plane.readers[ref].add(key)
    reaction.uses = uses


def _keep(plane: Plane, turn: Turn, key: ReactionKey, reaction: Reaction, made: Generated) -> None:
    """Records what is new or changed, and lets go of what this match no longer makes; nothing where it would only go round once more."""
    news = _news(plane, turn, key, made)
    changed = bool(news)
    if changed and goes_round(plane, turn, key, reaction):
        return
    for record in news:
        _generate(plane, turn, key, made, record)
    took(plane, turn, key, anew=changed and bool(reaction.profile))
    refs = [ref_of(manifest) for manifest in made.manifests]
    profile = profile_id(refs[-1])
    stale = reaction.generated - frozenset(refs)
    before, reaction.profile, reaction.generated = reaction.profile, profile, frozenset(refs)
    plane.dirty.profiles.add(profile)
    match = plane.matches[reaction.match_id]
    waited = match.state is MatchState.PENDING and match.reason != ""
    if changed or match.profile != profile or match.state is MatchState.FAILED or waited:
        put_match(plane, turn, replace(match, profile=profile, state=MatchState.PENDING, reason="", acted_at=None))
    _drop(plane, turn, stale)
    if before and before != profile:
        destination_states(plane, turn, profile)


def _news(plane: Plane, turn: Turn, key: ReactionKey, made: Generated) -> list[GeneratedRecord]:
    """What is not as it was made before."""
    found = []
    for manifest in made.manifests:
        ref, mark = ref_of(manifest), plane.digest(manifest)
        known = plane.generated.get(ref)
        if known is None or known.digest != mark:
            found.append(
                GeneratedRecord(
                    ref=ref,
                    manifest=manifest,
                    digest=mark,
                    trigger=key[0],
                    cluster=key[1],
                    object_ref=key[2],
                    cause_id=turn.cause,
                    at=turn.now,
                )
            )
    return found


def _generate(plane: Plane, turn: Turn, key: ReactionKey, made: Generated, record: GeneratedRecord) -> None:
    ref, cluster = record.ref, key[1]
    decision = "changed" if ref in plane.generated else "created"
    plane.generated[ref] = record
    turn.records.append(record)
    if ref.kind == "ClusterProfile":
        plane.put_profile(profile_id(ref), compile_profile(record.manifest, trigger=record.trigger))
        turn.rewatch |= plane.placements.get(profile_id(ref), {}).keys()
        plane.reaction_of[profile_id(ref)] = key
    else:
        plane.contents[ref] = record.manifest
        plane.dirty.contents.add(ref)
    turn.tell(Stage.INSTANTIATE, ref, cluster, decision, _because(plane, key, made, ref))


def _because(plane: Plane, key: ReactionKey, made: Generated, ref: ObjectRef) -> str:
    """The trigger, the template and how it stood, and whose data filled it."""
    template = f" from {made.sources[ref]}" if ref in made.sources else ""
    event = plane.matches[plane.match_of[key]].event_id
    return f"EventTrigger {key[0]}{template} for {key[2] or 'the whole report'} as event {event} saw it"


def _retract(plane: Plane, turn: Turn, key: ReactionKey) -> None:
    reaction = plane.reactions.pop(key, None)
    plane.reactions_by_trigger[key[0], key[1]].discard(key[2])
    if reaction is None:
        plane.triggered.pop(key, None)
        return
    turn.cause = plane.matches[plane.match_of[key]].cause_id
    _use(plane, key, reaction, frozenset())
    turn.tell(Stage.WITHDRAW, f"EventTrigger/{key[0]}", key[1], "withdrawn", f"{key[2] or 'the report'} no longer matches")
    ended(plane, turn, key)
    _drop(plane, turn, reaction.generated)
    withdraw_match(plane, turn, key, "it no longer matches")


def _drop(plane: Plane, turn: Turn, refs: Iterable[ObjectRef]) -> None:
    for ref in sorted(refs):
        if plane.generated.pop(ref, None) is None:
            continue
        turn.records.append(GeneratedGone(ref=ref, at=turn.now))
        plane.dirty.reactions |= plane.readers.get(ref, set())
        if ref.kind == "ClusterProfile":
            plane.put_profile(profile_id(ref), None)
            plane.reaction_of.pop(profile_id(ref), None)
            plane.dirty.profiles.add(profile_id(ref))
        else:
            plane.contents.pop(ref, None)
            plane.dirty.contents.add(ref)
