"""Makes of an operator's kubeconfig one that stands alone: one context, no files, no programs."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from fleetd.cluster.kubeconfig import Access, ExecPlugin, Oidc, read_kubeconfig
from fleetd.domain.errors import InvalidInput

INLINED = "it"


def contexts(kubeconfig: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of all contexts, in their order."""
    entries = kubeconfig.get("contexts")
    return tuple(str(entry.get("name")) for entry in entries if isinstance(entry, Mapping)) if isinstance(entries, list) else ()


def self_contained(
    kubeconfig: Mapping[str, Any],
    context: str,
    *,
    read_file: Callable[[str], bytes],
    allowed_exec: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """A kubeconfig of the one context, with the contents of the files that it names.

    Args:
        read_file: gives a file's content; the caller knows which folder relative names begin at.
        allowed_exec: programs that may stay in it, as the kubeconfig writes them.

    Raises:
        InvalidInput: it needs a program that is not allowed, or cannot be read.
    """
    access = read_kubeconfig(kubeconfig, context, allow_files=True)
    if access.plugin is not None and access.plugin.command not in allowed_exec:
        raise InvalidInput(
            f"the kubeconfig runs {access.plugin.command!r} to get credentials, and the daemon runs no program unasked: "
            f"use --create-service-account, or allow it by --allow-exec {access.plugin.command}"
        )
    return kubeconfig_of(_inlined(access, read_file))


def kubeconfig_of(access: Access) -> dict[str, Any]:
    """The kubeconfig that `read_kubeconfig` reads back as this access; it has to be without files."""
    cluster: dict[str, Any] = {"server": access.server}
    _put(cluster, "certificate-authority-data", _base64(access.ca))
    _put(cluster, "tls-server-name", access.server_name)
    _put(cluster, "proxy-url", access.proxy)
    _put(cluster, "insecure-skip-tls-verify", not access.verify)
    user: dict[str, Any] = {}
    _put(user, "client-certificate-data", _base64(access.certificate))
    _put(user, "client-key-data", _base64(access.key))
    _put(user, "token", access.token)
    _put(user, "username", access.username)
    _put(user, "password", access.password)
    _put(user, "exec", _exec(access.plugin))
    _put(user, "auth-provider", _provider(access.oidc))
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": INLINED, "cluster": cluster}],
        "users": [{"name": INLINED, "user": user}],
        "contexts": [{"name": INLINED, "context": {"cluster": INLINED, "user": INLINED}}],
        "current-context": INLINED,
    }


def loopback(server: str) -> bool:
    """Whether the address leads to this very machine, and so to nowhere from another one."""
    host = urlsplit(server).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _inlined(access: Access, read_file: Callable[[str], bytes]) -> Access:
    return Access(
        server=access.server,
        ca=access.ca or _content(access.ca_file, read_file),
        certificate=access.certificate or _content(access.certificate_file, read_file),
        key=access.key or _content(access.key_file, read_file),
        token=access.token or _content(access.token_file, read_file).decode("ascii", "replace").strip(),
        username=access.username,
        password=access.password,
        plugin=access.plugin,
        oidc=access.oidc,
        server_name=access.server_name,
        verify=access.verify,
        proxy=access.proxy,
    )


def _content(path: str, read_file: Callable[[str], bytes]) -> bytes:
    if not path:
        return b""
    try:
        return read_file(path)
    except OSError as problem:
        raise InvalidInput(f"the kubeconfig names {path}, which cannot be read ({problem.strerror})") from None


def _put(holder: dict[str, Any], key: str, value: Any) -> None:
    if value:
        holder[key] = value


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _exec(plugin: ExecPlugin | None) -> dict[str, Any] | None:
    if plugin is None:
        return None
    env = [{"name": name, "value": value} for name, value in plugin.env.items()]
    return {
        "command": plugin.command,
        "args": list(plugin.args),
        "env": env,
        "apiVersion": plugin.api_version,
        "interactiveMode": "Never",
    }


def _provider(oidc: Oidc | None) -> dict[str, Any] | None:
    if oidc is None:
        return None
    config: dict[str, Any] = {"idp-issuer-url": oidc.issuer, "client-id": oidc.client_id}
    _put(config, "client-secret", oidc.client_secret)
    _put(config, "refresh-token", oidc.refresh_token)
    _put(config, "id-token", oidc.id_token)
    _put(config, "idp-certificate-authority-data", _base64(oidc.ca))
    return {"name": "oidc", "config": config}
