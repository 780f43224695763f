"""Where fleetd keeps its files when nobody says, and which database is meant."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from platformdirs import user_data_path

from fleetd.cli.deciding import decider
from fleetd.cli.output import say
from fleetd.domain.errors import InvalidInput
from fleetd.service.local import LocalQuestions
from fleetd.settings import Settings, read_settings
from fleetd.store.urls import SqliteFile, place_of

if TYPE_CHECKING:
    from fleetd.store.database import Database
    from fleetd.store.reading import Reader


def data_folder() -> Path:
    """The platform's data folder for fleetd; not made before something is written."""
    return user_data_path("fleetd", appauthor=False)


def settings_of(database: str | None) -> Settings:
    """The settings of the environment, with the database that the command line names, if it names one."""
    environment = {**os.environ, "FLEETD_DATABASE": database} if database else os.environ
    return read_settings(environment, data_folder())


def database_url(database: str | None) -> str:
    """The database that is meant."""
    return settings_of(database).database


def existing_url(database: str | None) -> str:
    """The database that is meant, for reading.

    Raises:
        InvalidInput: there is none.
    """
    url = database_url(database)
    place = place_of(url)
    if isinstance(place, SqliteFile) and place.missing:
        raise InvalidInput(
            f"there is no database at {place}: name it by --database or FLEETD_DATABASE; `fleetd run` and `fleetd apply` make one"
        )
    return url


@contextmanager
def reading(database: str | None) -> Iterator[Reader]:
    """The database itself, for what cares for it and not for the fleet; opened for reading only, no master key is loaded.

    Raises:
        InvalidInput: there is none.
    """
    from fleetd.store.reading import Reader  # whoever asks the service has no use for it

    with Reader.open(existing_url(database)) as reader:
        yield reader


@asynccontextmanager
async def questions(database: str | None) -> AsyncIterator[LocalQuestions]:
    """Whom to ask: the service on the database, which is opened for reading only; no master key is loaded.

    Raises:
        InvalidInput: there is none.
    """
    opened = LocalQuestions(existing_url(database))
    try:
        yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def writing(database: str | None, *, new: bool = False) -> AsyncIterator[Database]:
    """The database, opened for writing; with `new` a SQLite file is made when there is none.

    Raises:
        InvalidInput: there is none: a slip in its name would otherwise make an empty one, with a key of its own.
    """
    from fleetd.store.crypto import MasterKey  # what only writing needs costs reading commands a second
    from fleetd.store.database import Database

    if not new:
        existing_url(database)
    settings = settings_of(database)
    key = MasterKey.from_file(settings.key_file) if settings.key_file else None
    opened = await Database.open(settings.database, key=key)
    opened.by = decider()
    try:
        yield opened
    finally:
        await opened.close()


@asynccontextmanager
async def rehearsing(database: str | None) -> AsyncIterator[Database]:
    """The database to try something on; where there is none an empty one that is gone afterwards, and no file and no key is made."""
    place = place_of(database_url(database))
    if not isinstance(place, SqliteFile) or not place.missing:
        async with writing(database, new=True) as opened:
            yield opened
        return
    say(f"note: there is no database at {place}: this is tried on an empty one, and none is made")
    with TemporaryDirectory(prefix="fleetd-") as folder:
        from fleetd.store.crypto import MasterKey  # see writing
        from fleetd.store.database import Database

        empty = await Database.open(str(Path(folder) / "fleet.db"), key=MasterKey.generate())
        try:
            yield empty
        finally:
            await empty.close()


@asynccontextmanager
async def listening(database: str | None) -> AsyncIterator[Database]:
    """The database, opened to hear of what others commit; nothing can be written, and no key is loaded."""
    from fleetd.store.database import Database  # see writing

    opened = await Database.open(database_url(database), writer=False)
    try:
        yield opened
    finally:
        await opened.close()
