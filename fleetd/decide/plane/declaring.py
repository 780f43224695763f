"""Declared objects enter and leave the plane; `settle` carries what follows through all stages."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from fleetd.decide.definitions import CAPI_GROUP, CONFIG_GROUP, LIB_GROUP, compile_profile, compile_trigger, member_key, profile_id, set_id
from fleetd.decide.members import WITHDRAW, Member, credentials_of
from fleetd.decide.observe import Source, compile_source
from fleetd.decide.plane.aggregating import ask_selections
from fleetd.decide.plane.delivering import release
from fleetd.decide.plane.matching import matches_settled
from fleetd.decide.plane.observing import drop_kinds, report_changes, say_anew
from fleetd.decide.plane.placing import depart, place
from fleetd.decide.plane.reacting import meet, react, reactions_to
from fleetd.decide.plane.screening import note_servers
from fleetd.decide.plane.selecting import reacting, select
from fleetd.decide.plane.sets import settle_sets
from fleetd.decide.plane.state import Plane
from fleetd.decide.plane.statuses import say
from fleetd.decide.plane.turn import Turn
from fleetd.decide.sets import SETS, compile_set
from fleetd.domain.errors import GiveUp, InvalidInput
from fleetd.domain.objects import Manifest, ref_of
from fleetd.domain.records import MemberGone, VerdictGone
from fleetd.domain.refs import GroupKind, GroupVersionKind, ObjectRef
from fleetd.domain.states import DeclaredState

SOURCE = GroupKind(LIB_GROUP, "EventSource")
TRIGGER = GroupKind(LIB_GROUP, "EventTrigger")
CLUSTER_PROFILE = GroupKind(CONFIG_GROUP, "ClusterProfile")
PROFILE = GroupKind(CONFIG_GROUP, "Profile")
SVELTOS_CLUSTER = GroupKind(LIB_GROUP, "SveltosCluster")
CAPI_CLUSTER = GroupKind(CAPI_GROUP, "Cluster")
MEMBERS = (SVELTOS_CLUSTER, CAPI_CLUSTER)
CONTENTS = (GroupKind("", "ConfigMap"), GroupKind("", "Secret"))


def declared(plane: Plane, turn: Turn, ref: ObjectRef, manifest: Manifest | None, *, unsupported: Collection[str] = ()) -> None:
    """Takes one declared object as it now is, or None when it was deleted; nothing follows before `settle`."""
    plane.shadowed.pop(ref, None)
    if ref in plane.generated:
        _shadow(plane, turn, ref, manifest, unsupported)
        return
    problem = _enter(plane, turn, ref, manifest)
    plane.dirty.contents.add(ref)
    if manifest is None:
        plane.contents.pop(ref, None)
        plane.statuses.pop(ref, None)
    else:
        plane.contents[ref] = manifest
        _taken(plane, turn, manifest, problem, unsupported)
    for cluster in [member_key(ref)] if ref.group_kind in MEMBERS else plane.credentials.get(ref, ()):
        note_servers(plane, cluster)


def _enter(plane: Plane, turn: Turn, ref: ObjectRef, manifest: Manifest | None) -> str:
    """What its kind makes of it; why it cannot be read as it is, or empty."""
    kind = ref.group_kind
    if kind == SOURCE:
        return _declare_source(plane, ref.name, manifest)
    if kind == TRIGGER:
        return _declare_trigger(plane, ref.name, manifest)
    if kind in (CLUSTER_PROFILE, PROFILE):
        return _declare_profile(plane, turn, ref, manifest)
    if kind in SETS:
        return _declare_set(plane, ref, manifest)
    if kind in MEMBERS:
        _declare_member(plane, turn, ref, manifest)
    elif kind in CONTENTS:
        plane.dirty.reactions |= plane.readers.get(ref, set())
        turn.reconnect |= plane.credentials.get(ref, set())
    return ""


def _taken(plane: Plane, turn: Turn, manifest: Manifest, problem: str, unsupported: Collection[str] = ()) -> None:
    """Records how a declared object is taken, if that is news."""
    ref = ref_of(manifest)
    state = DeclaredState.FAILED if problem else DeclaredState.UNSUPPORTED if unsupported else DeclaredState.READY
    source = plane.sources.get(ref.name) if ref.group_kind == SOURCE else None
    remark = source.remark if source is not None else ""
    reason = problem or "; ".join(filter(None, (f"not acted on yet: {', '.join(unsupported)}" if unsupported else "", remark)))
    say(plane, turn, ref, state, reason, uid=str(manifest["metadata"].get("uid") or ""))


def _shadow(plane: Plane, turn: Turn, ref: ObjectRef, manifest: Manifest | None, unsupported: Collection[str]) -> None:
    """A match made an object of this name first: it stands as long as the match does, and then the declared one takes its place."""
    if manifest is None:
        plane.statuses.pop(ref, None)
        return
    plane.shadowed[ref] = manifest, tuple(unsupported)
    holder = plane.generated[ref]
    _taken(plane, turn, manifest, f"the match of {holder.trigger} on {holder.cluster} already has this name")


def _come_forward(plane: Plane, turn: Turn) -> None:
    """What was declared under the name of a generated object that is gone."""
    for ref in plane.shadowed.keys() - plane.generated.keys():
        manifest, unsupported = plane.shadowed[ref]
        declared(plane, turn, ref, manifest, unsupported=unsupported)


def _declare_source(plane: Plane, name: str, manifest: Manifest | None) -> str:
    plane.dirty.sources.add(name)
    if manifest is None:
        plane.sources.pop(name, None)
        return ""
    source = compile_source(manifest)
    before = plane.sources.get(name)
    if source.problem and before is not None:
        plane.sources[name] = replace(before, problem=source.problem)
    else:
        plane.sources[name] = source
        if before is not None and before.rules != source.rules:
            say_anew(plane, name)
    return source.problem


def _declare_trigger(plane: Plane, name: str, manifest: Manifest | None) -> str:
    plane.dirty.triggers.add(name)
    plane.unreadable.discard(f"EventTrigger/{name}")
    if manifest is None:
        plane.put_trigger(name, None)
        return ""
    try:
        plane.put_trigger(name, compile_trigger(manifest))
    except (GiveUp, InvalidInput) as error:
        plane.unreadable.add(f"EventTrigger/{name}")
        return str(error)
    return ""


def _declare_profile(plane: Plane, turn: Turn, ref: ObjectRef, manifest: Manifest | None) -> str:
    name = profile_id(ref)
    plane.dirty.profiles.add(name)
    plane.unreadable.discard(name)
    before = plane.profiles.get(name)
    if manifest is None:
        plane.put_profile(name, None)
        plane.dirty.reactions |= plane.readers.get(ref, set())
        return ""
    try:
        now = compile_profile(manifest)
    except (GiveUp, InvalidInput) as error:
        plane.unreadable.add(name)
        return str(error)
    plane.put_profile(name, now)
    clusters = sorted(plane.placements.get(name, ()))
    if before is not None and (before.sync_mode, before.paused) != (now.sync_mode, now.paused):
        turn.rewatch.update(clusters)
    if before is not None and before.paused != now.paused:
        for cluster in clusters:
            release(plane, turn, name, cluster)
    return ""


def _declare_set(plane: Plane, ref: ObjectRef, manifest: Manifest | None) -> str:
    name = set_id(ref.name, ref.namespace)
    plane.dirty.sets.add(name)
    plane.unreadable.discard(name)
    if manifest is None:
        plane.put_set(name, None)
        return ""
    try:
        plane.put_set(name, compile_set(manifest))
    except (GiveUp, InvalidInput) as error:
        plane.unreadable.add(name)
        return str(error)
    return ""


def _declare_member(plane: Plane, turn: Turn, ref: ObjectRef, manifest: Manifest | None) -> None:
    cluster = member_key(ref)
    before = plane.members.get(cluster)
    plane.dirty.members.add(cluster)
    turn.reconnect.add(cluster)
    if before is not None:
        plane.credentials[credentials_of(before).secret].discard(cluster)
    if manifest is None:
        plane.put_member(cluster, None)
        _leave(plane, turn, cluster)
        return
    known = plane.known_members.get(cluster)
    metadata = manifest["metadata"]
    spec = manifest.get("spec") or {}
    member = Member(
        cluster=cluster,
        kind=ref.kind,
        namespace=ref.namespace,
        name=ref.name,
        labels=metadata.get("labels") or {},
        manifest=_shown(manifest),
        ready=before.ready if before else (known.ready if known else False),
        paused=bool(spec.get("paused")),
        leaving=WITHDRAW in (metadata.get("annotations") or {}),
    )
    if before is not None and before.labels != member.labels:
        kinds = plane.interest.get(cluster, {})
        turn.rejudge |= {(cluster, gvk) for gvk, sources in kinds.items() if any(source.reads_cluster for source in sources)}
    plane.put_member(cluster, member)
    plane.credentials[credentials_of(member).secret].add(cluster)
    if before is not None and before.paused != member.paused:
        for name in sorted(plane.placed.get(cluster, ())):
            release(plane, turn, name, cluster)


def _leave(plane: Plane, turn: Turn, cluster: str) -> None:
    """A cluster is a member no more, since now or since a time when nobody looked."""
    plane.reachable.pop(cluster, None)
    if plane.known_members.pop(cluster, None) is not None:
        turn.records.append(MemberGone(cluster=cluster, at=turn.now))
    depart(plane, turn, cluster)


def _shown(manifest: Manifest) -> Manifest:
    """A cluster's object as templates see it: without what every write and every look at the cluster changes."""
    hidden = ("managedFields", "resourceVersion", "generation")
    metadata = {key: value for key, value in manifest["metadata"].items() if key not in hidden}
    shown: dict[str, Any] = {key: value for key, value in manifest.items() if key != "status"}
    return {**shown, "metadata": metadata}


def became_ready(plane: Plane, cluster: str) -> None:
    """A cluster answered for the first time; ready never resets."""
    member = plane.members.get(cluster)
    if member is not None and not member.ready:
        plane.members[cluster] = replace(member, ready=True)
        plane.dirty.members.add(cluster)


def settle(plane: Plane, turn: Turn) -> None:
    """Carries all that is dirty through every stage, until nothing is."""
    _listen(plane, turn)
    ask_selections(plane, turn)
    while plane.dirty.reports or plane.dirty.reactions or plane.dirty.contents or plane.dirty.profiles:
        meet(plane, turn, report_changes(plane, turn))
        for ref in plane.dirty.contents:
            plane.dirty.reactions |= plane.readers.get(ref, set())
        react(plane, turn)
        if plane.shadowed:
            _come_forward(plane, turn)
        place(plane, turn)
    matches_settled(plane, turn)
    turn.renderings += plane.answers.asked()


def _listen(plane: Plane, turn: Turn) -> None:
    """Which triggers take which source's reports from which cluster, after members, sources or triggers changed."""
    dirty = plane.dirty
    if not (dirty.members or dirty.sources or dirty.triggers or dirty.sets):
        return
    settle_sets(plane, turn, dirty.members)
    members, triggers, sources = set(dirty.members), set(dirty.triggers), set(dirty.sources)
    dirty.members.clear()
    dirty.triggers.clear()
    dirty.sources.clear()
    for cluster in members - plane.members.keys():
        _leave(plane, turn, cluster)
    touched: set[str] = set()
    reactions = reacting(plane) if triggers else {}
    choosing, profiles = _choosing(plane, members)
    for name in sorted(triggers.union(*choosing.values())):
        touched |= select(plane, turn, name, None if name in triggers else members, reactions)
    for name in sources:
        touched |= _edited(plane, name)
    for cluster in touched | members:
        _interest(plane, turn, cluster)
    pairs = {(name, cluster) for name in triggers for cluster in plane.selected.get(name, ())}
    for name, cluster in pairs | {pair for pair in plane.reactions_by_trigger if pair[0] in triggers}:
        dirty.reactions |= _reactions(plane, name, cluster)
    for cluster, names in choosing.items():
        for name in names:
            dirty.reactions |= _reactions(plane, name, cluster)
    dirty.profiles |= profiles
    dirty.profiles |= {name for cluster in members for name in plane.placed.get(cluster, ())}


def _choosing(plane: Plane, members: Collection[str]) -> tuple[dict[str, set[str]], set[str]]:
    """The triggers that choose each of these clusters, or did so; and the profiles that choose any of them."""
    triggers: dict[str, set[str]] = {}
    profiles: set[str] = set()
    for cluster in members:
        triggers[cluster] = set().union(*plane.listeners.get(cluster, {}).values())
        member = plane.members.get(cluster)
        if member is not None:
            chosen_by, named_by = plane.choosing.of(cluster, member.labels)
            triggers[cluster] |= chosen_by
            profiles |= named_by
    return triggers, profiles


def _reactions(plane: Plane, name: str, cluster: str) -> set[tuple[str, str, ObjectRef | None]]:
    trigger = plane.triggers.get(name)
    if trigger is not None:
        return reactions_to(plane, trigger, cluster)
    return {(name, cluster, ref) for ref in plane.reactions_by_trigger.get((name, cluster), ())}


def _edited(plane: Plane, name: str) -> set[str]:
    """The clusters where an edited or deleted source is listened to."""
    clusters = {cluster for cluster, heard in plane.listeners.items() if heard.get(name)}
    source = plane.sources.get(name)
    for cluster in clusters:
        if source is not None and not source.problem:
            drop_kinds(plane, name, cluster, {gvk.group_kind for gvk in source.conditions})
    return clusters


def _interest(plane: Plane, turn: Turn, cluster: str) -> None:
    """Rebuilds what a cluster is watched for; reports that nobody listens to any more are dropped."""
    names = {source for source, triggers in plane.listeners.get(cluster, {}).items() if triggers}
    wanted: dict[GroupVersionKind, tuple[Source, ...]] = {}
    for name in sorted(names):
        source = plane.sources.get(name)
        for gvk in source.conditions if source is not None else ():
            assert source is not None  # noqa: S101 - the loop is empty without it
            wanted[gvk] = (*wanted.get(gvk, ()), source)
    before = plane.interest.get(cluster, {})
    if wanted:
        plane.interest[cluster] = wanted
    else:
        plane.interest.pop(cluster, None)
    for name in plane.reported_on.get(cluster, frozenset()) - (names & plane.sources.keys()):
        _drop_report(plane, turn, (name, cluster))
    if before.keys() != wanted.keys():
        turn.rewatch.add(cluster)
    for gvk, sources in wanted.items():
        if set(map(id, sources)) - set(map(id, before.get(gvk, ()))):
            turn.rejudge.add((cluster, gvk))


def _drop_report(plane: Plane, turn: Turn, key: tuple[str, str]) -> None:
    report = plane.reports.get(key)
    if report is None:
        return
    for ref in report.judgements:
        turn.records.append(VerdictGone(source=key[0], cluster=key[1], ref=ref, at=turn.now))
    report.judgements.clear()
    report.doubted.clear()
    report.edited.clear()
    report.taken.clear()
    report.listed.clear()
    report.unsure.clear()
    report.asked = ""
    report.pending = dict.fromkeys(report.objects)
    plane.dirty.reports.add(key)
