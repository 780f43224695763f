"""What goes wrong on the way: each fault is told once, healed by itself, and loses nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import aclosing
from random import Random
from typing import Any

import pytest

from fleetd.cluster.connect import KubeCluster
from fleetd.cluster.port import Away, Changes, ChangeType, Sighting, Snapshot
from fleetd.cluster.rights import EVERYTHING, missing_rights
from fleetd.domain.errors import FleetdError, NotPermitted, Overloaded, Unreachable
from fleetd.domain.objects import Reads
from fleetd.domain.refs import GroupVersionKind
from fleetd.sim.faults import Fault, FaultKind

CONFIG_MAP = GroupVersionKind("", "v1", "ConfigMap")
SERVICE = GroupVersionKind("", "v1", "Service")
WATCH = frozenset({"watch"})
LIST = frozenset({"list"})


def config(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": data}


class Follower:
    """Somebody who believes a watch: what the cluster holds by its word, and all that it said."""

    def __init__(self, cluster: KubeCluster, gvk: GroupVersionKind = CONFIG_MAP) -> None:
        self.said: list[Sighting] = []
        self.events: list[tuple[str, str, str]] = []
        self.state: dict[str, str] = {}
        self._cluster = cluster
        self._gvk = gvk
        self._moved = asyncio.Event()
        self._task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        async with aclosing(self._cluster.watch(self._gvk, Reads(frozenset({("data",)})))) as sightings:
            async for sighting in sightings:
                self.said.append(sighting)
                self._take(sighting)
                self._moved.set()
                self._moved = asyncio.Event()

    def _take(self, sighting: Sighting) -> None:
        match sighting:
            case Snapshot(objects):
                self.state = {observed.ref.name: observed.resource_version for observed in objects}
            case Changes(changes):
                for change in changes:
                    name, version = change.observed.ref.name, change.observed.resource_version
                    self.events.append((str(change.type), name, version))
                    if change.type is ChangeType.DELETED:
                        self.state.pop(name, None)
                    else:
                        self.state[name] = version
            case _:
                pass

    @property
    def kinds(self) -> list[str]:
        return [type(sighting).__name__ for sighting in self.said]

    async def until(self, fact: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not fact():
                if self._task.done():
                    self._task.result()
                moved = self._moved
                await moved.wait()

    async def end(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@pytest.fixture
async def following():
    followers: list[Follower] = []

    def follow(cluster: KubeCluster, gvk: GroupVersionKind = CONFIG_MAP) -> Follower:
        followers.append(Follower(cluster, gvk))
        return followers[-1]

    yield follow
    for follower in followers:
        await follower.end()


async def test_a_cut_connection_is_taken_up_again_without_a_list(simulated, to_simulated, following):
    follower = following(await to_simulated())
    await simulated.until(lambda cluster: cluster.requests.watching["configmaps"] == 1)
    simulated.inject(Fault(FaultKind.CUT))
    await simulated.create(config("during"))
    await follower.until(lambda: "during" in follower.state)
    assert follower.kinds == ["Snapshot", "Resumed", "Changes"]
    assert simulated.requests.by_verb["list"] == 1


async def test_a_cluster_that_refuses_connections_is_told_once_and_resumed(simulated, to_simulated, following):
    follower = following(await to_simulated())
    await simulated.until(lambda cluster: cluster.requests.watching["configmaps"] == 1)
    refuse = Fault(FaultKind.REFUSE)
    simulated.inject(refuse)
    await follower.until(lambda: "Away" in follower.kinds)
    await simulated.create(config("during"))
    simulated.heal(refuse)
    await follower.until(lambda: "during" in follower.state)
    assert follower.kinds == ["Snapshot", "Away", "Resumed", "Changes"]
    away = next(said for said in follower.said if isinstance(said, Away))
    assert "127.0.0.1" in away.reason
    assert simulated.admin_token not in away.reason


async def test_all_watches_of_a_cluster_go_away_and_come_back_together(simulated, to_simulated, following):
    cluster = await to_simulated()
    kinds = [GroupVersionKind("", "v1", kind) for kind in ("ConfigMap", "Service", "Secret", "Node", "Pod", "Namespace", "ServiceAccount")]
    followers = [following(cluster, kind) for kind in kinds]
    await simulated.until(lambda it: sum(it.requests.watching.values()) == len(kinds))
    simulated.inject(Fault(FaultKind.STATUS, status=429, retry_after=0))
    simulated.inject(Fault(FaultKind.CUT))
    await asyncio.gather(*(follower.until(lambda follower=follower: "Away" in follower.kinds) for follower in followers))
    simulated.heal()
    await asyncio.gather(*(follower.until(lambda follower=follower: follower.kinds[-1] == "Resumed") for follower in followers))
    assert all(follower.kinds == ["Snapshot", "Away", "Resumed"] for follower in followers)


async def test_a_forgotten_history_is_listed_anew_and_its_deletions_found(simulated, to_simulated, following):
    await simulated.create(config("old"))
    follower = following(await to_simulated())
    await simulated.until(lambda cluster: cluster.requests.watching["configmaps"] == 1)
    refuse = Fault(FaultKind.REFUSE)
    simulated.inject(refuse)
    await follower.until(lambda: "Away" in follower.kinds)
    await simulated.delete("v1", "ConfigMap", "default", "old")
    await simulated.create(config("new"))
    simulated.inject(Fault(FaultKind.DROP_HISTORY))
    simulated.heal(refuse)
    await follower.until(lambda: follower.kinds.count("Snapshot") == 2)
    assert "old" not in follower.state
    assert "new" in follower.state


async def test_a_silent_watch_is_noticed_and_misses_nothing(simulated, to_simulated, following):
    follower = following(await to_simulated(silence_seconds=0.3))
    await simulated.until(lambda cluster: cluster.requests.watching["configmaps"] == 1)
    simulated.inject(Fault(FaultKind.SILENT, verbs=WATCH, times=1))
    simulated.inject(Fault(FaultKind.CUT))
    await simulated.until(lambda cluster: cluster.requests.by_verb["watch"] == 2)
    await simulated.create(config("during"))
    await follower.until(lambda: "during" in follower.state)
    assert "Snapshot" not in follower.kinds[1:]


@pytest.mark.parametrize("kind", [FaultKind.TRUNCATE, FaultKind.INVALID_JSON])
async def test_a_spoiled_frame_is_not_believed(kind, simulated, to_simulated, following):
    follower = following(await to_simulated())
    await simulated.until(lambda cluster: cluster.requests.watching["configmaps"] == 1)
    spoil = Fault(kind, verbs=WATCH)
    simulated.inject(spoil)
    await simulated.create(config("spoiled"))
    await simulated.until(lambda cluster: cluster.requests.by_verb["watch"] >= 2)
    simulated.heal(spoil)
    await follower.until(lambda: "spoiled" in follower.state)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(FaultKind.STATUS, status=500, verbs=LIST, times=3),
        Fault(FaultKind.STATUS, status=503, times=3),
        Fault(FaultKind.STATUS, status=429, retry_after=0, verbs=LIST, times=3),
        Fault(FaultKind.STATUS, status=401, verbs=LIST, times=3),
        Fault(FaultKind.STATUS, status=403, verbs=LIST, times=3),
        Fault(FaultKind.TRUNCATE, verbs=LIST, times=3),
        Fault(FaultKind.INVALID_JSON, verbs=LIST, times=3),
        Fault(FaultKind.INVALID_JSON, times=3),
        Fault(FaultKind.CONTENT_TYPE, times=3),
        Fault(FaultKind.LOSE_ANSWER, times=3),
        Fault(FaultKind.CONTENT_TYPE, verbs=WATCH, times=3),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}-{'-'.join(fault.verbs) or 'all'}",
)
async def test_a_bad_start_is_told_once_and_overcome(fault, simulated, to_simulated, following):
    await simulated.create(config("there"))
    simulated.inject(fault)
    follower = following(await to_simulated())
    await follower.until(lambda: "there" in follower.state and follower.kinds[-1] in {"Snapshot", "Resumed"})
    await simulated.until(lambda cluster: cluster.requests.watching["configmaps"] == 1)
    await simulated.create(config("later"))
    await follower.until(lambda: "later" in follower.state)
    assert follower.kinds.count("Away") == 1
    assert follower.kinds.count("Snapshot") == 1


async def test_a_hanging_list_ends_in_time(simulated, to_simulated, following):
    hang = Fault(FaultKind.HANG, verbs=LIST)
    simulated.inject(hang)
    follower = following(await to_simulated(list_seconds=0.2))
    await follower.until(lambda: "Away" in follower.kinds)
    assert "gave no answer within 0.2 s" in follower.said[0].reason
    simulated.heal(hang)
    await follower.until(lambda: "Snapshot" in follower.kinds)


async def test_a_hanging_write_ends_in_time_and_names_no_token(simulated, to_simulated):
    cluster = await to_simulated(request_seconds=0.2)
    await cluster.resource(CONFIG_MAP)
    simulated.inject(Fault(FaultKind.HANG, verbs=frozenset({"patch"})))
    with pytest.raises(Unreachable, match=r"gave no answer within 0\.2 s"):
        await cluster.apply(config("it"))


async def test_a_lost_answer_is_asked_for_again_where_that_is_harmless(simulated, to_simulated):
    cluster = await to_simulated()
    await cluster.resource(CONFIG_MAP)
    simulated.inject(Fault(FaultKind.LOSE_ANSWER, verbs=frozenset({"patch"}), times=1))
    applied = await cluster.apply(config("it", a="1"))
    assert applied["data"] == {"a": "1"}
    simulated.inject(Fault(FaultKind.LOSE_ANSWER, verbs=frozenset({"delete"}), times=1))
    assert not await cluster.delete(CONFIG_MAP, "default", "it", uid=applied["metadata"]["uid"])
    assert await simulated.get("v1", "ConfigMap", "default", "it") is None


async def test_somebody_without_rights_is_told_which(simulated, to_simulated, following):
    cluster = await to_simulated(simulated.limited_kubeconfig())
    with pytest.raises(NotPermitted, match="configmaps"):
        await cluster.apply(config("it"))
    assert [one.right for one in await missing_rights(cluster.api, EVERYTHING, cluster.settings)] == list(EVERYTHING)
    follower = following(cluster)
    await follower.until(lambda: "Away" in follower.kinds)
    assert "configmaps" in follower.said[0].reason


async def test_a_revoked_token_is_said_to_be_refused(simulated, to_simulated):
    cluster = await to_simulated()
    assert await cluster.read(CONFIG_MAP, "default", "it") is None
    simulated.revoke(simulated.admin_token)
    with pytest.raises(NotPermitted) as raised:
        await cluster.read(CONFIG_MAP, "default", "it")
    assert simulated.admin_token not in str(raised.value)


@pytest.mark.parametrize("kind", [kind for kind in FaultKind if kind is not FaultKind.DELAY])
async def test_no_error_holds_a_credential(kind, simulated, to_simulated):
    cluster = await to_simulated(request_seconds=0.1, backoff_base=0.0, backoff_cap=0.0)
    simulated.inject(Fault(kind, status=500))
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "it", "namespace": "default"},
        "stringData": {"a": "canary-secret"},
    }
    for call in (cluster.identity, lambda: cluster.apply(secret), lambda: cluster.read(CONFIG_MAP, "default", "it")):
        try:
            await call()
        except FleetdError as raised:
            told = f"{raised!r} {raised.__cause__!r} {raised.__context__!r}"
            assert simulated.admin_token not in told
            assert "canary-secret" not in told


async def test_an_overloaded_cluster_says_when_to_come_again(simulated, to_simulated):
    cluster = await to_simulated()
    await cluster.resource(CONFIG_MAP)
    simulated.inject(Fault(FaultKind.STATUS, status=429, retry_after=9, times=1))
    with pytest.raises(Overloaded) as raised:
        await cluster.apply(config("it"))
    assert raised.value.after == 9.0


async def test_a_closed_cluster_ends_its_watches(simulated, to_simulated):
    cluster = await to_simulated()
    ended = []
    async for sighting in cluster.watch(CONFIG_MAP, Reads()):
        ended.append(type(sighting).__name__)
        await cluster.close()
    assert ended == ["Snapshot"]
    with pytest.raises(Unreachable, match="closed on our side"):
        await cluster.identity()


BREAKS = (
    Fault(FaultKind.CUT),
    Fault(FaultKind.STATUS, status=500, verbs=WATCH, times=2),
    Fault(FaultKind.STATUS, status=429, retry_after=0, verbs=WATCH, times=1),
    Fault(FaultKind.TRUNCATE, verbs=WATCH, times=1),
    Fault(FaultKind.LOSE_ANSWER, verbs=WATCH, times=1),
)


@pytest.mark.parametrize("seed", range(8))
async def test_nothing_is_missed_across_broken_watches(seed, simulated, to_simulated, following):
    """With every break a watch is resumed, so each write is told exactly once and in order: no list hides a gap."""
    chance = Random(seed)
    follower = following(await to_simulated())
    await simulated.until(lambda cluster: cluster.requests.watching["configmaps"] == 1)
    wanted: list[tuple[str, str, str]] = []
    live: dict[str, dict[str, Any]] = {}
    for step in range(60):
        if chance.random() < 0.25:
            simulated.inject(chance.choice(BREAKS))
            simulated.inject(Fault(FaultKind.CUT))
        name = f"it-{chance.randrange(6)}"
        if name in live and chance.random() < 0.3:
            await simulated.delete("v1", "ConfigMap", "default", name)
            del live[name]
            wanted.append(("DELETED", name, ""))
        else:
            what = "MODIFIED" if name in live else "ADDED"
            live[name] = await simulated.apply(config(name, step=str(step)))
            wanted.append((what, name, live[name]["metadata"]["resourceVersion"]))
    await follower.until(lambda: len(follower.events) >= len(wanted))
    told = [(what, name, "" if what == "DELETED" else version) for what, name, version in follower.events]
    assert told == wanted
    assert follower.state == {name: body["metadata"]["resourceVersion"] for name, body in live.items()}
    assert Counter(follower.kinds)["Snapshot"] == 1
