"""CustomResourceDefinitions: the kinds that they define, served as soon as they are stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fleetd.kubeapi.builtin import SCALE, STATUS
from fleetd.kubeapi.kinds import Kind, Kinds
from fleetd.kubeapi.storage import Change, Record

CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"
VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
Body = Mapping[str, Any]


def defaults(body: dict[str, Any]) -> None:
    """The names that follow from the kind, and how versions are converted: not at all."""
    spec = body.setdefault("spec", {})
    names = spec.setdefault("names", {})
    kind = str(names.get("kind", ""))
    names.setdefault("singular", kind.lower())
    if kind:
        names.setdefault("listKind", f"{kind}List")
    spec.setdefault("conversion", {"strategy": "None"})


def unestablished(body: dict[str, Any]) -> None:
    """The status of a new definition."""
    stored = [version["name"] for version in body["spec"].get("versions") or () if version.get("storage")]
    body["status"] = {"conditions": None, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": stored}


def kinds_of(definition: Body) -> list[Kind]:
    """The kinds that a definition serves: one for each version, the storage version first."""
    spec = definition["spec"]
    served = [version for version in spec.get("versions") or () if version.get("served")]
    return [_kind(spec, version) for version in sorted(served, key=lambda version: not version.get("storage"))]


def _kind(spec: Body, version: Body) -> Kind:
    names = spec["names"]
    below = version.get("subresources") or {}
    subresources = tuple(one for one, path in ((STATUS, "status"), (SCALE, "scale")) if path in below)
    return Kind(
        spec["group"],
        version["name"],
        names["kind"],
        names["plural"],
        namespaced=spec.get("scope") == "Namespaced",
        singular=names.get("singular", ""),
        verbs=VERBS,
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        subresources=subresources,
        fields=tuple(str(one.get("jsonPath", "")).removeprefix(".") for one in version.get("selectableFields") or ()),
        custom=True,
        columns=tuple(version.get("additionalPrinterColumns") or ()),
        list_kind=names.get("listKind", ""),
        schema=(version.get("schema") or {}).get("openAPIV3Schema") or {},
        scaled_by=_scaled_by(below.get("scale") or {}),
        warning=_warning(spec, version),
    )


def _scaled_by(scale: Body) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    wanted, there, chosen = (
        tuple(str(scale.get(key) or "").lstrip(".").split(".")) for key in ("specReplicasPath", "statusReplicasPath", "labelSelectorPath")
    )
    return wanted, there, chosen if chosen != ("",) else ()


def _warning(spec: Body, version: Body) -> str:
    if not version.get("deprecated"):
        return ""
    return str(version.get("deprecationWarning") or f"{spec['group']}/{version['name']} {spec['names']['kind']} is deprecated")


class Definitions:
    """Keeps the table of kinds in step with the stored definitions."""

    def __init__(self, kinds: Kinds, dropped: Callable[[str], None]) -> None:
        """`dropped` hears of each resource that is served no more, or otherwise than before."""
        self._kinds = kinds
        self._dropped = dropped

    def tell(self, change: Change) -> None:
        """Follows the changes of a storage."""
        if change.resource != DEFINITIONS:
            return
        before, after = _served(change.before), _served(change.after)
        if before == after:
            return
        if before is not None:
            resource = f"{before['names']['plural']}.{before['group']}"
            self._kinds.drop(resource)
            self._dropped(resource)
        if change.after is not None:
            self.take(change.after)

    def take(self, definition: Record) -> None:
        """Serves what a definition defines."""
        if _served(definition) is not None:
            self._kinds.add(kinds_of(definition.body))


def _served(definition: Record | None) -> Body | None:
    """What the table of kinds depends on; None where nothing is served."""
    if definition is None or not any(
        one.get("type") == "Established" and one.get("status") == "True"
        for one in definition.body.get("status", {}).get("conditions") or ()
    ):
        return None
    spec: Body = definition.body["spec"]
    return spec
