"""The `status` of declared kinds as kubectl would show it: what the engine said of an object, or what its rows add up to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleetd.decide.definitions import LIB_GROUP, compile_trigger
from fleetd.domain.errors import InvalidInput
from fleetd.domain.objects import Manifest
from fleetd.domain.refs import GroupKind, ObjectRef
from fleetd.service.questions.ground import Ground
from fleetd.service.questions.references import count_heard, heard

MOST = 100
"""Clusters that a status names; beyond them it counts."""
FAILURES = 5

_VERDICTS = (
    "SELECT verdict, COUNT(*) AS n, COUNT(DISTINCT cluster) AS clusters, MAX(since) AS since FROM fleet_verdicts"
    " WHERE event_source = :name GROUP BY verdict"
)
_FAILED = (
    f"SELECT cluster, object_ref, reason FROM fleet_verdicts WHERE event_source = :name AND verdict = 'error'"
    f" ORDER BY since DESC, cluster, object_ref LIMIT {FAILURES}"
)
_LAST_EVENT = "SELECT MAX(detected_at) AS at FROM fleet_events WHERE event_source = :name"
_MATCHES = (
    "SELECT state, COUNT(*) AS n FROM fleet_trigger_matches"
    " WHERE event_trigger = :name AND superseded_at IS NULL AND state <> 'withdrawn' GROUP BY state"
)
_WORDS = {"match": "matching", "no_match": "notMatching", "error": "failing"}


def status_of(ground: Ground, ref: ObjectRef, manifest: Manifest, said: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is to stand in `status`; empty where there is nothing to say."""
    if ref.group_kind == GroupKind(LIB_GROUP, "EventSource"):
        return _source(ground, ref.name)
    if ref.group_kind == GroupKind(LIB_GROUP, "EventTrigger"):
        return _trigger(ground, ref.name, manifest)
    return said


def _source(ground: Ground, name: str) -> Mapping[str, Any]:
    rows = ground.rows(_VERDICTS, {"name": name})
    if not rows:
        return {}
    failures = ground.rows(_FAILED, {"name": name})
    last = ground.row(_LAST_EVENT, name=name)
    return {
        "resources": {_WORDS[row["verdict"]]: row["n"] for row in rows},
        "lastEvaluationTime": max(row["since"] for row in rows),
        **({"lastEventTime": last["at"]} if last is not None and last["at"] else {}),
        **(
            {"failures": [{"cluster": row["cluster"], "resource": row["object_ref"], "message": row["reason"]} for row in failures]}
            if failures
            else {}
        ),
    }


def _trigger(ground: Ground, name: str, manifest: Manifest) -> Mapping[str, Any]:
    try:
        trigger = compile_trigger(manifest)
    except InvalidInput:
        return {}
    clusters = heard(ground, trigger.sources, trigger.set_refs, most=MOST)
    matches = {row["state"]: row["n"] for row in ground.rows(_MATCHES, {"name": name})}
    return {
        "matchingClusters": [dict(item.reference()) for item in clusters],
        "matchingClusterCount": count_heard(ground, trigger.sources, trigger.set_refs),
        **({"matches": matches} if matches else {}),
    }
