"""`fleetd wait`, `adopt` and `requeue`: what needs the daemon's answer."""

from __future__ import annotations

import asyncio

import pytest

from fleetd.domain.records import MemberRecord, RequestRecord
from fleetd.domain.states import ClusterState, RequestState
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


async def test_what_the_daemon_refuses_is_a_no_with_its_sentence(beside, daemon, folder, samples):
    (folder / "a.yaml").write_text(samples.profile.partition("---")[0].replace("name: web", "name: nowhere", 1))
    assert (await beside("apply", "-f", str(folder))).code == 0
    done = await beside("requeue", "ClusterProfile/nowhere")
    assert (done.code, done.out) == (1, "")
    assert "placed nowhere" in done.err


def test_nothing_has_converged_before_a_daemon_has_taken_it_up(on_database, samples):
    on_database("apply", "-f", "-", given=samples.config_map)
    waited = on_database("wait", "--converged", "--timeout", "50ms")
    assert waited.code == 1
    assert "ConfigMap/default/settings: not taken up" in waited.err


async def test_nothing_has_converged_once_the_daemon_has_ended(beside, daemon, registered, folder, samples):
    (folder / "a.yaml").write_text(samples.profile)
    await beside("apply", "-f", str(folder))
    assert (await beside("wait", "--converged")).code == 0
    await daemon()
    waited = await beside("wait", "--converged", "--timeout", "50ms")
    assert (waited.code, waited.out) == (3, "")
    assert "no daemon is at work on this database: nothing was heard of any cluster since 20" in waited.err
    assert (await beside("wait", "--for", "deployed", "clusterprofile/web")).code == 0


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


@pytest.mark.parametrize(
    "subject", ["web", "cm/web", "Profile/web", "ClusterProfile/a/b", "teapot/web", "event:nothing", "EventTrigger/mirror"]
)
def test_what_nothing_stands_behind_is_not_requeued(fleetd, samples, subject):
    assert fleetd("apply", "-f", "-", given=samples.config_map).code == 0
    done = fleetd("requeue", subject)
    assert (done.code, done.out) == (1, ""), done.err
    assert fleetd("get", "requests", "-o", "json").json == []


def test_a_trigger_that_waits_for_nothing_says_so_and_one_whose_add_ons_failed_asks_for_its_profiles(fleetd, fleet, samples, monkeypatch):
    monkeypatch.setattr("fleetd.cli.ask.ANSWER_SECONDS", 0.1)
    assert fleetd("apply", "-f", "-", given=samples.all()).code == 0
    done = fleetd("requeue", "EventTrigger/mirror")
    assert (done.code, "nothing is stuck there" in done.err) == (2, True), done.err
    done = fleetd("requeue", "eu", "--reason", "its network is back")
    assert done.code == 3
    asked = fleetd("get", "requests", "-o", "json").json
    assert [(row["verb"], row["subject"], row["reason"], row["via"]) for row in asked] == [
        ("requeue", "ClusterProfile/web", "its network is back", "cli")
    ]


@pytest.mark.parametrize("subject", ["Service/shop/web", "web@eu", ""])
def test_only_an_object_on_a_cluster_is_adopted(fleetd, subject):
    assert fleetd("adopt", subject, "--reason", "x").code == 2


def test_what_is_nobodys_name_is_answered_with_the_nearest_and_nothing_is_asked(fleetd, written, now, samples):
    assert fleetd("apply", "-f", "-", given=samples.profile).code == 0
    member = {"cluster": "prod/eu-1", "namespace": "prod", "name": "eu-1", "kind": "SveltosCluster", "state": ClusterState.READY}
    written([MemberRecord(**member, reason="", since=now, ready=True, paused=False)])
    for arguments in (("requeue", "wbe"), ("requeue", "ClusterProfile/wbe")):
        done = fleetd(*arguments)
        assert (done.code in (1, 2), "did you mean: ClusterProfile/web" in done.err) == (True, True), done.err
    adopted = fleetd("adopt", "Service/shop/web@prod/eu-2", "--reason", "ours")
    assert (adopted.code, "did you mean: prod/eu-1" in adopted.err) == (1, True), adopted.err
    assert fleetd("get", "requests", "-o", "json").json == []


EVERY_EXPORTED = """
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventSource
metadata: {name: exported}
spec:
  resourceSelectors:
  - {group: "", version: v1, kind: ConfigMap, labelFilters: [{key: export, operation: Equal, value: "yes"}]}
---
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventTrigger
metadata: {name: copies}
spec:
  sourceClusterSelector: {matchLabels: {env: prod}}
  eventSourceName: exported
  oneForEvent: true
  policyRefs:
  - {kind: ConfigMap, name: nothing, namespace: default}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: nothing}
data: {}
"""


async def test_a_held_loss_keeps_the_fleet_from_converging_until_it_is_approved(beside, registered, folder, environment, master_key, now):
    for number in range(12):
        metadata = {"name": f"exported-{number}", "namespace": "default", "labels": {"export": "yes"}}
        await registered.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    (folder / "a.yaml").write_text(EVERY_EXPORTED)
    await beside("apply", "-f", str(folder))
    assert (await beside("wait", "--converged")).code == 0
    (folder / "a.yaml").write_text(EVERY_EXPORTED.replace('value: "yes"', 'value: "no"'))
    await beside("apply", "-f", str(folder))
    waited = await beside("wait", "--converged", "--timeout", "1s")
    assert waited.code == 1
    assert "EventSource/exported@default/eu" in waited.err
    assert "fleetd proposals approve" in waited.err
    database = await Database.open(environment["FLEETD_DATABASE"], key=master_key)
    asked = await ask(database, "approve", "EventSource/exported@default/eu", actor="ada", via="cli", reason="not exported", now=now)
    assert (await answer(database, asked, seconds=20)).outcome == "12 go"
    await database.close()
    assert (await beside("wait", "--converged")).code == 0
    (row,) = (await beside("get", "proposals", "-o", "json")).json
    assert (row["state"], row["decided_by"], row["decision"]) == ("applied", "ada", "not exported")
    assert (await beside("get", "proposals")).lines[0].split()[:5] == ["ID", "SUBJECT", "STATE", "DECIDED", "BY"]


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


async def test_a_request_that_waited_for_a_daemon_is_answered_by_what_the_restart_has_settled(
    beside, begin, daemon, registered, folder, samples, environment, master_key, now
):
    (folder / "a.yaml").write_text(samples.profile)
    await beside("apply", "-f", str(folder))
    assert (await beside("wait", "--converged")).code == 0
    await daemon()
    database = await Database.open(environment["FLEETD_DATABASE"], key=master_key)
    (folder / "a.yaml").write_text(samples.profile.replace("name: web", "name: late", 1))
    await beside("apply", "-f", str(folder))
    asked = [
        await ask(database, "requeue", f"ClusterProfile/{name}", actor="ada", via="test", reason="", now=now) for name in ("web", "late")
    ]
    end = await begin()
    assert [(await answer(database, one, seconds=20)).outcome for one in asked] == ["1 clusters", "1 clusters"]
    await database.close()
    await end()


async def test_a_profile_and_a_cluster_are_paused_resumed_and_read_anew_for_a_reason(beside, registered, folder, samples):
    (folder / "a.yaml").write_text(samples.profile)
    await beside("apply", "-f", str(folder))
    assert (await beside("wait", "--converged")).code == 0
    paused = await beside("pause", "default/eu", "--reason", "its network is rebuilt")
    assert (paused.code, paused.lines[0].partition(" in revision")[0]) == (0, "pause default/eu: paused")
    assert (await beside("resume", "eu", "--reason", "it is back")).code == 0
    held = await beside("pause", "ClusterProfile/web", "--reason", "the release")
    assert held.code == 0
    assert (await beside("resume", "ClusterProfile/web", "--reason", "released")).code == 0
    read = await beside("resync", "eu", "--reason", "restored from a backup")
    assert (read.code, read.lines[0].partition(";")[0]) == (0, "resync default/eu: all is read anew")
    wrong = await beside("pause", "eu-9", "--reason", "typo")
    assert (wrong.code, "no cluster of the fleet" in wrong.err) == (1, True)
