"""The lists and counts of the terminal: order, filters, what rows are completed with, and the past; on both databases."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fleetd.domain.records import RequestRecord
from fleetd.domain.states import RequestState
from fleetd.service.questions.matrix import AddonMatrix
from fleetd.service.questions.pulse import FleetThen, Pulse
from fleetd.service.questions.windows import Choice, ListKeys, MadeBy, ReadRows, WhoLooksAfter
from fleetd.service.teaching import Code, Taught
from fleetd.service.windows import SHEETS
from fleetd.store.past import PASTS


async def keys(questions, sheet, **more):
    return (await questions.ask(ListKeys(choice=Choice(sheet=sheet, **more)))).keys


@pytest.mark.parametrize("sheet", [name for name, one in SHEETS.items() if one.view in PASTS])
async def test_of_this_moment_the_past_is_the_present(questions, sheet):
    now = await keys(questions, sheet)
    assert now
    assert await keys(questions, sheet, as_of="0s") == now
    rows = await questions.ask(ReadRows(choice=Choice(sheet=sheet, as_of="0s"), keys=now))
    assert {row["key"] for row in rows} == set(now)


@pytest.mark.parametrize("sheet", ["requests", "proposals"])
async def test_a_list_without_a_past_says_so(questions, sheet):
    with pytest.raises(Taught) as told:
        await keys(questions, sheet, as_of="0s")
    assert "no past is kept" in told.value.lesson.sentence


async def test_a_time_before_everything_is_out_of_range(questions):
    with pytest.raises(Taught) as told:
        await keys(questions, "clusters", as_of="-20d")
    assert told.value.lesson.code is Code.AS_OF_OUT_OF_RANGE


@pytest.mark.parametrize("sheet", SHEETS)
async def test_a_filter_and_its_opposite_divide_a_list(questions, sheet):
    everything = await keys(questions, sheet)
    for needle in ("share", "prod us", "e1", "no%thing", "^"):
        with_it, without = await keys(questions, sheet, needle=needle), await keys(questions, sheet, needle=f"!{needle}")
        assert sorted((*with_it, *without)) == sorted(everything), needle


async def test_events_are_found_by_their_triggers_and_objects(questions):
    for needle in ("share", "Service/shop/web", "balancers shop"):
        assert await keys(questions, "events", needle=needle) == ("e1",)
    assert await keys(questions, "events", needle="nobody") == ()


async def test_add_ons_are_found_by_what_they_were_made_for_and_drift_by_its_fields(questions):
    assert len(await keys(questions, "addons", needle="share: Service/shop/web")) == 2
    assert await keys(questions, "drift", needle="spec.ports") == ("i1",)


async def test_what_is_urgent_stands_first_and_a_sort_is_by_its_column(questions):
    assert (await keys(questions, "clusters"))[0] == "prod/us-2"
    assert await keys(questions, "clusters", sort="cluster") == ("prod/eu-1", "prod/us-1", "prod/us-2")
    assert await keys(questions, "clusters", sort="cluster", descending=True) == ("prod/us-2", "prod/us-1", "prod/eu-1")


async def test_matches_of_one_object_on_one_cluster(questions):
    assert await keys(questions, "matches", subject="object=Service/shop/web@prod/eu-1") == ("m1",)
    assert await keys(questions, "matches", subject="object=Service/shop/web@prod/us-1") == ()


async def test_who_looks_after_an_event_stands_on_its_rows(changing, database):
    assert await changing.ask(WhoLooksAfter(event_id="e1")) == ""
    asked = {"verb": "acknowledge", "subject": "event:e1", "via": "tui", "state": RequestState.DONE}
    for number, actor in enumerate(("ada", "grace")):
        at = datetime.now(UTC)
        await database.commit([RequestRecord(**asked, request_id=f"r{number}", actor=actor, reason="mine", created_at=at, decided_at=at)])
    assert await changing.ask(WhoLooksAfter(event_id="e1")) == "grace: mine"
    for sheet in ("events", "pending"):
        [row] = await changing.ask(ReadRows(choice=Choice(sheet=sheet), keys=await keys(changing, sheet)))
        assert row["looked_after"] == "grace: mine"


async def test_which_trigger_made_a_profile_is_known(questions):
    made = await questions.ask(MadeBy(ref="ClusterProfile/share-web"))
    assert made is not None
    assert (made["event_trigger"], made["cluster"], made["object_ref"]) == ("share", "prod/eu-1", "Service/shop/web")
    assert await questions.ask(MadeBy(ref="ClusterProfile/base")) is None


async def test_the_pulse_counts_of_then_what_it_counts_of_now(questions):
    now, then = [(await questions.ask(Pulse(window="3h", as_of=as_of))).result for as_of in ("", "0s")]
    assert now == then
    assert [stage.count for stage in now.stages] == [1, 1, 2, 1]
    counted = (await questions.ask(FleetThen(as_of="0s"))).result
    assert counted["clusters"] == {"ready": 2, "unreachable": 1}
    assert counted["addons"] == {"deployed": 1, "failed": 1}


async def test_the_matrix_is_by_clusters_and_by_labels(questions):
    found = (await questions.ask(AddonMatrix())).result
    assert found.columns == ("prod/us-1", "prod/us-2")
    assert found.rows[0].cells["prod/us-2"] == {"failed": 1}
    assert (await questions.ask(AddonMatrix(as_of="0s"))).result == found
    assert (await questions.ask(AddonMatrix(label="env"))).result.columns == ("prod", "test")
