"""Declared objects, as the store gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fleetd.domain.objects import Manifest
from fleetd.domain.refs import ObjectRef
from fleetd.domain.states import DeclaredState


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredObject:
    """An object of the management plane. `manifest` is whole, with the server's metadata (uid, resourceVersion, managedFields …)."""

    ref: ObjectRef
    manifest: Manifest = field(repr=False)
    uid: str
    resource_version: int
    generation: int
    created_at: datetime
    updated_at: datetime
    state: DeclaredState = DeclaredState.READY
    reason: str = ""
    unsupported: tuple[str, ...] = ()
    status: Mapping[str, Any] = field(default_factory=dict)

    @property
    def deleting(self) -> bool:
        return bool((self.manifest.get("metadata") or {}).get("deletionTimestamp"))
