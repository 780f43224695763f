"""Add-ons: one source of manifests of one profile on one cluster. None of them is a Kubernetes Deployment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import orjson

from fleetd.domain.errors import InvalidInput
from fleetd.domain.refs import ObjectRef
from fleetd.service.answers import Answer, Hint, Page
from fleetd.service.arguments import BRIEF, DEFAULT_LIMIT, About, AsOf, Clusters, Cursor, Detail, Limit, Profile
from fleetd.service.asking import Question
from fleetd.service.foreign import LONGEST, plain_text, safe_ref
from fleetd.service.questions.gates import Gate, Gates, first_failing
from fleetd.service.questions.ground import Ground, Listing, any_of
from fleetd.service.teaching import Code, Lesson, Taught, near
from fleetd.store.reading import Record

AddonState = Literal["waiting", "applying", "deployed", "healthy", "failed", "conflict", "removing", "removed"]
_SETTLED = ("deployed", "healthy")
_CONFIG = "config.projectsveltos.io"
_MADE_LIKE = "SELECT ref FROM fleet_generated WHERE ref LIKE :start ORDER BY ref LIMIT 500"
AT_WORK = Hint(why="the profiles at work", tool="list_addons", arguments={"group_by": "profile"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AddonRow:
    """One add-on on one cluster."""

    profile: str
    cluster: str
    addon: str
    addon_kind: str
    state: str
    attempts: int
    applied_at: str | None = None
    next_attempt_at: str | None = None
    reason_untrusted: str = ""
    wanted_digest: str = ""
    cause_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAddons(Question[Page[AddonRow]]):
    """Which add-ons of which profiles are on which clusters, and in which state. Add-ons are no Kubernetes Deployments."""

    profile: Profile = ""
    clusters: Clusters = ""
    status: Annotated[tuple[AddonState, ...], About("only in these states")] = ()
    as_of: AsOf = ""
    group_by: Annotated[Literal["", "state", "profile", "cluster", "addon_kind"], About("counts instead of rows")] = ""
    detail: Annotated[Detail, About("full adds the digest that is wanted, and the cause")] = "brief"
    limit: Limit = DEFAULT_LIMIT
    cursor: Cursor = ""

    def answered(self, ground: Ground) -> Page[AddonRow]:
        group = f"a.{self.group_by}" if self.group_by else ""
        part = ground.part(self.listing(ground), limit=self.limit, cursor=self.cursor, group_by=group)
        items = tuple(addon_row(row, full=self.detail == "full") for row in part.rows)
        if self.profile and not part.total.count:
            require_profile(ground, profile_name(self.profile))
        return ground.page(part, items, _hints(items))

    def listing(self, ground: Ground) -> Listing:
        """The rows that are meant."""
        ground.back(self.as_of, "fleet_addons", "fleet_clusters")
        values: dict[str, Any] = {}
        where = []
        if self.profile:
            where.append("a.profile = :profile")
            values["profile"] = profile_name(self.profile)
        if self.clusters:
            where.append(ground.choose(self.clusters, "a.cluster", values))
        if self.status:
            where.append(any_of("a.state", "status", self.status, values))
        key = {"profile": "a.profile", "cluster": "a.cluster", "addon": "a.addon"}
        return Listing(self, "a.*", "fleet_addons a", key, tuple(where), values)


def _hints(items: tuple[AddonRow, ...]) -> tuple[Hint, ...]:
    stuck = next((row for row in items if row.state in ("failed", "conflict", "waiting")), None)
    if stuck is None:
        return ()
    arguments = {"profile": stuck.profile, "cluster": stuck.cluster}
    return (Hint(why="what stands in its way", tool="explain_addon", arguments=arguments),)


def addon_row(row: Record, *, full: bool = False) -> AddonRow:
    """A row of `fleet_addons` or its history."""
    return AddonRow(
        profile=safe_ref(row["profile"]),
        cluster=safe_ref(row["cluster"]),
        addon=safe_ref(row["addon"]),
        addon_kind=row["addon_kind"],
        state=row["state"],
        attempts=row["attempts"],
        applied_at=row["applied_at"],
        next_attempt_at=row["next_attempt_at"],
        reason_untrusted=plain_text(row["reason"], most=LONGEST if full else BRIEF),
        wanted_digest=row["wanted_digest"] if full else "",
        cause_id=row["cause_id"] if full else "",
    )


def profile_name(text: str) -> str:
    """`ClusterProfile/x` from that, from its reference, or from the bare name of one."""
    kind, _, rest = text.strip().partition("/")
    if not rest:
        return f"ClusterProfile/{kind}"
    plain = {"clusterprofile": "ClusterProfile", "profile": "Profile"}.get(kind.partition(".")[0].lower().removesuffix("s"), kind)
    return f"{plain}/{rest.lstrip('/')}"


def profile_ref(profile: str) -> ObjectRef:
    """The reference of a profile by its name here."""
    kind, _, rest = profile.partition("/")
    namespace, _, name = rest.rpartition("/")
    return ObjectRef(kind, _CONFIG, namespace, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddonGates:
    """The gates between a profile and a cluster in their order, the first that fails, and the add-ons as they stand."""

    profile: str
    cluster: str
    first_failing: str
    gates: tuple[Gate, ...]
    addons: tuple[AddonRow, ...] = ()
    generated_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainAddon(Question[Answer[AddonGates]]):
    """Why a profile's add-ons are, or are not, deployed on a cluster: the gates in order and the first that fails."""

    profile: Profile
    cluster: Annotated[str, About("namespace/name, or the name alone")]
    as_of: AsOf = ""

    def answered(self, ground: Ground) -> Answer[AddonGates]:
        ground.back(self.as_of, "fleet_addons", "fleet_clusters", "fleet_declared")
        profile, cluster = profile_name(self.profile), ground.cluster(self.cluster, "cluster")
        ref = str(profile_ref(profile))
        made = ground.row("SELECT event_trigger, cluster FROM fleet_generated WHERE ref = :ref", ref=ref)
        declared = ground.row("SELECT state, reason, manifest FROM fleet_declared WHERE ref = :ref", ref=ref)
        rows = ground.rows("SELECT * FROM fleet_addons WHERE profile = :profile AND cluster = :cluster", profile=profile, cluster=cluster)
        if made is None and declared is None and not rows:
            raise _no_profile(ground, profile)
        addons = tuple(addon_row(row, full=True) for row in rows)
        gates = [*_gates(ground, ref, cluster, declared, made), _deployed(addons)]
        found = AddonGates(
            profile=safe_ref(profile),
            cluster=safe_ref(cluster),
            first_failing=first_failing(gates),
            gates=tuple(gates),
            addons=addons,
            generated_by=safe_ref(made["event_trigger"]) if made else "",
        )
        hints: tuple[Hint, ...] = ()
        wrong = next((row for row in addons if row.state == "failed" and row.addon.startswith(("ConfigMap/", "Secret/"))), None)
        if wrong is not None and found.first_failing == "deployed":
            hints = (Hint(why="what it is made of", tool="get_object", arguments={"ref": wrong.addon}),)
        if made:
            arguments = {"trigger": safe_ref(made["event_trigger"]), "cluster": safe_ref(made["cluster"])}
            hints = (*hints, Hint(why="why its trigger made it", tool="explain_trigger", arguments=arguments))
        return ground.answer(found, hints)


def require_profile(ground: Ground, profile: str) -> None:
    """That there is, or was, a profile of this name.

    Raises:
        Taught: there never was.
    """
    ref = str(profile_ref(profile))
    asked = (("fleet_declared_history", "ref", ref), ("fleet_generated", "ref", ref), ("fleet_addon_history", "profile", profile))
    if not any(ground.rows(f"SELECT 1 AS one FROM {view} WHERE {column} = :known LIMIT 1", known=name) for view, column, name in asked):
        raise _no_profile(ground, profile)


def near_profiles(ground: Ground, named: str) -> tuple[str, ...]:
    """The profiles whose names are most like this one: declared ones, and generated ones that begin as it does."""
    rows = ground.rows("SELECT profile FROM fleet_profiles ORDER BY profile LIMIT 500")
    start = named.rpartition("/")[2][:3].replace("%", "").replace("_", "")
    made = ground.rows(_MADE_LIKE, start=f"ClusterProfile.{_CONFIG}//{start}%")
    names = [*(row["profile"] for row in rows), *(f"ClusterProfile/{row['ref'].rpartition('/')[2]}" for row in made)]
    return near(named, map(safe_ref, names))


def _no_profile(ground: Ground, profile: str) -> Taught:
    lesson = Lesson(
        code=Code.NOT_FOUND,
        sentence="there is no profile of this name",
        field="profile",
        got=plain_text(profile, most=120),
        did_you_mean=near_profiles(ground, profile),
        next=AT_WORK,
    )
    return Taught(lesson)


def _gates(ground: Ground, ref: str, cluster: str, declared: Record | None, made: Record | None) -> Iterator[Gate]:
    if declared is not None:
        yield Gates.declared(declared)
        yield _selected(ground, declared, cluster)
    elif made is not None:
        yield Gate(gate="declared", passed=True, because="an EventTrigger generated it")
    elif ground.then is not None:
        because = "nobody had declared it; whether a trigger had generated it then is not kept"
        yield Gate(gate="declared", passed=None, because=because)
    else:
        yield Gate(gate="declared", passed=False, because="it is declared no more; what is left is being removed")
    yield from Gates.cluster(ground, cluster)
    from fleetd.service.questions.references import named_by  # see below

    missing = [row for row in named_by(ground, ref) if not row["resolved"] and "{{" not in row["to_ref"]]
    sentence = (
        f"not declared: {', '.join(safe_ref(row['to_ref']) for row in missing[:5])}" if missing else "everything that it names is there"
    )
    yield Gate(gate="references_resolved", passed=not missing, because=sentence)


def _selected(ground: Ground, declared: Record, cluster: str) -> Gate:
    # All kinds and their rules: who only lists starts in half the time.
    from fleetd.decide.definitions import compile_profile
    from fleetd.service.questions.references import members
    from fleetd.service.questions.sets import chosen_gate

    try:
        profile = compile_profile(orjson.loads(declared["manifest"]))
    except (InvalidInput, KeyError, TypeError):
        return Gate(gate="cluster_selected", passed=None, because="its selector cannot be read")
    if profile.paused:
        return Gate(gate="not_paused", passed=False, because="the profile is paused by its annotation")
    if cluster in profile.cluster_refs:
        return Gate(gate="cluster_selected", passed=True, because="clusterRefs names the cluster")
    member = next(iter(members(ground, cluster)), None)
    if member is None or (profile.selector is None and not profile.set_refs):
        return Gate(gate="cluster_selected", passed=False, because="no selector chooses the cluster, and clusterRefs does not name it")
    return chosen_gate(ground, profile.selector, profile.set_refs, member)


def _deployed(addons: tuple[AddonRow, ...]) -> Gate:
    stuck = next((row for row in addons if row.state not in _SETTLED), None)
    if not addons:
        return Gate(gate="deployed", passed=False, because="no add-on of the profile is on the cluster")
    if stuck is None:
        return Gate(gate="deployed", passed=True, because=f"{len(addons)} add-ons are deployed")
    again = f"; next attempt at {stuck.next_attempt_at}" if stuck.next_attempt_at else ""
    because = f"{stuck.addon} is {stuck.state} after {stuck.attempts} attempts{again}"
    return Gate(gate="deployed", passed=False, because=because, said_untrusted=stuck.reason_untrusted)
