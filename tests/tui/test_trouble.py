"""What goes wrong around it: a database that is away, an answer that comes late, a terminal of any size, no daemon, no fleet."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from textual.events import Resize
from textual.geometry import Size

from fleetd.service.questions.windows import ListKeys
from fleetd.store.crypto import MasterKey
from fleetd.store.database import Database
from tui.__main__ import run
from tui.places import Place
from tui.window import FADES


async def test_a_database_that_is_moved_away_is_told_and_found_again(sit_down, database):
    path, away = Path(database.url), Path(f"{database.url}.away")
    async with sit_down(database) as terminal:
        await terminal.painted("prod/us-2")
        await database.close()
        os.rename(path, away)
        await terminal.press("ctrl+r")
        await terminal.painted("trying again", "prod/us-2")
        os.rename(away, path)
        await terminal.until(lambda: "clusters ready" in terminal.bar("top"))


@pytest.mark.parametrize("database_kind", ["postgres"])
async def test_connections_that_a_server_cuts_are_made_anew(sit_down, database, postgres_server, planted):
    async with sit_down(database) as terminal:
        await terminal.painted("prod/us-2")
        cutting = await asyncpg.connect(postgres_server.url("postgres"))
        name = database.url.rpartition("/")[2]
        await cutting.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        await cutting.close()
        await terminal.press("ctrl+r")
        again = await Database.open(database.url, key=MasterKey(bytes(range(32))))
        await again.commit([planted.member("prod/us-3", planted.datetime.now(planted.UTC))])
        await again.close()
        await terminal.painted("prod/us-3", "clusters ready")


async def test_a_late_answer_never_overwrites_a_newer_view(sit_down, database):
    async with sit_down(database) as terminal:
        await terminal.painted("prod/us-2")
        asked, held = terminal.app.looking.questions, asyncio.Event()
        waits = asyncio.Event()

        class Slow:
            """The service, but for one question whose answer is held back."""

            async def ask(self, question):
                answer = await asked.ask(question)
                if isinstance(question, ListKeys) and question.choice.needle == "us":
                    waits.set()
                    await held.wait()
                return answer

            async def close(self):
                await asked.close()

        terminal.app.looking.questions = Slow()
        await terminal.press("slash", "u", "s")
        await waits.wait()
        await terminal.press("escape", "escape")
        held.set()
        await terminal.until(lambda: terminal.grid.loaded and len(terminal.grid.window) == 3)
        assert not terminal.app.place.needle


async def test_a_changed_cell_is_marked_and_the_mark_fades(sit_down, database, planted):
    async with sit_down(database) as terminal:
        await terminal.painted("prod/us-1")
        assert "Δ" not in terminal.screen()
        await database.commit([planted.member("prod/us-1", planted.datetime.now(planted.UTC), version="v1.31.7")])
        await terminal.painted("Δv1.31.7")
        [line] = [line for line in terminal.screen().splitlines() if "v1.31.7" in line]
        # Beside the cell that changed, and no other; and nothing moved for it.
        assert line.count("Δ") == 1
        assert len(line) == 140
        changed = terminal.grid.window.changed
        for cell, at in changed.items():
            changed[cell] = at - FADES
        terminal.grid.tick()
        await terminal.settled()
        assert "Δ" not in terminal.screen()
        assert " v1.31.7" in terminal.screen()


async def test_an_upgrade_of_the_schema_under_it_is_told_and_a_database_put_back_is_read_again(sit_down, database):
    async with sit_down(database) as terminal:
        await terminal.painted("prod/us-2", "clusters ready")
        with closing(sqlite3.connect(database.url)) as made, made:
            [(held,)] = made.execute("SELECT version_num FROM alembic_version")
            made.execute("UPDATE alembic_version SET version_num = '9999'")
            made.execute("CREATE TABLE something_newer (x)")
        await terminal.press("ctrl+r")
        # What was read stays, and what to do is said.
        await terminal.painted("trying again", "prod/us-2")
        with closing(sqlite3.connect(database.url)) as made, made:
            made.execute("DROP TABLE something_newer")
            made.execute("UPDATE alembic_version SET version_num = ?", (held,))
        await terminal.painted("clusters ready", "prod/us-2")


async def test_an_upgrade_of_the_schema_that_this_program_knows_goes_unnoticed(sit_down, database, planted):
    async with sit_down(database) as terminal:
        await terminal.painted("prod/us-2", "clusters ready")
        with closing(sqlite3.connect(database.url)) as made, made:
            made.execute("CREATE INDEX something_newer ON members (name)")
        await database.commit([planted.member("prod/us-3", planted.datetime.now(planted.UTC))])
        await terminal.painted("prod/us-3", "clusters ready")
        with closing(sqlite3.connect(database.url)) as made, made:
            made.execute("DROP INDEX something_newer")


async def test_a_storm_of_sizes_leaves_the_screen_as_it_was(sit_down, database):
    chance = random.Random(1)
    async with sit_down(database, start="ad") as terminal:
        await terminal.settled()
        before = terminal.screen()
        for _ in range(200):
            # As a window that is dragged sends them: all before the first is dealt with.
            size = Size(chance.randint(1, 220), chance.randint(1, 70))
            terminal.app.post_message(Resize(size, size))
            if chance.random() < 0.1:
                terminal.app.simulate_key(chance.choice(["j", "G", "k", "tab", "ctrl+w", "space"]))
        await terminal.settled()
        await terminal.at(Place("addons"))
        terminal.grid.wide = False
        await terminal.pilot.resize_terminal(140, 45)
        await terminal.settled()
        assert terminal.screen().splitlines()[3:6] == before.splitlines()[3:6]


async def test_rows_keep_their_places_while_the_cursor_moves(sit_down, database, planted):
    async with sit_down(database, clock=planted.datetime.now(planted.UTC).replace) as terminal:
        await terminal.painted("prod/us-2")
        before = tuple(terminal.grid.window.keys)
        await terminal.press("j")
        away = {"state": planted.ClusterState.UNREACHABLE, "ready": False, "reason": "cable"}
        await database.commit([planted.member(before[-1], planted.datetime.now(planted.UTC), **away)])
        await terminal.until(lambda: any(row.get("reason") == "cable" for row in terminal.grid.window._rows.values()))
        assert tuple(terminal.grid.window.keys) == before
        assert "Δ" in terminal.screen()
        await terminal.press("F")
        await terminal.until(lambda: tuple(terminal.grid.window.keys) != before)


@pytest.mark.parametrize("size", [(40, 10), (59, 30), (100, 14), (1, 1)])
async def test_a_terminal_too_small_says_the_size_it_needs(sit_down, database, size):
    async with sit_down(database) as terminal:
        await terminal.pilot.resize_terminal(*size)
        if size[0] > 20:
            await terminal.painted("60×15")
        await terminal.pilot.resize_terminal(80, 24)
        await terminal.painted("prod/us-2")


async def test_no_size_at_any_moment_breaks_it(sit_down, database):
    chance = random.Random(4711)
    places = [
        Place("clusters"),
        Place("addons"),
        Place("pulse"),
        Place("matrix"),
        Place("journal"),
        Place("trigger", "share"),
        Place("sql"),
    ]
    async with sit_down(database) as terminal:
        for place in places:
            await terminal.app.go(place)
            for _ in range(2):
                await terminal.pilot.resize_terminal(chance.randint(1, 200), chance.randint(1, 60))
                await terminal.press("G", "pageup")
        await terminal.pilot.resize_terminal(100, 30)
        assert terminal.app.is_running


async def test_an_empty_fleet_says_what_to_do_next(sit_down, empty):
    async with sit_down(empty, start="pulse") as terminal:
        await terminal.painted("fleetd cluster register", "fleetd apply", "fleetd demo --tui")
        await terminal.command("cl")
        await terminal.painted("fleetd cluster register NAME")


async def test_without_a_daemon_it_says_since_when_the_state_is_stale(sit_down, database, planted):
    later = planted.datetime.now(planted.UTC) + timedelta(hours=1)
    async with sit_down(database, clock=lambda: later) as terminal:
        await terminal.painted("daemon not running since", "the state is of then")


async def test_the_mouse_chooses_and_opens(sit_down, database):
    async with sit_down(database) as terminal:
        await terminal.painted("prod/us-1")
        await terminal.pilot.click("#grid", offset=(5, 3))
        assert terminal.grid.window.cursor == 2
        await terminal.pilot.click("#grid", offset=(5, 3))
        await terminal.until(lambda: terminal.app.place.screen == "cluster")


async def test_what_is_copied_goes_to_the_clipboard_of_the_terminal(sit_down, database):
    async with sit_down(database) as terminal:
        await terminal.painted("prod/us-2")
        await terminal.press("c")
        assert terminal.app.clipboard == "prod/us-2"
        assert "copied prod/us-2" in terminal.bar("status")


@pytest.mark.parametrize("palette", ["dark", "light", "colour-blind", "none"])
async def test_every_theme_can_be_worn(sit_down, database, palette):
    async with sit_down(database) as terminal:
        await terminal.painted("prod/us-2")
        await terminal.command(f"theme {palette}")
        await terminal.painted("✗ unreachable", "✓ ready")
        assert terminal.app.palette == palette


async def test_what_is_typed_at_once_after_a_colon_is_a_command(sit_down, database):
    async with sit_down(database) as terminal:
        await terminal.painted("prod/us-2")
        for key in ("colon", "a", "d", "enter"):
            # As a terminal sends it: all before the first is dealt with.
            terminal.app.simulate_key(key)
        await terminal.painted("share-web")
        assert terminal.app.place == Place("addons")


async def test_filters_by_label_letters_and_words_without(sit_down, database):
    async with sit_down(database) as terminal:
        for needle, count in (("-l region=us", 2), ("-f pus1", 1), ("!us", 1), ("no route", 1), ("-l nothing=x", 0)):
            await terminal.press("slash")
            terminal.app._line.value = needle
            await terminal.until(
                lambda count=count, needle=needle: terminal.app.place.needle == needle and len(terminal.grid.window) == count
            )
            await terminal.press("enter", "escape")
        await terminal.command("ev /share")
        await terminal.until(lambda: terminal.app.place.screen == "events" and len(terminal.grid.window) == 1)


def test_an_old_schema_ends_it_with_what_to_do(tmp_path, capsys):
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE alembic_version (version_num TEXT)")
    assert run(["--database", str(path)]) == 2
    assert "fleetd db upgrade" in capsys.readouterr().err
