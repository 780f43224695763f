"""What each screen looks like, at two sizes, in three themes: the text as it is painted, and a digest of its styles.

`FLEETD_UPDATE_SNAPSHOTS=1` writes them anew: `screens/SIZE/SCREEN.txt`, and `screens/styles.json`.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fleetd.store.database import Database
from fleetd.store.moments import moment_text
from tui.app import read_place

FOLDER = Path(__file__).with_name("screens")
STYLES = FOLDER / "styles.json"
UPDATE = bool(os.environ.get("FLEETD_UPDATE_SNAPSHOTS"))
SIZES = {"80x24": (80, 24), "140x45": (140, 45)}
THEMES = ("dark", "light", "none")
SCREENS = {
    "pulse": "pulse 3h",
    "clusters": "cl",
    "cluster": "cl prod/us-2",
    "events": "ev",
    "event": "ev e1",
    "pending": "pending",
    "sources": "es",
    "triggers": "et",
    "trigger": "et share",
    "why": "why share on prod/eu-1",
    "why-addon": "why ClusterProfile/share-web on prod/us-2",
    "trace": "trace event:e1",
    "addons": "ad",
    "matrix": "mx",
    "matches": "ma",
    "verdicts": "ve",
    "drift": "dr",
    "incident": "incident i1",
    "objects": "ob",
    "object": "object Service/shop/web@prod/us-1",
    "declared": "de",
    "describe": "cm copy",
    "yaml": "yaml ConfigMap/default/copy",
    "timeline": "tl",
    "journal": "jo",
    "requests": "rq",
    "proposals": "pl",
    "past": "ad ~0s",
}
LOCAL = ("help", "aliases", "views")
NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
"""The moment at which all is photographed: what is said of times and days depends on nothing else."""


def digest(svg: str) -> str:
    """Of the picture, without the name that it gives itself."""
    plain = re.sub(r"terminal-\d+", "terminal", svg)
    return hashlib.sha256(plain.encode()).hexdigest()[:16]


def stop_the_clock(path: str) -> None:
    """The views ask the database what time it is: from here on it is always the same, and everything began three hours before."""
    with closing(sqlite3.connect(path)) as made, made:
        views = made.execute("SELECT name, sql FROM sqlite_master WHERE type = 'view' AND sql LIKE '%''now''%'").fetchall()
        assert views
        for name, text in views:
            made.execute(f"DROP VIEW {name}")
            made.execute(text.replace("'now'", f"'{NOW:%Y-%m-%dT%H:%M:%S}'"))
        made.execute("UPDATE schema_versions SET applied_at = ?", (moment_text(NOW - timedelta(hours=3)),))


@pytest.fixture
async def still(database_url, master_key, planted):
    """The planted fleet at one moment."""
    database = await Database.open(database_url, key=master_key, now=lambda: NOW)
    stop_the_clock(database_url)
    await planted.plant(database, NOW, said="no answer from 192.0.2.7")
    yield database
    await database.close()


def differing(name: str, text: str) -> list[str]:
    """What is painted otherwise than it was, line by line."""
    path = FOLDER / f"{name}.txt"
    if UPDATE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    before = path.read_text("utf-8") if path.exists() else ""
    return [*difflib.unified_diff(before.splitlines(), text.splitlines(), f"{name} as it was", f"{name} as it is", lineterm="", n=0)]


def said_of(styles: dict[str, str], known: dict[str, str]) -> list[str]:
    """Which pictures have another style than they had."""
    changed = sorted(name for name in styles.keys() | known.keys() if styles.get(name) != known.get(name))
    return [f"{name}: another style, or another text" for name in changed]


@pytest.mark.parametrize("size", SIZES)
async def test_every_screen_looks_as_it_did(sit_down, still, size):
    styles: dict[str, str] = {}
    wrong: list[str] = []
    # Versions of one commit are a little apart, so that the last of them is a little after the moment.
    seen = NOW + timedelta(seconds=1)
    async with sit_down(still, size=SIZES[size], clock=lambda: seen) as terminal:
        for name, command in {**SCREENS, **{name: name for name in LOCAL}}.items():
            if name in LOCAL:
                await terminal.command(command)
                await terminal.until(lambda name=name: terminal.app.place.screen == name)
            else:
                await terminal.at(read_place(command).at(seen.isoformat() if command.endswith("~0s") else ""))
            texts = {}
            for theme in THEMES:
                terminal.app.wear(theme)
                await terminal.settled()
                texts[theme] = "\n".join(line.rstrip() for line in terminal.screen().splitlines()).rstrip() + "\n"
                styles[f"{theme} {name}"] = digest(terminal.app.export_screenshot())
            wrong += differing(f"{size}/{name}", texts["dark"])
            wrong += [f"{size}/{name}: the theme {theme} changes what is said" for theme in THEMES if texts[theme] != texts["dark"]]
    known = json.loads(STYLES.read_text("utf-8")) if STYLES.exists() else {}
    if UPDATE:
        known[size] = styles
        STYLES.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    wrong += said_of(styles, known.get(size, {}))
    assert not wrong, "\n".join(["screens differ (FLEETD_UPDATE_SNAPSHOTS=1 writes them anew):", *wrong])
