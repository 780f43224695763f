"""Which fields of an object change, with their values as far as they may be told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fleetd.decide.digest import canonical
from fleetd.decide.ownership import HASH, Owned
from fleetd.decide.previewing.results import FieldChange
from fleetd.domain.objects import Manifest, holds_secrets

MOST_FIELDS = 30
LONGEST_VALUE = 200
_ABSENT = object()
_TOLD_BY_OTHERS = ("metadata", "annotations", HASH)
"""It changes whenever anything does."""

Path = tuple[str, ...]


def changed_fields(before: Owned, after: Owned) -> tuple[FieldChange, ...]:
    """The leaves that differ; lists are compared as a whole. The rest of more than 30 is one entry that counts them."""
    secret = holds_secrets(before.manifest) or holds_secrets(after.manifest) or _from_secret(before) or _from_secret(after)
    found = [(path, was, now) for path, was, now in _differences(before.manifest, after.manifest, ()) if path != _TOLD_BY_OTHERS]
    told = [_told(path, was, now, secret=secret) for path, was, now in found[:MOST_FIELDS]]
    if len(found) > MOST_FIELDS:
        told.append(FieldChange(f"and {len(found) - MOST_FIELDS} more", "", ""))
    return tuple(told)


def _from_secret(item: Owned) -> bool:
    return item.addon.startswith("Secret/")


def _differences(before: Manifest, after: Manifest, path: Path) -> Iterator[tuple[Path, Any, Any]]:
    for name in sorted({*before, *after}):
        was, now = before.get(name, _ABSENT), after.get(name, _ABSENT)
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            yield from _differences(dict(was), dict(now), (*path, name))
        elif was is _ABSENT or now is _ABSENT or canonical(was) != canonical(now):
            yield (*path, name), was, now


def _told(path: Path, was: Any, now: Any, *, secret: bool) -> FieldChange:
    withheld = secret and path[0] not in ("metadata", "apiVersion", "kind", "type")
    if withheld:
        return FieldChange(_path(path), "", "", withheld=True)
    return FieldChange(_path(path), _value(was), _value(now))


def _path(path: Path) -> str:
    return "".join(f"[{name}]" if "." in name or "/" in name else f".{name}" for name in path).removeprefix(".")


def _value(value: Any) -> str:
    if value is _ABSENT:
        return ""
    text = canonical(value).decode("utf-8", "replace")
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
