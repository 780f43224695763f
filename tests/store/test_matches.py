"""One open match for each trigger, cluster and object; what came of earlier ones stays to be seen."""

from __future__ import annotations

import dataclasses

from fleetd.domain.records import DestinationGone
from fleetd.domain.states import MatchState
from fleetd.store.reading import Reader


def _rows(database, sql):
    with Reader.open(database.url) as reader:
        return reader.rows(sql)


async def test_a_new_event_on_the_same_object_supersedes_the_match(database, said, clock):
    web = said.service()
    await database.commit([said.event("e1", web), said.match("m1", web), said.destination("m1")])
    clock.forward(seconds=1)
    await database.commit([said.event("e2", web, revision=2), said.match("m2", web, event_id="e2"), said.destination("m2")])
    loaded = await database.load()
    assert [match.match_id for match in loaded.matches] == ["m2"]
    assert [destination.match_id for destination in loaded.destinations] == ["m2"]
    assert [row["match_id"] for row in _rows(database, "SELECT match_id FROM fleet_trigger_matches ORDER BY match_id")] == ["m1", "m2"]
    assert [row["match_id"] for row in _rows(database, "SELECT match_id FROM fleet_pending_events")] == ["m2"]


async def test_a_late_word_on_a_superseded_match_does_not_open_it_again(database, said, clock):
    web = said.service()
    first = said.match("m1", web)
    await database.commit([said.event("e1", web), said.event("e2", web, revision=2), first, said.destination("m1")])
    clock.forward(seconds=1)
    await database.commit([said.match("m2", web, event_id="e2")])
    late = dataclasses.replace(first, state=MatchState.ACTED, acted_at=clock.forward(seconds=1))
    await database.commit([late, said.destination("m1", state=MatchState.ACTED, applied_at=clock())])
    loaded = await database.load()
    assert [match.match_id for match in loaded.matches] == ["m2"]
    assert loaded.destinations == ()
    assert _rows(database, "SELECT state FROM fleet_trigger_matches WHERE match_id = 'm1'") == [{"state": "acted"}]


async def test_two_matches_of_one_object_in_one_batch_leave_the_later_one_open(database, said, clock):
    web = said.service()
    first = said.match("m1", web)
    clock.forward(seconds=1)
    second = said.match("m2", web, event_id="e2")
    events = [said.event("e1", web), said.event("e2", web, revision=2)]
    await database.commit([*events, first, said.destination("m1"), second, said.destination("m2"), first])
    loaded = await database.load()
    assert [match.match_id for match in loaded.matches] == ["m2"]
    assert [destination.match_id for destination in loaded.destinations] == ["m2"]


async def test_a_match_goes_through_its_states(database, said, clock):
    web = said.service()
    match = said.match("m1", web)
    await database.commit([said.event("e1", web), match, said.destination("m1")])
    for state in (MatchState.ACTING, MatchState.FAILED, MatchState.ACTED):
        clock.forward(seconds=1)
        await database.commit([dataclasses.replace(match, state=state), said.destination("m1", state=state)])
    assert [found.state for found in (await database.load()).matches] == [MatchState.ACTED]
    assert _rows(database, "SELECT * FROM fleet_pending_events") == []
    assert len(_rows(database, "SELECT * FROM matches")) == 4


async def test_a_match_on_a_report_as_a_whole_has_no_object(database, said):
    await database.commit([said.event("e1", said.service()), said.match("m1", None)])
    assert (await database.load()).matches[0].object_ref is None
    assert _rows(database, "SELECT object_ref FROM fleet_trigger_matches") == [{"object_ref": None}]


async def test_a_destination_that_is_none_any_more_is_not_waited_for(database, said, clock):
    await database.commit([said.event("e1"), said.match(), said.destination(cluster="a/a"), said.destination(cluster="a/b")])
    await database.commit([DestinationGone(match_id="m1", cluster="a/a", at=clock())])
    assert [destination.cluster for destination in (await database.load()).destinations] == ["a/b"]
    assert _rows(database, "SELECT cluster FROM fleet_match_destinations") == [{"cluster": "a/b"}]


async def test_a_withdrawn_match_is_not_loaded_and_frees_its_place(database, said, clock):
    web = said.service()
    match = said.match("m1", web)
    await database.commit([said.event("e1", web), match])
    await database.commit([dataclasses.replace(match, state=MatchState.WITHDRAWN)])
    assert (await database.load()).matches == ()
    clock.forward(seconds=1)
    await database.commit([said.match("m2", web)])
    assert [found.match_id for found in (await database.load()).matches] == ["m2"]
