"""Pictures of the screens, made by the application itself: `python -m tui.pictures DATABASE FOLDER NAME=COMMAND…`."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from tui.app import FleetApp
from tui.given import Given

SIZE = (118, 30)
PATIENCE = 20.0
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""Fonts from elsewhere: a page that shows the picture would load them from there, or refuse to."""


async def draw(url: str, folder: Path, wanted: Sequence[tuple[str, str]], size: tuple[int, int] = SIZE) -> None:
    """An SVG of what each command shows, by its name."""
    for name, command in wanted:
        app = FleetApp(Given(url, start=command))
        async with app.run_test(size=size) as pilot, asyncio.timeout(PATIENCE):
            while not getattr(app.body, "loaded", True):
                app.looking.looked.clear()
                await app.looking.looked.wait()
            await pilot.pause()
            picture = _FONTS.sub("", app.export_screenshot(title="fleetd"))
        path = folder / f"{name}.svg"
        await asyncio.to_thread(path.write_text, picture, "utf-8")


def main() -> None:
    """Draws what the arguments name."""
    url, folder, *wanted = sys.argv[1:]
    Path(folder).mkdir(parents=True, exist_ok=True)
    asyncio.run(draw(url, Path(folder), [(name, command) for name, _, command in (one.partition("=") for one in wanted)]))


if __name__ == "__main__":
    main()
