"""Sources, triggers and matches, one corner each."""

from __future__ import annotations

from fleetd.domain.records import (
    DeclaredStatus,
    EventRecord,
    GeneratedGone,
    GeneratedRecord,
    MatchRecord,
)
from fleetd.domain.states import DeclaredState, MatchState


def busy(fleet, said, count=1, **options):
    """Clusters `s0` … with an object each, and a trigger that copies it where it is."""
    fleet.declare(said.source(), said.template(), said.trigger(**options))
    for index in range(count):
        fleet.put(f"s{index}", said.config_map("one"))
    fleet.join(*(f"s{index}" for index in range(count)), role="source")
    fleet.run()


def copies(fleet, count):
    return sum(f"copy-s{index}-one" in fleet.standing(f"s{index}") for index in range(count))


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
