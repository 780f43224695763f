"""Every screen by its name: lists, pages, and what may be typed for them."""

from __future__ import annotations

from collections.abc import Mapping

from tui.columns import TABLES
from tui.pages import cluster, event, happened, held, ladder, lineage, matrix, pulse, thing, trigger
from tui.pages.asking import Screen
from tui.places import LOCAL

PAGES: Mapping[str, Screen] = {
    screen.name: screen
    for screen in (
        Screen("pulse", "Pulse", pulse.page, needs_subject=False),
        Screen("matrix", "Matrix", matrix.page, needs_subject=False),
        Screen("cluster", "Cluster", cluster.page, "clusters"),
        Screen("event", "Event", event.page, "events"),
        Screen("trigger", "EventTrigger", trigger.page, "triggers"),
        Screen("why", "Explain", ladder.page, "triggers"),
        Screen("trace", "Trace", lineage.page),
        Screen("timeline", "Timeline", happened.page, needs_subject=False),
        Screen("object", "Describe", thing.described, "declared"),
        Screen("yaml", "YAML", thing.manifest, "declared"),
        Screen("diff", "Changes", thing.changes, "declared"),
        Screen("references", "Used by", thing.used_by, "declared"),
        Screen("incident", "Drift", held.incident, "drift"),
        Screen("request", "Request", held.request, "requests"),
        Screen("proposal", "Proposal", held.proposal, "proposals"),
    )
}
ALIASES: Mapping[str, str] = {
    "pu": "pulse",
    "cl": "clusters",
    "cluster": "clusters",
    "ev": "events",
    "event": "events",
    "pe": "pending",
    "es": "sources",
    "et": "triggers",
    "pf": "profiles",
    "ad": "addons",
    "mx": "matrix",
    "dr": "drift",
    "ob": "objects",
    "de": "declared",
    "ma": "matches",
    "ve": "verdicts",
    "jo": "journal",
    "rq": "requests",
    "pl": "proposals",
    "w": "why",
    "explain": "why",
    "tr": "trace",
    "tl": "timeline",
    "describe": "object",
    "ref": "references",
}
WITH_PAGE = {
    "clusters": "cluster",
    "events": "event",
    "triggers": "trigger",
    "declared": "object",
    "sources": "object",
    "profiles": "object",
}
"""A list with a name behind it is the page of that thing."""

TITLES: Mapping[str, str] = {
    **{name: table.title for name, table in TABLES.items()},
    **{name: screen.title for name, screen in PAGES.items()},
    **LOCAL,
}
