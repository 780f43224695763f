"""Pages that need no question: keys, names of screens, what was asked, saved views; and how errors are said."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from rich.text import Text

from fleetd.domain.errors import FleetdError, InvalidInput
from fleetd.service.teaching import lesson_of
from tui import subjects
from tui.acts import ACTS
from tui.columns import TABLES
from tui.keys import KEYS, Key
from tui.lines import Line, Page, heading, link, plain
from tui.paint import BAD, QUIET, STRONG, styled
from tui.places import Place
from tui.screens import ALIASES, TITLES
from tui.screens import PAGES as SCREENS

if TYPE_CHECKING:
    from tui.app import FleetApp


def help_page(app: FleetApp) -> Page:
    """The keys, for the screen from which somebody asked."""
    screen = app.place.subject
    lines = [Line(styled(f"Keys on {TITLES.get(screen, 'every screen')}", STRONG)), plain()]
    lines += [_key_line(app, key) for key in KEYS]
    lines += [
        *heading("In a list"),
        plain("  j k g G, arrows, page keys   move        enter  open        tab  choose a column"),
        plain("  space  mark     ctrl-space  mark up to here     ctrl-\\  no marks"),
        *heading("On a page"),
        plain("  enter  follow the line     tab  next line that leads on     / n N  search     w  wrap"),
        *heading("Signs"),
        plain("  ✓ as it should be   … under way, or waits   ✗ failed   Δ changed just now   ● marked   ⇄ another cluster"),
        *heading("Screens"),
        link("all screens and their short names", Place("aliases")),
    ]
    return Page("Help", tuple(lines))


def _key_line(app: FleetApp, key: Key) -> Line:
    """A key; where it does nothing for what somebody pointed at, why."""
    why = _why_not(app, key)
    shown = f"  {key.shown or key.keys.replace('ctrl+', 'ctrl-'):<10}"
    if why:
        return Line(styled(shown, QUIET) + styled(f"{key.said}   (not here: {why})", QUIET))
    return Line(styled(shown, STRONG) + Text(key.said))


def _why_not(app: FleetApp, key: Key) -> str:
    about = app.helped.ref
    if key.action.startswith("to('"):
        leads = getattr(subjects, key.action[4:-2])
        return "" if leads(app.helped) is not None else (f"not of {about}" if about else "choose a row first")
    if key.action.startswith("act('"):
        act = ACTS.get(key.action[5:-2])
        return "" if act is not None and act.about(app.helped) else f"{act.kinds if act else 'other things'} only"
    return ""


def aliases_page(_app: FleetApp) -> Page:
    """Every screen."""
    short: dict[str, list[str]] = {}
    for alias, name in ALIASES.items():
        short.setdefault(name, []).append(alias)
    lines = []
    for name in (*TABLES, *SCREENS):
        leads = Place(name) if name in TABLES or not SCREENS[name].needs_subject else None
        text = styled(f":{name:<12}", STRONG) + styled(f"{', '.join(short.get(name, [])):<20}", QUIET) + Text(TITLES[name])
        lines.append(link(text, leads, indent=0))
    lines.append(plain())
    lines.append(plain("and any kind, as kubectl calls it: :cm, :secrets, :clusterprofiles …", QUIET))
    return Page("Screens", tuple(lines))


def log_page(app: FleetApp) -> Page:
    """What was asked, as a command and as a call of the MCP server."""
    lines = []
    for one in reversed(app.looking.log.entries):
        lines.append(Line(styled(f"{one.at:%H:%M:%S} ", QUIET) + styled(TITLES[one.screen], STRONG)))
        for what, said in (("cli", one.command), ("mcp", one.call)):
            if said:
                lines.append(Line(styled(f"         {what}  ", QUIET) + Text(said)))
    return Page("Commands", tuple(lines) or (plain("nothing was asked yet", QUIET),))


def views_page(app: FleetApp) -> Page:
    """Views that somebody saved."""
    found = read_views(app.given.views)
    lines = [link(styled(f"{name:<24}", STRONG) + styled(f":{command}", QUIET), _place(command)) for name, command in sorted(found.items())]
    return Page("Views", tuple(lines) or (plain("none are saved yet: * saves what is in front", QUIET),))


def _place(command: str) -> Place | None:
    from tui.app import read_place

    try:
        return read_place(command)
    except FleetdError:
        return None


def read_views(path: Path | None) -> dict[str, str]:
    """Saved views by their names; a file that is none is as if there were no views."""
    if path is None or not path.exists():
        return {}
    try:
        found = tomllib.loads(path.read_text("utf-8")).get("views", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}
    return {name: command for name, command in found.items() if isinstance(command, str)}


def save_view(path: Path | None, name: str, place: Place) -> str:
    """Keeps a view; what to say of it.

    Raises:
        InvalidInput: it cannot be kept.
    """
    if path is None:
        raise InvalidInput("there is nowhere to keep views")
    views = read_views(path) | {name: place.command}
    lines = "".join(f"{orjson.dumps(one).decode()} = {orjson.dumps(command).decode()}\n" for one, command in sorted(views.items()))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"[views]\n{lines}", "utf-8")
    except OSError as error:
        raise InvalidInput(f"the view cannot be kept in {path}: {error.strerror}") from error
    return f"kept as {name}: :views shows them"


def lesson_line(error: FleetdError) -> str:
    """An error in one line, with the nearest of what there is."""
    lesson = lesson_of(error)
    near = f": did you mean {', '.join(lesson.did_you_mean)}?" if lesson.did_you_mean else ""
    return f"{lesson.sentence}{near}"


def lesson_page(error: FleetdError) -> Page:
    """An error in place of a page."""
    lesson = lesson_of(error)
    lines = [plain(lesson.sentence, BAD)]
    if lesson.did_you_mean:
        lines += [*heading("Did you mean"), *(plain(f"  {name}") for name in lesson.did_you_mean)]
    return Page("Not found", tuple(lines))


PAGES: Mapping[str, Callable[[FleetApp], Page]] = {"help": help_page, "aliases": aliases_page, "log": log_page, "views": views_page}
