"""Draws the pictures in `docs/images` from the living fleet of `fleetd demo --tui`: `python -m bench.tui_pictures`."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from fleetd.cli.demo import _daemon
from fleetd.cli.demo_life import Life
from fleetd.cli.demo_story import cluster_specs
from fleetd.service.admission import Admission
from fleetd.sim.fleet import SimulatedFleet
from fleetd.store.crypto import key_beside
from fleetd.store.database import Database
from fleetd.store.reading import Reader
from tui.pictures import draw

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SEED, CLUSTERS = 7, 8
_DRIFTED = "SELECT incident_id FROM fleet_drift_incidents WHERE outcome = 'corrected' ORDER BY detected_at LIMIT 1"
_FAILED = "SELECT event_id FROM fleet_pending_events WHERE state = 'failed' ORDER BY detected_at LIMIT 1"


def _first(url: str, sql: str) -> str:
    with Reader.open(url) as reader:
        return next((str(value) for row in reader.rows(sql) for value in row.values()), "")


async def main() -> None:
    """Waits until there is something to see: drift that was put back, and a cluster that fails."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fleetd.db"
        async with SimulatedFleet(cluster_specs(CLUSTERS), seed=SEED) as fleet:
            key, key_file, _ = key_beside(path)
            database = await Database.open(str(path), key=key)
            async with _daemon(path, key_file, Path(folder) / "daemon.log"):
                life = Life(fleet, Admission(database, manager="fleetd-demo"), SEED)
                await life.begin()
                going = asyncio.create_task(life.go_on())
                while not ((drifted := _first(str(path), _DRIFTED)) and (failed := _first(str(path), _FAILED))):  # noqa: ASYNC110
                    await asyncio.sleep(1)
                wanted = [("pulse", "pulse"), ("incident", f"incident {drifted}"), ("trace", f"trace event:{failed}")]
                await draw(str(path), IMAGES, wanted)
                going.cancel()
            await database.close()


if __name__ == "__main__":
    asyncio.run(main())
