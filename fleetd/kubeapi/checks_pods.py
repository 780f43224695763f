"""What the server refuses of pods, alone and in a template."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fleetd.kubeapi.checks_containers import containers, images_bare, tolerations
from fleetd.kubeapi.checks_volumes import volumes
from fleetd.kubeapi.defaults_pods import struct
from fleetd.kubeapi.refusals import Cause
from fleetd.kubeapi.rules import (
    annotation_causes,
    in_json,
    label_causes,
    name_faults,
    not_allowed,
    one_label_causes,
    required,
    unsupported,
    wrong,
    wrong_value,
)

Body = Mapping[str, Any]
RESTARTS = ("Always", "OnFailure", "Never")
DNS = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
MOST_SECONDS = 2**31 - 1
POD_FREE = {"activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "schedulingGates"}
POD_FIXED = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def pod_spec(path: str, spec: Body) -> Iterator[Cause]:
    """The spec of a Pod, or of a template's."""
    mountable: set[str] = set()
    seen: set[str] = set()
    yield from volumes(path, spec, mountable)
    if not spec.get("containers"):
        yield required(f"{path}.containers")
    for key in ("containers", "initContainers"):
        yield from containers(path, spec, key, mountable, seen)
    if spec.get("restartPolicy", "Always") not in RESTARTS:
        yield unsupported(f"{path}.restartPolicy", spec["restartPolicy"], RESTARTS)
    if spec.get("dnsPolicy", "Default") not in DNS:
        yield unsupported(f"{path}.dnsPolicy", spec["dnsPolicy"], DNS)
    yield from label_causes(struct(dict(spec), "nodeSelector"), f"{path}.nodeSelector")
    yield from _names(path, spec)
    seconds = spec.get("activeDeadlineSeconds")
    if isinstance(seconds, int) and not 1 <= seconds <= MOST_SECONDS:
        yield wrong(f"{path}.activeDeadlineSeconds", str(seconds), f"must be between 1 and {MOST_SECONDS}, inclusive")
    for key in ("hostname", "subdomain"):
        if spec.get(key):
            yield from one_label_causes(f"{path}.{key}", spec[key])
    yield from tolerations(path, spec)
    for why in name_faults("priorityclasses", spec.get("priorityClassName") or "x"):
        yield wrong_value(f"{path}.priorityClassName", spec["priorityClassName"], why)


def _names(path: str, spec: Body) -> Iterator[Cause]:
    for key, plural in (("serviceAccountName", "serviceaccounts"), ("nodeName", "nodes")):
        for why in name_faults(plural, spec.get(key) or "x"):
            yield wrong_value(f"{path}.{key}", spec[key], why)


def template_causes(path: str, template: Body, *, whole: bool = True) -> Iterator[Cause]:
    """A template of pods: its metadata, and where it is `whole` the pods' spec."""
    metadata = struct(dict(template), "metadata")
    yield from label_causes(struct(metadata, "labels"), f"{path}.labels")
    yield from annotation_causes(struct(metadata, "annotations"), f"{path}.annotations")
    if whole:
        yield from pod_spec(f"{path}.spec", struct(dict(template), "spec"))


def pod(body: Body, live: Body | None) -> Iterator[Cause]:
    """Of a pod that is there, only little may be changed."""
    spec = body["spec"]
    yield from pod_spec("spec", spec)
    yield from images_bare("spec", spec)
    if live is None:
        return
    before = live["spec"]
    for key in ("containers", "initContainers"):
        if len(spec.get(key) or ()) != len(before.get(key) or ()):
            yield not_allowed(f"spec.{key}", "pod updates may not add or remove containers")
            return
    yield from _deadline(spec.get("activeDeadlineSeconds"), before.get("activeDeadlineSeconds"))
    if not before.get("nodeName") and _fixed({**spec, "nodeName": ""}) == _fixed({**before, "nodeName": ""}):
        return
    if _fixed(spec) != _fixed(before):
        yield not_allowed("spec", POD_FIXED)
    elif any(one not in (spec.get("tolerations") or ()) for one in before.get("tolerations") or ()):
        yield not_allowed("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")


def _deadline(new: Any, old: Any) -> Iterator[Cause]:
    here = "spec.activeDeadlineSeconds"
    if old is not None and new is None:
        yield wrong(here, "null", "must not update from a positive integer to nil value")
    elif old is not None and new > old:
        yield wrong(here, in_json(new), "must be less than or equal to previous value")


def _fixed(spec: Body) -> dict[str, Any]:
    """What cannot be changed; where a pod runs is the scheduler's to say once."""
    kept = {key: value for key, value in spec.items() if key not in POD_FREE and key != "ephemeralContainers"}
    for key in ("containers", "initContainers"):
        if key in kept:
            kept[key] = [{name: value for name, value in one.items() if name != "image"} for one in kept[key]]
    return kept
