"""A fleet in which things happen by chance, one after the other; the same seed is the same story."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from fleetd.domain.records import (
    AddonGone,
    AddonRecord,
    DestinationGone,
    DestinationRecord,
    EventRecord,
    IncidentRecord,
    InventoryGone,
    InventoryRecord,
    MatchRecord,
    MemberGone,
    VerdictGone,
    VerdictRecord,
)
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import AddonState, ClusterState, DriftOutcome, MatchState, VerdictState

INVENTORY = {
    **dict.fromkeys(("wanted_digest", "live_digest", "fields", "uid", "resource_version", "cause_id"), "x"),
    "api_version": "v1",
    "profile": "ClusterProfile/p",
    "addon": "a",
    "epoch": 1,
}


class Life:
    """A fleet in which things happen by chance, a minute after each other."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.at = datetime.now(UTC)
        self.number = 0

    def now(self) -> datetime:
        return self.at

    def cluster(self) -> str:
        return f"prod/c{self.chance.randrange(4)}"

    def ref(self) -> ObjectRef:
        return ObjectRef("Service", "", "shop", f"s{self.chance.randrange(3)}")

    def step(self, member: Callable[..., Any]) -> list[Any]:
        self.at += timedelta(minutes=1)
        self.number += 1
        happened = [self.chance.choice((self._members, self._matches, self._rest))(member) for _ in range(3)]
        return [record for one in happened for record in one]

    def _members(self, member: Callable[..., Any]) -> list[Any]:
        cluster = self.cluster()
        if self.chance.random() < 0.2:
            return [MemberGone(cluster=cluster, at=self.at)]
        state = self.chance.choice((ClusterState.READY, ClusterState.UNREACHABLE))
        labels = {"env": self.chance.choice("ab"), **({"x": "y"} if self.chance.random() < 0.5 else {})}
        return [member(cluster, self.at, state=state, paused=self.chance.random() < 0.3, labels=labels)]

    def _matches(self, _: Callable[..., Any]) -> list[Any]:
        state = self.chance.choice((MatchState.PENDING, MatchState.FAILED, MatchState.ACTED))
        cluster, ref = self.cluster(), self.ref()
        if self.chance.random() < 0.5:
            event = f"e{self.number}-{self.chance.randrange(10**6)}"
            what = {"event_id": event, "source": "s", "cluster": cluster, "cause_id": event}
            match = {"match_id": f"m-{event}", "trigger": "t", "profile": "", "reason": "", "acted_at": None, "matched_at": self.at}
            return [
                EventRecord(**what, revision=self.number, detected_at=self.at, matching_count=1, changes=()),
                MatchRecord(**what, **match, object_ref=ref, state=state),
                DestinationRecord(match_id=match["match_id"], cluster=self.cluster(), state=state, reason=""),
            ]
        match_id = f"m{self.chance.randrange(4)}"
        if self.chance.random() < 0.3:
            return [DestinationGone(match_id=match_id, cluster=cluster, at=self.at)]
        return [DestinationRecord(match_id=match_id, cluster=cluster, state=state, reason=f"{self.number}")]

    def _rest(self, _: Callable[..., Any]) -> list[Any]:
        cluster, ref, gone = self.cluster(), self.ref(), self.chance.random() < 0.3
        addon = {"profile": "ClusterProfile/p", "cluster": cluster, "addon": f"a{self.chance.randrange(2)}"}
        if gone:
            verdict = VerdictGone(source="s", cluster=cluster, ref=ref, at=self.at)
            return [AddonGone(**addon, at=self.at), verdict, InventoryGone(cluster=cluster, ref=ref, at=self.at)]
        state = self.chance.choice((AddonState.FAILED, AddonState.DEPLOYED))
        outcome = self.chance.choice((DriftOutcome.OPEN, DriftOutcome.CORRECTED))
        what = {"profile": "ClusterProfile/p", "changed_by": "x", "corrected_at": None, "fields": (), "cause_id": "c"}
        incident = {
            **what,
            "incident_id": f"i{self.number}",
            "detected_at": self.at - timedelta(seconds=self.chance.randrange(300)),
            "flap_count": self.number,
        }
        return [
            AddonRecord(**addon, kind="policyRef", state=state, reason="", attempts=self.number, wanted_digest="", at=self.at),
            VerdictRecord(
                source="s", cluster=cluster, ref=ref, state=VerdictState.MATCH, reason=f"{self.number}", deciding="", since=self.at
            ),
            IncidentRecord(cluster=cluster, ref=ref, outcome=outcome, **incident),
            InventoryRecord(cluster=cluster, ref=ref, **INVENTORY, applied_at=self.at),
        ]
