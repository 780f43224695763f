"""Somebody moves about: screens, filters, drilling down and coming back."""

from __future__ import annotations

from tui.places import Place


async def test_the_clusters_with_trouble_stand_first(sit_down, database):
    async with sit_down(database) as terminal:
        await terminal.painted("prod/us-2", "prod/eu-1")
        assert next(iter(terminal.grid.window.keys)) == "prod/us-2"
        assert "2 of 3 clusters ready" in terminal.bar("top")


async def test_a_command_leads_to_a_screen_and_escape_back(sit_down, database):
    async with sit_down(database) as terminal:
        await terminal.command("ad")
        await terminal.painted("share-web")
        assert terminal.app.place == Place("addons")
        await terminal.press("escape")
        assert terminal.app.place == Place("clusters")


async def test_from_a_trigger_down_to_the_object_that_fired_and_back_to_the_event(sit_down, database):
    async with sit_down(database, start="et share") as terminal:
        await terminal.painted("Service/shop/web")
        await terminal.command("ma share")
        await terminal.painted("Service/shop/web")
        await terminal.press("enter")
        await terminal.painted("What triggers made of it", "Service/shop/web")
        await terminal.press("tab", "enter")
        assert terminal.app.place.screen == "object"
        await terminal.command("trace Service/shop/web@prod/us-1")
        await terminal.painted("event:e1")


async def test_a_filter_narrows_and_escape_widens(sit_down, database):
    async with sit_down(database) as terminal:
        await terminal.painted("prod/eu-1")
        await terminal.press("slash", "u", "s", "-")
        await terminal.until(lambda: len(terminal.grid.window) == 2)
        await terminal.press("escape", "escape")
        await terminal.until(lambda: len(terminal.grid.window) == 3)


async def test_a_wrong_command_names_the_nearest(sit_down, database):
    async with sit_down(database) as terminal:
        await terminal.command("clustrs")
        assert "did you mean clusters" in terminal.bar("status")
