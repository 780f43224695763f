"""A kubeconfig, read strictly: what it may not hold is refused before any library sees it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from fleetd.domain.errors import InvalidInput

LARGEST_PEM = 256 * 1024
WEB = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True)
class ExecPlugin:
    """A program that prints credentials."""

    command: str
    args: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    api_version: str


@dataclass(frozen=True, slots=True)
class Oidc:
    """An identity provider that gives out tokens for a refresh token."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)
    id_token: str = field(repr=False)
    ca: bytes = field(repr=False, default=b"")


@dataclass(frozen=True, slots=True)
class Access:
    """One context of a kubeconfig: where the server is, and who we are to it. PEM is bytes, file names are as written."""

    server: str
    ca: bytes = field(repr=False, default=b"")
    ca_file: str = ""
    certificate: bytes = field(repr=False, default=b"")
    certificate_file: str = ""
    key: bytes = field(repr=False, default=b"")
    key_file: str = ""
    token: str = field(repr=False, default="")
    token_file: str = ""
    username: str = ""
    password: str = field(repr=False, default="")
    plugin: ExecPlugin | None = None
    oidc: Oidc | None = None
    server_name: str = ""
    verify: bool = True
    proxy: str = ""

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(path for path in (self.ca_file, self.certificate_file, self.key_file, self.token_file) if path)


def read_kubeconfig(kubeconfig: Mapping[str, Any], context: str = "", *, allow_files: bool = False) -> Access:
    """The named context, or the current one.

    Args:
        allow_files: whether it may name files of this machine. A kubeconfig that came from elsewhere may not: it could send
            any file that we can read to a server of its choice, as a token.

    Raises:
        InvalidInput: with the place and what to do; never with a value of the file.
    """
    chosen = _named(kubeconfig, "contexts", context or _text(kubeconfig, "current-context", "kubeconfig"), "context")
    cluster_name, user_name = _text(chosen, "cluster", "context"), _text(chosen, "user", "context")
    cluster = _named(kubeconfig, "clusters", cluster_name, "cluster")
    user = _named(kubeconfig, "users", user_name, "user") if user_name else {}
    _refuse(user)
    access = Access(
        server=_server(_text(cluster, "server", "cluster")),
        ca=_pem(cluster, "certificate-authority-data"),
        ca_file=_text(cluster, "certificate-authority", "cluster"),
        certificate=_pem(user, "client-certificate-data"),
        certificate_file=_text(user, "client-certificate", "user"),
        key=_pem(user, "client-key-data"),
        key_file=_text(user, "client-key", "user"),
        token=_token(_text(user, "token", "user")),
        token_file=_text(user, "tokenFile", "user") if not user.get("token") else "",
        username=_text(user, "username", "user"),
        password=_text(user, "password", "user"),
        plugin=_plugin(user.get("exec")),
        oidc=_oidc(user.get("auth-provider")),
        server_name=_text(cluster, "tls-server-name", "cluster"),
        verify=not _flag(cluster, "insecure-skip-tls-verify"),
        proxy=_proxy(_text(cluster, "proxy-url", "cluster")),
    )
    if access.files and not allow_files:
        raise InvalidInput(
            f"the kubeconfig names files of this machine ({', '.join(access.files)}): give their contents instead; "
            "`fleetd cluster register` does that"
        )
    if (access.certificate or access.certificate_file) and not (access.key or access.key_file):
        raise InvalidInput("the kubeconfig's user has a client certificate but no client key")
    return access


def _named(kubeconfig: Mapping[str, Any], section: str, name: str, inner: str) -> Mapping[str, Any]:
    entries = kubeconfig.get(section)
    if not isinstance(entries, list):
        raise InvalidInput(f"this is no kubeconfig: it has no list of {section}")
    found = [entry for entry in entries if isinstance(entry, Mapping) and entry.get("name") == name]
    if len(found) != 1:
        names = ", ".join(sorted(str(entry.get("name")) for entry in entries if isinstance(entry, Mapping))) or "none"
        raise InvalidInput(f"the kubeconfig has {len(found) or 'no'} {inner} named {name!r} (there are: {names})")
    body = found[0].get(inner)
    if body is None:
        return {}
    if not isinstance(body, Mapping):
        raise InvalidInput(f"the kubeconfig's {inner} {name!r} is no map")
    return body


def _text(holder: Mapping[str, Any], key: str, where: str) -> str:
    value = holder.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInput(f"the kubeconfig's {where} has a {key} that is no text")
    return value


def _flag(holder: Mapping[str, Any], key: str) -> bool:
    value = holder.get(key, False)
    if not isinstance(value, bool):
        raise InvalidInput(f"the kubeconfig's {key} is neither true nor false")
    return value


def _refuse(user: Mapping[str, Any]) -> None:
    for key in ("as", "as-uid", "as-groups", "as-user-extra"):
        if user.get(key):
            raise InvalidInput(f"the kubeconfig's user impersonates somebody ({key}): give that user's own credentials instead")


def _address(text: str, schemes: frozenset[str]) -> bool:
    """Whether this is scheme://host[:port][/path] and nothing more."""
    if not text.isascii() or any(character.isspace() or not character.isprintable() for character in text):
        return False
    try:
        parts = urlsplit(text)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return named and parts.scheme in schemes and not parts.query and not parts.fragment and parts.username is None


def _server(server: str) -> str:
    if not _address(server, WEB):
        raise InvalidInput("the kubeconfig's server is no plain http:// or https:// address")
    return server.rstrip("/")


def _proxy(proxy: str) -> str:
    if proxy and not _address(proxy, WEB):
        raise InvalidInput("the kubeconfig's proxy-url is no plain http:// or https:// address")
    return proxy


def _token(token: str) -> str:
    stripped = token.strip()
    if not stripped.isascii() or any(character.isspace() for character in stripped):
        raise InvalidInput("the kubeconfig's token has characters that no token has")
    return stripped


def _pem(holder: Mapping[str, Any], key: str) -> bytes:
    encoded = _text(holder, key, "kubeconfig")
    if len(encoded) > LARGEST_PEM:
        raise InvalidInput(f"the kubeconfig's {key} is larger than {LARGEST_PEM} bytes")
    try:
        decoded = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        # No `from`: the original's text is harmless, but what it was raised for is a key.
        raise InvalidInput(f"the kubeconfig's {key} is no base64") from None
    if decoded and b"-----BEGIN" not in decoded:
        raise InvalidInput(f"the kubeconfig's {key} holds no PEM")
    return decoded


def _plugin(section: Any) -> ExecPlugin | None:
    if section is None:
        return None
    if not isinstance(section, Mapping) or not _text(section, "command", "exec"):
        raise InvalidInput("the kubeconfig's exec section names no command")
    args, env = section.get("args") or [], section.get("env") or []
    if not isinstance(args, list) or not isinstance(env, list) or not all(isinstance(entry, Mapping) for entry in env):
        raise InvalidInput("the kubeconfig's exec section has args or env that are no lists")
    return ExecPlugin(
        command=_text(section, "command", "exec"),
        args=tuple(str(arg) for arg in args),
        env={str(entry.get("name")): str(entry.get("value")) for entry in env},
        api_version=_text(section, "apiVersion", "exec") or "client.authentication.k8s.io/v1",
    )


def _oidc(section: Any) -> Oidc | None:
    if section is None:
        return None
    if not isinstance(section, Mapping) or section.get("name") != "oidc":
        raise InvalidInput("the kubeconfig's auth-provider is not oidc: use a token, a certificate, or an exec plugin")
    config = section.get("config")
    if not isinstance(config, Mapping):
        raise InvalidInput("the kubeconfig's oidc auth-provider has no config")
    if not _address(_text(config, "idp-issuer-url", "oidc"), frozenset({"https"})):
        raise InvalidInput("the kubeconfig's idp-issuer-url is no https:// address")
    return Oidc(
        issuer=_text(config, "idp-issuer-url", "oidc"),
        client_id=_text(config, "client-id", "oidc"),
        client_secret=_text(config, "client-secret", "oidc"),
        refresh_token=_text(config, "refresh-token", "oidc"),
        id_token=_token(_text(config, "id-token", "oidc")),
        ca=_pem(config, "idp-certificate-authority-data"),
    )
