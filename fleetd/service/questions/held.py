"""What an action means and holds back: looked up before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from fleetd.service.answers import Answer, Hint
from fleetd.service.asking import Question
from fleetd.service.foreign import plain_text, safe_ref
from fleetd.service.naming import read_ref, require
from fleetd.service.questions.addons import near_profiles, profile_name, profile_ref
from fleetd.service.questions.events import event_row
from fleetd.service.questions.ground import Ground, any_of
from fleetd.service.questions.requests import RequestRow, request_row
from fleetd.service.teaching import Code, Taught, bad

MOST_PROFILES = 50
_UNACTED = "SELECT DISTINCT m.profile FROM fleet_pending_events p JOIN fleet_trigger_matches m ON m.match_id = p.match_id"
_HELD_BACK = "SELECT DISTINCT subject_ref AS profile FROM fleet_damped WHERE subject_ref = :value"
_ON_CLUSTER = "SELECT DISTINCT profile FROM fleet_addons WHERE cluster = :value AND state IN ('failed', 'conflict', 'waiting')"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestsMade:
    """The requests of one action, each with its state."""

    requests: tuple[RequestRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRequests(Question[Answer[RequestsMade]]):
    """Requests by their ids; ids that are not there are left out."""

    ids: tuple[str, ...]

    def answered(self, ground: Ground) -> Answer[RequestsMade]:
        values: dict[str, Any] = {}
        sql = f"SELECT * FROM fleet_requests WHERE {any_of('id', 'id', self.ids, values)} ORDER BY subject"
        rows = tuple(request_row(row) for row in ground.rows(sql, values)) if self.ids else ()
        waiting = next((row for row in rows if row.state == "waiting"), None)
        hints = (Hint(why="what became of it", tool="get_request", arguments={"request_id": waiting.request_id}),) if waiting else ()
        return ground.answer(RequestsMade(requests=rows), hints)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """Profiles that are meant."""

    profiles: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindSubjects(Question[Answer[Meant]]):
    """Which profiles stand behind profiles, triggers, events and clusters that somebody names."""

    refs: tuple[str, ...]

    def answered(self, ground: Ground) -> Answer[Meant]:
        found = tuple(dict.fromkeys(profile for ref in self.refs for profile in _profiles(ground, ref.strip())))
        if len(found) > MOST_PROFILES:
            raise bad("refs", "", f"{len(found)} profiles are meant, {MOST_PROFILES} at most go in one call")
        if not found:
            raise bad("refs", plain_text(self.refs[0], most=80), "nothing that could try again stands behind this: nothing is stuck there")
        return ground.answer(Meant(profiles=found))


def _profiles(ground: Ground, ref: str) -> Iterator[str]:
    kind = ref.partition("/")[0].partition(".")[0].lower().removesuffix("s") if "/" in ref else ""
    if ref.startswith("event:"):
        row = event_row(ground, ref.removeprefix("event:"), "refs")
        yield from _each(ground, f"{_UNACTED} WHERE p.event_id = :value", row["event_id"])
    elif kind == "eventtrigger":
        named = read_ref(ref, "refs").ref
        require(ground, named, "refs")
        yield from _each(ground, f"{_UNACTED} WHERE p.event_trigger = :value", named.name)
        yield from _each(ground, _HELD_BACK, f"EventTrigger/{named.name}")
    elif kind == "eventsource":
        named = read_ref(ref, "refs").ref
        require(ground, named, "refs")
        yield from _each(ground, _HELD_BACK, f"EventSource/{named.name}")
    elif kind in ("clusterprofile", "profile"):
        profile = profile_name(ref)
        if not ground.rows("SELECT 1 AS one FROM fleet_addons WHERE profile = :profile LIMIT 1", profile=profile):
            _require_profile(ground, profile)
        yield profile
    else:
        yield from _each(ground, _ON_CLUSTER, _cluster(ground, ref))


def _require_profile(ground: Ground, profile: str) -> None:
    try:
        require(ground, profile_ref(profile), "refs")
    except Taught as error:
        likely = near_profiles(ground, profile) or error.lesson.did_you_mean
        raise Taught(replace(error.lesson, did_you_mean=likely)) from error


def _cluster(ground: Ground, ref: str) -> str:
    """The cluster that is meant; where there is none of the name, somebody may mean a profile or a trigger."""
    try:
        return ground.cluster(ref, "refs")
    except Taught as error:
        if error.lesson.code is not Code.NOT_FOUND:
            raise
        likely = (*near_profiles(ground, ref), *error.lesson.did_you_mean)
        sentence = f"{error.lesson.sentence}; a profile or trigger is named with its kind: ClusterProfile/x, EventTrigger/x"
        raise Taught(replace(error.lesson, sentence=sentence, did_you_mean=tuple(dict.fromkeys(likely))[:3])) from error


def _each(ground: Ground, sql: str, value: str) -> list[str]:
    return [row["profile"] for row in ground.rows(sql, value=value) if row["profile"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A cluster by its whole name."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FindCluster(Question[Answer[Named]]):
    """Which cluster somebody means."""

    cluster: str

    def answered(self, ground: Ground) -> Answer[Named]:
        return ground.answer(Named(name=ground.cluster(self.cluster, "clusters")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a pause is about: its declared object, and how much waits on it now."""

    scope: str
    ref: str
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FindHeld(Question[Answer[Held]]):
    """Which declared object a scope is, and how much waits on it."""

    scope: str

    def answered(self, ground: Ground) -> Answer[Held]:
        kind = self.scope.strip().partition("/")[0].partition(".")[0].lower()
        if kind in ("clusterprofile", "profile"):
            profile = profile_name(self.scope)
            ref = profile_ref(profile)
            require(ground, ref, "scope")
            return ground.answer(Held(scope=profile, ref=str(ref), waiting=_waiting(ground, "profile", profile)))
        if kind in ("eventtrigger", "eventsource"):
            raise bad("scope", safe_ref(self.scope), "a trigger cannot be paused: pause the profiles it generates, or its clusters")
        cluster = ground.cluster(self.scope, "scope")
        row = ground.rows("SELECT kind, namespace, name FROM fleet_clusters WHERE cluster = :cluster", cluster=cluster)[0]
        if row["kind"] != "SveltosCluster":
            raise bad("scope", safe_ref(cluster), "a Cluster API cluster is paused where it is declared: set spec.paused there")
        ref_text = f"SveltosCluster.lib.projectsveltos.io/{row['namespace']}/{row['name']}"
        return ground.answer(Held(scope=cluster, ref=ref_text, waiting=_waiting(ground, "cluster", cluster)))


def _waiting(ground: Ground, column: str, value: str) -> int:
    sql = f"SELECT COUNT(*) AS n FROM fleet_addons WHERE {column} = :value AND state = 'waiting'"
    return int(ground.rows(sql, value=value)[0]["n"])
