"""What the server refuses of Deployments, StatefulSets, DaemonSets, ReplicaSets and ReplicationControllers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fleetd.kubeapi.checks_pods import template_causes
from fleetd.kubeapi.defaults_pods import struct
from fleetd.kubeapi.refusals import Cause
from fleetd.kubeapi.rules import (
    in_json,
    not_allowed,
    not_more_than_all,
    not_negative,
    required,
    share_causes,
    share_of,
    unsupported,
    wrong,
)
from fleetd.kubeapi.rules_selectors import empty_selector, immutable_selector, selector_causes, unmatched

Body = Mapping[str, Any]
STATEFUL = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
    "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)
DEPLOYED = ("updatedReplicas", "readyReplicas", "availableReplicas")
REPLICATED = ("fullyLabeledReplicas", "readyReplicas", "availableReplicas")
ORDERED = ("readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")
PLACED = (
    "currentNumberScheduled",
    "numberMisscheduled",
    "desiredNumberScheduled",
    "numberReady",
    "observedGeneration",
    "updatedNumberScheduled",
    "numberAvailable",
    "numberUnavailable",
)
STATEFUL_FREE = {
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
}


def deployment(body: Body, live: Body | None) -> Iterator[Cause]:
    """Deployments."""
    spec = body["spec"]
    yield from not_negative("spec.replicas", spec.get("replicas"))
    yield from _selector(spec, "deployment")
    yield from _replicated(spec)
    yield from _deployed(spec.get("strategy") or {})
    for key in ("minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"):
        yield from not_negative(f"spec.{key}", spec.get(key))
    limit = spec.get("progressDeadlineSeconds")
    if isinstance(limit, int) and limit <= spec.get("minReadySeconds", 0):
        yield wrong("spec.progressDeadlineSeconds", str(limit), "must be greater than minReadySeconds")
    yield from _same_selector(spec, live)
    yield from _counted(body, live, DEPLOYED, "readyReplicas")


def _deployed(strategy: Body) -> Iterator[Cause]:
    here, rolling = "spec.strategy", strategy.get("rollingUpdate")
    match strategy.get("type"):
        case "Recreate":
            if rolling is not None:
                yield not_allowed(f"{here}.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'")
        case "RollingUpdate":
            yield from share_causes(f"{here}.rollingUpdate", rolling or {})
            if not any(share_of((rolling or {}).get(key)) for key in ("maxUnavailable", "maxSurge")):
                shown = in_json((rolling or {}).get("maxUnavailable"))
                yield wrong(f"{here}.rollingUpdate.maxUnavailable", shown, "may not be 0 when `maxSurge` is 0")
            yield from not_more_than_all(f"{here}.rollingUpdate.maxUnavailable", (rolling or {}).get("maxUnavailable"))
        case _:
            yield unsupported(here, _strategy(strategy, ("maxUnavailable", "maxSurge")), ("Recreate", "RollingUpdate"))


def _strategy(strategy: Body, keys: tuple[str, ...]) -> dict[str, Any]:
    """As the server's own type of it is shown."""
    rolling = strategy.get("rollingUpdate")
    shown = None if rolling is None else {key[0].upper() + key[1:]: rolling.get(key) for key in keys}
    return {"Type": strategy.get("type", ""), "RollingUpdate": shown}


def _selector(spec: Body, called: str) -> Iterator[Cause]:
    selector = spec.get("selector")
    if selector is None:
        yield required("spec.selector")
        return
    yield from selector_causes("spec.selector", selector)
    yield from empty_selector("spec.selector", selector, called)


def _replicated(spec: Body) -> Iterator[Cause]:
    """The template of what runs so many of the same."""
    template = spec.get("template") or {}
    yield from unmatched("spec", spec.get("selector"), template)
    yield from template_causes("spec.template", template)
    yield from _lasting(template, "ReplicaSet")


def _lasting(template: Body, kind: str) -> Iterator[Cause]:
    """Pods that are always there have neither an end nor a deadline."""
    found, here = struct(dict(template), "spec"), "spec.template.spec"
    if found.get("restartPolicy", "Always") != "Always":
        yield unsupported(f"{here}.restartPolicy", found["restartPolicy"], ("Always",))
    if found.get("activeDeadlineSeconds") is not None:
        yield not_allowed(f"{here}.activeDeadlineSeconds", f"activeDeadlineSeconds in {kind} is not Supported")


def _same_selector(spec: Body, live: Body | None) -> Iterator[Cause]:
    if live is not None and live["spec"].get("selector") != spec.get("selector"):
        yield immutable_selector("spec.selector", spec.get("selector"))


def replica_set(body: Body, live: Body | None) -> Iterator[Cause]:
    """ReplicaSets; an update is held to the rules twice, as the server does it."""
    for _ in range(1 if live is None else 2):
        spec = body["spec"]
        yield from not_negative("spec.replicas", spec.get("replicas"))
        yield from not_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
        # The server's text names the Deployment here too.
        yield from _selector(spec, "deployment")
        yield from _replicated(spec)
    yield from _same_selector(body["spec"], live)
    yield from _counted(body, live, REPLICATED, "readyReplicas")


def daemon_set(body: Body, live: Body | None) -> Iterator[Cause]:
    """DaemonSets; an update is held to the rules twice, as the server does it."""
    for _ in range(1 if live is None else 2):
        spec = body["spec"]
        selector, template = spec.get("selector"), spec.get("template") or {}
        yield from selector_causes("spec.selector", selector or {})
        yield from unmatched("spec", selector, template)
        if selector is not None:
            yield from empty_selector("spec.selector", selector, "daemonset")
        yield from template_causes("spec.template", template)
        yield from _lasting(template, "DaemonSet")
        yield from not_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
        yield from _on_nodes(spec.get("updateStrategy") or {})
        yield from not_negative("spec.revisionHistoryLimit", spec.get("revisionHistoryLimit"))
    yield from _same_selector(body["spec"], live)
    for key in PLACED if _new_status(body, live) else ():
        yield from not_negative(f"status.{key}", body["status"].get(key))


def _on_nodes(strategy: Body) -> Iterator[Cause]:
    here, keys = "spec.updateStrategy", ("maxUnavailable", "maxSurge")
    match strategy.get("type"):
        case "OnDelete":
            return
        case "RollingUpdate":
            rolling = strategy.get("rollingUpdate") or {}
            yield from share_causes(f"{here}.rollingUpdate", rolling)
            for key in keys:
                yield from not_more_than_all(f"{here}.rollingUpdate.{key}", rolling.get(key))
            missing, more = (share_of(rolling.get(key)) for key in keys)
            if missing and more:
                yield wrong(
                    f"{here}.rollingUpdate.maxSurge", in_json(rolling["maxSurge"]), "may not be set when maxUnavailable is non-zero"
                )
            elif not missing and not more:
                yield required(f"{here}.rollingUpdate.maxUnavailable", "cannot be 0 when maxSurge is 0")
        case _:
            yield unsupported(here, _strategy(strategy, keys), ("RollingUpdate", "OnDelete"))


def stateful_set(body: Body, live: Body | None) -> Iterator[Cause]:
    """StatefulSets; the server does not look into the spec of their pods, whose volumes it does not know yet."""
    spec = body["spec"]
    policy = spec.get("podManagementPolicy")
    if policy not in ("OrderedReady", "Parallel"):
        yield wrong("spec.podManagementPolicy", in_json(policy), "must be 'OrderedReady' or 'Parallel'")
    yield from _in_order(spec.get("updateStrategy") or {})
    for key, chosen in (spec.get("persistentVolumeClaimRetentionPolicy") or {}).items():
        if chosen not in ("Retain", "Delete"):
            yield unsupported(f"spec.persistentVolumeClaimRetentionPolicy.{key}", chosen, ("Delete", "Retain"))
    yield from not_negative("spec.replicas", spec.get("replicas"))
    yield from not_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    yield from not_negative("spec.ordinals.start", (spec.get("ordinals") or {}).get("start"))
    yield from _selector(spec, "statefulset")
    template = spec.get("template") or {}
    yield from unmatched("spec", spec.get("selector"), template)
    yield from template_causes("spec.template", template, whole=False)
    yield from _lasting(template, "StatefulSet")
    if live is not None and _but(live["spec"], STATEFUL_FREE) != _but(spec, STATEFUL_FREE):
        yield not_allowed("spec", STATEFUL)
    yield from _counted(body, live, ORDERED, "status.readyReplicas")


def _new_status(body: Body, live: Body | None) -> bool:
    return live is not None and body.get("status") != live.get("status")


def _counted(body: Body, live: Body | None, parts: tuple[str, ...], ready: str) -> Iterator[Cause]:
    """Numbers of a status: `parts` are no more than all there are, and what is available is `ready` too."""
    if not _new_status(body, live):
        return
    status = body["status"]
    for key in ("observedGeneration", "replicas", *parts, "unavailableReplicas"):
        yield from not_negative(f"status.{key}", status.get(key))
    available = status.get("availableReplicas") or 0
    for key in parts:
        if (status.get(key) or 0) > (status.get("replicas") or 0):
            yield wrong(f"status.{key}", str(status.get(key, 0)), "cannot be greater than status.replicas")
    if available > (status.get("readyReplicas") or 0):
        yield wrong("status.availableReplicas", str(available), f"cannot be greater than {ready}")


def _in_order(strategy: Body) -> Iterator[Cause]:
    here, rolling, keys = "spec.updateStrategy", strategy.get("rollingUpdate"), ("partition", "maxUnavailable")
    match strategy.get("type"):
        case "OnDelete":
            if rolling is not None:
                shown = in_json(_strategy(strategy, keys)["RollingUpdate"], keeps_order=True)
                yield wrong(f"{here}.rollingUpdate", shown, "only allowed for updateStrategy 'RollingUpdate'")
        case "RollingUpdate":
            yield from not_negative(f"{here}.rollingUpdate.partition", (rolling or {}).get("partition"))
        case _:
            yield wrong(here, in_json(_strategy(strategy, keys), keeps_order=True), "must be 'RollingUpdate' or 'OnDelete'")


def _but(spec: Body, keys: set[str]) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if key not in keys}


def controller(body: Body, _live: Body | None) -> Iterator[Cause]:
    """ReplicationControllers."""
    spec = body["spec"]
    yield from not_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    selector = spec.get("selector")
    if not selector:
        yield required("spec.selector")
    yield from not_negative("spec.replicas", spec.get("replicas"))
    if not spec.get("template"):
        yield required("spec.template")
        return
    if selector:
        yield from unmatched("spec", {"matchLabels": selector}, spec["template"])
    yield from template_causes("spec.template", spec["template"])
    yield from _lasting(spec["template"], "ReplicationController")
