"""Manifests at rest: each body once per digest, compressed; what belongs to a Secret encrypted."""

from __future__ import annotations

import copy
import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from fleetd.domain.errors import GiveUp
from fleetd.domain.objects import Manifest, holds_secrets
from fleetd.domain.refs import ObjectRef, is_secret
from fleetd.store.crypto import MasterKey

REDACTED = "<redacted>"
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True, slots=True)
class Body:
    """A row of `bodies`."""

    digest: str
    encrypted: bool
    content: bytes


def json_bytes(value: Any) -> bytes:
    """JSON, tolerant of what a cluster may send: lone surrogates and integers of any size."""
    try:
        return orjson.dumps(value)
    except TypeError:
        # The slow writer takes what orjson refuses; a manifest of that sort is rare.
        import json

        return json.dumps(value, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def json_value(text: str | bytes) -> Any:
    """Reads what `json_bytes` wrote."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        import json

        return json.loads(text)


def pack(manifest: Manifest, ref: ObjectRef, key: MasterKey) -> Body:
    """The row that keeps a manifest."""
    text = json_bytes(manifest)
    packed = zlib.compress(text, 1)
    if not is_secret(ref) and not holds_secrets(manifest):
        return Body(hashlib.blake2b(text, digest_size=16).hexdigest(), False, packed)
    digest = key.digest(text)
    return Body(digest, True, key.seal(packed, table="bodies", row=digest))


def unpack(row: Mapping[str, Any], key: MasterKey | None) -> Manifest:
    """The manifest that a row keeps.

    Raises:
        GiveUp: it is encrypted, and this is not the key.
    """
    content = bytes(row["content"])
    if row["encrypted"]:
        if key is None:
            raise GiveUp("this object is encrypted, and no master key was given")
        content = key.unseal(content, table="bodies", row=row["digest"])
    manifest: Manifest = json_value(zlib.decompress(content))
    return manifest


def redacted(manifest: Manifest) -> Manifest:
    """A Secret without its values: which keys it has stays to be seen."""
    shown = copy.copy(manifest)
    for part in ("data", "stringData"):
        if part in shown:
            shown[part] = dict.fromkeys(shown[part], REDACTED) if isinstance(shown[part], dict) else REDACTED
    metadata = shown.get("metadata")
    if isinstance(metadata, dict) and _LAST_APPLIED in (metadata.get("annotations") or {}):
        shown["metadata"] = {**metadata, "annotations": {**metadata["annotations"], _LAST_APPLIED: REDACTED}}
    return shown
