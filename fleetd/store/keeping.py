"""How long history is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Retention:
    """How long what is over is kept; None keeps it. What is current is never forgotten."""

    events: timedelta | None = timedelta(days=30)
    verdicts: timedelta | None = timedelta(days=30)
    matches: timedelta | None = timedelta(days=30)
    addons: timedelta | None = timedelta(days=30)
    clusters: timedelta | None = timedelta(days=90)
    journal: timedelta | None = timedelta(days=30)
    requests: timedelta | None = timedelta(days=30)
    declared: timedelta | None = timedelta(days=90)
    changes: timedelta | None = timedelta(days=7)
    incidents: timedelta | None = None
    audit: timedelta | None = None
