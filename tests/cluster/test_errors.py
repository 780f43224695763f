"""Whatever a server answers becomes one error that says what to do next, without a word of what is secret."""

from __future__ import annotations

import gzip
import json

import pytest
from aiohttp import web

from fleetd.cluster.errors import ClusterDown, Gone, TooLarge
from fleetd.cluster.port import FieldClaim, FieldConflict, NoSuchKind
from fleetd.domain.errors import Conflict, FleetdError, GiveUp, NotPermitted, Overloaded, TryLater, Unreachable
from fleetd.domain.refs import GroupVersionKind

MANIFEST = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "it", "namespace": "shop"}, "data": {"a": "1"}}


def answering(scripted, *answers):
    left = list(answers)

    async def answer(_request: web.Request) -> web.StreamResponse:
        body, code, headers = (*left.pop(0), {})[:3]
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return web.Response(body=data, status=code, headers={"Content-Type": "application/json"} | headers)

    scripted.other = answer


def refused(words, code, reason, message="no", **details):
    return words.status(code, reason, message, details=details), code


@pytest.mark.parametrize(
    ("code", "reason", "details", "error"),
    [
        (400, "BadRequest", {}, GiveUp),
        (401, "Unauthorized", {}, NotPermitted),
        (403, "Forbidden", {}, NotPermitted),
        (403, "Forbidden", {"causes": [{"reason": "NamespaceTerminating"}]}, TryLater),
        (404, "NotFound", {}, NoSuchKind),
        (404, "NotFound", {"name": "shop", "kind": "namespaces"}, GiveUp),
        (409, "Conflict", {}, Conflict),
        (410, "Expired", {}, Gone),
        (422, "Invalid", {}, GiveUp),
        (429, "TooManyRequests", {}, Overloaded),
        (500, "InternalError", {}, Unreachable),
        (503, "ServiceUnavailable", {}, Unreachable),
        (504, "Timeout", {}, Unreachable),
    ],
)
async def test_each_refusal_becomes_the_error_that_says_what_next(code, reason, details, error, scripted, connected, words):
    answering(scripted, refused(words, code, reason, "the server's own words", **details))
    with pytest.raises(error) as raised:
        await (await connected()).apply(MANIFEST)
    assert str(raised.value) == "dev/it: apply ConfigMap shop/it: the server's own words"
    assert words.token not in str(raised.value)


async def test_a_conflict_names_who_holds_which_field(scripted, connected, words):
    causes = [
        {"reason": "FieldManagerConflict", "message": 'conflict with "kubectl-edit" using v1 at 2024-01-01T00:00:00Z', "field": ".data.a"},
        {"reason": "FieldManagerConflict", "message": 'conflict with "argo" with subresource "status" using v1', "field": ".data.b"},
    ]
    answering(scripted, refused(words, 409, "Conflict", "Apply failed with 2 conflicts", causes=causes))
    with pytest.raises(FieldConflict) as raised:
        await (await connected()).apply(MANIFEST)
    assert raised.value.claims == (FieldClaim("kubectl-edit", ".data.a"), FieldClaim("argo", ".data.b"))


async def test_an_overloaded_server_is_given_the_time_it_asks_for(scripted, connected):
    answering(scripted, (b"Too many requests\n", 429, {"Retry-After": "7", "Content-Type": "text/plain"}))
    cluster = await connected()
    with pytest.raises(Overloaded) as raised:
        await cluster.apply(MANIFEST)
    assert raised.value.after == 7.0
    asked = len(scripted.asked)
    with pytest.raises(TryLater) as held:
        await cluster.apply(MANIFEST)
    assert held.value.after is not None
    assert held.value.after > 6.0
    assert len(scripted.asked) == asked


async def test_the_words_about_a_secret_do_not_repeat_it(scripted, connected, words):
    said = 'data.password: Invalid value: "hunter2-canary"'
    causes = [{"reason": "FieldValueInvalid", "message": said, "field": "data.password"}]
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "it", "namespace": "shop"}, "data": {"password": "hunter2-canary"}}
    scripted.kinds = [{"name": "secrets", "kind": "Secret", "namespaced": True, "verbs": []}]
    answering(scripted, refused(words, 422, "Invalid", said, causes=causes))
    with pytest.raises(GiveUp) as raised:
        await (await connected()).apply(secret)
    assert "data.password" in str(raised.value)
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize("code", [301, 302, 307, 308])
async def test_redirects_are_not_followed(code, scripted, connected):
    answering(scripted, (b"", code, {"Location": f"{scripted.url}/elsewhere"}))
    with pytest.raises(ClusterDown, match="it is no Kubernetes API server"):
        await (await connected()).read(GroupVersionKind("", "v1", "ConfigMap"), "shop", "it")
    assert not [request for request in scripted.asked if request.path == "/elsewhere"]


async def test_what_is_no_json_is_no_api_server(scripted, connected):
    answering(scripted, (b"<html>sign in</html>", 200, {"Content-Type": "text/html"}))
    with pytest.raises(ClusterDown, match="answers with text/html: it is no Kubernetes API server"):
        await (await connected()).apply(MANIFEST)


@pytest.mark.parametrize("body", [b"[1]", b"{", b"\xff\xff"])
async def test_json_that_is_no_object_is_not_taken(body, scripted, connected):
    answering(scripted, (body, 200))
    with pytest.raises(Unreachable):
        await (await connected()).apply(MANIFEST)


async def test_an_answer_larger_than_the_limit_is_not_read_to_its_end(scripted, connected):
    answering(scripted, (b'{"a":"' + b"x" * 200_000 + b'"}', 200))
    with pytest.raises(TooLarge, match="larger than 100000 bytes"):
        await (await connected(answer_bytes=100_000)).apply(MANIFEST)


async def test_a_small_answer_that_unpacks_to_a_large_one_is_refused(scripted, connected):
    packed = gzip.compress(b'{"a":"' + b"x" * 50_000_000 + b'"}')
    answering(scripted, (packed, 200, {"Content-Encoding": "gzip"}))
    with pytest.raises(TooLarge, match="unpacks to more than 100000 bytes"):
        await (await connected(answer_bytes=100_000)).apply(MANIFEST)


async def test_a_packed_answer_is_read(scripted, connected):
    answering(scripted, (gzip.compress(json.dumps(MANIFEST).encode()), 200, {"Content-Encoding": "gzip"}))
    assert await (await connected()).apply(MANIFEST) == MANIFEST


async def test_a_proxy_without_a_server_behind_it_shuts_the_gate(scripted, connected):
    answering(scripted, (b"<html>Bad Gateway</html>", 502, {"Content-Type": "text/html"}))
    cluster = await connected(backoff_base=60.0, backoff_cap=60.0)
    with pytest.raises(ClusterDown):
        await cluster.apply(MANIFEST)
    asked = len(scripted.asked)
    with pytest.raises(ClusterDown) as held:
        await cluster.apply(MANIFEST)
    assert len(scripted.asked) == asked
    assert held.value.after is not None


async def test_a_failing_webhook_leaves_the_gate_open(scripted, connected, words):
    webhook = refused(words, 500, "InternalError", 'failed calling webhook "policy.acme.io"')
    answering(scripted, webhook, (MANIFEST, 200))
    cluster = await connected(backoff_base=60.0)
    with pytest.raises(Unreachable, match=r"policy\.acme\.io"):
        await cluster.apply(MANIFEST)
    assert await cluster.apply(MANIFEST) == MANIFEST


async def test_control_characters_of_a_server_reach_nobody(scripted, connected, words):
    answering(scripted, refused(words, 422, "Invalid", "bad\x1b[31m\n\u202ename" + "x" * 5000))
    with pytest.raises(GiveUp) as raised:
        await (await connected()).apply(MANIFEST)
    assert "bad [31m name" in str(raised.value)
    assert len(str(raised.value)) < 700


@pytest.mark.parametrize(
    ("server", "says"),
    [
        ("http://127.0.0.1:9", "127.0.0.1:9 cannot be spoken to"),
        ("https://127.0.0.1:9", "127.0.0.1:9 cannot be spoken to"),
        ("https://nowhere.invalid", "nowhere.invalid cannot be spoken to: its name is not known"),
    ],
)
async def test_a_server_that_is_not_there_is_named(server, says, scripted, connected, words):
    kubeconfig = scripted.kubeconfig()
    kubeconfig["clusters"][0]["cluster"]["server"] = server
    with pytest.raises(ClusterDown) as raised:
        await (await connected(kubeconfig)).identity()
    assert says in str(raised.value)
    assert isinstance(raised.value, FleetdError)
    assert words.token not in str(raised.value)
