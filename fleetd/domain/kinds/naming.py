"""apiVersion and kind: whether they name something, and what was meant when they do not."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from fleetd.domain.kinds.mistakes import Mistake
from fleetd.domain.kinds.registry import CONFIG_GROUP, KINDS, LIB_GROUP, SVELTOS_VERSION
from fleetd.domain.objects import gvk_of
from fleetd.domain.refs import GroupVersionKind

_DEAD = {
    "EventBasedAddOn": "its place has been taken by EventTrigger",
    "Snapshot": "keep the declared objects in a repository instead",
    "AddonCompliance": "its place has been taken by validateHealths of a profile",
}
_SVELTOS_GROUPS = (CONFIG_GROUP, LIB_GROUP)


def naming_mistake(manifest: Mapping[str, Any]) -> Mistake | None:
    """What is wrong with apiVersion and kind, or None when they name a kind that has a model."""
    for name in ("apiVersion", "kind"):
        value = manifest.get(name)
        if value is None or value == "":
            near = difflib.get_close_matches(name, [str(key) for key in manifest], n=1)
            return Mistake((), "FD002", f"{name} is missing", f"did you mean it by {near[0]!r}?" if near else "")
        if not isinstance(value, str):
            return Mistake((name,), "FD104", f"{name} must be text", "put it into quotes")
    gvk = gvk_of(manifest)
    if gvk in KINDS:
        return None
    return _dead_or_removed(gvk) or _misspelt(gvk)


def _dead_or_removed(gvk: GroupVersionKind) -> Mistake | None:
    if gvk.kind in _DEAD and (gvk.group in _SVELTOS_GROUPS or gvk.group.endswith(".projectsveltos.io")):
        return Mistake(("kind",), "FD005", f"{gvk.kind} is no longer a kind of Sveltos", _DEAD[gvk.kind])
    if gvk.group in _SVELTOS_GROUPS and gvk.version == "v1alpha1":
        return Mistake(("apiVersion",), "FD004", f"{gvk.api_version} was removed", f"write {gvk.group}/{SVELTOS_VERSION}")
    return None


def _misspelt(gvk: GroupVersionKind) -> Mistake:
    same_kind = [known for known in KINDS if known.kind.lower() == gvk.kind.lower()]
    if same_kind:
        near = difflib.get_close_matches(gvk.api_version, [known.api_version for known in same_kind], n=1, cutoff=0)
        meant = next(known for known in same_kind if known.api_version == near[0])
        if meant.kind != gvk.kind:
            return Mistake(("kind",), "FD003", f"there is no kind {gvk.kind!r}", f"write {meant.kind}, with a capital where it has one")
        if gvk.group in ("", meant.group) or _resembles(gvk.group, meant.group):
            return Mistake(("apiVersion",), "FD003", f"{gvk.api_version} has no kind {gvk.kind}", f"write {meant.api_version}")
        return Mistake(("kind",), "FD003", f"fleetd does not take the kind {gvk}", "")
    near_kinds = difflib.get_close_matches(gvk.kind, [known.kind for known in KINDS if known.group == gvk.group], n=1, cutoff=0.75)
    fix = f"did you mean {near_kinds[0]!r}?" if near_kinds else ""
    return Mistake(("kind",), "FD003", f"fleetd does not take the kind {gvk}", fix)


def _resembles(group: str, other: str) -> bool:
    return difflib.SequenceMatcher(None, group, other).ratio() > 0.6
