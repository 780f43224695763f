"""A watch heals itself: from each way of breaking, and without losing or inventing anything."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from fleetd.cluster.port import Away, Changes, ChangeType, NoSuchKind, Resumed, Snapshot
from fleetd.cluster.watching import Watch
from fleetd.domain.objects import Reads
from fleetd.domain.refs import GroupVersionKind


def names(sightings: list[Any]) -> list[tuple[str, str]]:
    return [(str(change.type), change.observed.ref.name) for seen in sightings if isinstance(seen, Changes) for change in seen.changes]


def kinds(sightings: list[Any]) -> list[str]:
    return [type(seen).__name__ for seen in sightings]


async def test_a_watch_begins_with_everything_there_is_and_goes_on_with_changes(scripted, connected, sighted, words):
    scripted.objects = [words.config_map("old", 5, a="1")]
    scripted.watches = [[words.event("ADDED", words.config_map("new", 11)), words.event("DELETED", words.config_map("old", 12))]]
    seen = await sighted(await connected(), lambda seen: len(names(seen)) == 2)
    assert isinstance(seen[0], Snapshot)
    assert [observed.ref.name for observed in seen[0].objects] == ["old"]
    assert seen[0].objects[0].body["data"] == {"a": "1"}
    assert names(seen) == [("ADDED", "new"), ("DELETED", "old")]
    assert scripted.queries("watch")[0]["resourceVersion"] == "10"


async def test_events_that_come_together_are_handed_on_together(scripted, connected, sighted, words):
    together = b"".join(words.event("MODIFIED", words.config_map("it", 11 + number)) for number in range(20))
    scripted.watches = [[together]]
    seen = await sighted(await connected(), lambda seen: bool(names(seen)))
    assert len(names(seen)) == 20
    assert kinds(seen) == ["Snapshot", "Changes"]


async def test_an_event_cut_into_pieces_is_put_together(scripted, connected, sighted, words):
    line = words.event("ADDED", words.config_map("it", 11, text="ä" * 5000))
    scripted.watches = [[line[:1], line[1:700], line[700:-1], line[-1:]]]
    seen = await sighted(await connected(), lambda seen: bool(names(seen)))
    assert seen[1].changes[0].observed.body["data"]["text"] == "ä" * 5000


async def test_a_cut_watch_goes_on_where_it_broke_off(scripted, connected, sighted, words):
    scripted.watches = [
        [words.event("ADDED", words.config_map("one", 11)), scripted.CUT],
        [words.event("ADDED", words.config_map("two", 12))],
    ]
    seen = await sighted(await connected(), lambda seen: len(names(seen)) == 2)
    assert kinds(seen) == ["Snapshot", "Changes", "Resumed", "Changes"]
    assert [query["resourceVersion"] for query in scripted.queries("watch")] == ["10", "11"]
    assert len(scripted.queries("list")) == 1


async def test_half_a_line_at_the_end_is_asked_for_again(scripted, connected, sighted, words):
    line = words.event("ADDED", words.config_map("two", 12))
    scripted.watches = [[words.event("ADDED", words.config_map("one", 11)), line[:40], scripted.END], [line]]
    seen = await sighted(await connected(), lambda seen: len(names(seen)) == 2)
    assert names(seen) == [("ADDED", "one"), ("ADDED", "two")]
    assert kinds(seen) == ["Snapshot", "Changes", "Resumed", "Changes"]
    assert [query["resourceVersion"] for query in scripted.queries("watch")] == ["10", "11"]


async def test_the_end_of_the_servers_time_is_no_outage(scripted, connected, sighted, words):
    scripted.watches = [
        [words.event("ADDED", words.config_map("one", 11)), scripted.END],
        [words.event("ADDED", words.config_map("two", 12)), scripted.END],
    ]
    seen = await sighted(await connected(), lambda seen: len(names(seen)) == 2)
    assert kinds(seen) == ["Snapshot", "Changes", "Changes"]


async def test_a_bookmark_moves_the_place_to_go_on_from(scripted, connected, sighted, words):
    bookmark = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"resourceVersion": "40"}}
    scripted.watches = [[words.event("BOOKMARK", bookmark), scripted.CUT], [words.event("ADDED", words.config_map("it", 41))]]
    seen = await sighted(await connected(), lambda seen: bool(names(seen)))
    assert [query["resourceVersion"] for query in scripted.queries("watch")] == ["10", "40"]
    assert kinds(seen) == ["Snapshot", "Resumed", "Changes"]


@pytest.mark.parametrize("how", ["event", "status"])
async def test_an_expired_place_is_listed_anew(how, scripted, connected, sighted, words):
    expired = words.status(410, "Expired", "too old resource version: 10 (99)")
    scripted.watches = [[words.event("ERROR", expired)] if how == "event" else web.json_response(expired, status=410)]
    seen = await sighted(await connected(), lambda seen: kinds(seen).count("Snapshot") == 2)
    assert kinds(seen) == ["Snapshot", "Snapshot"]


async def test_a_place_that_stays_expired_is_not_asked_for_in_a_storm(scripted, connected, sighted, words):
    expired = words.event("ERROR", words.status(410, "Expired", "too old resource version"))
    scripted.watches = [[expired]] * 4
    cluster = await connected(settled_seconds=60.0)
    seen = await sighted(cluster, lambda seen: kinds(seen).count("Snapshot") == 4)
    assert kinds(seen) == ["Snapshot", "Snapshot", "Away", "Snapshot", "Away", "Snapshot"]


async def test_a_line_that_is_no_json_leads_to_a_fresh_list(scripted, connected, sighted, words):
    scripted.watches = [[words.event("ADDED", words.config_map("one", 11)) + b'{"type": "ADD\n']]
    scripted.lists = [scripted.listed(10), scripted.listed(12)]
    seen = await sighted(await connected(), lambda seen: kinds(seen).count("Snapshot") == 2)
    assert kinds(seen) == ["Snapshot", "Changes", "Away", "Snapshot"]


async def test_a_version_that_goes_back_leads_to_a_fresh_list(scripted, connected, sighted, words):
    scripted.watches = [[words.event("ADDED", words.config_map("one", 30)) + words.event("MODIFIED", words.config_map("one", 20))]]
    scripted.lists = [scripted.listed(10), scripted.listed(31)]
    seen = await sighted(await connected(), lambda seen: kinds(seen).count("Snapshot") == 2)
    assert names(seen) == [("ADDED", "one")]
    assert seen[-1].resource_version == "31"


async def test_a_list_that_lags_behind_is_not_taken(scripted, connected, sighted, words):
    scripted.watches = [[words.event("ADDED", words.config_map("one", 30)), words.event("ERROR", words.status(410, "Expired"))]]
    scripted.lists = [scripted.listed(10), scripted.listed(25), scripted.listed(31)]
    seen = await sighted(await connected(), lambda seen: kinds(seen).count("Snapshot") == 2)
    assert [snapshot.resource_version for snapshot in seen if isinstance(snapshot, Snapshot)] == ["10", "31"]
    assert kinds(seen).count("Away") == 1


async def test_a_cluster_restored_from_a_backup_is_believed_after_a_while(scripted, connected, sighted, words):
    scripted.watches = [[words.event("ADDED", words.config_map("one", 30)), words.event("ERROR", words.status(410, "Expired"))]]
    scripted.lists = [scripted.listed(10), *(scripted.listed(25) for _ in range(3))]
    seen = await sighted(await connected(), lambda seen: kinds(seen).count("Snapshot") == 2)
    assert seen[-1].resource_version == "25"


async def test_a_version_from_the_future_is_listed_anew(scripted, connected, sighted, words):
    ahead = words.status(
        504, "Timeout", "Too large resource version: 10, current: 5", details={"causes": [{"reason": "ResourceVersionTooLarge"}]}
    )
    scripted.watches = [web.json_response(ahead, status=504)]
    seen = await sighted(await connected(), lambda seen: kinds(seen).count("Snapshot") == 2)
    assert kinds(seen) == ["Snapshot", "Snapshot"]


async def test_silence_is_noticed_and_the_watch_taken_up_from_its_place(scripted, connected, sighted, words):
    scripted.watches = [[words.event("ADDED", words.config_map("one", 11))], [words.event("ADDED", words.config_map("two", 12))]]
    seen = await sighted(await connected(silence_seconds=0.2), lambda seen: len(names(seen)) == 2)
    assert kinds(seen) == ["Snapshot", "Changes", "Away", "Resumed", "Changes"]
    assert "nothing came for 0.2 s" in seen[2].reason
    assert [query["resourceVersion"] for query in scripted.queries("watch")] == ["10", "11"]


async def test_each_outage_is_told_once(scripted, connected, sighted, words):
    refused = [web.json_response(words.status(500, "InternalError", "etcd is away"), status=500) for _ in range(4)]
    scripted.watches = [[words.event("ADDED", words.config_map("one", 11)), scripted.CUT], *refused]
    seen = await sighted(await connected(), lambda seen: any(isinstance(sighting, Resumed) for sighting in seen))
    assert kinds(seen) == ["Snapshot", "Changes", "Away", "Resumed"]
    assert "etcd is away" in seen[2].reason


async def test_a_lost_right_is_told_and_tried_again(scripted, connected, sighted, words):
    forbidden = words.status(403, "Forbidden", 'configmaps is forbidden: User "fleetd" cannot list resource "configmaps"')
    scripted.lists = [web.json_response(forbidden, status=403)]
    seen = await sighted(await connected(), lambda seen: isinstance(seen[-1], Snapshot))
    assert kinds(seen) == ["Away", "Snapshot"]
    assert 'cannot list resource "configmaps"' in seen[0].reason


async def test_lists_come_in_pages_of_one_version(scripted, connected, sighted, words):
    def page(name, follow):
        metadata = {"resourceVersion": "10", "continue": follow}
        return web.json_response({"kind": "ConfigMapList", "metadata": metadata, "items": [words.config_map(name, 3)]})

    scripted.lists = [page("one", "next"), page("two", "")]
    seen = await sighted(await connected(page_size=1), lambda seen: True)
    assert [observed.ref.name for observed in seen[0].objects] == ["one", "two"]
    assert [query.get("continue") for query in scripted.queries("list")] == [None, "next"]


async def test_a_list_whose_continuation_expires_is_begun_again(scripted, connected, sighted, words):
    first = {"kind": "ConfigMapList", "metadata": {"resourceVersion": "10", "continue": "next"}, "items": [words.config_map("gone", 3)]}
    expired = words.status(410, "Expired", "the provided continue parameter is too old")
    scripted.lists = [web.json_response(body, status=code) for body, code in [(first, 200), (expired, 410)] * 2]
    scripted.objects = [words.config_map("there", 11)]
    seen = await sighted(await connected(page_size=1), lambda seen: True)
    assert [observed.ref.name for observed in seen[0].objects] == ["there"]
    assert scripted.queries("list")[-1] == {}


async def test_an_answer_that_is_too_large_is_asked_for_in_smaller_pages(scripted, connected, sighted, words):
    scripted.lists = [web.json_response({"metadata": {"resourceVersion": "10"}, "items": [words.config_map("it", 3, text="x" * 5000)]})]
    scripted.objects = [words.config_map("it", 3)]
    seen = await sighted(await connected(answer_bytes=2000, page_size=80), lambda seen: True)
    assert kinds(seen) == ["Snapshot"]
    assert [query["limit"] for query in scripted.queries("list")] == ["80", "10"]


async def test_only_metadata_is_asked_for_when_only_metadata_is_read(scripted, connected, sighted, words):
    partial = {**words.config_map("it", 11), "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    scripted.watches = [[words.event("ADDED", partial)]]
    reads = Reads(frozenset({("metadata", "labels")}))
    seen = await sighted(await connected(), lambda seen: bool(names(seen)), reads)
    accepted = [request.headers["Accept"] for request in scripted.asked if request.path.endswith("/configmaps")]
    assert all("as=PartialObjectMetadata" in accept for accept in accepted)
    assert seen[1].changes[0].observed.body["kind"] == "ConfigMap"
    assert seen[1].changes[0].type is ChangeType.ADDED


async def test_a_kind_that_is_not_served_is_said_so(connected, sighted):
    with pytest.raises(NoSuchKind, match=r"serves no acme\.io/v1 Widget"):
        await sighted(await connected(), lambda seen: True, gvk=GroupVersionKind("acme.io", "v1", "Widget"))


async def test_a_kind_that_vanishes_ends_the_watch(scripted, connected, words):
    scripted.watches = [[scripted.CUT]]
    cluster = await connected()
    sightings = cluster.watch(words.kind, Reads())
    assert isinstance(await anext(sightings), Snapshot)
    scripted.served = False
    with pytest.raises(NoSuchKind):
        await anext(sightings)


async def test_away_comes_first_when_the_cluster_was_never_there(scripted, connected, sighted, words):
    kubeconfig = scripted.kubeconfig()
    kubeconfig["clusters"][0]["cluster"]["server"] = "http://127.0.0.1:9"
    seen = await sighted(await connected(kubeconfig), lambda seen: True)
    assert isinstance(seen[0], Away)
    assert "127.0.0.1:9 cannot be spoken to: connect call failed" in seen[0].reason or "refused" in seen[0].reason


async def test_a_dead_cluster_costs_no_busy_loop(scripted, connected, words):
    kubeconfig = scripted.kubeconfig()
    kubeconfig["clusters"][0]["cluster"]["server"] = "http://127.0.0.1:9"
    cluster = await connected(kubeconfig, backoff_base=30.0, backoff_cap=30.0)
    rounds = 0

    def chance() -> float:
        nonlocal rounds
        rounds += 1
        return 0.5

    sightings = Watch(cluster.api, cluster.discovery, words.kind, Reads(), cluster.settings).sightings(chance)
    assert isinstance(await anext(sightings), Away)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await anext(sightings)
    assert rounds <= 3


async def test_no_watch_waits_for_another_ones_socket(scripted, connected, words):
    cluster = await connected()
    watches = [cluster.watch(words.kind, Reads()) for _ in range(130)]
    following = [asyncio.ensure_future(anext(watch)) for watch in watches]
    assert all(isinstance(seen, Snapshot) for seen in await asyncio.gather(*following))
    following = [asyncio.ensure_future(anext(watch)) for watch in watches]
    async with asyncio.timeout(20):
        while len(scripted.queries("watch")) < len(watches):
            scripted.moved.clear()
            await scripted.moved.wait()
    for waiting in following:
        waiting.cancel()
    await asyncio.gather(*following, return_exceptions=True)
