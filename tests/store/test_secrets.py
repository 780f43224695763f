"""What belongs to a Secret lies nowhere in clear."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import pytest

from fleetd.domain.errors import GiveUp, InvalidInput
from fleetd.domain.refs import ObjectRef
from fleetd.store.bodies import REDACTED
from fleetd.store.care import backup
from fleetd.store.crypto import MasterKey
from fleetd.store.database import Database
from fleetd.store.reading import Reader

CANARY = "canary-swordfish-7d1c"
ENCODED = base64.b64encode(CANARY.encode()).decode()


async def _plant(database, said) -> ObjectRef:
    last_applied = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"data": {"password": ENCODED}})}
    manifest = said.secret(password=CANARY)
    manifest["data"] = {"password": ENCODED}
    manifest["metadata"]["annotations"] = last_applied
    put = await database.declared.put(manifest, expected=0)
    body = {"kind": "Secret", "data": {"password": ENCODED}}
    seen = ObjectRef("Secret", "", "shop", "seen")
    await database.commit([said.event("e1", seen, body=body), said.generated(ObjectRef("Secret", "", "x", "made"), manifest)])
    changed = said.secret(password=CANARY + "-2")
    await database.declared.put(changed, expected=put.resource_version)
    return put.ref


async def test_no_byte_of_a_secret_is_in_the_files(tmp_path, said, clock):
    database = await Database.open(str(tmp_path / "fleet.db"), now=clock)
    ref = await _plant(database, said)
    loaded = await database.load()
    assert loaded.reports["lb", "prod/eu-1"].objects[0].body["data"] == {"password": ENCODED}
    assert (await database.declared.get(ref)).manifest["stringData"] == {"password": CANARY + "-2"}
    await backup(database.url, tmp_path / "copy.db")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"fleet.db", "fleet.db-wal", "fleet.db.key", "copy.db"}
    for path in files:
        content = path.read_bytes()
        assert CANARY.encode() not in content, path
        assert ENCODED.encode() not in content, path
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    await database.close()


async def test_no_row_of_any_table_shows_a_secret(database, said):
    await _plant(database, said)
    with Reader.open(database.url) as reader:
        if reader.dialect == "sqlite":
            tables = reader.rows("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
        else:
            tables = reader.rows("SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'")
        rows = [row for table in tables for row in reader.rows(f"SELECT * FROM {table['name']}")]
    assert len(rows) > 10
    shown = repr(rows)
    assert CANARY not in shown
    assert ENCODED not in shown


async def test_who_reads_without_the_key_sees_which_keys_there_are(database, said):
    ref = await _plant(database, said)
    reader = await Database.open(database.url, writer=False)
    try:
        manifest = (await reader.declared.get(ref)).manifest
        assert manifest["stringData"] == {"password": REDACTED}
        assert (await reader.declared.history(ref))[0].manifest["data"] == {"password": REDACTED}
    finally:
        await reader.close()


async def test_a_lost_key_is_told_in_one_sentence(database, said):
    await _plant(database, said)
    other = await Database.open(database.url, key=MasterKey.generate())
    try:
        with pytest.raises(GiveUp, match="another master key"):
            await other.load()
        await other.commit([said.member()])
    finally:
        await other.close()


async def test_a_key_is_made_beside_a_new_file_and_used_again(tmp_path, said, caplog):
    path = tmp_path / "fleet.db"
    first = await Database.open(str(path))
    put = await first.declared.put(said.secret(password=CANARY), expected=0)
    await first.close()
    assert "fleet.db.key" in caplog.text
    caplog.clear()
    second = await Database.open(str(path))
    assert (await second.declared.get(put.ref)).manifest["stringData"] == {"password": CANARY}
    assert caplog.text == ""
    await second.close()


async def test_postgres_does_not_start_without_a_key():
    with pytest.raises(InvalidInput, match="FLEETD_KEY_FILE"):
        await Database.open("postgresql://nobody@127.0.0.1:1/none")


def test_a_sealed_value_opens_in_its_own_row_only(master_key):
    sealed = master_key.seal(b"x", table="bodies", row="1")
    assert master_key.unseal(sealed, table="bodies", row="1") == b"x"
    for table, row in (("bodies", "2"), ("declared", "1")):
        with pytest.raises(GiveUp, match="damaged or belongs to another row"):
            master_key.unseal(sealed, table=table, row=row)
    with pytest.raises(GiveUp, match="damaged"):
        master_key.unseal(sealed[:-1] + bytes([sealed[-1] ^ 1]), table="bodies", row="1")
    assert master_key.seal(b"x", table="bodies", row="1") != sealed


def test_a_key_is_read_from_a_file_and_never_shown(tmp_path: Path, master_key):
    (tmp_path / "key").write_text(master_key.to_text() + "\n")
    assert MasterKey.from_file(tmp_path / "key") == master_key
    assert master_key.to_text() not in repr(master_key)
    (tmp_path / "short").write_text("c2hvcnQ=")
    with pytest.raises(InvalidInput, match="32 bytes"):
        MasterKey.from_file(tmp_path / "short")
    with pytest.raises(InvalidInput, match="cannot be read"):
        MasterKey.from_file(tmp_path / "none")
