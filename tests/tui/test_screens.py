"""What each screen looks like, at two sizes, in three themes: the text as it is painted, and a digest of its styles.

`FLEETD_UPDATE_SNAPSHOTS=1` writes them anew: `screens/SIZE/SCREEN.txt`, and `screens/styles.json`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fleetd.store.database import Database
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
_TIME = re.compile(r"\d{4}-\d\d(-[\dT:.Z]*)?|\d\d:\d\d:\d\d")


def masked(text: str) -> str:
    """Moments differ from run to run; their places and widths do not."""
    return _TIME.sub(lambda found: re.sub(r"\d", "0", found[0]), text)


def digest(svg: str) -> str:
    """Of the picture, without the name that it gives itself."""
    plain = re.sub(r"terminal-\d+", "terminal", svg)
    return hashlib.sha256(masked(plain).encode()).hexdigest()[:16]


@pytest.fixture
async def still(database_url, master_key, planted):
    """The planted fleet at one moment, and that moment."""
    now = datetime.now(UTC)
    database = await Database.open(database_url, key=master_key, now=lambda: now)
    await planted.plant(database, now, said="no answer from 192.0.2.7")
    # Versions of one commit are a little apart.
    yield database, now + timedelta(seconds=1)
    await database.close()


def same(name: str, size: str, text: str) -> None:
    path = FOLDER / size / f"{name}.txt"
    if UPDATE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text("utf-8"), f"{size}/{name}"


@pytest.mark.parametrize("size", SIZES)
async def test_every_screen_looks_as_it_did(sit_down, still, size):
    database, now = still
    styles: dict[str, str] = {}
    async with sit_down(database, size=SIZES[size], clock=lambda: now) as terminal:
        for name, command in {**SCREENS, **{name: name for name in LOCAL}}.items():
            if name in LOCAL:
                await terminal.command(command)
            else:
                await terminal.at(read_place(command).at(now.isoformat() if command.endswith("~0s") else ""))
            texts = set()
            for theme in THEMES:
                terminal.app.wear(theme)
                await terminal.pilot.pause()
                texts.add(masked("\n".join(line.rstrip() for line in terminal.screen().splitlines())))
                styles[f"{theme} {name}"] = digest(terminal.app.export_screenshot())
            assert len(texts) == 1, f"{name}: a theme changes what is said"
            same(name, size, f"{texts.pop().rstrip()}\n")
    known = json.loads(STYLES.read_text("utf-8")) if STYLES.exists() else {}
    if UPDATE:
        known[size] = styles
        STYLES.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    assert known.get(size) == styles
