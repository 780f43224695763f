"""What waits for a person and what waits to be quiet, as faces tell it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fleetd.domain.errors import NotPermitted
from fleetd.domain.held_back import Damped
from fleetd.domain.records import HeldLoss
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import DampedKind
from fleetd.service.acting import Actor, Approve, Reject
from fleetd.service.local_acting import LocalActions
from fleetd.service.questions.describing import DescribeObject
from fleetd.service.questions.held import FindSubjects
from fleetd.service.questions.overview import FleetOverview
from fleetd.service.questions.proposals import DescribeProposal, FindProposal
from fleetd.service.teaching import Taught


@pytest.fixture
async def held_back(database, planted):
    """A loss that waits, a loop that stands still, and a pause that is over."""
    now = planted.datetime.now(planted.UTC)
    trigger = "share"
    loss = HeldLoss(
        proposal_id="01aac0ffee",
        subject=f"EventTrigger/{trigger}",
        summary="12 of 12 would be lost",
        lost=tuple(f"prod/c{number}" for number in range(12)),
        created_at=now,
        cause_id="c",
        expires_at=now + timedelta(days=7),
    )
    place = {"subject": f"EventTrigger/{trigger}", "cluster": "prod/us-1", "pauses": 1, "since": now, "cause_id": "c"}
    ref = ObjectRef("ConfigMap", "", "made", "ping")
    loop = Damped(kind=DampedKind.LOOP, object_ref=ref, until=None, reason="it goes round", **place)
    over = Damped(kind=DampedKind.RATE, object_ref=ref, until=now - timedelta(seconds=1), reason="it was often", **place)
    await database.commit([loss, loop, over])
    return loss


async def test_the_overview_counts_and_names_both(changing, held_back):
    found = (await changing.ask(FleetOverview())).result
    assert found.waiting_proposals == 1
    told = {trouble.what: trouble.ref for trouble in found.troubles}
    assert told["waits for a person's decision"] == f"proposal:{held_back.proposal_id}"
    assert told["held back: loop"] == held_back.subject
    assert "held back: rate" not in told


async def test_a_page_shows_what_of_it_is_held_back(changing, held_back):
    ref = f"EventTrigger.lib.projectsveltos.io//{held_back.subject.partition('/')[2]}"
    parts = {part.title: part.rows for part in (await changing.ask(DescribeObject(ref=ref))).result.parts}
    assert [row["id"] for row in parts["Proposals"]] == [held_back.proposal_id]
    assert {row["reason"] for row in parts["Held back"]} == {"it goes round", "it was often"}


async def test_what_of_a_trigger_is_held_back_can_be_tried_again(changing, held_back):
    assert held_back.subject in (await changing.ask(FindSubjects(refs=(held_back.subject,)))).result.profiles


@pytest.mark.parametrize("named", ["01aac0ffee", "01a", "c0ffee", "EventTrigger/share"])
async def test_a_proposal_is_found_by_its_id_a_part_of_it_or_its_subject(changing, held_back, named):
    assert (await changing.ask(FindProposal(named=named))).result["id"] == held_back.proposal_id
    found = (await changing.ask(DescribeProposal(named=named))).result
    assert (found.typed, len(found.lost)) == ("c0ffee", 12)


async def test_what_is_no_proposal_is_answered_with_the_nearest(changing, held_back):
    with pytest.raises(Taught) as told:
        await changing.ask(FindProposal(named="EventTrigger/shar"))
    assert told.value.lesson.did_you_mean[0] == held_back.subject


@pytest.mark.parametrize("action", [Approve, Reject])
async def test_no_face_of_a_program_decides(changing, database, held_back, action, tmp_path, master_key):
    key_file = tmp_path / "acting.key"
    key_file.write_text(master_key.to_text())
    key_file.chmod(0o600)
    actions = LocalActions(database.url, changing, key_file=key_file)
    with pytest.raises(NotPermitted, match="a person at a terminal"):
        await actions.act(action(proposal=held_back.proposal_id, reason="because"), Actor("agent", "mcp"))
    assert (await actions.act(action(proposal=held_back.proposal_id, reason="because"), Actor("ada", "tui"))).result.requests
    await actions.close()
