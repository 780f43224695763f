"""What happens to a plane, in words: clusters that are dictionaries, deliveries that are carried out when somebody says so."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
import yaml

from fleetd.decide.definitions import Profile, member_key
from fleetd.decide.members import Member
from fleetd.decide.ownership import Owned
from fleetd.decide.plan import Action, Terms, plan, to_read
from fleetd.decide.plane.aggregating import Selected, conclude
from fleetd.decide.plane.declaring import declared, settle
from fleetd.decide.plane.delivering import Failure, Outcome, delivered
from fleetd.decide.plane.elapsing import elapsed
from fleetd.decide.plane.membering import member_declared, member_state
from fleetd.decide.plane.observing import listed, seen
from fleetd.decide.plane.requesting import requested
from fleetd.decide.plane.restoring import restore
from fleetd.decide.plane.state import DeliveryKey, Placement, Plane
from fleetd.decide.plane.turn import Selecting, Turn
from fleetd.decide.wanted import Wanted
from fleetd.domain.objects import Manifest, ref_of
from fleetd.domain.records import (
    InventoryRecord,
    JournalRecord,
    Record,
    RequestRecord,
)
from fleetd.domain.refs import GroupVersionKind, ObjectRef
from fleetd.domain.states import AddonState, ClusterState, RequestState
from fleetd.kubeapi.apply import apply_patch

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
CONFIG_MAP = GroupVersionKind("", "v1", "ConfigMap")


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

    def __init__(self, kept: Any, said: Any) -> None:
        self.plane = Plane("test")
        self.kept = kept
        self.said = said
        self.live: dict[str, dict[ObjectRef, Manifest]] = defaultdict(dict)
        self.declared: dict[ObjectRef, Manifest] = {}
        self.unsupported: dict[ObjectRef, tuple[str, ...]] = {}
        self.now = NOON
        self.tick = timedelta(seconds=1)
        self.due: dict[DeliveryKey, str] = {}
        self.doubts: set[tuple[str, GroupVersionKind]] = set()
        self.rejudge: set[tuple[str, GroupVersionKind]] = set()
        self.records: list[Record] = []
        self.history: list[Record] = []
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
        self.now += self.tick
        turn = Turn(self.now, self.new_id)
        yield turn
        settle(self.plane, turn)
        self.take(turn)

    def take(self, turn: Turn) -> None:
        self.records = turn.records
        self.history += turn.records
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
        self.declare(*(self.said.cluster(name, labels) for name in names))
        if ready:
            self.connect(*names)

    def relabel(self, name: str, **labels: str) -> None:
        self.declare(self.said.cluster(name, labels))

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
                seen(
                    self.plane,
                    turn,
                    cluster,
                    CONFIG_MAP,
                    [(True, self.said.observed(self.live[cluster][ref_of(item)])) for item in manifests],
                )

    def drop(self, name: str, *refs: ObjectRef, unseen: bool = False) -> None:
        """Somebody deletes objects on a cluster."""
        cluster = f"fleet/{name}"
        gone = [self.live[cluster].pop(ref) for ref in refs]
        if not unseen and cluster in self.connected:
            with self.turn() as turn:
                seen(self.plane, turn, cluster, CONFIG_MAP, [(False, self.said.observed(item)) for item in gone])

    def list_all(
        self, name: str, gvk: GroupVersionKind = CONFIG_MAP, *, without: Collection[ObjectRef] = (), confirming: bool = False
    ) -> None:
        """A complete list, or one that lacks something."""
        cluster = f"fleet/{name}"
        found = [
            self.said.observed(item) for ref, item in self.live[cluster].items() if ref.group_kind == gvk.group_kind and ref not in without
        ]
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
        row: InventoryRecord = self.said.inventory(self.live[cluster][wanted.ref], wanted, cluster=cluster, at=self.now)
        return replace(row, profile=profile, cause_id=cause)

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

    def wait(self, **time: float) -> None:
        """Time passes, and nothing else happens; each alarm rings when it is due."""
        until = self.now + timedelta(**time)
        while (at := self.plane.alarms.earliest) is not None and at <= until:
            self.now = max(self.now, at - self.tick)
            with self.turn() as turn:
                elapsed(self.plane, turn)
        self.now = max(self.now, until)

    def restart(self) -> Turn:
        """A new daemon begins with what was kept; its first turn."""
        statuses = self.kept.rows["statuses"]
        self.kept.rows["declared"] = {
            ref: self.said.declared_object(ref, manifest, statuses.get(ref), self.unsupported[ref])
            for ref, manifest in self.declared.items()
        }
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
