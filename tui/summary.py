"""The lines at the top: the fleet in counts, and how fresh all this is."""

from __future__ import annotations

from rich.text import Text

from fleetd.service.answers import Answer, DaemonState
from fleetd.service.questions.overview import Overview
from tui.paint import BAD, GOOD, QUIET, STRONG, UNDERWAY, styled
from tui.words import inert

_BETWEEN = styled(" · ", QUIET)


def summary(answer: Answer[Overview]) -> Text:
    """Counts of what is and what should not be."""
    found = answer.result
    ready, away = found.clusters.get("ready", 0), found.clusters.get("unreachable", 0)
    failed = found.addons.get("failed", 0) + found.addons.get("conflict", 0)
    counted = (
        ("✗", away, "unreachable", BAD),
        ("…", sum(found.pending_events.values()), "pending", UNDERWAY),
        ("✗", failed, "failed", BAD),
        ("…", found.open_drift, "drifted", UNDERWAY),
        ("…", found.waiting_proposals, "held", UNDERWAY),
    )
    # What is none is left out: a narrow terminal has room for what is.
    troubles = [_count(*one) for one in counted if one[1]] or [styled("nothing pending, failed or drifted", QUIET)]
    return _BETWEEN.join(
        [
            styled("fleetd", STRONG),
            _count("✓", ready, f"of {sum(found.clusters.values())} clusters ready", GOOD),
            *troubles,
        ]
    )


def freshness(answer: Answer[Overview]) -> Text:
    """When this was so, and whether a daemon still writes what becomes of the clusters."""
    at = answer.as_of
    match at.daemon:
        case DaemonState.RUNNING:
            return styled(f"as of {at.time}", QUIET)
        case DaemonState.SILENT:
            return styled(f"✗ daemon not running since {at.stale_since}: the state is of then", BAD)
        case DaemonState.UNKNOWN:
            return styled(f"as of {at.time}; no cluster was heard of yet", QUIET)


def trouble_said(trouble: str) -> Text:
    """Why what is shown may be old."""
    # What is wrong may be longer than the line.
    return styled(f"✗ trying again: {inert(trouble)}", BAD)


def _count(sign: str, count: int, what: str, role: str) -> Text:
    return styled(f"{sign} {count} {what}", role) if count else styled(f"0 {what}", QUIET)
