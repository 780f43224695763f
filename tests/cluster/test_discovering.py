"""What a cluster serves is asked once, shared, and asked again only when something is missing."""

from __future__ import annotations

import json

import pytest
from aiohttp import web

from fleetd.cluster.discover import Catalogue, aggregated, plain_versions
from fleetd.cluster.port import NoSuchKind
from fleetd.domain.errors import Unreachable
from fleetd.domain.refs import GroupKind, GroupVersionKind

WIDGET = GroupVersionKind("acme.io", "v2", "Widget")


def resource(plural: str, kind: str, scope: str = "Namespaced") -> dict[str, object]:
    return {"resource": plural, "responseKind": {"kind": kind}, "scope": scope, "verbs": ["list", "watch"]}


def group(name: str, **versions: list[dict[str, object]]) -> dict[str, object]:
    return {"metadata": {"name": name}, "versions": [{"version": version, "resources": kinds} for version, kinds in versions.items()]}


CORE = {"kind": "APIGroupDiscoveryList", "items": [group("", v1=[resource("services", "Service"), resource("nodes", "Node", "Cluster")])]}


def serving(scripted, *groups: dict[str, object]):
    """Aggregated discovery with these groups; returns the Accept headers it was asked with."""
    accepted: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        accepted.append(request.headers["Accept"])
        document = CORE if request.path == "/api" else {"kind": "APIGroupDiscoveryList", "items": list(groups)}
        return web.Response(
            body=json.dumps(document).encode(),
            headers={"Content-Type": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"},
        )

    scripted.discovery = answer
    return accepted


async def test_all_is_learnt_from_two_answers(scripted, connected):
    accepted = serving(scripted, group("acme.io", v2=[resource("widgets", "Widget")], v1=[resource("widgets", "Widget")]))
    cluster = await connected(discovery_seconds=60.0)
    found = await cluster.resource(WIDGET)
    assert (found.plural, found.namespaced) == ("widgets", True)
    node = await cluster.resource(GroupVersionKind("", "v1", "Node"))
    assert (node.plural, node.namespaced) == ("nodes", False)
    assert await cluster.discovery.preferred(GroupKind("acme.io", "Widget")) == WIDGET
    assert len(accepted) == 2
    assert "as=APIGroupDiscoveryList" in accepted[0]


async def test_a_kind_that_comes_later_is_found(scripted, connected):
    serving(scripted)
    cluster = await connected()
    with pytest.raises(NoSuchKind):
        await cluster.resource(WIDGET)
    serving(scripted, group("acme.io", v2=[resource("widgets", "Widget")]))
    assert (await cluster.resource(WIDGET)).plural == "widgets"


async def test_a_missing_kind_is_not_asked_for_again_and_again(scripted, connected):
    accepted = serving(scripted)
    cluster = await connected(discovery_seconds=60.0)
    for _ in range(5):
        with pytest.raises(NoSuchKind):
            await cluster.resource(WIDGET)
    assert len(accepted) == 2


async def test_the_versions_that_there_are_are_named(scripted, connected):
    serving(scripted, group("acme.io", v1=[resource("widgets", "Widget")]))
    with pytest.raises(NoSuchKind, match=r"serves no acme\.io/v2 Widget \(it serves acme\.io/v1\)"):
        await (await connected()).resource(WIDGET)


async def test_a_group_whose_server_is_away_is_not_taken_for_gone(scripted, connected):
    stale = {"metadata": {"name": "acme.io"}, "versions": [{"version": "v2", "freshness": "Stale", "resources": []}]}
    serving(scripted, stale)
    with pytest.raises(Unreachable, match="does not answer"):
        await (await connected()).resource(WIDGET)


@pytest.mark.parametrize("nonsense", [{"items": [7]}, {"items": 7}, {"items": [{"versions": {"a": 1}}]}, {"items": [{"metadata": "x"}]}])
async def test_nonsense_about_what_is_served_is_not_believed(nonsense, scripted, connected):
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"kind": "APIGroupDiscoveryList", **nonsense})

    scripted.discovery = answer
    with pytest.raises(Unreachable):
        await (await connected()).resource(WIDGET)


async def test_clusters_that_serve_the_same_share_what_is_known(scripted, connected):
    serving(scripted)
    first, second = await connected(), await connected()
    assert await first.discovery.refresh() is await second.discovery.refresh()


async def test_an_old_server_is_asked_group_by_group(scripted, connected):
    async def discovery(request: web.Request) -> web.StreamResponse:
        versions = [{"groupVersion": "acme.io/v1"}, {"groupVersion": "acme.io/v2"}]
        groups = [{"name": "acme.io", "versions": versions, "preferredVersion": {"groupVersion": "acme.io/v2"}}]
        groups.append({"name": "away.io", "versions": [{"groupVersion": "away.io/v1"}], "preferredVersion": {}})
        document = {"/api": {"kind": "APIVersions", "versions": ["v1"]}, "/apis": {"kind": "APIGroupList", "groups": groups}}
        return web.json_response(document[request.path])

    async def other(request: web.Request) -> web.StreamResponse:
        if request.path == "/apis/away.io/v1":
            return web.json_response({"kind": "Status", "reason": "ServiceUnavailable"}, status=503)
        entries = [
            {"name": "widgets", "kind": "Widget", "namespaced": True, "verbs": ["get"]},
            {"name": "widgets/status", "kind": "Widget"},
        ]
        return web.json_response({"kind": "APIResourceList", "resources": entries})

    scripted.discovery, scripted.other = discovery, other
    cluster = await connected()
    assert (await cluster.resource(WIDGET)).verbs == {"get"}
    assert (await cluster.discovery.preferred(GroupKind("acme.io", "Widget"))).version == "v2"
    with pytest.raises(Unreachable):
        await cluster.resource(GroupVersionKind("away.io", "v1", "Thing"))


def test_the_preferred_version_comes_first():
    groups = {"groups": [{"versions": [{"groupVersion": "a/v1"}, {"groupVersion": "a/v2"}], "preferredVersion": {"groupVersion": "a/v2"}}]}
    assert plain_versions({"versions": ["v1"]}, groups) == ["v1", "a/v2", "a/v1"]


def test_an_empty_answer_is_an_empty_catalogue():
    assert Catalogue(*aggregated([{}])).kinds == {}
