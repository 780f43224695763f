"""Objects out of files, whole: with their status and all that a server wrote, unlike what is declared."""

from __future__ import annotations

from dataclasses import dataclass

from fleetd.domain.errors import InvalidInput
from fleetd.domain.json_reader import read_json
from fleetd.domain.objects import Manifest
from fleetd.domain.yaml_reader import read_yaml

CLUSTER = "fleetd.io/cluster"
"""Annotation of an object, or of a list of them, in a file: the cluster that it stands on, as namespace/name or as a name."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An object, the cluster that it says it stands on (empty where neither it nor its list says one), and its place in a file."""

    manifest: Manifest
    cluster: str
    place: str


def read_objects(text: str, *, source: str) -> list[Manifest]:
    """The objects of a YAML or JSON text; lists are taken apart.

    Raises:
        InvalidInput: the text cannot be read, or something in it is no object; the sentence says where.
    """
    raw = read_json(text)
    documents = read_yaml(text, source=source) if raw is None else raw
    return [_object(one, f"{source}:{document.line}{where}") for document in documents for where, one in _entries(document.value)]


def read_placed(text: str, *, source: str) -> list[Placed]:
    """The same with the cluster that each object says it stands on.

    Raises:
        InvalidInput: as `read_objects` does.
    """
    raw = read_json(text)
    found = []
    for document in read_yaml(text, source=source) if raw is None else raw:
        common = _cluster_of(document.value)
        for where, one in _entries(document.value):
            place = f"{source}:{document.line}:1{where}"
            manifest = _object(one, place)
            found.append(Placed(_unplaced(manifest), _cluster_of(manifest) or common, place))
    return found


def _cluster_of(value: object) -> str:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    return str(annotations.get(CLUSTER) or "") if isinstance(annotations, dict) else ""


def _unplaced(manifest: Manifest) -> Manifest:
    """Without the annotation: no cluster has it."""
    metadata = manifest["metadata"]
    annotations = metadata.get("annotations")
    if not isinstance(annotations, dict) or CLUSTER not in annotations:
        return manifest
    kept = {key: value for key, value in annotations.items() if key != CLUSTER}
    rest = {key: value for key, value in metadata.items() if key != "annotations"}
    return {**manifest, "metadata": {**rest, "annotations": kept} if kept else rest}


def _entries(value: object) -> list[tuple[str, object]]:
    if not isinstance(value, dict) or not isinstance(value.get("items"), list) or not str(value.get("kind")).endswith("List"):
        return [("", value)]
    kind = str(value["kind"])
    # A typed list (`ConfigMapList`) leaves out what its entries are.
    named = {"apiVersion": value.get("apiVersion"), "kind": kind.removesuffix("List")} if kind != "List" else {}
    return [(f", items[{index}]", {**named, **item} if isinstance(item, dict) else item) for index, item in enumerate(value["items"])]


def _object(value: object, place: str) -> Manifest:
    if not isinstance(value, dict):
        raise InvalidInput(f"{place}: an object is a mapping with apiVersion, kind and metadata")
    for name in ("apiVersion", "kind"):
        if not isinstance(value.get(name), str) or not value[name]:
            raise InvalidInput(f"{place}: the object has no {name}")
    metadata = value.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str) or not metadata["name"]:
        raise InvalidInput(f"{place}: the object has no metadata.name")
    labels = metadata.get("labels") or {}
    if not isinstance(metadata.get("namespace") or "", str):
        raise InvalidInput(f"{place}: metadata.namespace is a text")
    if not isinstance(labels, dict) or not all(isinstance(label, str) for label in labels.values()):
        raise InvalidInput(f"{place}: metadata.labels is a mapping of texts; put numbers and true or false into quotes")
    return value
