"""What people do from the terminal: asked for a reason, done by the service, told with its outcome."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from textual.keys import _character_to_key

from fleetd.decide.proposals import mark_of
from fleetd.domain.records import HeldLoss
from fleetd.domain.refs import ObjectRef
from fleetd.store.reading import Reader

MEMBER = ObjectRef("SveltosCluster", "lib.projectsveltos.io", "prod", "us-1")


@pytest.fixture
def given(tmp_path, master_key):
    key_file = tmp_path / "acting.key"
    key_file.write_text(master_key.to_text())
    key_file.chmod(0o600)
    return {"key_file": key_file}


async def requests(database):
    with Reader.open(database.url) as reader:
        return reader.rows("SELECT verb, subject, state, actor, via, reason FROM fleet_requests ORDER BY created_at, subject")


async def test_a_cluster_is_paused_for_a_reason(sit_down, database, given):
    async with sit_down(database, **given) as terminal:
        await terminal.press("slash", "u", "s", "minus", "1", "enter")
        await terminal.until(lambda: len(terminal.grid.window) == 1 and terminal.grid.window.row is not None)
        await terminal.press("p")
        assert "pause prod/us-1: why?" in terminal.app._line.placeholder
        await terminal.type("maintenance")
        await terminal.painted("pause prod/us-1: done")
    [row] = await requests(database)
    assert (row["verb"], row["subject"], row["via"], row["reason"]) == ("pause", "prod/us-1", "tui", "maintenance")
    live = await database.declared.get(MEMBER)
    assert live is not None
    assert live.manifest["spec"]["paused"] is True


async def test_marked_rows_are_meant_together(sit_down, database, given):
    async with sit_down(database, **given) as terminal:
        await terminal.painted("prod/us-2")
        await terminal.press("space", "space", "P")
        await terminal.type("done with it")
        await terminal.painted("resume prod/us-2 and 1 more: done")
    assert {row["subject"] for row in await requests(database)} == {"prod/us-2", "prod/eu-1"}


async def test_nothing_is_done_without_a_reason_or_after_escape(sit_down, database, given):
    async with sit_down(database, **given) as terminal:
        await terminal.painted("prod/us-2")
        await terminal.press("p")
        await terminal.type("")
        await terminal.painted("it needs a reason")
        await terminal.press("p", "x", "escape")
        await terminal.painted("prod/us-2")
    assert await requests(database) == []


async def test_the_past_cannot_be_changed(sit_down, database, given):
    async with sit_down(database, start="ad ~-1m", **given) as terminal:
        await terminal.painted("AS OF")
        await terminal.press("R")
        await terminal.painted("this is the past")
    assert await requests(database) == []


async def test_an_event_is_acknowledged_and_stays_pending(sit_down, database, given):
    async with sit_down(database, start="pending", **given) as terminal:
        await terminal.painted("share")
        await terminal.press("a")
        await terminal.type("the network people are on it")
        await terminal.painted("acknowledge e1: done")
        await terminal.until(lambda: len(terminal.grid.window) == 1)
    [row] = await requests(database)
    assert (row["verb"], row["subject"], row["state"]) == ("acknowledge", "event:e1", "done")


@pytest.fixture
async def held(database):
    """The id of a loss that waits for a person."""
    loss = HeldLoss(
        proposal_id="p" * 26 + "c0ffee",
        subject="EventTrigger/share",
        summary="2 of 3 objects would go",
        lost=("a", "b"),
        created_at=datetime.now(UTC),
        cause_id="c",
        expires_at=datetime.now(UTC) + timedelta(days=7),
    )
    await database.commit([loss])
    return loss.proposal_id


async def test_a_held_loss_is_approved_when_its_id_is_typed_and_why(sit_down, database, given, held):
    async with sit_down(database, start="pl", **given) as terminal:
        await terminal.painted("EventTrigger/share")
        await terminal.press("A")
        await terminal.painted("type c0ffee and why")
        await terminal.type("c0ffee the clusters were turned off")
        await terminal.painted("waiting for the daemon")
    [row] = await requests(database)
    assert (row["verb"], row["subject"], row["state"]) == ("approve", f"{held}#{mark_of(['a', 'b'])}", "waiting")
    assert row["reason"] == "the clusters were turned off"


@pytest.mark.parametrize("said", ["the clusters were turned off", "c0ffee", "c0ffee  "])
async def test_without_its_id_or_a_reason_no_loss_is_approved(sit_down, database, given, held, said):
    async with sit_down(database, start="pl", **given) as terminal:
        await terminal.painted("EventTrigger/share")
        await terminal.press("A")
        await terminal.type(said)
        await terminal.painted("nothing was done")
    assert await requests(database) == []


async def test_a_held_loss_is_rejected_for_a_reason_from_its_page(sit_down, database, given, held):
    async with sit_down(database, start="pl", **given) as terminal:
        await terminal.painted("EventTrigger/share")
        await terminal.press("enter")
        await terminal.painted("waits until", "X says no")
        await terminal.press("X")
        await terminal.type("a typo")
        await terminal.painted("waiting for the daemon")
    [row] = await requests(database)
    assert (row["verb"], row["subject"], row["reason"]) == ("reject", held, "a typo")


@pytest.mark.parametrize("text", ["pmaintenance\n", "paRA\n", "p\n", "pprod is down, please look\nand once more\n", "Rp why\n\n"])
async def test_a_text_sent_in_one_piece_with_a_key_does_nothing_to_the_fleet(sit_down, database, given, text):
    async with sit_down(database, **given) as terminal:
        await terminal.painted("prod/us-2")
        for sign in text:
            # As a terminal sends a text that somebody pasted: all before the first is dealt with.
            terminal.app.simulate_key("enter" if sign == "\n" else _character_to_key(sign))
        await terminal.painted("nothing was done yet")
        await terminal.press("escape")
        await terminal.settled()
    assert await requests(database) == []


async def test_an_enter_after_all_was_seen_does_what_was_asked(sit_down, database, given):
    async with sit_down(database, **given) as terminal:
        await terminal.painted("prod/us-2")
        for key in ("p", "m", "e", "n", "d", "enter"):
            terminal.app.simulate_key(key)
        await terminal.painted("mend", "nothing was done yet")
        # The question stays to be read while a reason is typed.
        await terminal.painted("pause prod/us-2: why? enter does it, esc does not")
        await terminal.type("ed")
        await terminal.painted("pause prod/us-2: done")
    [row] = await requests(database)
    assert row["reason"] == "mended"


async def test_marked_rows_that_nobody_has_seen_are_meant_too(sit_down, database, given, planted):
    at = planted.datetime.now(planted.UTC)
    await database.commit([planted.member(f"many/c-{number:03}", at) for number in range(120)])
    async with sit_down(database, size=(80, 24), **given) as terminal:
        await terminal.until(lambda: len(terminal.grid.window) == 123)
        await terminal.press("space", "G", "ctrl+at")
        terminal.grid.window._rows.clear()
        await terminal.press("p")
        await terminal.painted("not read yet")
    assert await requests(database) == []
