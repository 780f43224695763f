"""Kubeconfig files, with everything inline."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from fleetd.sim.certificates import KeyPair


def token_credentials(token: str) -> dict[str, str]:
    """A user that shows a bearer token."""
    return {"token": token}


def certificate_credentials(pair: KeyPair) -> dict[str, str]:
    """A user that shows a client certificate."""
    return {"client-certificate-data": _base64(pair.certificate), "client-key-data": _base64(pair.key)}


def kubeconfig(cluster: str, url: str, authority: bytes | None, user: str, credentials: Mapping[str, str]) -> dict[str, Any]:
    """A kubeconfig with one context, named like the cluster."""
    trust = {} if authority is None else {"certificate-authority-data": _base64(authority)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": {"server": url, **trust}}],
        "users": [{"name": user, "user": dict(credentials)}],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": user, "namespace": "default"}}],
        "current-context": cluster,
    }


def merged(configs: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """All contexts in one; the first is the current one."""
    whole: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "clusters": [], "users": [], "contexts": [], "current-context": ""}
    for config in configs:
        for part in ("clusters", "users", "contexts"):
            whole[part].extend(config[part])
        whole["current-context"] = whole["current-context"] or config["current-context"]
    return whole


def write_private(path: Path, config: Mapping[str, Any]) -> None:
    """Writes the file so that only its owner can read it, at no moment anybody else."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        yaml.dump(dict(config), file, Dumper=yaml.CSafeDumper, sort_keys=False)
    fresh.replace(path)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
