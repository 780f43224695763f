"""What label selectors in objects may look like, and what a refusal of one says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fleetd.kubeapi.defaults_pods import struct, structs
from fleetd.kubeapi.refusals import Cause
from fleetd.kubeapi.rules import in_json, label_causes, not_allowed, qualified_name_causes, required, value_faults, wrong, wrong_value
from fleetd.kubeapi.selectors import selects

ORDER = ("matchLabels", "matchExpressions")
UNMATCHED = "`selector` does not match template `labels`"


def shown_selector(selector: Mapping[str, Any] | None) -> str:
    """A selector as messages show it: its labels first."""
    if selector is None:
        return "null"
    told = {key: selector[key] for key in ORDER if selector.get(key)}
    return in_json(
        {key: dict(sorted(value.items())) if isinstance(value, dict) else value for key, value in told.items()}, keeps_order=True
    )


def immutable_selector(field: str, selector: Mapping[str, Any] | None) -> Cause:
    """Of a selector that is for good."""
    return wrong(field, shown_selector(selector), "field is immutable")


def selector_causes(field: str, selector: Mapping[str, Any]) -> Iterator[Cause]:
    """What is wrong with a selector."""
    yield from label_causes(struct(dict(selector), "matchLabels"), f"{field}.matchLabels")
    for number, one in enumerate(structs(dict(selector), "matchExpressions")):
        here, operator, values = f"{field}.matchExpressions[{number}]", one.get("operator", ""), one.get("values") or ()
        match operator:
            case "In" | "NotIn":
                if not values:
                    yield required(f"{here}.values", "must be specified when `operator` is 'In' or 'NotIn'")
            case "Exists" | "DoesNotExist":
                if values:
                    yield not_allowed(f"{here}.values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
            case _:
                yield wrong_value(f"{here}.operator", operator, "not a valid selector operator")
        yield from qualified_name_causes(f"{here}.key", one.get("key", ""))
        for index, value in enumerate(values):
            for why in value_faults(value):
                yield wrong_value(f"{here}.values[{index}]", value, why)


def empty_selector(field: str, selector: Mapping[str, Any], called: str) -> Iterator[Cause]:
    """Whether a selector says nothing, which it may not for what is called so."""
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield wrong(field, "{}", f"empty selector is invalid for {called}")


def unmatched(field: str, selector: Mapping[str, Any] | None, template: Mapping[str, Any]) -> Iterator[Cause]:
    """Whether the template's labels are those that the selector wants; no selector chooses nothing."""
    labels = struct(dict(template), "metadata").get("labels")
    if selector is not None:
        if any(selector_causes(field, selector)):
            if field == "spec" and selector.get("matchExpressions"):
                yield wrong(f"{field}.selector", shown_selector(selector), "invalid label selector")
            return
        if selects(selector, labels or {}):
            return
    yield wrong(f"{field}.template.metadata.labels", in_json(labels), UNMATCHED)
