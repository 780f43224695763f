"""Keys: each does something, none has two meanings, a key map changes them, and a key that leads nowhere says why."""

from __future__ import annotations

import pytest

from fleetd.domain.errors import InvalidInput
from tui import subjects
from tui.app import FleetApp, read_place
from tui.grid import Grid
from tui.keys import KEYS, read_key_map
from tui.paper import Paper

WIDGETS = {"list": Grid.BINDINGS, "page": Paper.BINDINGS}


def written(tmp_path, text):
    path = tmp_path / "keys.toml"
    path.write_text(text)
    return path


def test_the_keys_of_the_program_have_one_meaning_each(tmp_path):
    assert read_key_map(written(tmp_path, "[keys]\n"), WIDGETS) == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[keys]\nwhy = 't'\n", "'t' means"),
        ("[keys]\nwhi = 'w'\n", "did you mean why?"),
        ("[keys]\nwhy = 3\n", "no text with keys"),
        ("[keys\n", "cannot be read"),
        ("[keys]\nmark = 'enter'\n", "'enter' means"),
    ],
)
def test_a_wrong_key_map_is_told(tmp_path, text, words):
    with pytest.raises(InvalidInput, match=words):
        read_key_map(written(tmp_path, text), WIDGETS)


def test_every_key_has_an_action_that_there_is():
    for key in KEYS:
        name = key.action.partition("(")[0]
        assert hasattr(FleetApp, f"action_{name}"), key


async def test_a_key_map_moves_a_key(sit_down, database, tmp_path):
    key_map = read_key_map(written(tmp_path, "[keys]\ndescribed = 'x'\n"), WIDGETS)
    async with sit_down(database, key_map=key_map) as terminal:
        await terminal.painted("prod/us-2")
        await terminal.press("d")
        assert terminal.app.place.screen == "clusters"
        await terminal.press("x")
        assert terminal.app.place.screen == "object"


async def test_every_key_of_every_screen_can_be_pressed(sit_down, database):
    places = ["clusters", "ev", "pending", "es", "et", "pf", "de", "ma", "ve", "ad", "dr", "ob", "jo", "rq", "pl"]
    places += ["pulse", "mx", "cl us-2", "et share", "why share", "trace event:e1", "tl", "cm copy", "yaml ConfigMap/default/copy", "help"]
    leading = [key for key in KEYS if key.action.startswith("to(")]
    others = [key for key in KEYS if key not in leading and key.id not in ("quit", "header")]
    found = set()
    async with sit_down(database, size=(80, 24)) as terminal:
        for place in map(read_place, places):
            await terminal.at(place)
            # Where each key leads from here; every place that is led to is visited once below.
            found |= {getattr(subjects, key.action[4:-2])(terminal.app.subject) for key in leading}
            for key in others:
                if terminal.app.place != place:
                    await terminal.app.go(place)
                # What a press does, without waiting for the picture after each of hundreds.
                await terminal.app.run_action(key.action)
            await terminal.at(place)
            body = terminal.app.body
            for binding in type(body).BINDINGS:
                await terminal.app.run_action(binding.action, body)
            assert terminal.app.is_running
        for place in sorted(filter(None, found), key=lambda one: one.command):
            await terminal.at(place)
            refused = terminal.app.body.refused if isinstance(terminal.app.body, Grid) else terminal.app.body.page.title == "Not found"
            assert not refused, place


async def test_a_key_that_leads_nowhere_says_so(sit_down, database):
    async with sit_down(database) as terminal:
        await terminal.painted("prod/us-2")
        await terminal.press("W")
        assert "not of prod/us-2" in terminal.bar("status")
        await terminal.press("question_mark")
        await terminal.painted("not here: not of prod/us-2")
