"""Who changed what is ours, and how it ended."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fleetd.service.answers import Page
from fleetd.service.arguments import DEFAULT_LIMIT, About, AsOf, Clusters, Cursor, Detail, Limit, Profile, When
from fleetd.service.asking import Question
from fleetd.service.foreign import plain_text, safe_ref
from fleetd.service.naming import read_ref
from fleetd.service.questions.addons import profile_name
from fleetd.service.questions.ground import Ground, Listing, any_of
from fleetd.service.times import point

_FIELDS = "SELECT incident_id, field_path, wanted, found FROM fleet_drift_fields WHERE {of} ORDER BY incident_id, field_path"
_CONDITIONS = {
    "open": "i.outcome = 'open'",
    "corrected": "i.outcome = 'corrected'",
    "failed": "i.outcome = 'failed'",
    "flapping": "i.flap_count > 0",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A field as it should be and as it was found, both as JSON text."""

    field_path_untrusted: str
    wanted_untrusted: str
    found_untrusted: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Somebody else changed an object of ours."""

    incident_id: str
    cluster: str
    object_ref: str
    profile: str
    detected_at: str
    outcome: str
    flap_count: int
    corrected_at: str | None = None
    changed_by_untrusted: str = ""
    fields: tuple[Changed, ...] = ()
    field_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GetDrift(Question[Page[Incident]]):
    """Who changed objects that fleetd put on clusters, which fields, how often, and whether it was put back; the newest first."""

    profile: Profile = ""
    ref: Annotated[str, About("one object: Kind.group/namespace/name")] = ""
    clusters: Clusters = ""
    since: When = ""
    only: Annotated[Literal["", "open", "corrected", "failed", "flapping"], About("flapping: changed again after it was put back")] = ""
    as_of: AsOf = ""
    group_by: Annotated[Literal["", "changed_by", "cluster", "profile", "outcome"], About("counts instead of rows")] = ""
    detail: Annotated[Detail, About("full: up to ten fields of each, with more of their values; brief: two")] = "brief"
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor = ""

    def _known(self, ground: Ground) -> None:
        """Tells "it has not drifted" from "there is no such thing"."""
        if self.profile:
            from fleetd.service.questions.addons import profile_name, require_profile  # see below

            require_profile(ground, profile_name(self.profile))
        if self.ref:
            from fleetd.service.naming import read_ref  # see below

            ref = str(read_ref(self.ref).ref)
            if not ground.rows("SELECT 1 AS one FROM fleet_objects WHERE object_ref = :ref LIMIT 1", ref=ref):
                ground.mistakes.append("fleetd has put no object of this name on any cluster: only of its own it knows who changes them")

    def listing(self, ground: Ground) -> Listing:
        """The rows that are meant."""
        ground.back(self.as_of, "fleet_drift_incidents", "fleet_cluster_labels")
        values: dict[str, Any] = {}
        where = []
        if self.clusters:
            where.append(ground.choose(self.clusters, "i.cluster", values))
        if self.profile:
            where.append("i.profile = :profile")
            values["profile"] = profile_name(self.profile)
        if self.ref:
            where.append("i.object_ref = :object_ref")
            named = read_ref(self.ref)
            values["object_ref"] = str(named.ref)
            if named.cluster:
                where.append("i.cluster = :on")
                values["on"] = ground.cluster(named.cluster, "ref")
        if start := point(self.since, "since", ground.now):
            where.append("i.detected_at >= :since")
            values["since"] = start
        if self.only:
            where.append(_CONDITIONS[self.only])
        key = {"detected_at": "i.detected_at", "incident_id": "i.incident_id"}
        return Listing(self, "i.*", "fleet_drift_incidents i", key, tuple(where), values, descending=True)

    def answered(self, ground: Ground) -> Page[Incident]:
        group = f"i.{self.group_by}" if self.group_by else ""
        part = ground.part(self.listing(ground), limit=self.limit, cursor=self.cursor, group_by=group)
        most, signs = (10, 200) if self.detail == "full" else (2, 36)
        fields = _fields(ground, tuple(row["incident_id"] for row in part.rows), signs)
        if not part.total.count:
            self._known(ground)
        items = tuple(
            Incident(
                incident_id=row["incident_id"],
                cluster=safe_ref(row["cluster"]),
                object_ref=safe_ref(row["object_ref"]),
                profile=safe_ref(row["profile"]),
                detected_at=row["detected_at"],
                outcome=row["outcome"],
                flap_count=row["flap_count"],
                corrected_at=row["corrected_at"],
                changed_by_untrusted=plain_text(row["changed_by"], most=100),
                fields=tuple(fields[row["incident_id"]][:most]),
                field_count=len(fields[row["incident_id"]]),
            )
            for row in part.rows
        )
        return ground.page(part, items)


def _fields(ground: Ground, incidents: tuple[str, ...], signs: int) -> dict[str, list[Changed]]:
    found: dict[str, list[Changed]] = defaultdict(list)
    values: dict[str, Any] = {}
    for row in ground.rows(_FIELDS.format(of=any_of("incident_id", "of", incidents, values)), values) if incidents else ():
        found[row["incident_id"]].append(
            Changed(
                field_path_untrusted=plain_text(row["field_path"], most=200),
                wanted_untrusted=plain_text(row["wanted"], most=signs),
                found_untrusted=plain_text(row["found"], most=signs),
            )
        )
    return found
