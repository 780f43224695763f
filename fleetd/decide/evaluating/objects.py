"""Objects out of files, whole: with their status and all that a server wrote, unlike what is declared."""

from __future__ import annotations

from fleetd.domain.errors import InvalidInput
from fleetd.domain.json_reader import read_json
from fleetd.domain.objects import Manifest
from fleetd.domain.yaml_reader import read_yaml


def read_objects(text: str, *, source: str) -> list[Manifest]:
    """The objects of a YAML or JSON text; lists are taken apart.

    Raises:
        InvalidInput: the text cannot be read, or something in it is no object; the sentence says where.
    """
    raw = read_json(text)
    documents = read_yaml(text, source=source) if raw is None else raw
    return [_object(one, f"{source}:{document.line}{where}") for document in documents for where, one in _entries(document.value)]


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
