"""Who may ask a simulated cluster, and what it remembers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from fleetd.kubeapi.exchange import Request, User
from fleetd.sim.asked import Asked, asked
from fleetd.sim.cluster import SimulatedCluster

Ask = Callable[..., Awaitable[aiohttp.ClientResponse]]
PATH = "/api/v1/namespaces/shop/configmaps"


async def as_token(ask: Ask, token: str) -> tuple[int, str]:
    answer = await ask("GET", PATH, headers={"Authorization": f"Bearer {token}"})
    return answer.status, (await answer.json()).get("user", "")


async def test_a_token_says_who_asks(echoing: SimulatedCluster, ask: Ask) -> None:
    assert await as_token(ask, echoing.admin_token) == (200, "admin")
    assert await as_token(ask, echoing.limited_token) == (200, "limited")
    assert await as_token(ask, echoing.issue_token(User("jane"))) == (200, "jane")
    assert echoing.api.asked[1].user == User("limited", ("limited",))


async def test_an_unknown_token_is_unauthorized(echoing: SimulatedCluster, ask: Ask) -> None:
    answer = await ask("GET", PATH, headers={"Authorization": "Bearer wrong"})
    assert (answer.status, answer.content_type) == (401, "application/json")
    assert await answer.json() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "Unauthorized",
        "reason": "Unauthorized",
        "code": 401,
    }
    assert echoing.api.asked == []


async def test_who_shows_nothing_is_anonymous(echoing: SimulatedCluster, ask: Ask) -> None:
    answer = await ask("GET", PATH, headers={"Authorization": ""})
    assert await answer.json() == {"user": "system:anonymous"}


async def test_a_token_ends_when_its_time_is_over_or_it_is_revoked(echoing: SimulatedCluster, ask: Ask) -> None:
    assert await as_token(ask, echoing.issue_token(User("jane"), seconds=0)) == (401, "")
    lasting = echoing.issue_token(User("jane"), seconds=600)
    assert await as_token(ask, lasting) == (200, "jane")
    echoing.revoke(lasting)
    assert await as_token(ask, lasting) == (401, "")


async def test_requests_are_logged_and_counted(echoing: SimulatedCluster, ask: Ask) -> None:
    await ask("GET", PATH)
    await ask("PATCH", f"{PATH}/a", headers={"Authorization": "Bearer wrong"})
    first, second = echoing.requests
    assert (first.verb, first.resource, first.path, first.user, first.status) == ("list", "configmaps", PATH, "admin", 200)
    assert (second.verb, second.user, second.status) == ("patch", "", 401)
    assert first.at < second.at
    assert echoing.requests.by_verb == {"list": 1, "patch": 1}
    echoing.requests.clear()
    assert len(echoing.requests) == 0


async def test_waiting_for_a_fact_ends_with_it_or_after_the_time(echoing: SimulatedCluster, ask: Ask) -> None:
    waiting = asyncio.create_task(echoing.until(lambda cluster: cluster.requests.by_verb["create"] == 2))
    changed = asyncio.create_task(echoing.changed())
    await ask("POST", PATH)
    await changed
    assert not waiting.done()
    await ask("POST", PATH)
    await waiting
    with pytest.raises(TimeoutError):
        await echoing.until(lambda cluster: False, timeout=0.01)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/version", Asked("get", "/version")),
        ("GET", "/apis", Asked("get", "/apis")),
        ("GET", "/api/v1", Asked("get", "/api/v1")),
        ("GET", "/api/v1/pods", Asked("list", "/api/v1/pods", resource="pods")),
        ("GET", "/api/v1/namespaces", Asked("list", "/api/v1/namespaces", resource="namespaces")),
        ("DELETE", "/api/v1/namespaces/a", Asked("delete", "/api/v1/namespaces/a", "", "namespaces", "a", "a")),
        ("PUT", "/api/v1/namespaces/a/finalize", Asked("update", "/api/v1/namespaces/a/finalize", "", "namespaces", "a", "a", "finalize")),
        (
            "DELETE",
            "/apis/apps/v1/namespaces/a/deployments",
            Asked("deletecollection", "/apis/apps/v1/namespaces/a/deployments", "apps", "deployments", "a"),
        ),
        (
            "PATCH",
            "/apis/apps/v1/namespaces/a/deployments/b/status",
            Asked("patch", "/apis/apps/v1/namespaces/a/deployments/b/status", "apps", "deployments", "a", "b", "status"),
        ),
    ],
)
def test_a_path_is_read_in_the_words_of_the_api(method: str, path: str, expected: Asked) -> None:
    assert asked(Request(method, path)) == expected


def test_a_read_with_watch_is_a_watch() -> None:
    assert asked(Request("GET", "/api/v1/pods", {"watch": ("1",)})).verb == "watch"
    assert asked(Request("GET", "/api/v1/pods", {"watch": ("false",)})).verb == "list"
