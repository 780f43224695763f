"""`fleetd db`: what cares for the database."""

from __future__ import annotations

import asyncio

import pytest


def test_a_file_has_no_roles_to_grant_anything_to(fleetd):
    assert fleetd("db", "upgrade").code == 0
    done = fleetd("db", "grant", "dashboards")
    assert (done.code, "a SQLite file has no roles" in done.err) == (2, True)


@pytest.mark.parametrize("database_kind", ["postgres"])
@pytest.mark.parametrize("append", [False, True])
def test_a_role_is_granted_the_views_and_with_append_the_audit(on_database, database_url, append):
    import asyncpg

    async def sql(text: str, **more: str) -> None:
        connection = await asyncpg.connect(database_url, **more)
        try:
            await connection.execute(text)
        finally:
            await connection.close()

    assert on_database("db", "upgrade").code == 0
    unknown = on_database("db", "grant", "nobody")
    assert (unknown.code, "there is no role nobody" in unknown.err) == (2, True)
    role = f"dashboards_{'appending' if append else 'reading'}"
    asyncio.run(sql(f"CREATE ROLE {role} LOGIN"))
    try:
        done = on_database("db", "grant", role, *(["--append"] if append else []), "--seconds", "7")
        assert (done.code, "7 s for each query" in done.out, "audit" in done.out) == (0, True, append)
        asyncio.run(sql("SELECT * FROM fleet_clusters", user=role))
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            asyncio.run(sql("SELECT * FROM members", user=role))
    finally:
        asyncio.run(sql(f"DROP OWNED BY {role}; DROP ROLE {role}"))
    assert on_database("db", "grant", role, "--seconds", "0").code == 2
