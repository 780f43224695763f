"""`fleetd label` and `fleetd annotate`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated

from cyclopts import Parameter

from fleetd.cli.naming import refs_named, shown
from fleetd.cli.options import DatabaseOption, NamespaceOption
from fleetd.cli.output import say, say_all, write_line
from fleetd.cli.places import writing
from fleetd.domain.errors import InvalidInput
from fleetd.domain.refs import ObjectRef
from fleetd.service.admission import Admission, Done
from fleetd.service.selectors import label_changes

MANAGER = "fleetd-label"
"""A name of its own, as kubectl label has one: a later apply then says who changed what its file says otherwise."""

Words = Annotated[str, Parameter(show_default=False)]


def label(*words: Words, namespace: NamespaceOption = "default", database: DatabaseOption = None) -> None:
    """Set (key=value) and remove (key-) labels of declared objects; a label that is there already is overwritten.

    Examples:

        fleetd label sveltoscluster eu-1 env=prod tier-
        fleetd label eventtrigger/mirror team=shop

    Parameters
    ----------
    words:
        KIND NAME…, or KIND/NAME…, then the changes.
    """
    _change(words, namespace, database, "labels")


def annotate(*words: Words, namespace: NamespaceOption = "default", database: DatabaseOption = None) -> None:
    """Set (key=value) and remove (key-) annotations of declared objects; what is there already is overwritten.

    Examples:

        fleetd annotate clusterprofile/web fleetd.io/adopt=true
        fleetd annotate configmap mirror-template projectsveltos.io/instantiate=true

    Parameters
    ----------
    words:
        KIND NAME…, or KIND/NAME…, then the changes.
    """
    _change(words, namespace, database, "annotations")


def _change(words: Sequence[str], namespace: str, database: str | None, field: str) -> None:
    named, changes = split(words)
    asyncio.run(change(refs_named(named, namespace), changes, database, field=field))


def split(words: Sequence[str]) -> tuple[list[str], Mapping[str, str | None]]:
    """What is named, and the changes: the words from the first that has `=` or ends in `-`.

    Raises:
        InvalidInput: there are no changes.
    """
    first = next((place for place, word in enumerate(words) if "=" in word or word.endswith("-")), len(words))
    if first == len(words):
        raise InvalidInput("say what to change: key=value sets, key- takes away")
    return list(words[:first]), label_changes(words[first:])


async def change(refs: Sequence[ObjectRef], changes: Mapping[str, str | None], database: str | None, *, field: str = "labels") -> None:
    """Changes every one of them, and says what it was before."""
    word = "labeled" if field == "labels" else "annotated"
    async with writing(database) as opened:
        admission = Admission(opened, manager=MANAGER)
        for ref in refs:
            live = await opened.declared.get(ref)
            before = ((live.manifest["metadata"] if live else {}).get(field)) or {}
            done = await admission.label(ref, changes, now=datetime.now(UTC), field=field)
            say_all(f"warning: {warning}" for warning in done.warnings if done.done is not Done.UNCHANGED)
            for key, value in changes.items():
                if key in before and before[key] != value:
                    say(f"{key}: {before[key]} → {value if value is not None else '(none)'}")
            said = "not " + word if done.done is Done.UNCHANGED else word if any(changes.values()) else "un" + word
            write_line(f"{shown(ref)} {said}")
