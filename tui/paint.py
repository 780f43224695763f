"""Roles of text, and what each looks like: one palette for each theme, and signs beside every colour.

Texts carry roles as the names of their styles (`good`, `bad` …); what paints them resolves the names, so that a page
is made once and looks right in every theme.
"""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.style import Style
from rich.text import Text
from rich.theme import Theme

GOOD, BAD, UNDERWAY, QUIET, STRONG, HEAD, LINK, HOP, CHANGED, CURSOR, MARKED, BANNER = (
    "good",
    "bad",
    "underway",
    "quiet",
    "strong",
    "head",
    "link",
    "hop",
    "changed",
    "cursor",
    "marked",
    "banner",
)

NO_COLOUR = "none"
_PLAIN = {
    STRONG: "bold",
    QUIET: "dim",
    HEAD: "bold",
    LINK: "underline",
    CURSOR: "reverse",
    MARKED: "bold",
    BANNER: "bold reverse",
    CHANGED: "bold underline",
    HOP: "bold",
    GOOD: "none",
    BAD: "bold",
    UNDERWAY: "none",
}
PALETTES: Mapping[str, Mapping[str, str]] = {
    "dark": _PLAIN
    | {GOOD: "green", BAD: "bold bright_red", UNDERWAY: "yellow", HEAD: "bold cyan", HOP: "bold magenta", BANNER: "bold black on yellow"},
    "light": _PLAIN
    | {GOOD: "green4", BAD: "bold red3", UNDERWAY: "dark_orange3", HEAD: "bold blue", HOP: "bold purple", BANNER: "bold white on red"},
    # Blue and orange are told apart by nearly everybody.
    "colour-blind": _PLAIN
    | {
        GOOD: "dodger_blue1",
        BAD: "bold orange1",
        UNDERWAY: "bright_white",
        HEAD: "bold",
        HOP: "bold bright_cyan",
        BANNER: "bold black on bright_white",
    },
    NO_COLOUR: _PLAIN,
}
"""What each role looks like, by the name of the palette."""

THEMES: Mapping[str, str] = {"dark": "textual-dark", "light": "textual-light", "colour-blind": "textual-dark", NO_COLOUR: "ansi-dark"}
"""Textual's theme below each palette; without colours the terminal's own background stands."""


def theme(name: str) -> Theme:
    """The styles of a palette, for a console that paints."""
    return Theme({role: Style.parse(style) for role, style in PALETTES[name].items()}, inherit=False)


def painter(name: str) -> Console:
    """A console that knows the roles; it resolves styles and prints nothing."""
    return Console(theme=theme(name), force_terminal=True, color_system="truecolor", width=10_000, legacy_windows=False, markup=False)


def styled(text: str, role: str = "") -> Text:
    """A text whose role is its own alone: what is joined to it does not take it over."""
    return Text().append(text, role) if role else Text(text)
