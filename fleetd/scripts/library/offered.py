"""Every function of Python that the modules of scripts reach, by name; an explicit list."""

from __future__ import annotations

from collections.abc import Mapping

from fleetd.scripts.library import documents, runes, sprig, strings
from fleetd.scripts.library.calls import Call

OFFERED: Mapping[str, Call] = {**documents.FUNCTIONS, **strings.FUNCTIONS, **runes.FUNCTIONS, **sprig.FUNCTIONS}
