"""`fleetd wait`, `adopt`, `requeue` and `approve`: what needs the daemon's answer."""

from __future__ import annotations

import asyncio

import pytest

from fleetd.domain.records import HeldLoss, RequestRecord
from fleetd.domain.states import RequestState
from fleetd.service.requests import answer, ask
from fleetd.store.database import Database


async def test_a_declared_profile_is_waited_for_until_it_stands_on_its_clusters(beside, registered, folder, samples):
    (folder / "a.yaml").write_text(samples.profile)
    await beside("apply", "-f", str(folder))
    assert (await beside("wait", "--converged")).lines == ["condition met"]
    live = await registered.get("v1", "ConfigMap", "default", "web")
    assert live is not None
    for arguments in (
        ("ready", "sveltoscluster/eu"),
        ("ready", "clusterprofile/web"),
        ("deployed", "clusterprofile/web"),
        ("exists", "ConfigMap/default/web@default/eu"),
        ("deleted", "ConfigMap/default/other@default/eu"),
        ("delete", "cm/nope"),
        ("state=ready", "sveltoscluster/eu"),
    ):
        assert (await beside("wait", "--for", *arguments)).code == 0, arguments
    requeued = await beside("requeue", "clusterprofile/web", "--reason", "to see it")
    assert (requeued.code, requeued.lines) == (0, ["requeue ClusterProfile/web: 1 clusters"])
    adopted = await beside("adopt", "ConfigMap/default/web@default/eu", "--reason", "ours now")
    assert adopted.code == 0
    asked = (await beside("get", "requests", "-o", "json")).json
    assert {(row["verb"], row["reason"], row["via"]) for row in asked} == {("requeue", "to see it", "cli"), ("adopt", "ours now", "cli")}


async def test_when_the_time_is_over_it_says_what_is_missing(beside, registered, folder, samples):
    (folder / "a.yaml").write_text(samples.profile.partition("---")[0])
    await beside("apply", "-f", str(folder))
    assert (await beside("wait", "--for", "exists", "clusterprofile/web")).code == 0
    waited = await beside("wait", "--for", "deployed", "clusterprofile/web", "--timeout", "50ms")
    assert (waited.code, waited.out) == (1, "")
    assert "ClusterProfile/web" in waited.err


async def test_what_the_daemon_refuses_is_a_no_with_its_sentence(beside, daemon):
    done = await beside("requeue", "ClusterProfile/nowhere")
    assert (done.code, done.out) == (1, "")
    assert "placed nowhere" in done.err


def test_nothing_has_converged_before_a_daemon_has_taken_it_up(on_database, samples):
    on_database("apply", "-f", "-", given=samples.config_map)
    waited = on_database("wait", "--converged", "--timeout", "50ms")
    assert waited.code == 1
    assert "ConfigMap/default/settings: not taken up" in waited.err


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--converged", "--for", "ready", "cm/a"),
        ("--for", "ready"),
        ("--for", "shiny", "cm/a"),
        ("--for", "ready", "a"),
        ("--for", "deployed", "cm/settings"),
        ("--for", "ready", "ConfigMap/default/a@default/eu"),
        ("--converged", "--timeout", "soon"),
    ],
    ids=" ".join,
)
def test_a_wish_that_means_nothing_is_bad_input(fleetd, samples, arguments):
    fleetd("apply", "-f", "-", given=samples.config_map)
    assert fleetd("wait", *arguments).code == 2


@pytest.mark.parametrize("subject", ["web", "cm/web", "Profile/web", "ClusterProfile/a/b", "teapot/web"])
def test_only_profiles_are_requeued(fleetd, subject):
    assert fleetd("requeue", subject).code == 2


@pytest.mark.parametrize("subject", ["Service/shop/web", "web@eu", ""])
def test_only_an_object_on_a_cluster_is_adopted(fleetd, subject):
    assert fleetd("adopt", subject, "--reason", "x").code == 2


def test_a_loss_is_named_by_as_much_of_its_id_as_is_unique(fleetd, written, now, samples):
    assert fleetd("apply", "-f", "-", given=samples.source).code == 0
    assert fleetd("approve", "0c").code == 1
    held = {"summary": "12 of 12 would be lost", "lost": ("a",), "created_at": now, "cause_id": "c"}
    written([HeldLoss(proposal_id=f"0c{number}", subject=f"Profile/{number}", **held) for number in (1, 2)])
    several = fleetd("approve", "0c")
    assert several.code == 2
    assert "2 ids" in several.err
    assert [row["id"] for row in fleetd("get", "proposals", "-o", "json").json] == ["0c1", "0c2"]


async def test_without_a_daemon_there_is_no_answer_and_the_request_stays(environment, master_key, now):
    database = await Database.open(environment["FLEETD_DATABASE"], key=master_key)
    asked = await ask(database, "requeue", "ClusterProfile/web", actor="ada", via="test", reason="", now=now)
    assert (await answer(database, asked, seconds=0)).state is RequestState.WAITING
    request = RequestRecord(
        request_id=asked, verb="requeue", subject="ClusterProfile/web", actor="ada", via="test", reason="", state=RequestState.DONE,
        created_at=now, decided_at=now, outcome="2 clusters",
    )  # fmt: skip
    waiting = asyncio.create_task(answer(database, asked, seconds=20))
    await database.commit([request])
    assert (await waiting).outcome == "2 clusters"
    await database.close()
