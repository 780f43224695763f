"""What has to be known of a member before it joins or leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fleetd.service.answers import Answer
from fleetd.service.arguments import About
from fleetd.service.asking import Question
from fleetd.service.questions.beside import Row, reason_of
from fleetd.service.questions.ground import Ground

# No view shows by which mark the daemon knows a cluster again.
_BY_UID = "SELECT cluster FROM members WHERE uid = :uid AND valid_to IS NULL ORDER BY cluster"
_UID = "SELECT uid FROM members WHERE cluster = :cluster AND valid_to IS NULL"
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The kube-system uid that a member was met with (empty before), and the other members that were a cluster with a uid."""

    known_uid: str
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindIdentity(Question[Answer[Identity]]):
    """Which cluster a member was when it was met, and which others are the cluster that it is now."""

    cluster: Annotated[str, About("namespace/name")]
    uid: Annotated[str, About("of the namespace kube-system, as the cluster says it now")]

    def answered(self, ground: Ground) -> Answer[Identity]:
        known = ground.row(_UID, cluster=self.cluster)
        others = tuple(row["cluster"] for row in ground.rows(_BY_UID, uid=self.uid) if row["cluster"] != self.cluster)
        return ground.answer(Identity(known_uid=str(known["uid"]) if known else "", others=others))


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What is of fleetd on a member. `addons` are some of the rows that `addon_count` counts."""

    cluster: str
    addons: tuple[Row, ...]
    addon_count: int
    removing: bool
    objects: int
    away: bool
    paused: bool
    reason: str

    def __bool__(self) -> bool:
        return bool(self.addon_count or self.objects)


@dataclass(frozen=True, slots=True, kw_only=True)
class FindLeft(Question[Answer[Left]]):
    """What is of fleetd on a member now, and whether it could be taken away."""

    cluster: Annotated[str, About("namespace/name")]

    def answered(self, ground: Ground) -> Answer[Left]:
        on_it = "WHERE cluster = :cluster"
        member = ground.row(f"SELECT * FROM fleet_clusters {on_it}", cluster=self.cluster)
        addons = ground.rows(f"SELECT * FROM fleet_addons {on_it} ORDER BY profile, addon LIMIT {_SHOWN}", cluster=self.cluster)
        states = ground.rows(f"SELECT state, COUNT(*) AS n FROM fleet_addons {on_it} GROUP BY state", cluster=self.cluster)
        objects = ground.rows(f"SELECT COUNT(*) AS n FROM fleet_objects {on_it}", cluster=self.cluster)[0]["n"]
        found = Left(
            cluster=self.cluster,
            addons=tuple(addons),
            addon_count=sum(row["n"] for row in states),
            removing=any(row["state"] == "removing" for row in states),
            objects=objects,
            away=member is not None and member["connection"] == "unreachable",
            paused=member is not None and bool(member["paused"]),
            reason=reason_of(member) if member is not None else "",
        )
        return ground.answer(found)
