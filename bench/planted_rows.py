"""The rows of a large fleet with a long history: made up by a seed, in the order of the tables, never all in memory at once.

Values are skewed as fleets are: one source, one trigger and one profile hold a third of everything, and some of them hardly anything.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

import orjson

Row = tuple[Any, ...]
LIB, CONFIG = "lib.projectsveltos.io", "config.projectsveltos.io"
BODY = "seeded"
MONTH = timedelta(days=29)
REGIONS = ("eu-west", "eu-north", "us-east", "us-west", "ap-south", "ap-east", "sa-east", "af-south")


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is planted; the rest follows from it."""

    clusters: int
    events: int
    declared: int
    """Sources, and half as many triggers and profiles again."""
    addons: int
    """On each cluster."""

    @property
    def matches(self) -> int:
        return self.events * 2 // 5

    @property
    def open_matches(self) -> int:
        """Those that no newer one superseded."""
        return self.matches // 5

    @property
    def unacted(self) -> int:
        return min(2_000, self.open_matches)


@dataclass(slots=True)
class Plan:
    """The names and times that rows of several tables share."""

    scale: Scale
    now: datetime
    random: Random
    clusters: list[str] = field(default_factory=list)
    reports: dict[tuple[str, str], Row] = field(default_factory=dict)
    met: dict[int, str] = field(default_factory=dict)
    """Where the matches that wait were met, by their numbers."""

    @classmethod
    def of(cls, scale: Scale, now: datetime, seed: int) -> Plan:
        made = cls(scale, now, Random(seed))
        spaces = ("prod", "prod", "prod", "test", "edge")
        made.clusters = [f"{spaces[number % 5]}/c-{number:05}" for number in range(scale.clusters)]
        return made

    def at(self, number: int, of: int) -> datetime:
        """When the `number`th of so many things happened."""
        return self.now - MONTH + MONTH * (number / of)

    def skewed(self, of: int) -> int:
        """A number below `of`: 0 a third of the time, small ones more often than large ones."""
        return 0 if self.random.random() < 0.33 else int(of * self.random.random() ** 3)

    def source(self, number: int) -> str:
        return f"source-{number:04}"

    def event_id(self, number: int) -> str:
        """Looks as random as ids do, and is found again by its number."""
        return f"{(number * 0x9E3779B97F4A7C15 + 0xB5) % 2**64:016x}"

    def started(self) -> datetime:
        return self.now - MONTH


def tables(plan: Plan) -> Iterator[tuple[str, tuple[str, ...], Iterator[Row]]]:
    """Each table with the columns that are given, and its rows; to be taken in this order."""
    yield "bodies", ("digest", "encrypted", "content"), iter([(BODY, False, zlib.compress(b"{}"))])
    for name, columns, rows in (*_FLEET, *_HISTORY):
        yield name, tuple(columns.split()), rows(plan)


def _object(api_version: str, kind: str, name: str, spec: dict[str, Any], namespace: str = "") -> dict[str, Any]:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


def _manifests(plan: Plan) -> Iterator[dict[str, Any]]:
    many = plan.scale.declared
    lib, config = f"{LIB}/v1beta1", f"{CONFIG}/v1beta1"
    selector = [{"group": "", "version": "v1", "kind": "Service", "evaluateCEL": [{"name": "lb", "rule": "has(resource.status.ip)"}]}]
    for number in range(many):
        yield _object(lib, "EventSource", plan.source(number), {"resourceSelectors": selector})
    for number in range(many * 3 // 2):
        copies = [{"kind": "ConfigMap", "namespace": "default", "name": f"copy-{number:04}"}]
        chosen = {"matchLabels": {"role": "source"}}
        spec = {"eventSourceName": plan.source(number % many), "sourceClusterSelector": chosen, "oneForEvent": True, "policyRefs": copies}
        yield _object(lib, "EventTrigger", f"trigger-{number:04}", spec)
        spec = {"clusterSelector": {"matchLabels": {"env": "prod"}}, "policyRefs": copies}
        yield _object(config, "ClusterProfile", f"base-{number:04}", spec)
        # One in a hundred of what is referenced is not there.
        if number % 100 != 99:
            yield _object("v1", "ConfigMap", f"copy-{number:04}", {}, "default")
    for cluster in plan.clusters:
        namespace, name = cluster.split("/")
        yield _object(lib, "SveltosCluster", name, {}, namespace)


def _ref(manifest: dict[str, Any]) -> tuple[str, str, str, str, str]:
    """Reference, kind, group, namespace and name."""
    group = manifest["apiVersion"].rpartition("/")[0]
    kind, name, namespace = manifest["kind"], manifest["metadata"]["name"], manifest["metadata"].get("namespace", "")
    return f"{kind}.{group}/{namespace}/{name}" if group else f"{kind}/{namespace}/{name}", kind, group, namespace, name


def _declared(plan: Plan) -> Iterator[Row]:
    at = plan.started()
    for number, manifest in enumerate(_manifests(plan)):
        ref, kind, group, namespace, name = _ref(manifest)
        text = orjson.dumps(manifest).decode()
        yield (ref, kind, group, "v1beta1", namespace, name, f"uid-{number}", number, 1, at, at, text, None, "[]", at, None)


def _states(plan: Plan) -> Iterator[Row]:
    for number in range(0, plan.scale.declared, 40):
        yield f"EventTrigger.{LIB}//trigger-{number:04}", "failed", "spec: a rule cannot be read", plan.started()
    for number in range(1, plan.scale.declared, 2):
        yield f"EventTrigger.{LIB}//trigger-{number:04}", "ready", "", plan.started()


def _references(plan: Plan) -> Iterator[Row]:
    many = plan.scale.declared
    for number in range(many * 3 // 2):
        copy = f"ConfigMap/default/copy-{number:04}"
        trigger = f"EventTrigger.{LIB}//trigger-{number:04}"
        yield trigger, "spec.eventSourceName", f"EventSource.{LIB}//{plan.source(number % many)}"
        yield trigger, "spec.policyRefs[0]", copy
        yield f"ClusterProfile.{CONFIG}//base-{number:04}", "spec.policyRefs[0]", copy


def _members(plan: Plan) -> Iterator[Row]:
    at = plan.started()
    for number, cluster in enumerate(plan.clusters):
        namespace, name = cluster.split("/")
        state = "unreachable" if number % 50 == 7 else "degraded" if number % 100 == 13 else "ready"
        reason = "" if state == "ready" else "no route to host"
        version = f"v1.{27 + number % 5}.{number % 3}"
        said = (cluster, namespace, name, "SveltosCluster", state, reason, at, state == "ready")
        yield (*said, number % 500 == 1, version, "u", "push", at, None)


def _labels(plan: Plan) -> Iterator[Row]:
    at = plan.started()
    for number, cluster in enumerate(plan.clusters):
        labels = {"env": ("prod", "prod", "prod", "test", "dev")[number % 5], "region": REGIONS[number % 8], "tier": str(number % 40)}
        labels["role"] = "source" if number % 10 == 0 else "app"
        if number % 2_000 == 0:
            labels["canary"] = "true"
        for key, value in labels.items():
            yield cluster, key, value, "declared", at, at, None


def _heartbeats(plan: Plan) -> Iterator[Row]:
    for number, cluster in enumerate(plan.clusters):
        yield cluster, plan.now - (timedelta(days=1) if number % 50 == 7 else timedelta(seconds=number % 60))


def _events(plan: Plan) -> Iterator[Row]:
    scale = plan.scale
    sources = max(1, scale.clusters // 10)
    for number in range(scale.events):
        source, cluster = plan.source(plan.skewed(scale.declared)), plan.clusters[int(plan.random.random() * sources) * 10 % scale.clusters]
        event = plan.event_id(number)
        plan.reports[source, cluster] = (source, cluster, event, number, 3)
        yield event, source, cluster, number, plan.at(number, scale.events), 3, event


def _event_objects(plan: Plan) -> Iterator[Row]:
    for number in range(plan.scale.events):
        yield plan.event_id(number), f"Service/shop/web-{number % 5_000}", "added", "v1", "u", "d"


def _reports(plan: Plan) -> Iterator[Row]:
    return iter(plan.reports.values())


def _report_objects(plan: Plan) -> Iterator[Row]:
    at = plan.started()
    for source, cluster in plan.reports:
        yield source, cluster, "Service/shop/web", "v1", "u", "d", BODY, at, None


def _match(plan: Plan, number: int, at: datetime) -> Row:
    """The newest are open; of those the newest wait."""
    scale = plan.scale
    left = scale.matches - number
    trigger = f"trigger-{plan.skewed(scale.declared):04}"
    cluster = plan.clusters[int(plan.random.random() * scale.clusters)]
    state, acted = ("acted", at) if left > scale.unacted else ("pending", None)
    over = at + timedelta(minutes=3) if left > scale.open_matches else None
    profile = f"ClusterProfile/{trigger}-{number % 7}"
    event = plan.event_id(number * 5 // 2)
    match = f"m{number:08x}"
    source = trigger.replace("trigger", "source")
    names = (match, trigger, source, event, cluster, f"Service/shop/web-{number}", profile, state, "")
    return (*names, at, acted, event, True, over, at, over, plan.at(number * 5 // 2, scale.events))


def _matches(plan: Plan) -> Iterator[Row]:
    for number in range(plan.scale.matches):
        row = _match(plan, number, plan.at(number * 5 // 2, plan.scale.events) + timedelta(milliseconds=5))
        if plan.scale.matches - number <= plan.scale.unacted:
            plan.met[number] = row[4]
        yield row


def _destinations(plan: Plan) -> Iterator[Row]:
    scale = plan.scale
    for number in range(scale.matches):
        at = plan.at(number * 5 // 2, scale.events) + timedelta(milliseconds=8)
        left = scale.matches - number
        over = at + timedelta(minutes=3) if left > scale.open_matches else None
        match = f"m{number:08x}"
        # Some of those that wait have no destination yet.
        if left <= scale.unacted and number % 10 == 0:
            continue
        for place in range(1 + number % 2):
            cluster = plan.clusters[(number * 7 + place) % scale.clusters]
            state = ("failed" if number % 3 == 0 else "pending") if left <= scale.unacted else "acted"
            reason = "" if state == "acted" else "no route to host"
            met = plan.met.get(number)
            waits = (plan.event_id(number * 5 // 2), met, plan.at(number * 5 // 2, scale.events)) if met else (None, None, None)
            yield match, cluster, state, reason, at, at if state == "acted" else None, True, at, over, *waits


def _generated(plan: Plan) -> Iterator[Row]:
    for number in range(plan.scale.declared):
        trigger = f"trigger-{number:04}"
        for place in range(7):
            ref = f"ClusterProfile.{CONFIG}//{trigger}-{place}"
            cluster = plan.clusters[number * 10 % plan.scale.clusters]
            yield ref, BODY, "d", trigger, cluster, "Service/shop/web", plan.event_id(0), plan.started()


def _profile(plan: Plan, place: int, number: int) -> str:
    """Half of the add-ons of a cluster are of profiles that all have, the others of some that few have."""
    if place < plan.scale.addons // 2:
        return f"ClusterProfile/base-{place:04}"
    return f"ClusterProfile/trigger-{(number * 31 + place * 7) % plan.scale.declared:04}-{place % 7}"


def _addons(plan: Plan) -> Iterator[Row]:
    at = plan.started()
    for number, cluster in enumerate(plan.clusters):
        for place in range(plan.scale.addons):
            turn = (number * plan.scale.addons + place) % 200
            state = {0: "failed", 1: "failed", 2: "conflict", 3: "waiting"}.get(turn, "deployed")
            reason = "" if state == "deployed" else "connection refused"
            profile, addon = _profile(plan, place, number), f"policyRefs/{place}"
            names = (profile, cluster, addon, "policyRef")
            yield (*names, "applying", "", 1, "w", at, None, None, plan.event_id(0), at, at + timedelta(seconds=1))
            yield (*names, state, reason, 1, "w", at, at, None, plan.event_id(0), at + timedelta(seconds=1), None)


def _inventory(plan: Plan) -> Iterator[Row]:
    at = plan.started()
    for number, cluster in enumerate(plan.clusters):
        for place in range(plan.scale.addons):
            name = f"app-{place:02}-{(number * 31 + place) % 997}"
            ref, profile = f"ConfigMap/default/{name}", _profile(plan, place, number)
            names = (cluster, ref, "ConfigMap", "", "v1", "default", name, profile, f"policyRefs/{place}")
            yield (*names, at, "w", "l", "{}", "u", "1", 1, plan.event_id(0))


def _incidents(plan: Plan) -> Iterator[Row]:
    many = max(20, plan.scale.events // 20)
    for number in range(many):
        at = plan.at(number, many)
        cluster = plan.clusters[number * 13 % plan.scale.clusters]
        fixed, outcome = (None, "open") if number >= many - 50 else (at + timedelta(seconds=1), "corrected")
        ref, profile = f"ConfigMap/default/app-{number % 7}", f"ClusterProfile/base-{number % 6:04}"
        yield f"i{number:07}", cluster, ref, profile, "kubectl-edit", at, fixed, outcome, int(number % 40 == 0), f"i{number}", at, None


def _fields(plan: Plan) -> Iterator[Row]:
    for number in range(max(20, plan.scale.events // 20)):
        yield f"i{number:07}", "data.note", '"a"', '"b"'


def _journal(plan: Plan) -> Iterator[Row]:
    many = plan.scale.events // 2
    for number in range(many):
        trigger = f"EventTrigger/trigger-{plan.skewed(plan.scale.declared):04}"
        cluster = plan.clusters[number * 10 % plan.scale.clusters]
        stage = "apply" if number % 5 == 4 else "match"
        yield plan.at(number, many), stage, trigger, cluster, stage, "Service/shop/web", plan.event_id(number * 2)


def _verdicts(plan: Plan) -> Iterator[Row]:
    at = plan.started()
    for source, cluster in plan.reports:
        yield source, cluster, "Service/shop/web", "match", "", "evaluateCEL lb", at, at, None
        for number in range(2):
            yield source, cluster, f"Service/shop/internal-{number}", "no_match", "has(resource.status.ip) is false", "lb", at, at, None


def _changes(plan: Plan) -> Iterator[Row]:
    many = plan.scale.events // 5
    for number in range(many):
        yield plan.at(number, many), "event", plan.event_id(number * 5), "put"


def _requests(plan: Plan) -> Iterator[Row]:
    for number in range(200):
        state = "waiting" if number < 5 else "done"
        at = plan.at(number, 200)
        done = None if state == "waiting" else at
        yield f"r{number}", "requeue", "ClusterProfile/base-0000", "ada", "cli", "", state, at, done, ""


_KEPT = " valid_from valid_to"
_FLEET = (
    (
        "declared",
        "ref kind api_group api_version namespace name uid resource_version generation created_at updated_at manifest sealed unsupported"
        + _KEPT,
        _declared,
    ),
    ("declared_states", "ref state reason at", _states),
    ("declared_references", "from_ref field_path to_ref", _references),
    ("members", "cluster namespace name kind state reason since ready paused version uid mode" + _KEPT, _members),
    ("member_labels", "cluster label_key label_value owner seen_at" + _KEPT, _labels),
    ("heartbeats", "cluster last_seen_at", _heartbeats),
)
_HISTORY = (
    ("events", "event_id source cluster revision detected_at matching_count cause_id", _events),
    ("event_objects", "event_id object_ref change api_version uid digest", _event_objects),
    ("reports", "source cluster event_id revision matching_count", _reports),
    ("report_objects", "source cluster object_ref api_version uid digest body" + _KEPT, _report_objects),
    (
        "matches",
        "match_id trigger_name source event_id cluster object_ref profile state reason matched_at acted_at cause_id latest superseded_at"
        + _KEPT
        + " detected_at",
        _matches,
    ),
    (
        "destinations",
        "match_id cluster state reason rendered_at applied_at latest" + _KEPT + " event_id source_cluster detected_at",
        _destinations,
    ),
    ("generated", "ref body digest trigger_name cluster object_ref cause_id at", _generated),
    (
        "addons",
        "profile cluster addon kind state reason attempts wanted_digest at applied_at next_attempt_at cause_id" + _KEPT,
        _addons,
    ),
    (
        "inventory",
        "cluster object_ref object_kind api_group api_version namespace name profile addon applied_at"
        " wanted_digest live_digest fields uid resource_version epoch cause_id",
        _inventory,
    ),
    (
        "incidents",
        "incident_id cluster object_ref profile changed_by detected_at corrected_at outcome flap_count cause_id" + _KEPT,
        _incidents,
    ),
    ("incident_fields", "incident_id field_path wanted found", _fields),
    ("journal", "at stage subject cluster decision reason cause_id", _journal),
    ("verdicts", "source cluster object_ref state reason deciding since" + _KEPT, _verdicts),
    ("changes", "at object_kind ref operation", _changes),
    ("requests", "request_id verb subject actor via reason state created_at decided_at outcome", _requests),
)
