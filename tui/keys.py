"""The keys: what each does, by an id that a key map can name; and who has two meanings."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from textual.binding import Binding, BindingType

from fleetd.domain.errors import InvalidInput
from fleetd.service.teaching import near


@dataclass(frozen=True, slots=True)
class Key:
    """A key. `hint` is what the line at the bottom says; empty: only the help does."""

    id: str
    keys: str
    action: str
    said: str
    hint: str = ""
    shown: str = ""

    @property
    def binding(self) -> Binding:
        # A key after which something is typed is dealt with before any other: what follows at once is meant for the line.
        first = self.action.partition("(")[0] in ("command", "filter", "time", "star", "act")
        return Binding(self.keys, self.action, self.said, show=False, id=self.id, key_display=self.shown or None, priority=first)


KEYS = (
    Key("command", "colon", "command", "a command: :cl clusters, :ev pending @env=prod, :why NAME …", "command", ":"),
    Key("filter", "slash", "filter", "only rows with these words; !words without, -f fuzzy, -l label=value", "filter", "/"),
    Key("help", "question_mark", "help", "the keys of this screen", "help", "?"),
    Key("described", "d", "to('described')", "describe it", "describe"),
    Key("manifest", "y", "to('manifest')", "its YAML", "yaml"),
    Key("why", "W", "to('why')", "why: the gates in order, and the first that fails", "why"),
    Key("traced", "t", "to('traced')", "trace: back to the event, or what came of it", "trace"),
    Key("timeline", "T", "to('timeline')", "timeline: what happened to it", "timeline"),
    Key("used_by", "u", "to('used_by')", "used by: what names it"),
    Key("matching", "m", "to('matching')", "the triggers that its events met"),
    Key("drifted", "D", "to('drifted')", "drift of it, wanted and found"),
    Key("matrix", "v", "matrix", "add-ons as a matrix of profiles and clusters, and back"),
    Key("pause", "p", "act('pause')", "pause it: fleetd writes nothing there", "pause"),
    Key("resume", "P", "act('resume')", "resume it"),
    Key("requeue", "R", "act('requeue')", "requeue: what is stuck tries again now", "requeue"),
    Key("resync", "ctrl+y", "act('resync')", "resync a cluster: read everything there anew"),
    Key("acknowledge", "a", "act('acknowledge')", "acknowledge a pending event"),
    Key("approve", "A", "act('approve')", "of proposals: let a held loss follow, when a part of its id and a reason are typed"),
    Key("reject", "X", "act('reject')", "of proposals: say no to a held loss; it is not asked again while it lasts"),
    Key("time", "tilde", "time", "time travel: the screens as they were, read only", "", "~"),
    Key("star", "asterisk", "star", "save this view by a name", "", "*"),
    Key("log", "at", "log", "the same as a command and as an MCP call", "", "@"),
    Key("copy", "c", "copy", "copy its reference"),
    Key("faults", "ctrl+z", "faults", "only what is not as it should be"),
    Key("wide", "ctrl+w", "wide", "more columns"),
    Key("sort_column", "O", "sort('')", "sort by the chosen column (tab chooses); again: the other way"),
    Key("sort_name", "N", "sort('name')", "sort by name"),
    Key("sort_age", "A", "sort('age')", "sort by age"),
    Key("sort_state", "S", "sort('state')", "sort by state"),
    Key("follow", "F", "follow", "new rows come in at once, or when the cursor rests"),
    Key("owner", "J", "to('owner')", "jump to its owner"),
    Key("aliases", "ctrl+a", "aliases", "all screens and their short names"),
    Key("again", "ctrl+r", "again", "look again now"),
    Key("back", "left_square_bracket", "back", "back in the way that led here; in a manifest: the revision before", "", "["),
    Key("forward", "right_square_bracket", "forward", "forward again; in a manifest: the next revision", "", "]"),
    Key("last_place", "minus", "last_place", "the place before this one", "", "-"),
    Key("up_a_level", "escape", "up", "back; or ends a filter, or time travel", "", "esc"),
    Key("header", "ctrl+e", "header", "the lines at the top on and off"),
    Key("quit", "q", "quit", "quit", "quit"),
)
BY_ID: Mapping[str, Key] = {key.id: key for key in KEYS}


def read_key_map(path: Path, widgets: Mapping[str, Iterable[BindingType]]) -> dict[str, str]:
    """Keys by id, from a TOML file with a table `[keys]`: `why = "w"`; several are separated by commas.

    A list's or a page's own key goes before one that holds everywhere; `widgets` has theirs, by what they are.

    Raises:
        InvalidInput: the file is none, names what is not there, or gives one key two meanings.
    """
    try:
        found = tomllib.loads(path.read_text("utf-8")).get("keys", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput(f"the key map {path} cannot be read: {error}") from error
    floors = [
        {key.id: key.keys for key in KEYS},
        *({one.id: one.key for one in bindings if isinstance(one, Binding) and one.id} for bindings in widgets.values()),
    ]
    known = {name for floor in floors for name in floor}
    for name, keys in found.items():
        if name not in known:
            hint = near(name, known)
            raise InvalidInput(f"{path}: there is no key {name!r}{f': did you mean {hint[0]}?' if hint else ''}")
        if not isinstance(keys, str) or not keys.strip():
            raise InvalidInput(f'{path}: {name} is no text with keys: write for example {name} = "w"')
    for floor in floors:
        _no_two_meanings({name: found.get(name, keys) for name, keys in floor.items()}, str(path))
    return dict(found)


def _no_two_meanings(keys: Mapping[str, str], where: str) -> None:
    taken: dict[str, str] = {}
    for name, each in keys.items():
        for key in (one.strip() for one in each.split(",")):
            other = taken.setdefault(key, name)
            if other != name and {other, name} != {"approve", "sort_age"}:
                raise InvalidInput(f"{where}: {key!r} means {other} and {name}: give one of them another key")
