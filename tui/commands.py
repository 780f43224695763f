"""What is typed after `:`, as a place; with the nearest word for what is none.

SCREEN [SUBJECT] [/words] [label=x] [on CLUSTER] [@selector] [~time]
KIND [NAME]                     declared objects of a kind, as kubectl calls it
q · help · aliases · log · sql · theme NAME · views
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from fleetd.domain.errors import InvalidInput
from fleetd.domain.kinds.registry import KINDS, kind_by_name
from fleetd.service.teaching import bad, near
from fleetd.service.times import point
from fleetd.store.moments import moment_text
from tui.columns import TABLES
from tui.paint import PALETTES
from tui.places import Place
from tui.screens import ALIASES, PAGES, WITH_PAGE

DEEDS = {
    "q": "quit",
    "q!": "quit",
    "quit": "quit",
    "help": "help",
    "?": "help",
    "aliases": "aliases",
    "log": "log",
    "sql": "sql",
    "views": "views",
}
_SUBJECT_OF = {"verdicts": "EventSource", "matches": "EventTrigger", "objects": "profile", "addons": "profile", "pending": "EventTrigger"}


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that is done here and leads to no place of its own."""

    name: str
    argument: str = ""


def read_command(text: str) -> Place | Deed:
    """What is meant.

    Raises:
        Taught: it is nothing that there is; the nearest is named.
    """
    words = text.strip().removeprefix(":").split()
    if not words:
        return Place("pulse")
    first, rest = words[0].lower(), words[1:]
    if first in DEEDS:
        return Deed(DEEDS[first], " ".join(rest))
    if first == "theme":
        return _theme(rest)
    screen = ALIASES.get(first, first)
    if screen in TABLES:
        return _listed(screen, _narrowed(Place(screen), rest, text))
    if screen in PAGES:
        place = _narrowed(Place(screen), rest, text)
        if PAGES[screen].needs_subject and not place.subject:
            raise bad("command", text, f"{screen} of what? Write {screen} NAME, or choose a row and press its key")
        return _page(place)
    return _of_kind(words[0], rest, text)


def dated(place: Place, now: datetime) -> Place:
    """The same with its time as a moment, so that two hours ago stays where it was.

    Raises:
        Taught: it is no time, or not yet.
    """
    then = point(place.as_of, "as_of", now)
    return place.at(moment_text(min(then, now)) if then is not None else "")


def _theme(rest: list[str]) -> Deed:
    if rest and rest[0] in PALETTES:
        return Deed("theme", rest[0])
    raise bad("command", rest[0] if rest else "", "there is no such theme", allowed=PALETTES)


def _narrowed(place: Place, words: list[str], text: str) -> Place:
    clusters, needle = [], None
    waiting = iter(words)
    for word in waiting:
        if needle is not None and not word.startswith(("@", "~")):
            needle += f" {word}"
        elif word.startswith("/"):
            needle = word[1:]
        elif word.startswith("@") and len(word) > 1:
            clusters.append(word[1:])
        elif word.startswith("~") and len(word) > 1:
            place = replace(place, as_of=word[1:])
        elif word == "on":
            place = replace(place, cluster=_next(waiting, text))
        elif "=" in word and not word.startswith("="):
            clusters.append(word)
        elif not place.subject:
            place = replace(place, subject=word)
        else:
            raise bad(
                "command",
                word,
                f"{word!r} at column {text.index(word) + 1} says nothing here: /words, @selector, on CLUSTER, ~time",
                column=text.index(word) + 1,
            )
    return replace(place, needle=(needle or "").strip(), clusters=",".join(clusters))


def _next(words: Iterator[str], text: str) -> str:
    found = next(words, "")
    if not found:
        raise bad("command", text, "on which cluster? Write on NAMESPACE/NAME")
    return found


def _listed(screen: str, place: Place) -> Place:
    """A list with a name is the page of that thing, or the list of what belongs to it."""
    if not place.subject:
        return place
    if screen == "events" and place.subject == "pending":
        return replace(place, screen="pending", subject="")
    if screen == "events" and near(place.subject, ("pending",)):
        raise bad("command", place.subject, f"there is no event {place.subject!r}", allowed=("pending",))
    if screen in WITH_PAGE:
        return _page(replace(place, screen=WITH_PAGE[screen]), kind=screen)
    if screen in _SUBJECT_OF:
        return replace(place, subject="", of=f"{_SUBJECT_OF[screen]}={place.subject}")
    return replace(place, subject="", needle=" ".join(filter(None, (place.subject, place.needle))))


def _page(place: Place, kind: str = "") -> Place:
    subject = place.subject
    match place.screen:
        case "why" if "/" not in subject:
            subject = f"EventTrigger/{subject}"
        case "object" if kind == "sources":
            subject = f"EventSource/{subject}"
        case "object" if kind == "profiles" and "/" not in subject:
            subject = f"ClusterProfile/{subject}"
        case "event":
            subject = subject.removeprefix("event:")
        case _:
            pass
    if place.screen == "timeline" and "/" in subject and subject[:1].islower():
        return replace(place, subject="", cluster=subject)
    return replace(place, subject=subject)


def _of_kind(word: str, rest: list[str], text: str) -> Place:
    try:
        spec = kind_by_name(word)
    except InvalidInput:
        known = {*TABLES, *PAGES, *ALIASES, *DEEDS, *(spec.plural for spec in KINDS.values())}
        raise bad("command", word, f"there is no screen or kind {word!r}", allowed=known) from None
    place = _narrowed(Place("declared", of=f"kind={spec.gvk.kind}"), rest, text)
    if not place.subject:
        return place
    namespace, _, name = place.subject.rpartition("/")
    namespace = (namespace or "default") if spec.namespaced else ""
    return Place("object", f"{spec.gvk.group_kind}/{namespace}/{name}", as_of=place.as_of)


def words() -> list[str]:
    """Every first word that there is, the screens first."""
    return [
        *TABLES,
        *PAGES,
        *DEEDS,
        "theme",
        *(alias for alias in ALIASES if len(alias) > 2),
        *sorted(spec.plural for spec in KINDS.values()),
    ]
