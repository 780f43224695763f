"""A fleet without a network: one plane, what a store would keep of it, and clusters that are dictionaries."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
import yaml

from fleetd.decide.definitions import Profile, member_key
from fleetd.decide.drift import fields_of_entry, owned_digest
from fleetd.decide.members import Member
from fleetd.decide.ownership import Owned
from fleetd.decide.plan import Action, Terms, plan, to_read
from fleetd.decide.plane.aggregating import Selected, conclude
from fleetd.decide.plane.declaring import declared, settle
from fleetd.decide.plane.delivering import Failure, Outcome, delivered
from fleetd.decide.plane.membering import member_declared, member_state
from fleetd.decide.plane.observing import listed, seen
from fleetd.decide.plane.requesting import requested
from fleetd.decide.plane.restoring import restore
from fleetd.decide.plane.state import DeliveryKey, Placement, Plane
from fleetd.decide.plane.turn import Selecting, Turn
from fleetd.decide.wanted import Wanted
from fleetd.domain.declared import DeclaredObject
from fleetd.domain.objects import Manifest, Observed, ref_of
from fleetd.domain.records import (
    AddonGone,
    AddonRecord,
    ChangeKind,
    DeclaredStatus,
    DestinationGone,
    DestinationRecord,
    EventRecord,
    GeneratedGone,
    GeneratedRecord,
    HeldLoss,
    IncidentRecord,
    InventoryGone,
    InventoryRecord,
    JournalRecord,
    MatchRecord,
    MemberGone,
    MemberRecord,
    Record,
    ReportedObject,
    RequestRecord,
    VerdictGone,
    VerdictRecord,
)
from fleetd.domain.refs import GroupVersionKind, ObjectRef
from fleetd.domain.states import AddonState, ClusterState, DeclaredState, DriftOutcome, MatchState, RequestState
from fleetd.kubeapi.apply import apply_patch

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
CONFIG_MAP = GroupVersionKind("", "v1", "ConfigMap")


@dataclass
class KeptReport:
    revision: int = 0
    event_id: str = ""
    by_ref: dict[ObjectRef, ReportedObject] = field(default_factory=dict)

    @property
    def objects(self) -> list[ReportedObject]:
        return list(self.by_ref.values())


class Kept:
    """The last record of each key, as the store gives them back after a restart."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[Any, Any]] = defaultdict(dict)
        self.reports: dict[tuple[str, str], KeptReport] = {}

    def commit(self, records: Collection[Record]) -> None:
        for record in records:
            assert getattr(record, "cause_id", "a cause"), f"nothing led to {record}"
            self._take(record)

    def _take(self, record: Record) -> None:
        rows = self.rows
        match record:
            case MemberRecord():
                rows["members"][record.cluster] = record
            case MemberGone():
                rows["members"].pop(record.cluster, None)
            case VerdictRecord():
                rows["verdicts"][record.source, record.cluster, record.ref] = record
            case VerdictGone():
                rows["verdicts"].pop((record.source, record.cluster, record.ref), None)
            case EventRecord():
                self._event(record)
            case MatchRecord():
                self._match(record)
            case DestinationRecord():
                rows["destinations"][record.match_id, record.cluster] = record
            case DestinationGone():
                rows["destinations"].pop((record.match_id, record.cluster), None)
            case GeneratedRecord():
                rows["generated"][record.ref] = record
            case GeneratedGone():
                rows["generated"].pop(record.ref, None)
            case AddonRecord():
                rows["addons"][record.profile, record.cluster, record.addon] = record
            case AddonGone():
                rows["addons"].pop((record.profile, record.cluster, record.addon), None)
            case InventoryRecord():
                rows["inventory"][record.cluster, record.ref] = record
            case InventoryGone():
                rows["inventory"].pop((record.cluster, record.ref), None)
            case IncidentRecord():
                rows["incidents"][record.incident_id] = record
            case DeclaredStatus():
                rows["statuses"][record.ref] = record
            case HeldLoss():
                rows["held"][record.proposal_id] = record
            case _:
                pass

    def _event(self, event: EventRecord) -> None:
        report = self.reports.setdefault((event.source, event.cluster), KeptReport())
        assert event.revision == report.revision + 1
        report.revision, report.event_id = event.revision, event.event_id
        for change in event.changes:
            if change.change is ChangeKind.REMOVED:
                del report.by_ref[change.object.ref]
            else:
                assert (change.change is ChangeKind.ADDED) == (change.object.ref not in report.by_ref)
                report.by_ref[change.object.ref] = change.object
        assert event.matching_count == len(report.by_ref)

    def _match(self, match: MatchRecord) -> None:
        open_matches = self.rows["matches"]
        key = match.trigger, match.cluster, match.object_ref
        for known in [item for item in open_matches.values() if (item.trigger, item.cluster, item.object_ref) == key]:
            if known.match_id != match.match_id:
                del open_matches[known.match_id]
        if match.state in (MatchState.WITHDRAWN, MatchState.SUPPRESSED):
            open_matches.pop(match.match_id, None)
        else:
            open_matches[match.match_id] = match

    def __getattr__(self, name: str) -> list[Any]:
        if name == "incidents":
            return [item for item in self.rows[name].values() if item.outcome is DriftOutcome.OPEN]
        return list(self.rows[name].values())


@dataclass
class Order:
    """A delivery that is on its way."""

    key: DeliveryKey
    placement: Placement
    wanted: Wanted | None
    profile: Profile | None
    member: Member
    inventory: dict[ObjectRef, InventoryRecord]
    live: dict[ObjectRef, Manifest | None]
    unread: set[ObjectRef]


class Fleet:
    """What happens to a plane, in words. `records` are those of the last turn."""

    def __init__(self) -> None:
        self.plane = Plane("test")
        self.kept = Kept()
        self.live: dict[str, dict[ObjectRef, Manifest]] = defaultdict(dict)
        self.declared: dict[ObjectRef, Manifest] = {}
        self.unsupported: dict[ObjectRef, tuple[str, ...]] = {}
        self.now = NOON
        self.due: dict[DeliveryKey, str] = {}
        self.doubts: set[tuple[str, GroupVersionKind]] = set()
        self.rejudge: set[tuple[str, GroupVersionKind]] = set()
        self.records: list[Record] = []
        self.later: dict[DeliveryKey, datetime] = {}
        self.selections: list[Selecting] = []
        self._number = 0
        self.connected: set[str] = set()
        self.writes = 0

    def new_id(self) -> str:
        self._number += 1
        return f"id{self._number}"

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        self.now += timedelta(seconds=1)
        turn = Turn(self.now, self.new_id)
        yield turn
        settle(self.plane, turn)
        self.take(turn)

    def take(self, turn: Turn) -> None:
        self.records = turn.records
        self.kept.commit(turn.records)
        self.due |= turn.due
        self.doubts |= turn.doubts
        self.rejudge |= {item for item in turn.rejudge if item[0] in self.connected}
        self.selections += turn.selections

    def select(self, script: Callable[[list[Manifest]], list[Manifest]] | str) -> int:
        """Answers for all scripts that look at all objects together, or lets them fail with a sentence; how many there were."""
        asked, self.selections = self.selections, []
        for one in asked:
            given = [orjson.loads(body) for body in one.bodies]
            answer = Selected(error=script) if isinstance(script, str) else Selected(tuple(script(given)))
            with self.turn() as turn:
                conclude(self.plane, turn, one, answer)
        return len(asked)

    def declare(self, *texts: str | Manifest, unsupported: tuple[str, ...] = ()) -> None:
        """All in one turn."""
        with self.turn() as turn:
            for text in texts:
                for manifest in yaml.safe_load_all(text) if isinstance(text, str) else [text]:
                    self._declare(turn, manifest, unsupported)

    def _declare(self, turn: Turn, manifest: Manifest, unsupported: tuple[str, ...]) -> None:
        ref = ref_of(manifest)
        turn.caused_by()
        before = self.declared.get(ref)
        uid = before["metadata"]["uid"] if before else self.new_id()
        manifest = {**manifest, "metadata": {**manifest["metadata"], "uid": uid}}
        self.declared[ref], self.unsupported[ref] = manifest, unsupported
        self._say(turn, ref, manifest)

    def _say(self, turn: Turn, ref: ObjectRef, manifest: Manifest | None) -> None:
        declared(self.plane, turn, ref, manifest, unsupported=self.unsupported.get(ref, ()))
        if ref.kind == "SveltosCluster":
            member_declared(self.plane, turn, member_key(ref))

    def undeclare(self, *refs: str) -> None:
        with self.turn() as turn:
            for text in refs:
                ref = ObjectRef.parse(text)
                del self.declared[ref]
                turn.caused_by()
                self._say(turn, ref, None)

    def join(self, *names: str, ready: bool = True, **labels: str) -> None:
        """Clusters join the fleet, all with these labels, and answer."""
        self.declare(*(_cluster(name, labels) for name in names))
        if ready:
            self.connect(*names)

    def relabel(self, name: str, **labels: str) -> None:
        self.declare(_cluster(name, labels))

    def leave(self, *names: str) -> None:
        self.connected -= {f"fleet/{name}" for name in names}
        self.undeclare(*(f"SveltosCluster.lib.projectsveltos.io/fleet/{name}" for name in names))

    def connect(self, *names: str) -> None:
        """The clusters answer; what they are watched for is listed."""
        for name in names:
            cluster = f"fleet/{name}"
            self.connected.add(cluster)
            with self.turn() as turn:
                member_state(self.plane, turn, cluster, ClusterState.READY)
            for gvk in list(self.plane.interest.get(cluster, {})):
                self.list_all(name, gvk)

    def cut(self, name: str) -> None:
        """The cluster cannot be reached."""
        self.connected.discard(f"fleet/{name}")
        with self.turn() as turn:
            member_state(self.plane, turn, f"fleet/{name}", ClusterState.UNREACHABLE, "away")

    def put(self, name: str, *manifests: Manifest, unseen: bool = False) -> None:
        """Somebody writes objects on a cluster; the watch tells, in one go, unless it is down."""
        cluster = f"fleet/{name}"
        for manifest in manifests:
            self.live[cluster][ref_of(manifest)] = self._stored(cluster, manifest)
        if not unseen and cluster in self.connected:
            with self.turn() as turn:
                seen(self.plane, turn, cluster, CONFIG_MAP, [(True, observed(self.live[cluster][ref_of(item)])) for item in manifests])

    def drop(self, name: str, *refs: ObjectRef, unseen: bool = False) -> None:
        """Somebody deletes objects on a cluster."""
        cluster = f"fleet/{name}"
        gone = [self.live[cluster].pop(ref) for ref in refs]
        if not unseen and cluster in self.connected:
            with self.turn() as turn:
                seen(self.plane, turn, cluster, CONFIG_MAP, [(False, observed(item)) for item in gone])

    def list_all(
        self, name: str, gvk: GroupVersionKind = CONFIG_MAP, *, without: Collection[ObjectRef] = (), confirming: bool = False
    ) -> None:
        """A complete list, or one that lacks something."""
        cluster = f"fleet/{name}"
        found = [observed(item) for ref, item in self.live[cluster].items() if ref.group_kind == gvk.group_kind and ref not in without]
        with self.turn() as turn:
            listed(self.plane, turn, cluster, gvk, found, confirming=confirming)

    def ask(self, verb: str, subject: str) -> RequestRecord:
        with self.turn() as turn:
            request = RequestRecord(
                request_id=self.new_id(),
                verb=verb,
                subject=subject,
                actor="a",
                via="b",
                reason="",
                state=RequestState.WAITING,
                created_at=self.now,
            )
            requested(self.plane, turn, request)
        return next(item for item in self.records if isinstance(item, RequestRecord))

    def _stored(self, cluster: str, manifest: Manifest) -> Manifest:
        before = self.live[cluster].get(ref_of(manifest))
        uid = before["metadata"]["uid"] if before else self.new_id()
        self._number += 1
        return {**manifest, "metadata": {**manifest["metadata"], "uid": uid, "resourceVersion": str(self._number)}}

    def begin(self, key: DeliveryKey) -> Order | None:
        """Takes up a delivery, as the engine does."""
        self.due.pop(key, None)
        self.later.pop(key, None)
        plane = self.plane
        placement = plane.placements.get(key[0], {}).get(key[1])
        member = plane.members.get(key[1])
        if placement is None or member is None or key in plane.in_flight or key[1] not in self.connected:
            return None
        plane.in_flight.add(key)
        inventory = plane.inventory.get(key[1], {})
        live, placement.suspects = placement.suspects, {}
        unread, placement.unread = placement.unread, set()
        owned = {ref: inventory[ref] for ref in plane.owned.get(key, ()) if ref in inventory}
        return Order(key, placement, placement.wanted, plane.profiles.get(key[0]), member, owned, live, unread)

    def finish(self, order: Order, *, away: bool = False) -> None:
        """Carries the order out on the cluster, or finds the cluster away, and tells the plane."""
        outcome = Outcome(
            key=order.key,
            placement=order.placement,
            looked=frozenset((*order.live, *order.unread)),
            addons=dict.fromkeys(self.plane.addons.get(order.key, ()), (AddonState.FAILED, "away")),
            failure=Failure(refused=False),
        )
        if not away:
            outcome = self._carry_out(order)
        with self.turn() as turn:
            again = delivered(self.plane, turn, outcome, chance=0.5)
            if again is not None:
                assert again > self.now
                self.later[order.key] = again
            placement = self.plane.placements.get(order.key[0], {}).get(order.key[1])
            if placement is not None and (placement.suspects or placement.unread):
                turn.due[order.key] = placement.cause or "again"

    def _carry_out(self, order: Order) -> Outcome:
        key, placement = order.key, order.placement
        cluster = key[1]
        profile, member = order.profile, order.member
        put: list[InventoryRecord] = []
        gone: list[ObjectRef] = []
        corrected: list[ObjectRef] = []
        states: dict[str, tuple[AddonState, str]] = {}
        wanted = order.wanted
        if profile is None or wanted is None:
            for ref, item in order.inventory.items():
                self._delete(cluster, item)
                gone.append(ref)
        else:
            objects = wanted.objects(profile, member)
            live = {ref: self.live[cluster].get(ref) for ref in (*to_read(objects, order.inventory), *order.unread)} | order.live
            made = plan(objects, order.inventory, live, Terms(profile, member), prune=not wanted.problem)
            troubles = {}
            for step in made.steps:
                if step.action is Action.CONFLICT and step.wanted:
                    troubles[step.wanted.addon] = (AddonState.CONFLICT, step.reason)
                elif step.action in (Action.CREATE, Action.UPDATE) and step.wanted:
                    put.append(self.apply(cluster, step.wanted, key[0], placement.cause))
                    corrected += [step.ref] if step.known and step.known.wanted_digest == step.wanted.digest else []
                elif step.action is Action.KEEP and step.adopted and step.wanted:
                    put.append(self.row(cluster, step.wanted, key[0], placement.cause))
                elif step.action is Action.KEEP and step.live is not None:
                    corrected.append(step.ref)
                elif step.action is Action.DELETE and step.known:
                    self._delete(cluster, step.known)
                    gone.append(step.ref)
                elif step.action is Action.LEAVE:
                    gone.append(step.ref)
            states = {
                item.addon: (AddonState.FAILED, item.problem) if item.problem else troubles.get(item.addon, (AddonState.DEPLOYED, ""))
                for item in wanted.addons
            }
            left = {item.addon for ref, item in order.inventory.items() if ref not in gone}
            states |= {item.addon: (AddonState.REMOVED, "") for item in order.inventory.values() if item.addon not in {*states, *left}}
        return Outcome(
            key=key,
            placement=placement,
            put=tuple(put),
            gone=tuple(gone),
            addons=states,
            looked=frozenset((*order.live, *order.unread)),
            corrected=tuple(corrected),
            failure=Failure(refused=True) if any(state is AddonState.CONFLICT for state, _ in states.values()) else None,
        )

    def _delete(self, cluster: str, item: InventoryRecord) -> None:
        live = self.live[cluster].get(item.ref)
        name = item.profile.rpartition("/")[2]
        if live is not None and live["metadata"].get("annotations", {}).get("projectsveltos.io/owner-name") == name:
            self.writes += 1
            del self.live[cluster][item.ref]

    def apply(self, cluster: str, wanted: Owned, profile: str, cause: str) -> InventoryRecord:
        """Server-side apply of a wanted object, and the row that says so."""
        self.writes += 1
        before = self.live[cluster].get(wanted.ref)
        after = apply_patch(
            before, copy.deepcopy(wanted.manifest), manager="fleetd", force=True, subresource="", now="2030-01-01T12:00:00Z"
        )
        self.live[cluster][wanted.ref] = self._stored(cluster, after)
        return self.row(cluster, wanted, profile, cause)

    def row(self, cluster: str, wanted: Owned, profile: str, cause: str) -> InventoryRecord:
        live = self.live[cluster][wanted.ref]
        return InventoryRecord(
            cluster=cluster,
            ref=wanted.ref,
            api_version=wanted.api_version,
            profile=profile,
            addon=wanted.addon,
            applied_at=self.now,
            wanted_digest=wanted.digest,
            live_digest=owned_digest(live),
            fields=fields_of_entry(live),
            uid=live["metadata"]["uid"],
            resource_version=live["metadata"]["resourceVersion"],
            epoch=0,
            cause_id=cause,
        )

    def run(self) -> None:
        """Until nothing is due: lists, second reads, deliveries, and what was put off."""
        for _ in range(200):
            for cluster, gvk in sorted(self.rejudge):
                self.rejudge.discard((cluster, gvk))
                self.list_all(cluster.removeprefix("fleet/"), gvk)
            for cluster, gvk in sorted(self.doubts):
                self.doubts.discard((cluster, gvk))
                if cluster in self.connected:
                    self.list_all(cluster.removeprefix("fleet/"), gvk, confirming=True)
            for key in sorted({*self.due, *self.later}):
                order = self.begin(key)
                if order is not None:
                    self.finish(order)
            if not (self.due or self.later or self.doubts or self.rejudge):
                return
        pytest.fail(f"it never comes to rest: due {self.due}, put off {self.later}, in doubt {self.doubts}")

    def restart(self) -> Turn:
        """A new daemon begins with what was kept; its first turn."""
        statuses = self.kept.rows["statuses"]
        self.kept.rows["declared"] = {ref: self._object(ref, manifest, statuses.get(ref)) for ref, manifest in self.declared.items()}
        self.plane, self.due, self.later = Plane("test"), {}, {}
        self.doubts, self.rejudge = set(), set()
        self.connected.clear()
        turn = Turn(self.now, self.new_id)
        restore(self.plane, self.kept)
        for ref, manifest in self.declared.items():
            turn.caused_by()
            self._say(turn, ref, manifest)
        settle(self.plane, turn)
        self.take(turn)
        return turn

    def _object(self, ref: ObjectRef, manifest: Manifest, status: DeclaredStatus | None) -> DeclaredObject:
        state = status.state if status else DeclaredState.READY
        return DeclaredObject(
            ref=ref,
            manifest=manifest,
            uid=manifest["metadata"]["uid"],
            resource_version=1,
            generation=1,
            created_at=NOON,
            updated_at=NOON,
            state=state,
            reason=status.reason if status else "",
            status=status.status if status else {},
            unsupported=self.unsupported[ref],
        )

    def standing(self, name: str) -> dict[str, str]:
        """Names of the objects of ours on a cluster, with their `value`."""
        cluster = f"fleet/{name}"
        return {ref.name: self.live[cluster][ref]["data"]["value"] for ref in self.plane.inventory.get(cluster, {})}

    def told(self, kind: type) -> list[Any]:
        """The last turn's records of a kind."""
        return [item for item in self.records if isinstance(item, kind)]

    def news(self) -> list[Record]:
        """The last turn's records, without the journal."""
        return [item for item in self.records if not isinstance(item, JournalRecord)]


def _cluster(name: str, labels: Mapping[str, str]) -> Manifest:
    return {
        "apiVersion": "lib.projectsveltos.io/v1beta1",
        "kind": "SveltosCluster",
        "metadata": {"name": name, "namespace": "fleet", "labels": dict(labels)},
        "spec": {},
    }


def observed(manifest: Manifest) -> Observed:
    """As a watch shows it."""
    metadata = {key: value for key, value in manifest["metadata"].items() if key != "managedFields"}
    return Observed(
        ref=ref_of(manifest),
        uid=manifest["metadata"]["uid"],
        resource_version=manifest["metadata"]["resourceVersion"],
        body={**manifest, "metadata": metadata},
        raw=orjson.dumps(manifest),
    )


def config_map(name: str, value: str = "1", namespace: str = "default", **labels: str) -> Manifest:
    """A ConfigMap on a cluster; by default one that the source `marked` takes."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, "labels": labels or {"mark": "yes"}},
        "data": {"value": value},
    }


def source(name: str = "marked", mark: str = "yes") -> str:
    """Takes ConfigMaps with the label mark."""
    return f"""
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventSource
metadata: {{name: {name}}}
spec:
  collectResources: true
  resourceSelectors:
    - {{group: "", version: v1, kind: ConfigMap, namespace: default, labelFilters: [{{key: mark, operation: Equal, value: "{mark}"}}]}}
"""


def trigger(
    name: str = "copy", *, one: bool = True, role: str = "source", to: str = "", event_source: str = "marked", more: str = ""
) -> str:
    """Makes, of every object or of all, an object in namespace `made`: here, or on the clusters with the label `env`."""
    destination = f"destinationClusterSelector: {{matchLabels: {{env: {to}}}}}" if to else ""
    return f"""
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventTrigger
metadata: {{name: {name}}}
spec:
  sourceClusterSelector: {{matchLabels: {{role: {role}}}}}
  eventSourceName: "{event_source}"
  oneForEvent: {str(one).lower()}
  {destination}
  policyRefs: [{{kind: ConfigMap, namespace: default, name: {name}}}]
  {more}
"""


def template(name: str = "copy", *, one: bool = True, extra: str = "") -> str:
    """What the trigger of this name makes."""
    each = (
        f"{name}-{{{{ .Cluster.metadata.name }}}}-{{{{ .Resource.metadata.name }}}}" if one else f"{name}-{{{{ .Cluster.metadata.name }}}}"
    )
    value = "{{ .Resource.data.value }}" if one else "{{ range .Resources }}{{ .metadata.name }}={{ .data.value }},{{ end }}"
    return f"""
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}, namespace: default, annotations: {{projectsveltos.io/instantiate: ok}}}}
data:
  a.yaml: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {{name: "{each}", namespace: made}}
    data: {{value: "{value}{extra}"}}
"""


def profile(name: str = "base", *, env: str = "x", more: str = "", annotations: str = "{}") -> str:
    """Puts the content of the same name on the clusters with the label `env`."""
    return f"""
apiVersion: config.projectsveltos.io/v1beta1
kind: ClusterProfile
metadata: {{name: {name}, annotations: {annotations}}}
spec:
  clusterSelector: {{matchLabels: {{env: {env}}}}}
  policyRefs: [{{kind: ConfigMap, namespace: default, name: {name}}}]
  {more}
"""


def content(name: str = "base", *values: str, namespace: str = "made") -> str:
    """A ConfigMap with one object for each value: `<name>-0`, `<name>-1` …"""
    objects = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{name}-{index}", "namespace": namespace}, "data": {"value": value}}
        for index, value in enumerate(values or ("1",))
    ]
    data = {"a.yaml": yaml.safe_dump_all(objects)}
    return yaml.safe_dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": data})


class Said:
    """The builders, as short as a test wants them."""

    config_map = staticmethod(config_map)
    source = staticmethod(source)
    trigger = staticmethod(trigger)
    template = staticmethod(template)
    profile = staticmethod(profile)
    content = staticmethod(content)
    observed = staticmethod(observed)

    @staticmethod
    def ref(name: str, namespace: str = "default") -> ObjectRef:
        return ObjectRef("ConfigMap", "", namespace, name)


@pytest.fixture
def said() -> Said:
    return Said()


@pytest.fixture
def fleet() -> Fleet:
    return Fleet()


@pytest.fixture(scope="session")
def new_fleet() -> Callable[[], Fleet]:
    return Fleet
