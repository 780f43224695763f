"""A filter that is answered from memory finds what the database finds, in the same order; and what was committed since follows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fleetd.domain.records import AddonRecord
from fleetd.domain.states import AddonState
from fleetd.service.local import LocalQuestions
from fleetd.service.questions.windows import Choice, ListKeys, ReadTexts
from fleetd.service.windows import SHEETS
from tui import narrowing

NEEDLES = (
    "share",
    "SHARE",
    "prod us",
    "!prod",
    "!share us-1",
    "e1",
    "no%thing",
    "^",
    "_",
    "-f srwb",
    "-f S p",
    "-f zz",
    "shop/web",
    "Service/shop/web share:",
    "spec.ports",
    "failed",
    "-",
    "!",
    "",
)


@pytest.mark.parametrize("sheet", SHEETS)
async def test_what_is_found_in_memory_is_what_the_database_finds(database, sheet):
    questions = LocalQuestions(database.url)
    choice = Choice(sheet=sheet)
    texts = await questions.ask(ReadTexts(choice=choice))
    for needle in NEEDLES:
        found = (await questions.ask(ListKeys(choice=Choice(sheet=sheet, needle=needle)))).keys
        assert texts.narrowed(needle) == found, needle
    assert texts.narrowed("-l env=prod") is None
    assert texts.narrowed("ß") is None
    column = next(iter(SHEETS[sheet].searched))
    backwards = Choice(sheet=sheet, sort=column, descending=True)
    assert (await questions.ask(ReadTexts(choice=backwards))).keys == (await questions.ask(ListKeys(choice=backwards))).keys
    await questions.close()


def addons(count, state=AddonState.DEPLOYED, addon="policyRefs/0"):
    plain = {"kind": "policyRef", "wanted_digest": "w", "cause_id": "c", "attempts": 1, "applied_at": None, "next_attempt_at": None}
    plain |= {"cluster": "prod/us-1", "addon": addon, "state": state, "reason": "", "at": datetime.now(UTC)}
    return [AddonRecord(profile=f"ClusterProfile/p-{number:05}", **plain) for number in range(count)]


async def test_a_long_list_begins_with_its_head_and_is_narrowed_from_memory(sit_down, database):
    count = narrowing.LONG + 200
    await database.commit(addons(count))
    async with sit_down(database, start="ad") as terminal:
        await terminal.painted("✗ failed")
        await terminal.until(lambda: len(terminal.grid.window) == count + 2)
        known = terminal.app.looking.narrowing
        async with terminal.patience():
            while known.texts is None:
                await terminal.pilot.pause()
        assert known.texts.keys is terminal.grid.window.keys
        await terminal.press("slash")
        await terminal.type("p-03199")
        await terminal.until(lambda: len(terminal.grid.window) == 1)
        # What was read before does not know of it; the database does.
        await database.commit(addons(2, AddonState.FAILED, addon="policyRefs/p-03199"))
        await terminal.until(lambda: len(terminal.grid.window) == 3)
        assert known.stale
        await terminal.press("escape")
        await terminal.until(lambda: len(terminal.grid.window) == count + 4)
