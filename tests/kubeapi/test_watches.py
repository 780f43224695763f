"""What a watch tells, and when."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
NAMES = st.sampled_from("abc")
LABELS = st.dictionaries(st.sampled_from(["app", "tier"]), st.sampled_from(["x", "y"]), max_size=2)
STEPS = st.lists(st.tuples(st.sampled_from(["put", "delete"]), NAMES, LABELS), max_size=12)


async def take(world: Any, step: tuple[str, str, dict[str, str]], number: int = 0) -> None:
    kind, name, labels = step
    there = await world.server.get("v1", "ConfigMap", "default", name)
    if kind == "delete":
        if there:
            await world.server.delete("v1", "ConfigMap", "default", name)
    elif there:
        await world.server.replace(
            {**there, "metadata": {"name": name, "namespace": "default", "labels": labels}, "data": {"n": str(number)}}
        )
    else:
        await world.config_map(name, {"n": str(number)}, labels=labels)


def replayed(start: dict[str, Any], events: list[dict[str, Any]]) -> dict[str, Any]:
    """The objects that a client has who believes the events; they have to fit what it had."""
    objects = dict(start)
    for event in events:
        name = event["object"]["metadata"]["name"]
        match event["type"]:
            case "ADDED":
                assert name not in objects
                objects[name] = event["object"]
            case "MODIFIED":
                assert name in objects
                objects[name] = event["object"]
            case "DELETED":
                del objects[name]
    return objects


def by_name(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {item["metadata"]["name"]: {"kind": "ConfigMap", "apiVersion": "v1", **item} for item in items}


@given(before=STEPS, after=STEPS, selector=st.sampled_from(["", "app=x", "app!=x", "tier", "!tier", "app in (x,y),tier notin (y)"]))
def test_a_list_and_a_watch_from_its_version_miss_nothing(new_world: Any, before: Any, after: Any, selector: str) -> None:
    async def run() -> None:
        world = new_world()
        for number, step in enumerate(before):
            await take(world, step, number)
        listed = await world.body("GET", CONFIG_MAPS, labelSelector=selector)
        version = listed["metadata"]["resourceVersion"]
        live = await world.watch(CONFIG_MAPS, resourceVersion=version, labelSelector=selector)
        for number, step in enumerate(after):
            await take(world, step, 100 + number)
        late = await world.watch(CONFIG_MAPS, resourceVersion=version, labelSelector=selector)
        assert live.events == late.events
        now = await world.body("GET", CONFIG_MAPS, labelSelector=selector)
        assert replayed(by_name(listed["items"]), live.events) == by_name(now["items"])

    asyncio.run(run())


@given(steps=STEPS)
def test_the_history_of_a_watch_is_the_sequence_of_writes(new_world: Any, steps: Any) -> None:
    async def run() -> None:
        world = new_world()
        begin = (await world.body("GET", CONFIG_MAPS))["metadata"]["resourceVersion"]
        written = []
        world.storage.listen(lambda change: written.append((change.version, change.before is None, change.after is None)))
        for number, step in enumerate(steps):
            await take(world, step, number)
        events = (await world.watch(CONFIG_MAPS, resourceVersion=begin)).events
        versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
        assert versions == [version for version, _, _ in written]
        kinds = ["ADDED" if new else "DELETED" if gone else "MODIFIED" for _, new, gone in written]
        assert [event["type"] for event in events] == kinds

    asyncio.run(run())


@given(steps=STEPS, more=STEPS)
def test_a_list_at_a_version_shows_what_was_there_then(new_world: Any, steps: Any, more: Any) -> None:
    async def run() -> None:
        world = new_world()
        for number, step in enumerate(steps):
            await take(world, step, number)
        then = await world.body("GET", CONFIG_MAPS)
        for number, step in enumerate(more):
            await take(world, step, 100 + number)
        at = {"resourceVersion": then["metadata"]["resourceVersion"], "resourceVersionMatch": "Exact"}
        assert await world.body("GET", CONFIG_MAPS, **at) == then

    asyncio.run(run())


@given(count=st.integers(0, 9), limit=st.integers(1, 4))
def test_pages_together_are_the_list_though_it_changes_between_them(new_world: Any, count: int, limit: int) -> None:
    async def run() -> None:
        world = new_world()
        for number in range(count):
            await world.config_map(f"c{number}")
        whole = (await world.body("GET", CONFIG_MAPS))["items"]
        items, token = [], ""
        while True:
            page = await world.body("GET", CONFIG_MAPS, limit=str(limit), **({"continue": token} if token else {}))
            items += page["items"]
            assert len(page["items"]) <= limit
            token = page["metadata"].get("continue", "")
            if not token:
                break
            assert page["metadata"]["remainingItemCount"] == count - len(items)
            await world.config_map(f"x{len(items)}")
            await world.server.delete("v1", "ConfigMap", "default", f"c{count - 1}") if len(items) == limit else None
        assert items == whole

    asyncio.run(run())


async def test_an_object_that_leaves_the_selection_is_told_as_deleted_and_one_that_enters_it_as_added(world: Any) -> None:
    await world.config_map("a", {"k": "1"}, labels={"app": "web"})
    reader = await world.watch(CONFIG_MAPS, labelSelector="app=web")
    await world.server.patch("v1", "ConfigMap", "default", "a", {"metadata": {"labels": {"app": "db"}}, "data": {"k": "2"}})
    await world.server.patch("v1", "ConfigMap", "default", "a", {"data": {"k": "3"}})
    await world.server.patch("v1", "ConfigMap", "default", "a", {"metadata": {"labels": {"app": "web"}}})
    assert reader.told() == [("ADDED", "a"), ("DELETED", "a"), ("ADDED", "a")]
    gone = reader.events[1]["object"]
    assert gone["data"] == {"k": "1"}
    assert gone["metadata"]["resourceVersion"] > reader.events[0]["object"]["metadata"]["resourceVersion"]


async def test_watches_of_one_form_share_the_bytes_of_an_event(world: Any) -> None:
    one, other = await world.watch(CONFIG_MAPS), await world.watch("/api/v1/configmaps")
    await world.config_map("a")
    assert one.frames[-1] is other.frames[-1]


async def test_a_watch_of_another_namespace_or_kind_hears_nothing(world: Any) -> None:
    elsewhere = await world.watch("/api/v1/namespaces/kube-system/configmaps")
    secrets = await world.watch("/api/v1/secrets")
    await world.config_map("a")
    assert elsewhere.events == secrets.events == []


async def test_a_change_between_the_opening_and_the_start_of_a_watch_is_told_once(world: Any) -> None:
    stream = await world.ask("GET", CONFIG_MAPS, watch="true")
    await world.config_map("a")
    events: list[Any] = []
    stream.start(lambda frame: events.append(orjson.loads(frame)), lambda: None)
    assert [event["type"] for event in events] == ["ADDED"]


async def test_bookmarks_come_every_minute_and_at_the_end_and_lead_to_a_watch_that_misses_nothing(world: Any) -> None:
    reader = await world.watch(CONFIG_MAPS, resourceVersion="1", allowWatchBookmarks="true", timeoutSeconds="150")
    for _ in range(3):
        await world.server.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"generateName": "s-", "namespace": "default"}})
        world.time.forward(60)
    assert [event["type"] for event in reader.events] == ["BOOKMARK"] * 3
    assert reader.closed
    marked = reader.events[-1]["object"]["metadata"]["resourceVersion"]
    assert marked == (await world.body("GET", CONFIG_MAPS))["metadata"]["resourceVersion"]
    await world.config_map("a")
    assert (await world.watch(CONFIG_MAPS, resourceVersion=marked)).told() == [("ADDED", "a")]


async def test_a_watch_that_nobody_reads_any_more_leaves_nothing_behind(world: Any) -> None:
    stream = await world.ask("GET", CONFIG_MAPS, watch="true", allowWatchBookmarks="true")
    stream.start(lambda _frame: None, lambda: None)
    assert (world.server.watches.count, world.time.waiting) == (1, 2)
    stream.stop()
    assert (world.server.watches.count, world.time.waiting) == (0, 0)


async def test_old_history_is_forgotten_and_a_watch_that_needs_it_is_told_so(new_world: Any) -> None:
    world = new_world(storage=type(new_world().storage)(history=5))
    for number in range(6):
        await world.config_map(f"c{number}")
    reader = await world.watch(CONFIG_MAPS, resourceVersion="4")
    assert reader.closed
    assert [event["object"]["reason"] for event in reader.events] == ["Expired"]
    newest = (await world.body("GET", CONFIG_MAPS))["metadata"]["resourceVersion"]
    kept = await world.watch(CONFIG_MAPS, resourceVersion=str(int(newest) - 5))
    assert len(kept.events) == 5


async def test_a_list_at_a_version_that_is_not_there_yet_is_to_be_asked_later(world: Any) -> None:
    answer = await world.ask("GET", CONFIG_MAPS, resourceVersion="99999", resourceVersionMatch="NotOlderThan")
    body = orjson.loads(answer.body)
    assert (answer.status, body["reason"], body["details"]["retryAfterSeconds"]) == (504, "Timeout", 1)
