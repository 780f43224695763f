"""What a listener is told: which rows of which kind were committed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Touched:
    """A row that changed: kind and `ref` as in `fleet_changes`, `operation` put or remove; `cluster` where `ref` does not say it."""

    object_kind: str
    ref: str
    operation: str
    cluster: str = ""


@dataclass(frozen=True, slots=True)
class Changed:
    """Changes in their order; `lost` says that there were more than the store keeps, so that anything may have changed."""

    changes: tuple[Touched, ...]
    lost: bool = False
