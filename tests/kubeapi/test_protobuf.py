"""Bodies as kubectl's typed commands send them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fleetd.kubeapi.exchange import Request, User
from fleetd.kubeapi.protobuf import MAGIC, MEDIA_TYPE, from_protobuf
from fleetd.kubeapi.refusals import ApiRefusal

PATH = "/api/v1/namespaces/default/configmaps"
HEADERS = {"content-type": MEDIA_TYPE}


def number(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(place: int, value: bytes | str | int) -> bytes:
    if isinstance(value, int):
        return number(place << 3) + number(value)
    raw = value.encode() if isinstance(value, str) else value
    return number(place << 3 | 2) + number(len(raw)) + raw


def body(version: str, kind: str, content: bytes) -> bytes:
    return MAGIC + field(1, field(1, version) + field(2, kind)) + field(2, content) + field(3, "") + field(4, "")


def metadata(name: str) -> bytes:
    """As Go writes it: with the fields that are empty, and a time that is none."""
    labels = field(11, field(1, "app") + field(2, "web"))
    return field(1, field(1, name) + field(2, "") + field(3, "") + field(7, 0) + field(8, b"") + labels)


async def test_an_object_in_protobuf_is_the_same_as_in_json(world: Any) -> None:
    content = metadata("a") + field(2, field(1, "k") + field(2, "v")) + field(3, field(1, "b") + field(2, b"\x00\x01"))
    made = await world.body("POST", PATH, body("v1", "ConfigMap", content), headers=HEADERS)
    assert (made["metadata"]["name"], made["metadata"]["labels"]) == ("a", {"app": "web"})
    assert (made["data"], made["binaryData"]) == ({"k": "v"}, {"b": "AAE="})


def test_numbers_that_count_when_zero_are_kept_and_ports_may_be_names() -> None:
    port = field(1, "http") + field(3, 80) + field(4, field(1, 1) + field(2, 0) + field(3, "web")) + field(5, 0)
    service = from_protobuf(body("v1", "Service", metadata("s") + field(2, field(1, port))))
    assert service["spec"] == {"ports": [{"name": "http", "port": 80, "targetPort": "web"}]}
    deployment = from_protobuf(body("apps/v1", "Deployment", metadata("d") + field(2, field(1, 0) + field(5, 0))))
    assert deployment["spec"] == {"replicas": 0}


@pytest.mark.parametrize(
    "sent",
    [
        body("v1", "ConfigMap", metadata("a") + field(99, "new")),
        body("v1", "Unheard", metadata("a")),
        body("v1", "Secret", metadata("a")),
    ],
)
async def test_what_is_not_known_is_refused_instead_of_lost(world: Any, sent: bytes) -> None:
    assert (await world.ask("POST", PATH, sent, headers=HEADERS)).status in (400, 415)
    assert await world.server.objects("v1", "ConfigMap") == []


@given(noise=st.binary(max_size=60), cut=st.integers(0, 120))
@example(noise=field(8, 1), cut=3)
def test_any_bytes_after_the_beginning_are_answered(new_world: Any, noise: bytes, cut: int) -> None:
    async def run() -> None:
        world = new_world()
        whole = body("v1", "ConfigMap", metadata("a"))
        for sent in (MAGIC + noise, whole[:cut] + noise, body("v1", "ConfigMap", noise)):
            answer = await world.server.handle(Request("POST", PATH, {}, HEADERS, sent, User("admin", ("system:masters",))))
            assert answer.status in (201, 400, 409, 415, 422)

    asyncio.run(run())


def test_a_body_without_the_beginning_is_none() -> None:
    with pytest.raises(ApiRefusal) as refusal:
        from_protobuf(b"{}")
    assert refusal.value.status == 400
