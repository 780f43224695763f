"""Limits that whoever runs fleetd may set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a proposal waits for a decision, and how often in a minute one object may change what a match makes."""

    proposals: timedelta = timedelta(days=7)
    changes_per_minute: int = 30
