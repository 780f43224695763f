"""What the stages know while they run: a projection of the store's rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from fleetd.decide.damping import Often, Streak
from fleetd.decide.definitions import Profile, Trigger
from fleetd.decide.digest import Digest, digest
from fleetd.decide.engines.answers import Answers
from fleetd.decide.limits import Limits
from fleetd.decide.members import Member
from fleetd.decide.observe import Judgement, Source
from fleetd.decide.plane.alarms import Alarms, DampedKey
from fleetd.decide.plane.choosing import Choosing
from fleetd.decide.sets import ClusterSet
from fleetd.decide.wanted import Parsed, Wanted
from fleetd.domain.held_back import Damped
from fleetd.domain.objects import Manifest
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
)
from fleetd.domain.refs import GroupKind, GroupVersionKind, ObjectRef
from fleetd.domain.states import DeclaredState

ReportKey = tuple[str, str]
"""(source, cluster)"""
ReactionKey = tuple[str, str, ObjectRef | None]
"""(trigger, source cluster, the object where the trigger has `oneForEvent`)"""
DeliveryKey = tuple[str, str]
"""(profile, cluster)"""


class Candidate(NamedTuple):
    """An object that the selectors of an aggregated source take; `body` is what a report shows of it, as JSON."""

    gvk: GroupVersionKind
    body: bytes


@dataclass(slots=True)
class Report:
    """The matching objects of one source on one cluster.

    `doubted` are merely missing, or lost by an edit, and wait for a second read; `edited` are the kinds whose objects were
    judged by an older form of the source.
    """

    revision: int = 0
    event_id: str = ""
    objects: dict[ObjectRef, ReportedObject] = field(default_factory=dict)
    judgements: dict[ObjectRef, Judgement] = field(default_factory=dict)
    pending: dict[ObjectRef, ReportedObject | None] = field(default_factory=dict)
    doubted: set[ObjectRef] = field(default_factory=set)
    edited: set[GroupKind] = field(default_factory=set)
    taken: dict[ObjectRef, Candidate] = field(default_factory=dict)
    """of a source with `aggregatedSelection`: what its script is given"""
    listed: set[GroupVersionKind] = field(default_factory=set)
    """likewise: the kinds that were listed whole since it is heard"""
    unsure: set[ObjectRef] = field(default_factory=set)
    """likewise: objects whose own scripts have not answered yet, or failed"""
    asked: str = ""
    """likewise: a digest of what its script was given last"""
    reselected: bool = False
    """likewise: whether it was edited since its script answered"""


class Said(NamedTuple):
    """What was last said of a declared object of this uid, and its kind's own status."""

    uid: str
    state: DeclaredState
    reason: str
    status: Mapping[str, Any] = {}


class Hop(NamedTuple):
    """A reaction, and the object of what it made by which it led to another one."""

    key: ReactionKey
    made: ObjectRef


@dataclass(slots=True)
class Reaction:
    """What one match has made. `inputs` is a digest of all that it was made from; `uses` the declared objects among it."""

    match_id: str
    inputs: str = ""
    profile: str = ""
    generated: frozenset[ObjectRef] = frozenset()
    uses: frozenset[ObjectRef] = frozenset()
    problem: str = ""
    lineage: tuple[Hop, ...] = ()
    """what led to what it has made, as far as fleetd's own objects did; the oldest first"""


@dataclass(slots=True)
class Placement:
    """A profile on a cluster: what is wanted there, and how far it is.

    `wanted` is None when it is to be withdrawn; with `leave` what was deployed then stays, without our marks.
    """

    wanted: Wanted | None
    digest: str
    cause: str
    failures: int = 0
    settled: bool = False
    leave: bool = False
    suspects: dict[ObjectRef, Manifest | None] = field(default_factory=dict)
    unread: set[ObjectRef] = field(default_factory=set)


@dataclass(slots=True)
class Dirty:
    """What the next settling has to look at again."""

    members: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)
    triggers: set[str] = field(default_factory=set)
    reports: set[ReportKey] = field(default_factory=set)
    selections: set[ReportKey] = field(default_factory=set)
    """reports whose candidates for `aggregatedSelection` changed"""
    reactions: set[ReactionKey] = field(default_factory=set)
    profiles: set[str] = field(default_factory=set)
    sets: set[str] = field(default_factory=set)
    contents: set[ObjectRef] = field(default_factory=set)
    matches: set[str] = field(default_factory=set)
    """profiles some of whose destinations came further"""


@dataclass(slots=True)
class Plane:
    """All of it. One owner: the turns."""

    instance: str
    digest: Digest = digest
    """of what is stored; keyed where there is a key"""
    epoch: int = 0
    members: dict[str, Member] = field(default_factory=dict)
    known_members: dict[str, MemberRecord] = field(default_factory=dict)
    """what the store holds of each member"""
    credentials: dict[ObjectRef, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Secret with a kubeconfig → members that are spoken to by it"""
    servers_of: dict[str, frozenset[str]] = field(default_factory=dict)
    """member → the hosts of its API server"""
    api_servers: dict[str, set[str]] = field(default_factory=dict)
    """likewise, from the host"""
    reachable: dict[str, bool] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    triggers: dict[str, Trigger] = field(default_factory=dict)
    profiles: dict[str, Profile] = field(default_factory=dict)
    sets: dict[str, ClusterSet] = field(default_factory=dict)
    """ClusterSets and Sets by their ids"""
    selections: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """set → the clusters that it has"""
    set_users: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """set → profiles and triggers that refer to it"""
    choosing: Choosing = field(default_factory=Choosing)
    """members, triggers, profiles and sets, each found from the other by labels"""
    contents: dict[ObjectRef, Manifest] = field(default_factory=dict)
    """what may be referred to: everything declared, and generated copies"""
    selected: dict[str, dict[str, str]] = field(default_factory=dict)
    """trigger → its source clusters → the name of its source there"""
    listeners: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    """cluster → source → triggers that care"""
    reports: dict[ReportKey, Report] = field(default_factory=dict)
    reported_on: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """cluster → sources that have a report there"""
    reactions: dict[ReactionKey, Reaction] = field(default_factory=dict)
    reactions_by_trigger: dict[tuple[str, str], set[ObjectRef | None]] = field(default_factory=lambda: defaultdict(set))
    """(trigger, cluster) → objects"""
    reaction_of: dict[str, ReactionKey] = field(default_factory=dict)
    """generated profile → the reaction that made it"""
    match_of: dict[ReactionKey, str] = field(default_factory=dict)
    """the open match of each reaction"""
    matches: dict[str, MatchRecord] = field(default_factory=dict)
    destinations: dict[str, dict[str, DestinationRecord]] = field(default_factory=lambda: defaultdict(dict))
    generated: dict[ObjectRef, GeneratedRecord] = field(default_factory=dict)
    shadowed: dict[ObjectRef, tuple[Manifest, tuple[str, ...]]] = field(default_factory=dict)
    """declared object whose name a generated one has → its manifest, and what of it is not acted on"""
    placements: dict[str, dict[str, Placement]] = field(default_factory=lambda: defaultdict(dict))
    placed: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """cluster → profiles that are placed on it"""
    addons: dict[DeliveryKey, dict[str, AddonRecord]] = field(default_factory=lambda: defaultdict(dict))
    inventory: dict[str, dict[ObjectRef, InventoryRecord]] = field(default_factory=lambda: defaultdict(dict))
    owned: dict[DeliveryKey, set[ObjectRef]] = field(default_factory=lambda: defaultdict(set))
    """the inventory's objects by who put them there"""
    users: dict[ObjectRef, set[str]] = field(default_factory=lambda: defaultdict(set))
    """declared or generated object → profiles that read it"""
    readers: dict[ObjectRef, set[ReactionKey]] = field(default_factory=lambda: defaultdict(set))
    """declared object → reactions that read it"""
    incidents: dict[tuple[str, ObjectRef], IncidentRecord] = field(default_factory=dict)
    flaps: dict[tuple[str, ObjectRef], int] = field(default_factory=lambda: defaultdict(int))
    held: dict[str, HeldLoss] = field(default_factory=dict)
    rejected: dict[str, HeldLoss] = field(default_factory=dict)
    """what a held loss is about → what a person said no to, while it lasts"""
    limits: Limits = field(default_factory=Limits)
    alarms: Alarms = field(default_factory=Alarms)
    damped: dict[DampedKey, Damped] = field(default_factory=dict)
    streaks: dict[DampedKey, Streak] = field(default_factory=dict)
    stopped: dict[DampedKey, datetime] = field(default_factory=dict)
    """objects that stopped matching of late, and when"""
    often: dict[tuple[ReactionKey, ObjectRef], Often] = field(default_factory=dict)
    """object → how often it changed of late what a reaction makes"""
    triggered: dict[ReactionKey, set[ObjectRef]] = field(default_factory=lambda: defaultdict(set))
    """reaction → the objects that changed since it was rendered last"""
    adopted: set[tuple[str, ObjectRef]] = field(default_factory=set)
    in_flight: set[DeliveryKey] = field(default_factory=set)
    inspecting: set[str] = field(default_factory=set)
    """requests whose look at an object has begun"""
    seen_in_flight: dict[tuple[str, ObjectRef], tuple[str, Manifest | None]] = field(default_factory=dict)
    parsed: dict[tuple[str, str], Parsed] = field(default_factory=dict)
    answers: Answers = field(default_factory=Answers)
    """what children rendered; reactions and deliveries wait for it"""
    dirty: Dirty = field(default_factory=Dirty)
    unreadable: set[str] = field(default_factory=set)
    """declared triggers and profiles that cannot be read as they are now; what they led to before stays"""
    statuses: dict[ObjectRef, Said] = field(default_factory=dict)
    """declared object → what was last said of it"""
    interest: dict[str, dict[GroupVersionKind, tuple[Source, ...]]] = field(default_factory=dict)
    """cluster → kind → the sources that some trigger wants evaluated there"""

    def put_profile(self, name: str, profile: Profile | None) -> None:
        """Takes a profile as it is now, or None when it is gone."""
        self._refer(name, self.profiles.get(name), profile)
        if profile is None:
            self.profiles.pop(name, None)
        else:
            self.profiles[name] = profile
        self.choosing.profile(name, profile)

    def put_trigger(self, name: str, trigger: Trigger | None) -> None:
        """Takes a trigger as it is now, or None when it is gone."""
        self._refer(name, self.triggers.get(name), trigger)
        if trigger is None:
            self.triggers.pop(name, None)
        else:
            self.triggers[name] = trigger
        self.choosing.trigger(name, trigger)

    def put_set(self, name: str, mine: ClusterSet | None) -> None:
        """Takes a set as it is now, or None when it is gone."""
        if mine is None:
            self.sets.pop(name, None)
        else:
            self.sets[name] = mine
        self.choosing.cluster_set(name, mine)

    def chosen(self, sets: Iterable[str]) -> set[str]:
        """The clusters that these sets have."""
        return set().union(*(self.selections.get(name, ()) for name in sets))

    def _refer(self, name: str, before: Profile | Trigger | None, now: Profile | Trigger | None) -> None:
        for item in before.set_refs if before is not None else ():
            self.set_users[item].discard(name)
        for item in now.set_refs if now is not None else ():
            self.set_users[item].add(name)

    def put_member(self, cluster: str, member: Member | None) -> None:
        """Takes a member as it is now, or None when it is gone."""
        if member is None:
            self.members.pop(cluster, None)
        else:
            self.members[cluster] = member
        self.choosing.member(cluster, member.labels if member is not None else None)

    def report(self, source: str, cluster: str) -> Report:
        """The report, made when there is none yet."""
        found = self.reports.get((source, cluster))
        if found is None:
            found = self.reports[source, cluster] = Report()
            self.reported_on[cluster].add(source)
        return found

    def sources_on(self, cluster: str, gvk: GroupVersionKind) -> tuple[Source, ...]:
        """The sources that some trigger wants evaluated for this kind on this cluster."""
        return self.interest.get(cluster, {}).get(gvk, ())
