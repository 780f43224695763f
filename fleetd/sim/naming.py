"""Names and labels of a fleet whose owner says only how many clusters."""

from __future__ import annotations

from collections.abc import Mapping

from fleetd.sim.cluster import ClusterSpec

REGIONS = ("eu-west", "us-east", "ap-south")
ENVIRONMENTS = ("prod", "staging", "dev")


def numbered(count: int, labels: Mapping[str, str] | None = None) -> list[ClusterSpec]:
    """`cluster-1` to `cluster-COUNT`.

    Regions take turns, and environments once all regions have had theirs: 1 is eu-west prod, 2 us-east prod, 3 ap-south prod, 4 eu-west
    staging, and so on; the tenth is like the first. `labels` go to all and win.
    """
    return [
        ClusterSpec(
            f"cluster-{number + 1}",
            {
                "region": REGIONS[number % len(REGIONS)],
                "env": ENVIRONMENTS[number // len(REGIONS) % len(ENVIRONMENTS)],
                **(labels or {}),
            },
        )
        for number in range(count)
    ]
