"""Time travel: every screen as it was, or why not; what is done, and a relative time that stays where it was."""

from __future__ import annotations

import pytest

from tui.app import read_place

LISTS = ("cl", "ev", "pending", "es", "et", "pf", "de", "ma", "ve", "ad", "ob", "dr", "jo")
PAGES = (
    "pulse",
    "mx",
    "cl prod/us-2",
    "ev e1",
    "et share",
    "why share",
    "why ClusterProfile/share-web on prod/us-2",
    "trace event:e1",
    "tl",
    "cm copy",
    "yaml ConfigMap/default/copy",
    "references EventSource/balancers",
    "incident i1",
)


async def test_every_list_and_page_can_be_seen_as_it_was(sit_down, database):
    async with sit_down(database, start="pulse ~0s") as terminal:
        assert "AS OF" in terminal.bar("crumbs")
        for text in LISTS:
            await terminal.at(read_place(text))
            assert "AS OF" in terminal.bar("crumbs"), text
            assert not terminal.grid.refused
            assert len(terminal.grid.window), text
        for text in PAGES:
            await terminal.at(read_place(text))
            assert "AS OF" in terminal.bar("crumbs"), text
            assert terminal.paper.page.title != "Not found", (text, terminal.page())


@pytest.mark.parametrize("text", ["rq", "pl"])
async def test_what_keeps_no_past_says_so(sit_down, database, text):
    async with sit_down(database, start=f"{text} ~0s") as terminal:
        await terminal.painted("no past is kept")


async def test_a_time_before_everything_is_told(sit_down, database):
    async with sit_down(database, start="cl ~-20d") as terminal:
        await terminal.painted("there is state since")


async def test_a_time_ago_stays_the_moment_that_it_was(sit_down, database):
    async with sit_down(database) as terminal:
        await terminal.press("tilde")
        await terminal.type("0s")
        assert terminal.app.place.as_of.endswith("Z")
        await terminal.press("escape")
        assert not terminal.app.place.as_of
        await terminal.press("tilde")
        await terminal.type("tomorrow")
        assert "is no time" in terminal.bar("status")


async def test_what_is_gone_now_is_there_then(sit_down, database, planted):
    before = planted.datetime.now(planted.UTC)
    await database.commit([planted.member("prod/us-3", before)])
    async with sit_down(database, start="cl") as terminal:
        await terminal.painted("prod/us-3")
        then = terminal.app.given.clock()
        await database.commit([planted.member("prod/us-3", then, version="v1.31.0")])
        await terminal.painted("v1.31.0")
        await terminal.press("tilde")
        await terminal.type(then.isoformat())
        await terminal.painted("AS OF", "prod/us-3")
        assert "v1.31.0" not in terminal.screen()


async def test_a_revision_is_of_its_own_time_and_what_follows_from_it_of_now(sit_down, database):
    held = await database.declared.get(await _copy(database))
    await database.declared.put({**held.manifest, "data": {"a.yaml": "kind: Secret"}}, expected=held.resource_version)
    async with sit_down(database, start="yaml ConfigMap/default/copy") as terminal:
        await terminal.painted("kind: Secret")
        await terminal.press("left_square_bracket")
        await terminal.painted("kind: ConfigMap", "a.yaml: 'kind: ConfigMap'")
        assert terminal.app.place.revision
        assert not terminal.app.place.as_of
        await terminal.press("right_square_bracket")
        await terminal.painted("kind: Secret")


async def _copy(database):
    from fleetd.domain.refs import ObjectRef

    return ObjectRef("ConfigMap", "", "default", "copy")
