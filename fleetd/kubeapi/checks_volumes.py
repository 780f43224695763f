"""What the server refuses of the volumes of a pod."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fleetd.kubeapi.defaults_pods import structs
from fleetd.kubeapi.quantities import amount
from fleetd.kubeapi.refusals import Cause
from fleetd.kubeapi.rules import duplicate, not_allowed, one_label_causes, required, unsupported, wrong, wrong_value

Body = Mapping[str, Any]
NAMED_BY = {"secret": "secretName", "configMap": "name", "persistentVolumeClaim": "claimName"}
HOST_PATHS = ("", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket")
NO_MODE = "must be a number between 0 and 0777 (octal), both inclusive"


def volumes(here: str, spec: Body, names: set[str]) -> Iterator[Cause]:
    """The volumes of a pod's spec; adds to `names` those that can be mounted, which have nothing wrong with them."""
    for number, volume in enumerate(structs(dict(spec), "volumes")):
        at, name = f"{here}.volumes[{number}]", volume.get("name", "")
        faults = [*_source(at, volume), *one_label_causes(f"{at}.name", name)]
        if name in names:
            faults.append(duplicate(f"{at}.name", name))
        yield from faults
        if not faults:
            names.add(name)


def _source(here: str, volume: Body) -> Iterator[Cause]:
    sources = [key for key, value in volume.items() if key != "name" and isinstance(value, dict)]
    for number, key in enumerate(sources):
        if number:
            yield not_allowed(f"{here}.{key}", "may not specify more than 1 volume type")
        else:
            yield from _one(f"{here}.{key}", key, volume[key])
    if not sources:
        yield required(here, "must specify a volume type")


def _one(here: str, kind: str, source: Body) -> Iterator[Cause]:
    if kind in NAMED_BY and not source.get(NAMED_BY[kind]):
        yield required(f"{here}.{NAMED_BY[kind]}")
    mode = source.get("defaultMode")
    if isinstance(mode, int) and not 0 <= mode <= 0o777:
        yield wrong(f"{here}.defaultMode", str(mode), NO_MODE)
    for number, item in enumerate(structs(dict(source), "items")):
        at = f"{here}.items[{number}]"
        if kind in ("secret", "configMap") and not item.get("key"):
            yield required(f"{at}.key")
        yield from _relative(f"{at}.path", item.get("path", ""))
    if kind == "emptyDir" and source.get("sizeLimit") is not None and amount(source["sizeLimit"]) < 0:
        yield not_allowed(f"{here}.sizeLimit", "SizeLimit field must be a valid resource quantity")
    if kind == "hostPath":
        yield from _host_path(here, source)


def _host_path(here: str, source: Body) -> Iterator[Cause]:
    path = source.get("path", "")
    if not path:
        yield required(f"{here}.path")
        return
    if ".." in path.split("/"):
        yield wrong_value(f"{here}.path", path, "must not contain '..'")
    if source.get("type", "") not in HOST_PATHS:
        yield unsupported(f"{here}.type", source["type"], HOST_PATHS)


def _relative(here: str, path: str) -> Iterator[Cause]:
    if not path:
        yield required(here)
    elif path.startswith("/"):
        yield wrong_value(here, path, "must be a relative path")
    if ".." in path.split("/"):
        yield wrong_value(here, path, "must not contain '..'")
