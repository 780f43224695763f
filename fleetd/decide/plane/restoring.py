"""The plane as the rows tell it: what a restart begins with. Restoring concludes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from fleetd.decide.definitions import cluster_key, compile_profile, profile_id, set_id
from fleetd.decide.observe import Judgement
from fleetd.decide.plane.holding import watch
from fleetd.decide.plane.pausing import restored
from fleetd.decide.plane.state import Placement, Plane, Reaction, Said
from fleetd.decide.sets import SETS
from fleetd.decide.wanted import Wanted
from fleetd.domain.declared import DeclaredObject
from fleetd.domain.held_back import Damped
from fleetd.domain.records import (
    AddonRecord,
    DestinationRecord,
    GeneratedRecord,
    HeldLoss,
    IncidentRecord,
    InventoryRecord,
    MatchRecord,
    MemberRecord,
    ReportedObject,
    VerdictRecord,
)
from fleetd.domain.states import AddonState, ProposalState

RESTORED = "restored"


class KnownReport(Protocol):
    """A report as its last event left it."""

    @property
    def revision(self) -> int: ...
    @property
    def event_id(self) -> str: ...
    @property
    def objects(self) -> Sequence[ReportedObject]: ...


class Known(Protocol):
    """Everything current, as the store gives it."""

    @property
    def declared(self) -> Sequence[DeclaredObject]: ...
    @property
    def members(self) -> Sequence[MemberRecord]: ...
    @property
    def verdicts(self) -> Sequence[VerdictRecord]: ...
    @property
    def reports(self) -> Mapping[tuple[str, str], KnownReport]: ...
    @property
    def matches(self) -> Sequence[MatchRecord]: ...
    @property
    def destinations(self) -> Sequence[DestinationRecord]: ...
    @property
    def generated(self) -> Sequence[GeneratedRecord]: ...
    @property
    def addons(self) -> Sequence[AddonRecord]: ...
    @property
    def inventory(self) -> Sequence[InventoryRecord]: ...
    @property
    def incidents(self) -> Sequence[IncidentRecord]: ...
    @property
    def held(self) -> Sequence[HeldLoss]: ...
    @property
    def damped(self) -> Sequence[Damped]: ...


def restore(plane: Plane, known: Known) -> None:
    """Fills an empty plane; the declared objects are to be declared after it, and then settled."""
    plane.known_members = {record.cluster: record for record in known.members}
    for declared in known.declared:
        ref = declared.ref
        plane.statuses[ref] = Said(declared.uid, declared.state, declared.reason, declared.status)
        chosen = declared.status.get("selectedClusterRefs") if ref.group_kind in SETS else None
        if chosen:
            plane.selections[set_id(ref.name, ref.namespace)] = tuple(cluster_key(one) for one in chosen)
    for verdict in known.verdicts:
        report = plane.report(verdict.source, verdict.cluster)
        report.judgements[verdict.ref] = Judgement(verdict.state, verdict.reason, verdict.deciding)
    for (source, cluster), loaded in known.reports.items():
        report = plane.report(source, cluster)
        report.revision, report.event_id = loaded.revision, loaded.event_id
        report.objects = {item.ref: item for item in loaded.objects}
    _restore_matches(plane, known)
    for addon in known.addons:
        plane.addons[addon.profile, addon.cluster][addon.addon] = addon
    for key, addons in plane.addons.items():
        going = all(addon.state is AddonState.REMOVING for addon in addons.values())
        cause = next(iter(addons.values())).cause_id or RESTORED
        unknown = Wanted((), frozenset(), unknown=True)
        placement = plane.placements[key[0]][key[1]] = Placement(None if going else unknown, "" if going else RESTORED, cause)
        placement.settled = not going
        plane.placed[key[1]].add(key[0])
        plane.dirty.profiles.add(key[0])
    for item in known.inventory:
        plane.inventory[item.cluster][item.ref] = item
        plane.owned[item.profile, item.cluster].add(item.ref)
    for incident in known.incidents:
        plane.incidents[incident.cluster, incident.ref] = incident
        plane.flaps[incident.cluster, incident.ref] = incident.flap_count
    _restore_held_back(plane, known)
    # Who left while nobody looked is not declared any more.
    plane.dirty.members |= plane.known_members.keys() | plane.placed.keys() | plane.inventory.keys() | plane.reported_on.keys()


def _restore_held_back(plane: Plane, known: Known) -> None:
    for proposal in known.held:
        if proposal.ended_at is None:
            (plane.rejected if proposal.state is ProposalState.REJECTED else plane.held)[proposal.subject] = proposal
            watch(plane, proposal)
    for damped in known.damped:
        restored(plane, damped)


def _restore_matches(plane: Plane, known: Known) -> None:
    for match in known.matches:
        key = (match.trigger, match.cluster, match.object_ref)
        plane.matches[match.match_id] = match
        plane.match_of[key] = match.match_id
        plane.reactions[key] = Reaction(match.match_id, profile=match.profile)
        plane.reactions_by_trigger[match.trigger, match.cluster].add(match.object_ref)
        plane.dirty.reactions.add(key)
    for destination in known.destinations:
        plane.destinations[destination.match_id][destination.cluster] = destination
    for record in known.generated:
        plane.generated[record.ref] = record
        key = (record.trigger, record.cluster, record.object_ref)
        reaction = plane.reactions.get(key)
        if reaction is not None:
            reaction.generated |= {record.ref}
        if record.ref.kind == "ClusterProfile":
            name = profile_id(record.ref)
            plane.put_profile(name, compile_profile(record.manifest, trigger=record.trigger))
            plane.reaction_of[name] = key
        else:
            plane.contents[record.ref] = record.manifest
