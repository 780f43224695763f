"""How the fleet stands at one point of a preview: what two such points are compared by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from fleetd.decide.definitions import Profile
from fleetd.decide.members import Member
from fleetd.decide.plane.placing import hold
from fleetd.decide.plane.state import DeliveryKey, Plane, ReactionKey
from fleetd.decide.wanted import Wanted
from fleetd.domain.records import HeldLoss
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import DeclaredState


class Placed(NamedTuple):
    """A profile on a cluster; `wanted` is None where it is being withdrawn."""

    wanted: Wanted | None
    digest: str
    leave: bool


class Matched(NamedTuple):
    """What a match makes; `mark` is equal when it makes the same."""

    profile: str
    mark: tuple[str, ...]
    problem: str


@dataclass(frozen=True, slots=True)
class Standing:
    """All of it; maps are copies, their values are never changed in place."""

    profiles: Mapping[str, Profile]
    members: Mapping[str, Member]
    placed: Mapping[DeliveryKey, Placed] = field(repr=False)
    selected: Mapping[str, Mapping[str, str]] = field(repr=False)
    sets: Mapping[str, tuple[str, ...]]
    matches: Mapping[ReactionKey, Matched] = field(repr=False)
    makers: Mapping[str, ReactionKey] = field(repr=False)
    held: Mapping[str, HeldLoss]
    failed: Mapping[ObjectRef, str]

    @classmethod
    def of(cls, plane: Plane) -> Standing:
        placed = {
            (name, cluster): Placed(item.wanted, item.digest, item.leave)
            for name, several in plane.placements.items()
            for cluster, item in several.items()
        }
        matches = {
            key: Matched(
                item.profile, tuple(sorted(plane.generated[ref].digest for ref in item.generated if ref in plane.generated)), item.problem
            )
            for key, item in plane.reactions.items()
        }
        return cls(
            profiles=dict(plane.profiles),
            members=dict(plane.members),
            placed=placed,
            selected=dict(plane.selected),
            sets=dict(plane.selections),
            matches=matches,
            makers=dict(plane.reaction_of),
            held=dict(plane.held),
            failed={ref: said.reason for ref, said in plane.statuses.items() if said.state is DeclaredState.FAILED},
        )


def waits(plane: Plane, key: DeliveryKey) -> str:
    """Why nothing is delivered there now; empty when it is, and where the profile is gone there only."""
    return hold(plane, key[1], key[0])
