"""Event objects in their two forms: as the core group keeps them, and as events.k8s.io shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Body = dict[str, Any]
NAMES = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
BACK = {new: old for old, new in NAMES.items()}
EMPTY: tuple[Any, ...] = ("", None, 0, {})


def newer_event(body: Mapping[str, Any]) -> Body:
    """The Event as events.k8s.io/v1 shows it, without what is empty."""
    told = {NAMES.get(key, key): value for key, value in body.items() if value not in EMPTY}
    head = {"kind": told.pop("kind"), "apiVersion": "events.k8s.io/v1", "metadata": told.pop("metadata")}
    told.pop("apiVersion", None)
    return {**head, "eventTime": None, **told}


def core_event(body: Mapping[str, Any]) -> Body:
    """The Event as the core group keeps it."""
    return {**{BACK.get(key, key): value for key, value in body.items()}, "apiVersion": "v1"}
