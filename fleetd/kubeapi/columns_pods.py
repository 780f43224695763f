"""The cells of a Pod's row: what it is doing, in a word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from fleetd.kubeapi.columns_cells import Body, age, found

ENDED = ("Succeeded", "Failed")


def _restartable(body: Body) -> set[str]:
    """The containers that begin before the others and go on beside them."""
    return {one.get("name", "") for one in found(body, "spec.initContainers") or () if one.get("restartPolicy") == "Always"}


def containers_ready(body: Body, _now: datetime) -> str:
    """How many containers are ready of how many."""
    beside = _restartable(body)
    told = list(found(body, "status.containerStatuses") or ())
    early = [one for one in found(body, "status.initContainerStatuses") or () if one.get("name") in beside]
    ready = sum(bool(one.get("ready")) and "running" in (one.get("state") or {}) for one in (*told, *early))
    return f"{ready}/{len(found(body, 'spec.containers') or ()) + len(beside)}"


def pod_restarts(body: Body, now: datetime) -> str:
    """How often containers were started again, and when that was last."""
    beside = _restartable(body)
    told = [*(found(body, "status.containerStatuses") or ())]
    early = [*(found(body, "status.initContainerStatuses") or ())]
    counted = early if _beginning(body) else [*told, *(one for one in early if one.get("name") in beside)]
    count = sum(one.get("restartCount", 0) for one in counted)
    ends = [str(found(one, "lastState.terminated.finishedAt")) for one in counted if found(one, "lastState.terminated.finishedAt")]
    return f"{count} ({age(max(ends), now)} ago)" if count and ends else str(count)


def pod_status(body: Body, _now: datetime) -> str:
    """The phase, or why a container waits or has ended."""
    ending = bool(body["metadata"].get("deletionTimestamp"))
    phase, reason = str(found(body, "status.phase") or ""), str(found(body, "status.reason") or "")
    if ending and reason == "NodeLost":
        return "Unknown"
    if ending and phase not in ENDED:
        return "Terminating"
    return _beginning(body) or _running(body, reason or _gated(body) or phase)


def _gated(body: Body) -> str:
    conditions = found(body, "status.conditions") or ()
    gated = any(one.get("type") == "PodScheduled" and one.get("reason") == "SchedulingGated" for one in conditions)
    return "SchedulingGated" if gated else ""


def _beginning(body: Body) -> str:
    """What the containers that come first are at; nothing when they are through."""
    beside, whole = _restartable(body), len(found(body, "spec.initContainers") or ())
    for number, one in enumerate(found(body, "status.initContainerStatuses") or ()):
        state = one.get("state") or {}
        ended, waits = state.get("terminated"), (state.get("waiting") or {}).get("reason")
        if (ended and not ended.get("exitCode")) or (one.get("name") in beside and one.get("started")):
            continue
        if ended:
            return f"Init:{ended.get('reason') or _code(ended)}"
        return f"Init:{waits}" if waits and waits != "PodInitializing" else f"Init:{number}/{whole}"
    return ""


def _code(ended: Mapping[str, Any]) -> str:
    return f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended.get('exitCode', 0)}"


def _running(body: Body, reason: str) -> str:
    runs, told = False, list(found(body, "status.containerStatuses") or ())
    for one in reversed(told):
        state = one.get("state") or {}
        waits, ended = (state.get("waiting") or {}).get("reason"), state.get("terminated")
        if waits:
            reason = waits
        elif ended is not None:
            reason = ended.get("reason") or _code(ended)
        elif one.get("ready") and "running" in state:
            runs = True
    if reason == "Completed" and runs:
        return "Running" if _condition(body, "Ready") == "True" else "NotReady"
    return reason


def _condition(body: Body, kind: str) -> str:
    return next((str(one.get("status")) for one in found(body, "status.conditions") or () if one.get("type") == kind), "")


def pod_address(body: Body, _now: datetime) -> str:
    """The first of a Pod's addresses."""
    return str(found(body, "status.podIPs.0.ip") or found(body, "status.podIP") or "<none>")


def readiness_gates(body: Body, _now: datetime) -> str:
    """How many of the conditions that somebody else sets are there."""
    gates = list(_gates(body))
    return f"{sum(_condition(body, one) == 'True' for one in gates)}/{len(gates)}" if gates else "<none>"


def _gates(body: Body) -> Iterator[str]:
    for one in found(body, "spec.readinessGates") or ():
        yield str(one.get("conditionType", ""))
