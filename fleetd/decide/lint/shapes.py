"""Shapes that Sveltos has removed, and what they are written as today.

Facts from the v1alpha1 types of libsveltos, addon-controller and event-manager, and their conversions to v1beta1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fleetd.decide.lint.moving import yaml_text
from fleetd.domain.kinds.registry import CONFIG_GROUP, LIB_GROUP, SVELTOS_VERSION
from fleetd.domain.objects import Manifest

_RENAMED_KINDS = {
    "EventBasedAddOn": (LIB_GROUP, "EventTrigger"),
    "ClusterFeature": (CONFIG_GROUP, "ClusterProfile"),
    "Techsupport": (LIB_GROUP, "Techsupport"),
}
_GONE = {
    "Snapshot": "it has no successor; keep the declared objects in a repository",
    "AddonCompliance": "its place has been taken by validateHealths of a profile",
    "AddonConstraint": "its place has been taken by validateHealths of a profile",
    "SubstitutionRule": "its place has been taken by templates",
    "WorkloadRole": "its place has been taken by RoleRequest",
}
_UTILITIES = "utils.projectsveltos.io"
_SELECTORS = ("clusterSelector", "sourceClusterSelector", "destinationClusterSelector")
_FLAT = ("group", "version", "kind", "labelFilters", "namespace")
_TERM = re.compile(
    r"\s*(?:(?P<absent>!)\s*(?P<missing>[\w./-]+)"
    r"|(?P<key>[\w./-]+)\s*(?:(?P<sign>==|=|!=)\s*(?P<value>[\w.-]*)|\s(?P<set>in|notin)\s*\((?P<values>[^)]*)\))?)\s*(?:,|$)"
)
_WRAPPED = """{script}

-- Written for one object; today all objects are judged at once.
local judge = evaluate
function evaluate()
  local judged = {{}}
  for _, one in ipairs(resources) do
    obj = one
    local said = judge(one)
    if said.status then
      table.insert(judged, {{resource = one, status = said.status, message = said.message}})
    end
  end
  return {{resources = judged}}
end
"""
_COUNTED = """function evaluate()
  local count = #resources
  return {{matching = {condition}}}
end
"""


@dataclass(frozen=True, slots=True)
class Migrated:
    """A manifest in today's shape, and what of it a person must look at."""

    manifest: Manifest
    remarks: tuple[str, ...] = ()


def is_ours(manifest: Manifest) -> bool:
    """Whether it is an object of Sveltos, of whatever time; its cleaner (`apps.projectsveltos.io`) is another program."""
    return str(manifest.get("apiVersion")).partition("/")[0] in (CONFIG_GROUP, LIB_GROUP, _UTILITIES)


def migrated(manifest: Manifest) -> Migrated:
    """The manifest in today's shape; as it is where it has that already."""
    if not is_ours(manifest):
        return Migrated(manifest)
    kind = str(manifest.get("kind"))
    if kind in _GONE:
        return Migrated(manifest, (f"{kind}: {_GONE[kind]}",))
    group, _, version = str(manifest["apiVersion"]).partition("/")
    old = version == "v1alpha1"
    group, new_kind = _RENAMED_KINDS.get(kind, (group, kind)) if old or kind in ("EventBasedAddOn", "ClusterFeature") else (group, kind)
    renamed = {
        **manifest,
        "kind": new_kind,
        "apiVersion": f"{group}/{SVELTOS_VERSION}" if old or new_kind != kind else manifest["apiVersion"],
    }
    spec = manifest.get("spec")
    if not isinstance(spec, dict):
        return Migrated(renamed)
    remarks: list[str] = []
    new = _with_selectors(spec)
    match kind:
        case "EventBasedAddOn":
            new = _trigger(new)
        case "EventSource":
            new = _with_evaluate(_nested(new, remarks, "evaluate"), "resourceSelectors")
        case "HealthCheck":
            new = _health(new, remarks)
        case "Classifier":
            new = _classifier(new, remarks)
        case _:
            pass
    new = _with_text_values(new)
    return Migrated({**renamed, "spec": _references(new)}, tuple(f"{new_kind}: {remark}" for remark in remarks))


def _with_selectors(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Selectors were texts, as kubectl writes them."""
    changed = dict(spec)
    for name in _SELECTORS:
        text = spec.get(name)
        selector = selector_of(text) if isinstance(text, str) else None
        if selector is not None:
            changed[name] = selector
    return changed


def selector_of(text: str) -> dict[str, Any] | None:
    """A selector as kubectl writes it, as a LabelSelector; None where it is none."""
    labels: dict[str, str] = {}
    expressions: list[dict[str, Any]] = []
    position = 0
    while position < len(text.rstrip()):
        term = _TERM.match(text, position)
        if term is None or term.end() == position:
            return None
        position = term.end()
        if term["missing"]:
            expressions.append({"key": term["missing"], "operator": "DoesNotExist"})
        elif term["set"]:
            values = [value.strip() for value in term["values"].split(",")]
            expressions.append({"key": term["key"], "operator": "In" if term["set"] == "in" else "NotIn", "values": values})
        elif term["sign"] == "!=":
            expressions.append({"key": term["key"], "operator": "NotIn", "values": [term["value"]]})
        elif term["sign"] and term["key"] not in labels:
            labels[term["key"]] = term["value"]
        elif term["sign"]:
            expressions.append({"key": term["key"], "operator": "In", "values": [term["value"]]})
        else:
            expressions.append({"key": term["key"], "operator": "Exists"})
    selector: dict[str, Any] = {"matchLabels": labels} if labels else {}
    return selector | ({"matchExpressions": expressions} if expressions else {})


def _trigger(spec: Mapping[str, Any]) -> dict[str, Any]:
    changed = {"sourceClusterSelector" if key == "clusterSelector" else key: value for key, value in spec.items()}
    # It was the default there, and is not today.
    return changed if "oneForEvent" in changed else {**changed, "oneForEvent": True}


def _nested(spec: Mapping[str, Any], remarks: list[str], script: str) -> dict[str, Any]:
    """The fields of the one kind that was selected become the one entry of resourceSelectors."""
    if "resourceSelectors" in spec or "kind" not in spec:
        return dict(spec)
    entry = {key: spec[key] for key in _FLAT if key in spec}
    if "script" in spec and script:
        entry[script] = spec["script"]
    changed: dict[str, Any] = {}
    for key, value in spec.items():
        if key in entry or (key == "script" and script):
            changed.setdefault("resourceSelectors", [entry])
        else:
            changed[key] = value
    missing = [key for key in ("group", "version") if key not in entry]
    remarks += [f"the selector needs {key}" for key in missing]
    return changed


def _with_evaluate(spec: Mapping[str, Any], field: str) -> dict[str, Any]:
    """The filter of a selector was called script."""
    entries = spec.get(field)
    if not isinstance(entries, list):
        return dict(spec)
    renamed = [
        {"evaluate" if key == "script" else key: value for key, value in entry.items()}
        if isinstance(entry, dict) and "script" in entry and "evaluate" not in entry
        else entry
        for entry in entries
    ]
    return {**spec, field: renamed}


def _health(spec: Mapping[str, Any], remarks: list[str]) -> dict[str, Any]:
    flat = "resourceSelectors" not in spec
    changed = _with_evaluate(_nested(spec, remarks, ""), "resourceSelectors")
    script = changed.get("script")
    if not isinstance(script, str) or "evaluateHealth" in changed:
        return changed
    # The old script judged one object, the new one is given all of them.
    text = _WRAPPED.format(script=script.rstrip("\n")) if flat else script
    return {"evaluateHealth" if key == "script" else key: text if key == "script" else value for key, value in changed.items()}


def _classifier(spec: Mapping[str, Any], remarks: list[str]) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    for key, value in spec.items():
        if key == "kubernetesVersion" and isinstance(value, dict):
            changed["kubernetesVersionConstraints"] = [value]
        elif key in ("deployedResources", "deployedResourceConstraints") and isinstance(value, list):
            changed["deployedResourceConstraint"] = _constraint(value, remarks)
        else:
            changed[key] = value
    return changed


def _constraint(entries: list[Any], remarks: list[str]) -> dict[str, Any]:
    selectors, counts = [], []
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        kept = {key: entry[key] for key in (*_FLAT, "evaluate") if key in entry}
        selectors.append(kept | ({"evaluate": entry["script"]} if "script" in entry else {}))
        counts.append((entry.get("minCount"), entry.get("maxCount")))
        if entry.get("fieldFilters"):
            remarks.append("fieldFilters have no successor: write the condition as a rule of evaluateCEL")
    constraint: dict[str, Any] = {"resourceSelectors": selectors}
    if not any(least or most for least, most in counts):
        return constraint
    if len(counts) > 1:
        remarks.append("minCount and maxCount of several resources: count them in aggregatedClassification")
        return constraint
    least, most = counts[0]
    terms = [f"count >= {least}"] * bool(least) + [f"count <= {most}"] * bool(most)
    return {**constraint, "aggregatedClassification": _COUNTED.format(condition=" and ".join(terms))}


def _with_text_values(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Values of charts were a mapping, and are its text."""
    charts = spec.get("helmCharts")
    if not isinstance(charts, list):
        return dict(spec)
    return {**spec, "helmCharts": [_chart(chart) for chart in charts]}


def _chart(chart: Any) -> Any:
    if not isinstance(chart, dict) or not isinstance(chart.get("values"), dict):
        return chart
    return {**chart, "values": yaml_text(chart["values"])}


def _references(value: Any) -> Any:
    """References to Sveltos' objects name the version, too."""
    if isinstance(value, dict):
        return {
            key: f"{held.partition('/')[0]}/{SVELTOS_VERSION}"
            if key == "apiVersion" and isinstance(held, str) and held in (f"{CONFIG_GROUP}/v1alpha1", f"{LIB_GROUP}/v1alpha1")
            else _references(held)
            for key, held in value.items()
        }
    return [_references(entry) for entry in value] if isinstance(value, list) else value
