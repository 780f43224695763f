"""Changes rows of a seeded fleet, so many a second, as a daemon at work would: `python -m bench.tui_storm DATABASE A_SECOND SECONDS`."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

from fleetd.domain.records import AddonRecord
from fleetd.domain.states import AddonState
from fleetd.store.database import Database
from fleetd.store.reading import Reader

A_COMMIT = 100
_ROWS = "SELECT profile, cluster, addon FROM fleet_addons ORDER BY profile, cluster, addon LIMIT 2000"


async def storm(url: str, a_second: int, seconds: float) -> int:
    """How many rows were changed; each of them becomes another one every time."""
    with Reader.open(url) as reader:
        rows = reader.rows(_ROWS)
    database = await Database.open(url)
    began, changed = asyncio.get_running_loop().time(), 0
    try:
        while (now := asyncio.get_running_loop().time() - began) < seconds:
            part = [rows[(changed + number) % len(rows)] for number in range(A_COMMIT)]
            state = (AddonState.DEPLOYED, AddonState.APPLYING)[changed // len(rows) % 2]
            await database.commit([_record(row, state, changed) for row in part])
            changed += A_COMMIT
            await asyncio.sleep(max(0.0, changed / a_second - now))
    finally:
        await database.close()
    return changed


def _record(row: dict[str, str], state: AddonState, number: int) -> AddonRecord:
    return AddonRecord(
        profile=row["profile"],
        cluster=row["cluster"],
        addon=row["addon"],
        kind="policyRef",
        state=state,
        reason=f"turn {number}",
        attempts=1,
        wanted_digest="w",
        at=datetime.now(UTC),
        applied_at=None,
        next_attempt_at=None,
        cause_id="storm",
    )


if __name__ == "__main__":
    sys.stdout.write(f"{asyncio.run(storm(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))}\n")
