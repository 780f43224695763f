"""Small things are done as requests, once for each idempotency key, and can be read afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fleetd.domain.errors import InvalidInput
from fleetd.domain.records import AddonRecord, RequestRecord
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import AddonState, RequestState
from fleetd.service.acting import Actor, Requeue, SetPause
from fleetd.service.local import LocalQuestions
from fleetd.service.local_acting import LocalActions
from fleetd.service.questions.held import FindSubjects
from fleetd.service.questions.requests import GetRequest
from fleetd.service.teaching import Code, Taught
from fleetd.store.crypto import MasterKey
from fleetd.store.database import Database

ADA = Actor("ada", "mcp")
MEMBER = ObjectRef("SveltosCluster", "lib.projectsveltos.io", "prod", "us-1")


@pytest.fixture
async def actions(database: Database, changing, tmp_path, master_key: MasterKey) -> AsyncIterator[LocalActions]:
    key_file = tmp_path / "acting.key"
    key_file.write_text(master_key.to_text())
    key_file.chmod(0o600)
    made = LocalActions(database.url, changing, key_file=key_file)
    yield made
    await made.close()


@pytest.mark.parametrize("ref", ["ClusterProfile/share-web", "EventTrigger/share", "event:e1", "us-2"])
async def test_what_is_stuck_is_asked_to_try_again(actions, changing, ref):
    [request] = (await actions.act(Requeue(refs=(ref,), reason="the route is back"), ADA)).result.requests
    assert (request.verb, request.subject, request.state) == ("requeue", "ClusterProfile/share-web", "waiting")
    found = (await changing.ask(GetRequest(request_id=request.request_id))).result
    assert found == request


async def test_the_same_key_asks_once_and_keeps_the_outcome(actions, database):
    asked = Requeue(refs=("ClusterProfile/share-web",), reason="again", idempotency_key="k1")
    [first] = (await actions.act(asked, ADA)).result.requests
    now = datetime.now(UTC)
    plain = {"request_id": first.request_id, "verb": first.verb, "subject": first.subject, "actor": "ada", "via": "mcp", "reason": "again"}
    await database.commit([RequestRecord(**plain, state=RequestState.DONE, created_at=now, decided_at=now, outcome="2 clusters")])
    [second] = (await actions.act(asked, ADA)).result.requests
    assert (second.request_id, second.state) == (first.request_id, "done")
    [other] = (await actions.act(asked, Actor("eve", "mcp"))).result.requests
    assert other.request_id != first.request_id


async def test_a_cluster_is_paused_and_resumed(actions, database):
    for paused in (True, False):
        [request] = (await actions.act(SetPause(scope="us-1", paused=paused, reason="maintenance"), ADA)).result.requests
        assert (request.verb, request.state) == ("pause" if paused else "resume", "done")
        live = await database.declared.get(MEMBER)
        assert live.manifest["spec"]["paused"] is paused


async def test_a_profile_is_paused_by_its_annotation(actions, database):
    await actions.act(SetPause(scope="ClusterProfile/base", paused=True, reason="wait"), ADA)
    live = await database.declared.get(ObjectRef("ClusterProfile", "config.projectsveltos.io", "", "base"))
    assert live.manifest["metadata"]["annotations"] == {"profile.projectsveltos.io/paused": "true"}


async def test_resuming_much_at_once_is_left_to_a_person(actions, database):
    now = datetime.now(UTC)
    plain = {
        "cluster": "prod/us-1",
        "kind": "policyRef",
        "state": AddonState.WAITING,
        "reason": "",
        "attempts": 0,
        "wanted_digest": "w",
        "at": now,
    }
    await database.commit([AddonRecord(profile=f"ClusterProfile/p{number}", addon="policyRefs/0", **plain) for number in range(11)])
    with pytest.raises(Taught) as refused:
        await actions.act(SetPause(scope="us-1", paused=False, reason="go"), ADA)
    assert refused.value.lesson.code is Code.NEEDS_PROPOSAL


@pytest.mark.parametrize(
    ("action", "code"),
    [
        (Requeue(refs=("ClusterProfile/nothing",), reason="x"), Code.NOT_FOUND),
        (Requeue(refs=("EventTrigger/templated",), reason="x"), Code.BAD_ARGUMENT),
        (Requeue(refs=(), reason="x"), Code.BAD_ARGUMENT),
        (Requeue(refs=("us-2",), reason=" "), Code.BAD_ARGUMENT),
        (SetPause(scope="EventTrigger/share", paused=True, reason="x"), Code.BAD_ARGUMENT),
        (SetPause(scope="nowhere", paused=True, reason="x"), Code.NOT_FOUND),
    ],
)
async def test_what_cannot_be_done_teaches_and_asks_nothing(actions, database, action, code):
    with pytest.raises(Taught) as refused:
        await actions.act(action, ADA)
    assert refused.value.lesson.code is code
    assert await database.changes_since(0)
    assert not [one for one in await database.changes_since(0) if one.object_kind == "request"]


async def test_without_the_key_nothing_is_written(database, changing, tmp_path):
    actions = LocalActions(database.url, changing, key_file=tmp_path / "missing.key")
    with pytest.raises(InvalidInput):
        await actions.act(Requeue(refs=("us-2",), reason="x"), ADA)


@pytest.mark.parametrize("database_kind", ["sqlite"])
@pytest.mark.parametrize(("revision", "said"), [("9999", "a newer fleetd"), ("0001", "run fleetd db upgrade")])
async def test_a_database_of_another_version_is_no_mistake_of_who_asks_and_stays_as_it_is(actions, database, revision, said):
    with contextlib.closing(sqlite3.connect(database.url)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    with pytest.raises(Taught) as refused:
        await actions.act(SetPause(scope="us-1", paused=True, reason="x"), ADA)
    assert refused.value.lesson.code is Code.UNAVAILABLE
    assert said in refused.value.lesson.sentence
    with contextlib.closing(sqlite3.connect(database.url)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(revision,)]


async def test_where_no_database_is_none_is_made(tmp_path):
    path = tmp_path / "none.db"
    questions = LocalQuestions(str(path))
    actions = LocalActions(str(path), questions)
    with pytest.raises(Taught) as refused:
        await actions.act(SetPause(scope="us-1", paused=True, reason="x"), ADA)
    assert refused.value.lesson.code is Code.UNAVAILABLE
    assert not path.exists()
    await questions.close()


def replaced(path: str) -> None:
    """As a restore does it: a copy takes the place of the file."""
    with contextlib.closing(sqlite3.connect(path)) as held, contextlib.closing(sqlite3.connect(f"{path}.copy")) as made:
        held.backup(made)
    for end in ("-wal", "-shm"):
        Path(path + end).unlink(missing_ok=True)
    Path(f"{path}.copy").replace(path)


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_after_a_restore_an_action_is_written_where_it_is_read(actions, database, changing):
    await actions.act(SetPause(scope="us-1", paused=True, reason="before"), ADA)
    await asyncio.to_thread(replaced, database.url)
    [request] = (await actions.act(SetPause(scope="us-1", paused=False, reason="after"), ADA)).result.requests
    assert request.state == "done"
    assert (await changing.ask(GetRequest(request_id=request.request_id))).result == request


@pytest.mark.parametrize(
    ("ref", "meant"),
    [
        ("bsae", "ClusterProfile/base"),
        ("share-wbe", "ClusterProfile/share-web"),
        ("ClusterProfile/bas", "ClusterProfile/base"),
        ("EventTrigger/shar", "EventTrigger.lib.projectsveltos.io//share"),
        ("us-3", "prod/us-1"),
    ],
)
async def test_what_is_nobodys_name_is_answered_with_the_nearest_that_is(actions, ref, meant):
    with pytest.raises(Taught) as refused:
        await actions.act(Requeue(refs=(ref,), reason="x"), ADA)
    assert refused.value.lesson.code is Code.NOT_FOUND
    assert meant in refused.value.lesson.did_you_mean
    assert refused.value.lesson.next is not None


@pytest.mark.parametrize("named", ["ClusterProfile/base", "clusterprofiles/base", "ClusterProfile.config.projectsveltos.io//base"])
async def test_a_profile_is_found_however_it_is_written(questions, named):
    assert (await questions.ask(FindSubjects(refs=(named,)))).result.profiles == ("ClusterProfile/base",)


@pytest.mark.parametrize("named", ["bsae", "Profile/bsae", "ClusterProfile/bsae"])
async def test_a_profile_that_is_none_is_answered_with_the_nearest(questions, named):
    with pytest.raises(Taught) as refused:
        await questions.ask(FindSubjects(refs=(named,)))
    assert refused.value.lesson.code is Code.NOT_FOUND
    assert "ClusterProfile/base" in refused.value.lesson.did_you_mean
