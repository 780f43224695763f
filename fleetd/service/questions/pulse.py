"""How fast the fleet reacts now: how many events of the last hour came how far, and how long each stage took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fleetd.service.answers import Answer
from fleetd.service.arguments import About, AsOf
from fleetd.service.asking import Question
from fleetd.service.questions.ground import Ground
from fleetd.service.times import age
from fleetd.store.moments import moment

SAMPLE = 2_000
"""Reactions that times are taken of, the newest."""

_DETECTED = "SELECT COUNT(*) AS n FROM (SELECT 1 AS one FROM fleet_events WHERE detected_at >= :since LIMIT 10001) e"
_MATCHED = """
SELECT COUNT(*) AS n, COUNT(DISTINCT event_id) AS events FROM (
 SELECT event_id FROM fleet_trigger_matches WHERE matched_at >= :since ORDER BY matched_at DESC LIMIT 10001) m
"""
_REACTIONS = """
SELECT detected_at, matched_at, rendered_at, applied_at FROM fleet_reactions WHERE matched_at >= :since ORDER BY matched_at DESC LIMIT :most
"""
_STOOD = {
    "clusters": "SELECT connection AS state, COUNT(*) AS n FROM fleet_clusters GROUP BY connection",
    "addons": "SELECT state, COUNT(*) AS n FROM fleet_addons GROUP BY state",
    "pending_events": "SELECT state, COUNT(*) AS n FROM fleet_waits GROUP BY state",
    "drift": "SELECT outcome AS state, COUNT(*) AS n FROM fleet_drift_incidents WHERE outcome IN ('open', 'failed') GROUP BY outcome",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """How many came so far, and how long that took from the stage before, in milliseconds."""

    stage: str
    count: int
    p50_ms: int | None = None
    p95_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """The funnel from detected to applied. `exact` is False where only the newest ten thousand were counted."""

    window_seconds: int
    events: int
    stages: tuple[Stage, ...]
    exact: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse(Question[Answer[Beat]]):
    """How many events were detected, matched, rendered and applied lately, and how long each stage took."""

    window: Annotated[str, About("an age: 1h, 15m")] = "1h"
    as_of: AsOf = ""

    def answered(self, ground: Ground) -> Answer[Beat]:
        window = age(self.window, "window")
        ground.back(self.as_of, "fleet_events", "fleet_reactions")
        since = ground.now - window
        detected = int(ground.rows(_DETECTED, since=since)[0]["n"])
        matched = ground.rows(_MATCHED, since=since)[0]
        rows = ground.rows(_REACTIONS, since=since, most=SAMPLE)
        steps = (
            ("matched", "detected_at", "matched_at"),
            ("rendered", "matched_at", "rendered_at"),
            ("applied", "rendered_at", "applied_at"),
        )
        stages = [Stage(stage="detected", count=detected)]
        for name, start, end in steps:
            lasted = sorted(_ms(row[start], row[end]) for row in rows if row[start] and row[end])
            reached = sum(1 for row in rows if row[end])
            count = int(matched["n"]) if name == "matched" else reached
            stages.append(Stage(stage=name, count=count, p50_ms=_quantile(lasted, 0.5), p95_ms=_quantile(lasted, 0.95)))
        exact = detected <= 10_000 and len(rows) < SAMPLE
        beat = Beat(window_seconds=int(window / timedelta(seconds=1)), events=int(matched["events"]), stages=tuple(stages), exact=exact)
        return ground.answer(beat)


def _ms(start: str, end: str) -> int:
    return max(0, int((moment(end) - moment(start)) / timedelta(milliseconds=1)))


def _quantile(lasted: Sequence[int], part: float) -> int | None:
    return lasted[min(len(lasted) - 1, int(len(lasted) * part))] if lasted else None


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetThen(Question[Answer[dict[str, dict[str, int]]]]):
    """Clusters, add-ons, pending events and drift of a past time, counted by their states; of now the overview has kept counts."""

    as_of: AsOf

    def answered(self, ground: Ground) -> Answer[dict[str, dict[str, int]]]:
        ground.back(self.as_of, "fleet_clusters", "fleet_addons", "fleet_pending_events", "fleet_drift_incidents")
        return ground.answer({what: {row["state"]: row["n"] for row in ground.rows(sql)} for what, sql in _STOOD.items()})
