"""What is kept of an object that was looked at on its cluster: redacted before it is written, condensed, and never large."""

from __future__ import annotations

from typing import Any

from fleetd.domain.inspection import Look
from fleetd.domain.objects import Manifest
from fleetd.service.foreign import WITHHELD, plain_text, plain_value
from fleetd.store.bodies import json_bytes

MOST_BYTES = 16_000
MOST_FIELDS = 20
MOST_MANAGERS = 20
MOST_KEYS = 100
_COPIES = ("kubectl.kubernetes.io/last-applied-configuration",)
"""Annotations that repeat the whole object, values and all."""
_CONTENTS = ("data", "stringData", "binaryData")


def shown(look: Look) -> str:
    """The answer to an inspection, as JSON.

    Its parts: `manifest` without managedFields, `managers` for them, `left` (true, false, or null where the object is none of
    fleetd's), `differs` and `more_differ`, `cut` (the paths of what was too large), `digests` (of a Secret's values),
    `resource_version`, `deleting`.
    """
    metadata = look.live.get("metadata") or {}
    manifest, cut = _fitted(_redacted(_condensed(look.live), look))
    hide = look.secretive
    differs = [
        {"path": plain_text(one.path, most=200), "wanted": _value(one.wanted, hide=hide), "found": _value(one.found, hide=hide)}
        for one in look.differs[:MOST_FIELDS]
    ]
    answer = {
        "manifest": manifest,
        "managers": _managers(metadata.get("managedFields") or ()),
        "left": look.left,
        "differs": differs,
        "more_differ": max(0, len(look.differs) - MOST_FIELDS),
        "cut": cut,
        "digests": _digests(look),
        "resource_version": plain_text(str(metadata.get("resourceVersion") or ""), most=40),
        "deleting": bool(metadata.get("deletionTimestamp")),
    }
    return json_bytes(answer).decode()


def _condensed(live: Manifest) -> Manifest:
    metadata = {key: value for key, value in (live.get("metadata") or {}).items() if key not in ("managedFields", "selfLink")}
    annotations = metadata.get("annotations")
    if isinstance(annotations, dict):
        metadata["annotations"] = {key: WITHHELD if key in _COPIES else value for key, value in annotations.items()}
    return {**live, "metadata": metadata}


def _redacted(live: Manifest, look: Look) -> Manifest:
    if not look.secretive:
        plain: Manifest = plain_value(live)
        return plain
    # Of what holds secrets, only what is known to be none.
    kept = {key: value for key, value in live.items() if key in ("apiVersion", "kind", "metadata", "type", "immutable")}
    shown: Manifest = plain_value(kept)
    for part, value in live.items():
        if part in _CONTENTS and isinstance(value, dict):
            shown[part] = dict.fromkeys((plain_text(str(key)) for key in value), WITHHELD)
        elif part not in kept:
            shown[plain_text(part)] = WITHHELD
    return shown


def _digests(look: Look) -> dict[str, str]:
    """Of each value that is withheld a digest, keyed so that nobody can confirm a guess: it tells whether two are the same."""
    if not look.secretive:
        return {}
    held = (
        (f"{part}.{key}", value) for part in _CONTENTS if isinstance(look.live.get(part), dict) for key, value in look.live[part].items()
    )
    return {plain_text(name, most=120): look.digest(value) for name, value in list(held)[:MOST_KEYS]}


def _value(text: str, *, hide: bool) -> str:
    return WITHHELD if hide else plain_text(text, most=200)


def _managers(entries: Any) -> list[str]:
    named = (
        f"{entry.get('manager', '')} {entry.get('operation', '')} {entry.get('time', '')}" for entry in entries if isinstance(entry, dict)
    )
    return [plain_text(one, most=120) for one in named][:MOST_MANAGERS]


def _fitted(manifest: Manifest) -> tuple[Manifest, list[str]]:
    """The largest parts are replaced by a word that says how large they were, until the whole is small enough."""
    cut: list[str] = []
    parts = _parts(manifest)
    while len(json_bytes(manifest)) > MOST_BYTES and parts:
        size, path = parts.pop()
        manifest = _replaced(manifest, path, f"[cut: {size} bytes]")
        cut.append(".".join(path))
    if len(json_bytes(manifest)) > MOST_BYTES:
        return {}, ["the whole object: it is too large in all its parts"]
    return manifest, cut


def _parts(manifest: Manifest) -> list[tuple[int, tuple[str, ...]]]:
    """Fields of the second level where there are such, else of the first; the largest last."""
    found: list[tuple[int, tuple[str, ...]]] = []
    for key, value in manifest.items():
        if isinstance(value, dict) and value:
            found += [(len(json_bytes(inner)), (key, name)) for name, inner in value.items()]
        else:
            found.append((len(json_bytes(value)), (key,)))
    return sorted(found)


def _replaced(manifest: Manifest, path: tuple[str, ...], word: str) -> Manifest:
    first, *rest = path
    if not rest:
        return {**manifest, first: word}
    return {**manifest, first: {**manifest[first], rest[0]: word}}
