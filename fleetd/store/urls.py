"""Where the database is, from what people write."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from fleetd.domain.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A SQLite database."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def missing(self) -> bool:
        """Whether there surely is no file; where nobody may look, opening it says what is wrong."""
        try:
            self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            return False
        return False

    def file(self) -> tuple[int, int] | None:
        """Which file stands at the path: after a restore it is another one. None where there is none."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A Postgres database; `url` as libpq takes it, password and all."""

    url: str

    def __str__(self) -> str:
        """The address without the password."""
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def place_of(url: str) -> SqliteFile | PostgresServer:
    """Reads a bare path, `sqlite:///path` (`sqlite:////path` from the root, as SQLAlchemy writes it) or `postgresql://…`.

    Raises:
        InvalidInput: it is none of these.
    """
    scheme, separator, rest = url.partition("://")
    match scheme.partition("+")[0] if separator else "":
        case "sqlite":
            path = rest.removeprefix("/")
        case "postgresql" | "postgres":
            return PostgresServer("postgresql://" + rest)
        case "":
            path = url
        case _:
            raise InvalidInput(f"{scheme}:// is no database that fleetd knows: give a path, sqlite:///path or postgresql://…")
    if path in ("", ":memory:"):
        raise InvalidInput("the database needs a file: other commands and a restart must find it")
    return SqliteFile(Path(path).expanduser().absolute())
