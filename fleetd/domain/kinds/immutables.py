"""Fields that may not change once they stand."""

from __future__ import annotations

from typing import Any

from fleetd.domain.kinds.mistakes import Mistake
from fleetd.domain.kinds.registry import LIB_GROUP
from fleetd.domain.objects import Manifest, gvk_of
from fleetd.domain.refs import GroupKind

_ABSENT = object()

_FIELDS: dict[GroupKind, tuple[tuple[str, ...], ...]] = {
    GroupKind(LIB_GROUP, "EventTrigger"): (("spec", "oneForEvent"),),
    GroupKind(LIB_GROUP, "SveltosCluster"): (("spec", "pullMode"),),
    GroupKind("", "Secret"): (("type",),),
}
_SEALED = {
    GroupKind("", "ConfigMap"): ("data", "binaryData", "immutable"),
    GroupKind("", "Secret"): ("data", "stringData", "immutable"),
}


def immutable_violations(old: Manifest, new: Manifest) -> list[Mistake]:
    """Changes between two states of one object that its kind does not allow; both with defaults.

    As with the schema's transition rules, a field may be added or removed; only another value is refused. A ConfigMap or
    Secret with `immutable: true` keeps its data for good.
    """
    group_kind = gvk_of(new).group_kind
    found = []
    for path in _FIELDS.get(group_kind, ()):
        before, after = _value(old, path), _value(new, path)
        if _ABSENT not in (before, after) and before != after:
            name = ".".join(path)
            found.append(Mistake(path, "FD107", f"{name} cannot change from {before} to {after}", "delete the object and make it anew"))
    if old.get("immutable") is True:
        found.extend(
            Mistake((name,), "FD107", f"{name} cannot change: the {group_kind.kind} is immutable", "make one of another name")
            for name in _SEALED.get(group_kind, ())
            if (old.get(name) or {}) != (new.get(name) or {})
        )
    return found


def _value(manifest: Manifest, path: tuple[str, ...]) -> Any:
    value: Any = manifest
    for step in path:
        if not isinstance(value, dict) or value.get(step) is None:
            return _ABSENT
        value = value[step]
    return value
