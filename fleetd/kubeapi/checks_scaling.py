"""What the server refuses of autoscalers and disruption budgets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fleetd.kubeapi.defaults_pods import struct, structs
from fleetd.kubeapi.refusals import Cause
from fleetd.kubeapi.rules import NOT_A_PERCENT, PERCENT, in_json, not_allowed, not_negative, required, unsupported, wrong, wrong_value
from fleetd.kubeapi.rules_selectors import ORDER, selector_causes

Body = Mapping[str, Any]
METRICS = ("ContainerResource", "External", "Object", "Pods", "Resource")
TARGETS = ("Utilization", "Value", "AverageValue")
LONGEST_WINDOW, LONGEST_PERIOD = 3600, 1800


def budget(body: Body, _live: Body | None) -> Iterator[Cause]:
    """PodDisruptionBudgets."""
    spec = body["spec"]
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        yield wrong("spec", _whole(spec), "minAvailable and maxUnavailable cannot be both set")
    for key in ("minAvailable", "maxUnavailable"):
        value = spec.get(key)
        yield from not_negative(f"spec.{key}", value)
        if isinstance(value, str) and not PERCENT.fullmatch(value):
            yield wrong_value(f"spec.{key}", value, NOT_A_PERCENT)
        elif isinstance(value, str) and int(value[:-1]) > 100:
            yield wrong_value(f"spec.{key}", value, "must not be greater than 100%")
    yield from selector_causes("spec.selector", struct(dict(spec), "selector"))
    known = ("AlwaysAllow", "IfHealthyBudget")
    if spec.get("unhealthyPodEvictionPolicy") not in (None, *known):
        yield unsupported("spec.unhealthyPodEvictionPolicy", spec["unhealthyPodEvictionPolicy"], known)


def _whole(spec: Body) -> str:
    """As the server's own type of it is shown."""
    shown = {
        key[0].upper() + key[1:]: spec.get(key) for key in ("minAvailable", "selector", "maxUnavailable", "unhealthyPodEvictionPolicy")
    }
    if isinstance(shown["Selector"], dict):
        shown["Selector"] = {key: shown["Selector"][key] for key in ORDER if key in shown["Selector"]}
    return in_json(shown, keeps_order=True)


def scaler(body: Body, _live: Body | None) -> Iterator[Cause]:
    """HorizontalPodAutoscalers."""
    spec = body["spec"]
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas", 0)
    if least < 1:
        yield wrong("spec.minReplicas", str(least), "must be greater than or equal to 1")
    if most < 1:
        yield wrong("spec.maxReplicas", str(most), "must be greater than 0")
    if most < least:
        yield wrong("spec.maxReplicas", str(most), "must be greater than or equal to `minReplicas`")
    for key in ("kind", "name"):
        value = str((spec.get("scaleTargetRef") or {}).get(key) or "")
        if not value:
            yield required(f"spec.scaleTargetRef.{key}")
        for bad in (one for one in "/%" if one in value):
            yield wrong_value(f"spec.scaleTargetRef.{key}", value, f"may not contain '{bad}'")
    for number, metric in enumerate(structs(dict(spec), "metrics")):
        yield from _metric(f"spec.metrics[{number}]", metric)
    for key in ("scaleUp", "scaleDown"):
        rules = struct(struct(dict(spec), "behavior"), key)
        if rules:
            yield from _rules(f"spec.behavior.{key}", rules)


def _metric(here: str, metric: Body) -> Iterator[Cause]:
    kind = metric.get("type", "")
    given = [key for key in metric if key != "type" and isinstance(metric[key], dict)]
    if not kind:
        yield required(f"{here}.type", "must specify a metric source type")
    elif kind not in METRICS:
        yield unsupported(f"{here}.type", kind, METRICS)
    for key in given:
        if key in ("resource", "containerResource"):
            yield from _resource(f"{here}.{key}", metric[key])
    if kind in METRICS:
        expected = kind[0].lower() + kind[1:]
        if expected not in given:
            yield required(f"{here}.{expected}", "must populate information for the given metric source")
        for key in given if len(given) != 1 else ():
            if key != expected:
                yield not_allowed(f"{here}.{key}", "must populate the given metric source only")


def _resource(here: str, source: Body) -> Iterator[Cause]:
    target, at = struct(dict(source), "target"), f"{here}.target"
    if not source.get("name"):
        yield required(f"{here}.name", "must specify a resource name")
    if not target.get("type"):
        yield required(f"{at}.type", "must specify a metric target type")
    elif target["type"] not in TARGETS:
        yield wrong_value(f"{at}.type", target["type"], "must be either Utilization, Value, or AverageValue")
    share = target.get("averageUtilization")
    if isinstance(share, int) and share < 1:
        yield wrong(f"{at}.averageUtilization", str(share), "must be greater than 0")
    if share is None and target.get("averageValue") is None:
        yield required(f"{at}.averageUtilization", "must set either a target raw value or a target utilization")
    elif share is not None and target.get("averageValue") is not None:
        yield not_allowed(f"{at}.averageValue", "may not set both a target raw value and a target utilization")


def _rules(here: str, rules: Body) -> Iterator[Cause]:
    window, at = rules.get("stabilizationWindowSeconds"), f"{here}.stabilizationWindowSeconds"
    if isinstance(window, int) and window < 0:
        yield wrong(at, str(window), "must be greater than or equal to zero")
    if isinstance(window, int) and window > LONGEST_WINDOW:
        yield wrong(at, str(window), f"must be less than or equal to {LONGEST_WINDOW}")
    if rules.get("selectPolicy") not in (None, "Disabled", "Max", "Min"):
        yield unsupported(f"{here}.selectPolicy", rules["selectPolicy"], ("Disabled", "Max", "Min"))
    if not rules.get("policies"):
        yield required(f"{here}.policies", "must specify at least one Policy")
    for number, policy in enumerate(structs(dict(rules), "policies")):
        yield from _policy(f"{here}.policies[{number}]", policy)


def _policy(here: str, policy: Body) -> Iterator[Cause]:
    if policy.get("type") not in ("Percent", "Pods"):
        yield unsupported(f"{here}.type", policy.get("type"), ("Percent", "Pods"))
    for key in ("value", "periodSeconds"):
        if policy.get(key, 0) <= 0:
            yield wrong(f"{here}.{key}", str(policy.get(key, 0)), "must be greater than zero")
    if policy.get("periodSeconds", 0) > LONGEST_PERIOD:
        yield wrong(f"{here}.periodSeconds", str(policy["periodSeconds"]), f"must be less than or equal to {LONGEST_PERIOD}")
