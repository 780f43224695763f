"""The line at the top: the fleet in counts, and how fresh all this is."""

from __future__ import annotations

from rich.text import Text

from fleetd.service.answers import Answer, DaemonState
from fleetd.service.questions.overview import Overview
from tui.words import BAD_STYLE, GOOD_STYLE, QUIET_STYLE, UNDERWAY_STYLE, inert

_BETWEEN = Text(" · ", QUIET_STYLE)


def summary(answer: Answer[Overview]) -> Text:
    """Counts of what is and what should not be."""
    found = answer.result
    ready, away = found.clusters.get("ready", 0), found.clusters.get("unreachable", 0)
    failed = found.addons.get("failed", 0) + found.addons.get("conflict", 0)
    return _BETWEEN.join(
        [
            Text("fleetd", "bold"),
            _count("✓", ready, f"of {sum(found.clusters.values())} clusters ready", GOOD_STYLE),
            _count("✗", away, "unreachable", BAD_STYLE),
            _count("✗", failed, "failed add-ons", BAD_STYLE),
            _count("…", found.open_drift, "open drift", UNDERWAY_STYLE),
            _count("…", found.waiting_proposals, "held losses", UNDERWAY_STYLE),
        ]
    )


def freshness(answer: Answer[Overview]) -> Text:
    """When this was so, and whether a daemon still writes what becomes of the clusters."""
    at = answer.as_of
    match at.daemon:
        case DaemonState.RUNNING:
            return Text(f"as of {at.time}", QUIET_STYLE)
        case DaemonState.SILENT:
            return Text(f"✗ daemon not running since {at.stale_since}: the state is of then", BAD_STYLE)
        case DaemonState.UNKNOWN:
            return Text(f"as of {at.time}; no cluster was heard of yet", QUIET_STYLE)


def trouble_said(trouble: str) -> Text:
    """Why what is shown may be old."""
    return Text(f"✗ {inert(trouble)}; trying again", BAD_STYLE)


def _count(sign: str, count: int, what: str, style: str) -> Text:
    return Text(f"{sign} {count} {what}", style) if count else Text(f"0 {what}", QUIET_STYLE)
