"""Reactions that lead back to themselves: by what they make, by one another, and by way of somebody else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fleetd.domain.held_back import Damped, DampedGone
from fleetd.domain.records import GeneratedRecord, JournalRecord, MatchRecord
from fleetd.domain.states import DampedKind, MatchState, RequestState

HERE = "ping"


def taking(name):
    """Takes the ConfigMap of this name, wherever it is made."""
    return f"""
apiVersion: lib.projectsveltos.io/v1beta1
kind: EventSource
metadata: {{name: {name}}}
spec:
  collectResources: true
  resourceSelectors: [{{group: "", version: v1, kind: ConfigMap, namespace: made, name: {name}}}]
"""


def making(name, value):
    """What the trigger of this name makes: the object `name`."""
    return f"""
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}, namespace: default, annotations: {{projectsveltos.io/instantiate: ok}}}}
data:
  a.yaml: |
    apiVersion: v1
    kind: ConfigMap
    metadata: {{name: {name}, namespace: made}}
    data: {{value: "{value}"}}
"""


GROWS = "{{ .Resource.data.value }}x"
STAYS = "always"


def ring(fleet, said, value=GROWS):
    """`ping` on cluster a makes `pong` on b, which makes `ping` on a: with one x more each time."""
    fleet.declare(taking("ping"), taking("pong"))
    fleet.declare(making("pong", value), said.trigger("pong", role="a", to="b", event_source="ping"))
    fleet.declare(making("ping", value), said.trigger("ping", role="b", to="a", event_source="pong"))
    fleet.join("a", role="a", env="a")
    fleet.join("b", role="b", env="b")
    fleet.put("a", said.config_map("ping", "1", namespace="made"))


def echo(fleet):
    """Deliveries and what lists then tell, until nothing is written any more; how many rounds that took."""
    for rounds in range(40):
        written = fleet.writes
        fleet.run()
        for name in ("a", "b"):
            fleet.list_all(name)
        fleet.run()
        if fleet.writes == written:
            return rounds
    return 40


@pytest.fixture
def going_round(fleet, said):
    # Whoever made the first one lets it go: it is nobody's any more.
    ring(fleet, said)
    assert echo(fleet) < 40
    return fleet


def loops(fleet):
    return [item for item in fleet.plane.damped.values() if item.kind is DampedKind.LOOP]


def test_two_triggers_that_change_one_anothers_objects_over_two_clusters_stand_still_and_are_named(going_round):
    (loop,) = loops(going_round)
    assert "EventTrigger pong on fleet/a makes ConfigMap/made/pong" in loop.reason
    assert "EventTrigger ping on fleet/b makes ConfigMap/made/ping" in loop.reason
    blocked = [match for match in going_round.plane.matches.values() if match.state is MatchState.BLOCKED]
    assert [match.reason for match in blocked] == [loop.reason]
    value = going_round.live["fleet/a"][next(iter(going_round.plane.inventory["fleet/a"]))]["data"]["value"]
    assert len(value) <= 10
    told = [item for item in going_round.history if isinstance(item, JournalRecord) and item.decision == "held back"]
    assert [(item.reason, item.cause_id) for item in told] == [(loop.reason, loop.cause_id)]


def test_a_ring_that_comes_to_rest_by_itself_is_no_loop(fleet, said):
    ring(fleet, said, STAYS)
    echo(fleet)
    assert not fleet.plane.damped
    assert all(match.state is MatchState.ACTED for match in fleet.plane.matches.values())


def test_a_loop_stands_still_over_a_restart_and_over_news_of_its_object(going_round):
    written = going_round.writes
    turn = going_round.restart()
    assert not [item for item in turn.records if isinstance(item, MatchRecord | GeneratedRecord | Damped | DampedGone)]
    going_round.connect("a", "b")
    echo(going_round)
    assert going_round.writes == written
    assert len(loops(going_round)) == 1


def test_a_loop_heals_when_an_edit_breaks_it(going_round):
    going_round.declare(making("ping", STAYS))
    echo(going_round)
    assert not going_round.plane.damped
    assert all(match.state is MatchState.ACTED for match in going_round.plane.matches.values())


@pytest.mark.parametrize(("name", "roles"), [("ping", ("b", "a", "pong")), ("pong", ("a", "b", "ping"))])
def test_an_edit_of_any_trigger_of_a_loop_lets_it_try_again_at_once(going_round, said, name, roles):
    role, to, source = roles
    going_round.declare(said.trigger(name, role=role, to=to, event_source=source, more="eventSourceCategory: any"))
    assert not loops(going_round)
    echo(going_round)
    assert len(loops(going_round)) == 1


def test_an_edit_of_something_else_lets_no_loop_go_on(going_round, said):
    going_round.declare(said.content("other"))
    assert len(loops(going_round)) == 1
    assert not going_round.due


def test_somebody_may_let_a_loop_try_once_more(going_round):
    written = going_round.writes
    assert going_round.ask("requeue", loops(going_round)[0].subject).state is RequestState.DONE
    echo(going_round)
    assert going_round.writes > written
    assert len(loops(going_round)) == 1


def test_a_trigger_for_a_whole_report_that_makes_what_it_takes_stands_still(fleet, said):
    fleet.declare(said.source().replace("namespace: default, ", ""))
    fleet.declare(said.template(one=False).replace("namespace: made}", 'namespace: made, labels: {mark: "yes"}}'))
    fleet.declare(said.trigger(one=False))
    fleet.put("a", said.config_map("seed"))
    fleet.join("a", role="source")
    assert echo(fleet) < 40
    (loop,) = loops(fleet)
    assert "goes round: EventTrigger copy on fleet/a makes ConfigMap/made/copy-a" in loop.reason
    assert len(fleet.standing("a")["copy-a"]) < 200


def test_a_trigger_that_makes_ever_more_of_what_it_takes_stands_still_and_ends_with_its_seed(fleet, said):
    fleet.declare(said.source().replace("namespace: default, ", ""))
    grows = said.template().replace("namespace: made}", 'namespace: made, labels: {mark: "yes"}}').replace("copy-", "m-")
    fleet.declare(grows, said.trigger())
    fleet.put("a", said.config_map("seed"))
    fleet.join("a", role="source")
    assert echo(fleet) < 40
    (loop,) = loops(fleet)
    assert "EventTrigger copy makes what it watches" in loop.reason
    assert len(fleet.standing("a")) <= 4
    fleet.drop("a", said.ref("seed"))
    echo(fleet)
    assert fleet.standing("a") == {}
    assert not fleet.plane.damped


def changes(fleet, said, name, count):
    """Somebody else changes an object again and again, some times a second."""
    fleet.tick = timedelta(milliseconds=100)
    for number in range(count):
        fleet.put("a", said.config_map(name, f"{number}"))
        fleet.run()


@pytest.fixture
def copying(fleet, said):
    fleet.declare(said.source(), said.template(), said.trigger())
    fleet.put("a", said.config_map("one"), said.config_map("two"))
    fleet.join("a", role="source")
    fleet.run()
    return fleet


def test_what_comes_too_often_is_held_back_visibly_and_others_go_on(copying, said):
    changes(copying, said, "one", 33)
    (held,) = copying.plane.damped.values()
    assert (held.kind, held.subject, held.object_ref) == (DampedKind.RATE, "EventTrigger/copy", said.ref("one"))
    assert "more than 30 times in a minute" in held.reason
    assert "fleetd requeue EventTrigger/copy" in held.reason
    before = copying.standing("a")["copy-a-one"]
    copying.put("a", said.config_map("one", "held"))
    copying.run()
    assert copying.standing("a")["copy-a-one"] == before
    (match,) = [item for item in copying.plane.matches.values() if item.object_ref == said.ref("one")]
    assert (match.state, match.reason) == (MatchState.BLOCKED, copying.plane.damped[next(iter(copying.plane.damped))].reason)
    copying.put("a", said.config_map("two", "goes on"))
    copying.run()
    assert copying.standing("a")["copy-a-two"] == "goes on"


def test_after_its_pause_the_newest_is_followed_and_when_it_is_quiet_all_is_as_usual(copying, said):
    changes(copying, said, "one", 32)
    copying.put("a", said.config_map("one", "newest"))
    copying.wait(minutes=10)
    copying.run()
    assert copying.standing("a")["copy-a-one"] == "newest"
    assert not copying.plane.damped
    assert not copying.kept.damped
    (match,) = [item for item in copying.plane.matches.values() if item.object_ref == said.ref("one")]
    assert match.state is MatchState.ACTED


def test_pauses_grow_while_it_goes_on_and_writes_become_seldom(copying, said):
    changes(copying, said, "one", 32)
    written = copying.writes
    copying.tick = timedelta(seconds=1)
    for number in range(600):
        copying.put("a", said.config_map("one", f"again {number}"))
        copying.run()
    assert copying.writes - written <= 8
    (held,) = copying.plane.damped.values()
    assert held.pauses >= 7


def test_somebody_may_let_go_on_what_comes_too_often(copying, said):
    changes(copying, said, "one", 32)
    copying.put("a", said.config_map("one", "now"))
    done = copying.ask("requeue", "EventTrigger/copy")
    assert (done.state, done.outcome) == (RequestState.DONE, "1 go on")
    copying.run()
    assert copying.standing("a")["copy-a-one"] == "now"


def test_what_is_held_back_for_its_rate_is_so_after_a_restart(copying, said):
    changes(copying, said, "one", 60)
    written = copying.writes
    copying.restart()
    copying.put("a", said.config_map("one", "meanwhile"))
    copying.connect("a")
    copying.run()
    assert copying.writes == written
    copying.wait(minutes=10)
    copying.run()
    assert copying.standing("a")["copy-a-one"] == "meanwhile"
    assert not copying.plane.damped


def test_many_objects_of_one_report_that_come_together_are_no_rate(fleet, said):
    fleet.declare(said.source(), said.template(one=False), said.trigger(one=False))
    fleet.join("a", role="source")
    for number in range(80):
        fleet.put("a", said.config_map(f"m{number}"))
        fleet.run()
    assert not fleet.plane.damped


def test_edits_are_somebodys_word_however_often(copying, said):
    for number in range(40):
        copying.declare(said.template(extra=f"-{number}"))
        copying.run()
    assert not copying.plane.damped
    assert copying.standing("a")["copy-a-one"] == "1-39"


def test_nothing_is_concluded_from_a_resync_a_relist_and_a_restart(copying):
    echo(copying)
    for _ in range(3):
        copying.list_all("a")
        assert copying.news() == []
        asked = copying.ask("resync", "fleet/a")
        assert asked.state is RequestState.DONE
        written = copying.writes
        copying.run()
        copying.list_all("a")
        assert copying.news() == []
        turn = copying.restart()
        assert [item for item in turn.records if not isinstance(item, JournalRecord)] == []
        copying.connect("a")
        copying.run()
        assert copying.writes == written
