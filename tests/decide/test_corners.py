"""Corners of the way from observation to intent, one fact each."""

from __future__ import annotations

import pytest

from fleetd.domain.records import (
    AddonRecord,
    DeclaredStatus,
    EventRecord,
    GeneratedGone,
    GeneratedRecord,
    HeldLoss,
    InventoryGone,
    MatchRecord,
    MemberGone,
)
from fleetd.domain.states import AddonState, DeclaredState, MatchState, RequestState


def busy(fleet, said, count=1, **options):
    """Clusters `s0` … with an object each, and a trigger that copies it where it is."""
    fleet.declare(said.source(), said.template(), said.trigger(**options))
    for index in range(count):
        fleet.put(f"s{index}", said.config_map("one"))
    fleet.join(*(f"s{index}" for index in range(count)), role="source")
    fleet.run()


def holding(fleet):
    return [item.subject for item in fleet.plane.held.values()]


def copies(fleet, count):
    return sum(f"copy-s{index}-one" in fleet.standing(f"s{index}") for index in range(count))


# An edit that loses too much.


def test_an_edited_trigger_that_loses_too_many_source_clusters_waits_for_a_person(fleet, said):
    busy(fleet, said, 12)
    fleet.declare(said.trigger(role="typo"))
    (held,) = fleet.told(HeldLoss)
    assert (held.subject, len(held.lost)) == ("EventTrigger/copy", 12)
    fleet.run()
    assert copies(fleet, 12) == 12
    assert fleet.ask("approve", held.proposal_id).state is RequestState.DONE
    fleet.run()
    assert copies(fleet, 12) == 0
    assert not fleet.plane.held


def test_an_edited_trigger_may_lose_a_few(fleet, said):
    busy(fleet, said, 10)
    fleet.declare(said.trigger(role="typo"))
    fleet.run()
    assert not fleet.told(HeldLoss)
    assert copies(fleet, 10) == 0


def test_an_edit_taken_back_lets_nothing_go_and_an_old_approval_is_none_for_the_next(fleet, said):
    busy(fleet, said, 12)
    fleet.declare(said.trigger(role="typo"))
    fleet.declare(said.trigger())
    assert holding(fleet) == []
    assert fleet.ask("approve", "EventTrigger/copy").state is RequestState.FAILED
    fleet.declare(said.trigger(role="typo"))
    fleet.run()
    assert copies(fleet, 12) == 12


def test_a_held_edit_stays_held_over_a_restart_and_over_labels(fleet, said):
    busy(fleet, said, 12)
    fleet.declare(said.trigger(role="typo"))
    fleet.run()
    turn = fleet.restart()
    assert not turn.records
    fleet.connect(*(f"s{index}" for index in range(12)))
    fleet.relabel("s0", role="source", more="x")
    fleet.run()
    assert copies(fleet, 12) == 12
    fleet.ask("approve", "EventTrigger/copy")
    fleet.run()
    assert copies(fleet, 12) == 0


def test_a_trigger_edited_while_nobody_looked_is_held_too(fleet, said):
    busy(fleet, said, 12)
    edited = said.trigger(role="typo")
    fleet.connected.clear()
    with fleet.turn():
        pass
    fleet.declared[next(ref for ref in fleet.declared if ref.kind == "EventTrigger")] = _loaded(edited)
    fleet.restart()
    assert holding(fleet) == ["EventTrigger/copy"]
    fleet.connect(*(f"s{index}" for index in range(12)))
    fleet.run()
    assert copies(fleet, 12) == 12


def _loaded(text):
    import yaml

    manifest = yaml.safe_load(text)
    manifest["metadata"]["uid"] = "edited"
    return manifest


def test_a_trigger_turned_to_a_source_that_reports_nothing_is_held(fleet, said):
    busy(fleet, said, 12)
    fleet.declare(said.trigger(event_source="typo"))
    assert holding(fleet) == ["EventTrigger/copy"]
    fleet.run()
    assert copies(fleet, 12) == 12


def test_a_deleted_trigger_is_somebodys_word(fleet, said):
    busy(fleet, said, 12)
    fleet.undeclare("EventTrigger.lib.projectsveltos.io//copy")
    fleet.run()
    assert copies(fleet, 12) == 0


def test_a_profile_that_would_lose_too_many_clusters_waits_and_the_approval_covers_what_was_shown(fleet, said):
    names = [f"c{index}" for index in range(12)]
    fleet.declare(said.profile(), said.content())
    fleet.join(*names, "later", env="x")
    fleet.run()
    fleet.relabel("later", env="x")
    for name in names[:11]:
        fleet.relabel(name, env="x")
    fleet.declare(said.profile(env="typo"))
    fleet.run()
    assert fleet.standing("c0") == {"base-0": "1"}
    held = fleet.plane.held["Profile/ClusterProfile/base"]
    fleet.ask("approve", held.proposal_id)
    fleet.run()
    assert all(fleet.standing(name) == {} for name in (*names, "later"))


def test_an_approval_lets_nothing_go_that_was_not_shown(fleet, said):
    names = [f"c{index}" for index in range(13)]
    fleet.declare(said.profile(env="x"), said.content())
    fleet.join(*names[:12], env="y")
    fleet.join("c12", env="z")
    fleet.declare(said.profile().replace("matchLabels: {env: x}", "matchExpressions: [{key: env, operator: In, values: [y, z]}]"))
    fleet.run()
    fleet.declare(said.profile().replace("matchLabels: {env: x}", "matchLabels: {env: z}"))
    assert len(fleet.plane.held["Profile/ClusterProfile/base"].lost) == 12
    with fleet.turn() as turn:
        fleet.plane.approved["Profile/ClusterProfile/base"] = "somebody"
        fleet._declare(turn, _loaded(said.profile(env="typo")), ())
    assert len(fleet.plane.held["Profile/ClusterProfile/base"].lost) == 13
    fleet.run()
    assert all(fleet.standing(name) for name in names)


def test_a_held_loss_of_objects_outlives_an_ordinary_change_of_its_source(fleet, said):
    fleet.declare(said.source(), said.template(), said.trigger())
    fleet.put("s0", *(said.config_map(f"m{index:02}") for index in range(12)))
    fleet.join("s0", role="source")
    fleet.run()
    fleet.declare(said.source(mark="typo"))
    fleet.run()
    assert holding(fleet) == ["EventSource/marked@fleet/s0"]
    fleet.put("s0", said.config_map("new", mark="typo"))
    fleet.run()
    assert holding(fleet) == ["EventSource/marked@fleet/s0"]
    assert len(fleet.standing("s0")) == 13
    fleet.ask("approve", "EventSource/marked@fleet/s0")
    fleet.run()
    assert fleet.standing("s0") == {"copy-s0-new": "1"}


def test_an_object_that_came_back_does_not_go_with_an_approval(fleet, said):
    fleet.declare(said.source(), said.template(), said.trigger())
    fleet.put("s0", *(said.config_map(f"m{index:02}") for index in range(12)))
    fleet.join("s0", role="source")
    fleet.run()
    fleet.declare(said.source(mark="typo"))
    fleet.run()
    fleet.put("s0", said.config_map("m00", mark="typo"))
    fleet.ask("approve", "EventSource/marked@fleet/s0")
    fleet.run()
    assert fleet.standing("s0") == {"copy-s0-m00": "1"}


def test_a_held_loss_of_objects_is_still_held_after_a_restart(fleet, said):
    fleet.declare(said.source(), said.template(), said.trigger())
    fleet.put("s0", *(said.config_map(f"m{index:02}") for index in range(12)))
    fleet.join("s0", role="source")
    fleet.run()
    fleet.declare(said.source(mark="typo"))
    fleet.run()
    fleet.restart()
    fleet.connect("s0")
    fleet.run()
    assert len(fleet.standing("s0")) == 12
    assert holding(fleet) == ["EventSource/marked@fleet/s0"]


# Doubt.


def test_what_a_list_lacks_is_gone_only_when_a_second_read_agrees(fleet, said):
    busy(fleet, said)
    fleet.list_all("s0", without={said.ref("one")})
    assert not fleet.told(EventRecord)
    assert fleet.doubts
    fleet.run()
    assert copies(fleet, 1) == 1
    fleet.drop("s0", said.ref("one"), unseen=True)
    fleet.list_all("s0")
    assert not fleet.told(EventRecord)
    fleet.run()
    assert copies(fleet, 1) == 0


def test_a_broken_source_keeps_what_it_reported(fleet, said):
    busy(fleet, said)
    fleet.declare(said.source().replace("operation: Equal", "operation: Wrong"))
    (status,) = fleet.told(DeclaredStatus)
    assert status.state is DeclaredState.FAILED
    fleet.run()
    assert copies(fleet, 1) == 1
    fleet.restart()
    fleet.connect("s0")
    fleet.run()
    assert copies(fleet, 1) == 1


@pytest.mark.parametrize("restarted", [False, True])
def test_a_trigger_or_profile_that_cannot_be_read_keeps_what_it_led_to(fleet, said, restarted):
    busy(fleet, said)
    fleet.declare(said.profile(env="x"), said.content())
    fleet.join("d", env="x")
    fleet.run()
    wrong = "matchExpressions: [{key: a, operator: Wrong}]"
    fleet.declare(said.trigger().replace("matchLabels: {role: source}", wrong), said.profile().replace("matchLabels: {env: x}", wrong))
    assert [item.state for item in fleet.told(DeclaredStatus)] == [DeclaredState.FAILED] * 2
    if restarted:
        assert not fleet.restart().records
        fleet.connect("s0", "d")
    fleet.run()
    assert (copies(fleet, 1), fleet.standing("d")) == (1, {"base-0": "1"})
    fleet.declare(said.trigger(), said.profile())
    fleet.run()
    assert (copies(fleet, 1), fleet.standing("d")) == (1, {"base-0": "1"})


def test_content_that_vanishes_takes_nothing_down(fleet, said):
    fleet.declare(said.profile(), said.content())
    fleet.join("c", env="x")
    fleet.run()
    fleet.undeclare("ConfigMap/default/base")
    fleet.run()
    assert fleet.standing("c") == {"base-0": "1"}
    (addon,) = fleet.plane.addons["ClusterProfile/base", "fleet/c"].values()
    assert addon.state is AddonState.FAILED
    assert "does not exist" in addon.reason
    assert not fleet.restart().records
    fleet.connect("c")
    fleet.run()
    assert fleet.standing("c") == {"base-0": "1"}


def test_a_template_that_no_longer_renders_takes_nothing_down(fleet, said):
    busy(fleet, said)
    fleet.declare(said.template(extra="{{ .Resource.none.none }}"))
    fleet.run()
    assert copies(fleet, 1) == 1
    (match,) = fleet.plane.matches.values()
    assert match.state is MatchState.FAILED
    assert not fleet.restart().records
    fleet.declare(said.template())
    fleet.connect("s0")
    fleet.run()
    assert next(iter(fleet.plane.matches.values())).state is MatchState.ACTED


def test_a_reference_that_no_longer_renders_takes_nothing_down(fleet, said):
    named = said.profile().replace("name: base}]", 'name: "base{{ .Cluster.metadata.labels.tail }}"}]')
    fleet.declare(named, said.content())
    fleet.join("c", env="x", tail="")
    fleet.run()
    assert fleet.standing("c") == {"base-0": "1"}
    fleet.declare(named.replace("labels.tail", "labels.none.none"))
    fleet.run()
    assert fleet.standing("c") == {"base-0": "1"}
    assert {item.state for item in fleet.plane.addons["ClusterProfile/base", "fleet/c"].values()} <= {
        AddonState.FAILED,
        AddonState.DEPLOYED,
    }


# Sync modes and pauses.


def test_a_one_time_profile_stays_as_it_was_deployed_whatever_is_edited_and_restarted(fleet, said):
    fleet.declare(said.profile(more="syncMode: OneTime"), said.content())
    fleet.join("c", env="x")
    fleet.run()
    fleet.declare(said.content("base", "2"), said.profile(more="syncMode: OneTime\n  tier: 5"))
    fleet.run()
    assert fleet.standing("c") == {"base-0": "1"}
    fleet.restart()
    fleet.connect("c")
    fleet.ask("requeue", "ClusterProfile/base")
    fleet.run()
    assert fleet.standing("c") == {"base-0": "1"}


def test_a_paused_profile_stands_still_over_a_restart_and_goes_on_when_it_is_let(fleet, said):
    paused = said.profile(annotations='{profile.projectsveltos.io/paused: "true"}')
    fleet.declare(said.profile(), said.content())
    fleet.join("c", env="x")
    fleet.run()
    fleet.declare(paused, said.content("base", "2"))
    fleet.run()
    assert fleet.standing("c") == {"base-0": "1"}
    fleet.restart()
    fleet.connect("c")
    fleet.ask("requeue", "ClusterProfile/base")
    fleet.run()
    assert fleet.standing("c") == {"base-0": "1"}
    fleet.declare(said.profile())
    fleet.run()
    assert fleet.standing("c") == {"base-0": "2"}


def test_what_was_due_when_a_profile_was_paused_is_done_when_it_goes_on(fleet, said):
    fleet.declare(said.content())
    fleet.join("c", env="x")
    fleet.declare(said.profile())
    fleet.due.clear()
    fleet.declare(said.profile(annotations='{profile.projectsveltos.io/paused: "true"}'))
    assert [item.state for item in fleet.told(AddonRecord)] == [AddonState.WAITING]
    fleet.run()
    assert fleet.standing("c") == {}
    fleet.declare(said.profile())
    fleet.run()
    assert fleet.standing("c") == {"base-0": "1"}


def test_nothing_is_delivered_to_a_paused_cluster_whatever_is_asked(fleet, said):
    fleet.declare(said.profile(), said.content())
    fleet.join("c", env="x")
    fleet.run()
    cluster = _loaded(
        "{apiVersion: lib.projectsveltos.io/v1beta1, kind: SveltosCluster, metadata: {name: c, namespace: fleet, labels: {env: x}}}"
    )
    fleet.declare({**cluster, "spec": {"paused": True}})
    fleet.declare(said.content("base", "2"))
    fleet.ask("requeue", "ClusterProfile/base")
    assert not fleet.due
    fleet.relabel("c", env="x")
    fleet.run()
    assert fleet.standing("c") == {"base-0": "2"}


# Members.


def test_a_cluster_that_leaves_during_a_delivery_and_comes_back_gets_what_it_should(fleet, said):
    fleet.declare(said.profile(), said.content())
    fleet.join("c", env="x")
    order = fleet.begin(("ClusterProfile/base", "fleet/c"))
    fleet.leave("c")
    fleet.join("c", env="x")
    fleet.declare(said.content("base", "2"))
    fleet.finish(order)
    fleet.run()
    assert fleet.standing("c") == {"base-0": "2"}


def test_another_cluster_under_a_name_that_left_gets_everything(fleet, said):
    fleet.declare(said.profile(), said.content())
    fleet.join("c", env="x")
    fleet.run()
    fleet.leave("c")
    assert fleet.told(InventoryGone)
    assert fleet.told(MemberGone)
    fleet.live["fleet/c"].clear()
    fleet.join("c", env="x")
    fleet.run()
    assert fleet.live["fleet/c"]


def test_a_cluster_that_left_and_comes_back_as_it_was_is_not_written_to(fleet, said):
    fleet.declare(said.profile(), said.content())
    fleet.join("c", env="x")
    fleet.run()
    fleet.leave("c")
    writes = fleet.writes
    fleet.join("c", env="x")
    fleet.run()
    assert (fleet.writes, fleet.standing("c")) == (writes, {"base-0": "1"})


def test_a_cluster_that_left_while_nobody_looked_is_gone_from_the_records(fleet, said):
    busy(fleet, said)
    fleet.declared = {ref: item for ref, item in fleet.declared.items() if ref.kind != "SveltosCluster"}
    fleet.restart()
    assert fleet.told(MemberGone)
    assert not any(fleet.kept.rows[name] for name in ("members", "inventory", "addons", "matches", "generated", "destinations"))
    assert not fleet.kept.reports["marked", "fleet/s0"].by_ref


def test_labels_changed_while_nobody_looked_do_not_make_a_cluster_reachable(fleet, said):
    fleet.declare(said.profile(), said.content())
    fleet.join("c", env="y")
    fleet.run()
    with fleet.turn():
        pass
    ref = next(ref for ref in fleet.declared if ref.kind == "SveltosCluster")
    manifest = fleet.declared[ref]
    fleet.declared[ref] = {**manifest, "metadata": {**manifest["metadata"], "labels": {"env": "x"}}}
    turn = fleet.restart()
    assert not turn.due
    fleet.connect("c")
    fleet.run()
    assert fleet.standing("c") == {"base-0": "1"}


def test_a_destination_relabelled_to_and_fro_during_deliveries_ends_as_its_labels_say(fleet, said):
    fleet.declare(said.profile(), said.content())
    fleet.join("c", env="x")
    key = ("ClusterProfile/base", "fleet/c")
    order = fleet.begin(key)
    fleet.relabel("c", env="y")
    fleet.finish(order)
    fleet.run()
    assert (fleet.standing("c"), fleet.live["fleet/c"]) == ({}, {})
    fleet.relabel("c", env="x")
    order = fleet.begin(key)
    fleet.relabel("c", env="y")
    fleet.relabel("c", env="x")
    fleet.finish(order)
    fleet.run()
    assert fleet.standing("c") == {"base-0": "1"}


# Sources, triggers, matches.


def test_it_does_not_matter_which_is_declared_first(new_fleet, said):
    texts = [said.source(), said.trigger(), said.template()]
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2]):
        fleet = new_fleet()
        fleet.put("s0", said.config_map("one"))
        fleet.join("s0", role="source")
        for index in order:
            fleet.declare(texts[index])
            fleet.run()
        assert fleet.standing("s0") == {"copy-s0-one": "1"}, order


def test_a_source_deleted_and_made_again_takes_down_and_makes_again(fleet, said):
    busy(fleet, said)
    fleet.undeclare("EventSource.lib.projectsveltos.io//marked")
    fleet.run()
    assert copies(fleet, 1) == 0
    fleet.declare(said.source())
    fleet.run()
    assert copies(fleet, 1) == 1


def test_a_templated_source_name_is_filled_in_for_each_cluster_and_a_failure_loses_nothing(fleet, said):
    named = "{{ .Cluster.metadata.labels.kind }}ed"
    fleet.declare(said.source(), said.template(), said.trigger(event_source=named))
    fleet.put("s0", said.config_map("one"))
    fleet.put("s1", said.config_map("one"))
    fleet.join("s0", role="source", kind="mark")
    fleet.join("s1", role="source", kind="other")
    fleet.run()
    assert (copies(fleet, 1), fleet.standing("s1")) == (1, {})
    fleet.declare(said.trigger(event_source="{{ .Cluster.none.none }}"))
    fleet.run()
    assert copies(fleet, 1) == 1


def test_one_for_event_switched_makes_the_other_form(fleet, said):
    busy(fleet, said)
    fleet.declare(said.trigger(one=False), said.template(one=False))
    fleet.run()
    assert fleet.standing("s0") == {"copy-s0": "one=1,"}
    fleet.declare(said.trigger(), said.template())
    fleet.run()
    assert fleet.standing("s0") == {"copy-s0-one": "1"}


def test_a_name_that_two_triggers_give_belongs_to_the_first_until_it_goes(fleet, said):
    same = 'profileNameFormat: "shared-{{ .Cluster.metadata.name }}-{{ .Resource.metadata.name }}"'
    fleet.declare(said.source(), said.template("aaa"), said.template("bbb"))
    fleet.declare(said.trigger("aaa", more=same), said.trigger("bbb", more=same))
    fleet.put("s0", said.config_map("one"))
    fleet.join("s0", role="source")
    fleet.run()
    assert fleet.standing("s0") == {"aaa-s0-one": "1"}
    failed = next(item for item in fleet.plane.matches.values() if item.trigger == "bbb")
    assert failed.state is MatchState.FAILED
    assert "aaa" in failed.reason
    assert not fleet.restart().records
    fleet.connect("s0")
    fleet.undeclare("EventTrigger.lib.projectsveltos.io//aaa")
    fleet.run()
    assert fleet.standing("s0") == {"bbb-s0-one": "1"}


def test_a_declared_profile_and_a_generated_one_do_not_share_a_name(fleet, said):
    fleet.declare(said.profile("mine"), said.content("mine"), said.source(), said.template(), said.trigger(more="profileNameFormat: mine"))
    fleet.put("s0", said.config_map("one"))
    fleet.join("s0", role="source", env="x")
    fleet.run()
    assert fleet.standing("s0") == {"mine-0": "1"}
    fleet.undeclare("ClusterProfile.config.projectsveltos.io//mine")
    fleet.run()
    assert fleet.standing("s0") == {"copy-s0-one": "1"}
    fleet.declare(said.profile("mine"))
    assert fleet.told(DeclaredStatus)[0].state is DeclaredState.FAILED
    fleet.run()
    assert fleet.standing("s0") == {"copy-s0-one": "1"}


def test_one_change_among_a_thousand_objects_renders_one(fleet, said):
    fleet.declare(said.source(), said.template(), said.trigger())
    fleet.put("s0", *(said.config_map(f"m{index:04}") for index in range(1000)))
    fleet.join("s0", role="source")
    assert len(fleet.told(GeneratedRecord)) == 2000
    fleet.put("s0", said.config_map("m0500", "2"))
    assert sorted(item.ref.kind for item in fleet.told(GeneratedRecord)) == ["ConfigMap"], "the profile is as it was"
    assert [len(item.changes) for item in fleet.told(EventRecord)] == [1]
    assert len(fleet.told(MatchRecord)) <= 3
    fleet.drop("s0", said.ref("m0500"))
    assert len(fleet.told(GeneratedGone)) == 2


def test_a_match_that_a_newer_event_overtakes_is_suppressed(fleet, said):
    fleet.declare(said.source(), said.template(), said.trigger())
    fleet.put("s0", said.config_map("one"))
    fleet.join("s0", role="source")
    (first,) = fleet.plane.matches
    fleet.put("s0", said.config_map("one", "2"))
    assert [item.match_id for item in fleet.told(MatchRecord) if item.state is MatchState.SUPPRESSED] == [first]
    fleet.run()
    (last,) = fleet.plane.matches.values()
    assert (last.state, last.match_id != first) == (MatchState.ACTED, True)


def test_a_match_that_had_acted_is_not_suppressed_by_the_next(fleet, said):
    busy(fleet, said)
    fleet.put("s0", said.config_map("one", "2"))
    assert not [item for item in fleet.told(MatchRecord) if item.state is MatchState.SUPPRESSED]


def test_a_write_that_shows_nothing_new_makes_no_event(fleet, said):
    busy(fleet, said)
    fleet.put("s0", said.config_map("one"))
    assert not fleet.told(EventRecord)


# Owners.


def test_a_lower_tier_takes_an_object_and_the_one_before_says_so(fleet, said):
    fleet.declare(said.profile("aaa"), said.profile("bbb", more="tier: 50"), said.content("aaa"))
    fleet.join("c", env="x")
    fleet.run()
    shared = _loaded(said.content("aaa", "2"))
    shared["metadata"]["name"] = "bbb"
    fleet.declare(shared)
    for key in list(fleet.due):
        order = fleet.begin(key)
        fleet.finish(order)
    assert fleet.standing("c") == {"aaa-0": "2"}
    assert ("ClusterProfile/aaa", "fleet/c") in fleet.due
    fleet.finish(fleet.begin(("ClusterProfile/aaa", "fleet/c")))
    (addon,) = fleet.plane.addons["ClusterProfile/aaa", "fleet/c"].values()
    assert addon.state is AddonState.CONFLICT
    assert "ClusterProfile bbb" in addon.reason
    assert fleet.standing("c") == {"aaa-0": "2"}
    fleet.undeclare("ClusterProfile.config.projectsveltos.io//bbb")
    fleet.run()
    assert fleet.standing("c") == {"aaa-0": "1"}


# Drift.


def drifting(fleet, said):
    fleet.declare(said.profile(more="syncMode: ContinuousWithDriftDetection"), said.content())
    fleet.join("c", env="x")
    fleet.run()
    return said.ref("base-0", "made")


def changed(fleet, ref, value):
    live = fleet.live["fleet/c"][ref]
    return {**live, "data": {"value": value}}


def test_a_change_by_hand_is_put_back_even_when_the_first_attempt_fails(fleet, said):
    ref = drifting(fleet, said)
    fleet.put("c", changed(fleet, ref, "mine"))
    (incident,) = fleet.plane.incidents.values()
    assert [field.path for field in incident.fields] == [".data.value"]
    fleet.finish(fleet.begin(("ClusterProfile/base", "fleet/c")), away=True)
    fleet.run()
    assert fleet.standing("c") == {"base-0": "1"}
    assert not fleet.plane.incidents


def test_a_change_that_somebody_takes_back_ends_without_a_write(fleet, said):
    ref = drifting(fleet, said)
    before, writes = fleet.live["fleet/c"][ref], fleet.writes
    fleet.put("c", changed(fleet, ref, "mine"))
    fleet.put("c", before)
    fleet.run()
    assert not fleet.plane.incidents
    assert fleet.writes == writes


def test_drift_mode_switched_on_watches_what_is_there_already(fleet, said):
    fleet.declare(said.profile(), said.content())
    fleet.join("c", env="x")
    fleet.run()
    with fleet.turn() as turn:
        fleet._declare(turn, _loaded(said.profile(more="syncMode: ContinuousWithDriftDetection")), ())
    assert turn.rewatch == {"fleet/c"}


# Statuses.


def test_a_status_is_said_once(fleet, said):
    fleet.declare(said.profile(), unsupported=("spec.helmCharts",))
    assert [item.state for item in fleet.told(DeclaredStatus)] == [DeclaredState.UNSUPPORTED]
    fleet.declare(said.profile(), unsupported=("spec.helmCharts",))
    assert not fleet.told(DeclaredStatus)
    fleet.declare(said.profile())
    assert [item.state for item in fleet.told(DeclaredStatus)] == [DeclaredState.READY]
    fleet.undeclare("ClusterProfile.config.projectsveltos.io//base")
    fleet.declare(said.profile())
    assert [item.state for item in fleet.told(DeclaredStatus)] == [DeclaredState.READY]
