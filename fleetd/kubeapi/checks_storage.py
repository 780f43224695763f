"""What the server refuses of claims, volumes and their classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fleetd.kubeapi.defaults_pods import struct
from fleetd.kubeapi.quantities import amount
from fleetd.kubeapi.refusals import Cause
from fleetd.kubeapi.rules import (
    immutable,
    name_faults,
    not_allowed,
    qualified_name_causes,
    required,
    unsupported,
    wrong_value,
)
from fleetd.kubeapi.rules_selectors import selector_causes

Body = Mapping[str, Any]
MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
VOLUME_MODES = ("Block", "Filesystem")
RECLAIMS = ("Delete", "Recycle", "Retain")
BINDINGS = ("Immediate", "WaitForFirstConsumer")
SOURCES = {
    "capacity",
    "accessModes",
    "persistentVolumeReclaimPolicy",
    "volumeMode",
    "storageClassName",
    "claimRef",
    "mountOptions",
    "nodeAffinity",
}
CLAIM_FIXED = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
NEEDED = {"nfs": ("server", "path"), "csi": ("driver", "volumeHandle"), "hostPath": ("path",), "local": ("path",)}


def claim(body: Body, live: Body | None) -> Iterator[Cause]:
    """PersistentVolumeClaims."""
    yield from _claimed(body["spec"])
    if live is not None:
        yield from _kept(body, live)


def _claimed(spec: Body) -> Iterator[Cause]:
    if not spec.get("accessModes"):
        yield required("spec.accessModes", "at least 1 access mode is required")
    yield from selector_causes("spec.selector", struct(dict(spec), "selector"))
    yield from _modes(spec)
    requests, here = struct(struct(dict(spec), "resources"), "requests"), "spec.resources[storage]"
    if "storage" not in requests:
        yield required(here)
    elif amount(requests["storage"]) <= 0:
        yield wrong_value(here, str(requests["storage"]), "must be greater than zero")
    yield from _class_and_mode(spec)


def _modes(spec: Body) -> Iterator[Cause]:
    modes = spec.get("accessModes") or ()
    for mode in modes:
        if mode not in MODES:
            yield unsupported("spec.accessModes", mode, MODES)
    if "ReadWriteOncePod" in modes and len(set(modes) & set(MODES)) > 1:
        yield not_allowed("spec.accessModes", "may not use ReadWriteOncePod with other access modes")


def _class_and_mode(spec: Body) -> Iterator[Cause]:
    name = spec.get("storageClassName")
    for why in name_faults("storageclasses", name) if name else ():
        yield wrong_value("spec.storageClassName", str(name), why)
    if spec.get("volumeMode", "Filesystem") not in VOLUME_MODES:
        yield unsupported("spec.volumeMode", spec["volumeMode"], VOLUME_MODES)


def _kept(body: Body, live: Body) -> Iterator[Cause]:
    spec, before, bound = body["spec"], live["spec"], live["status"].get("phase") == "Bound"
    free = {"resources", "volumeAttributesClassName"} if bound else set()
    free |= {key for key in ("volumeName", "storageClassName") if not before.get(key)}
    if any(before.get(key) != spec.get(key) for key in (before.keys() | spec.keys()) - free):
        yield not_allowed("spec", CLAIM_FIXED)
    had = amount((live["status"].get("capacity") or {}).get("storage", "0"))
    if _storage(spec) < _storage(before) and _storage(spec) <= had:
        yield not_allowed("spec.resources.requests.storage", "field can not be less than status.capacity")
    if before.get("volumeMode") != spec.get("volumeMode"):
        yield immutable("volumeMode", str(spec.get("volumeMode")))


def _storage(spec: Body) -> Any:
    return amount((struct(dict(spec), "resources").get("requests") or {}).get("storage", "0"))


def volume(body: Body, live: Body | None) -> Iterator[Cause]:
    """PersistentVolumes."""
    spec = body["spec"]
    if not spec.get("accessModes"):
        yield required("spec.accessModes")
    yield from _modes(spec)
    yield from _capacity(spec.get("capacity") or {})
    policy = spec.get("persistentVolumeReclaimPolicy", "Retain")
    if policy not in RECLAIMS:
        yield unsupported("spec.persistentVolumeReclaimPolicy", policy, RECLAIMS)
    sources = [key for key in spec if key not in SOURCES and isinstance(spec[key], dict)]
    for source in sources[:1]:
        for key in NEEDED.get(source, ()):
            if not spec[source].get(key):
                yield required(f"spec.{source}.{key}")
    for more in sources[1:]:
        yield not_allowed(f"spec.{more}", "may not specify more than one volume type")
    if not sources:
        yield required("spec", "must specify a volume type")
    if policy == "Recycle" and (spec.get("hostPath") or {}).get("path") == "/":
        yield not_allowed("spec.persistentVolumeReclaimPolicy", "may not be 'recycle' for a hostPath mount of '/'")
    yield from _class_and_mode(spec)
    if live is not None and any(live["spec"].get(key) != spec.get(key) for key in {*sources, *(set(live["spec"]) - SOURCES)}):
        why = "spec.persistentvolumesource is immutable after creation"
        yield not_allowed("spec.persistentvolumesource", why)


def _capacity(capacity: Body) -> Iterator[Cause]:
    if not capacity:
        yield required("spec.capacity")
    elif set(capacity) != {"storage"}:
        yield unsupported("spec.capacity", dict(sorted(capacity.items())), ("storage",))
    for name, value in capacity.items():
        if amount(value) <= 0:
            yield wrong_value(f"spec.capacity[{name}]", str(value), "must be greater than zero")


def storage_class(body: Body, live: Body | None) -> Iterator[Cause]:
    """StorageClasses: where volumes come from cannot be changed."""
    provisioner = body.get("provisioner", "")
    if not provisioner:
        yield required("provisioner")
    else:
        yield from qualified_name_causes("provisioner", provisioner.lower(), provisioner)
    for key, known in (("reclaimPolicy", ("Delete", "Retain")), ("volumeBindingMode", BINDINGS)):
        if body.get(key) not in (None, *known):
            yield unsupported(key, body[key], known)
    if live is None:
        return
    for key in ("parameters", "provisioner", "reclaimPolicy"):
        if body.get(key) != live.get(key):
            yield not_allowed(key, f"updates to {key} are forbidden.")
    if body.get("volumeBindingMode") != live.get("volumeBindingMode"):
        yield immutable("volumeBindingMode", str(body.get("volumeBindingMode")))
