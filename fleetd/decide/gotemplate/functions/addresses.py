"""Sprig's paths and URLs."""

from __future__ import annotations

import posixpath
import re
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from fleetd.decide.gotemplate.functions.signature import Function, declare
from fleetd.decide.gotemplate.values import CallFailed, from_utf8, utf8

_BROKEN_ESCAPE = re.compile(r"%(?![0-9a-fA-F]{2}).{0,2}", re.DOTALL)
_HOST_FORM = re.compile(r"""(?:\[[^\]]*\]|(?!\[)[^\s/?#@\\^`{|}:]*)(?::[0-9]*)?""")
_USER_FORM = re.compile(r"""[\w.:~!$&'()*+,;=%@-]*""", re.ASCII)
_FIELDS = ("scheme", "userinfo", "host", "path", "query", "fragment", "opaque")


def base(path: str) -> str:
    stripped = path.rstrip("/")
    return stripped.rsplit("/", 1)[-1] if stripped else ("/" if path else ".")


def clean(path: str) -> str:
    cleaned = posixpath.normpath(path) if path else "."
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def directory(path: str) -> str:
    return clean(path[: path.rfind("/") + 1])


def extension(path: str) -> str:
    name = path.rsplit("/", 1)[-1]
    return name[name.rfind(".") :] if "." in name else ""


def url_parse(text: str) -> dict[str, Any]:
    """The parts of a URL under Sprig's names."""
    rest, _, fragment = text.partition("#")
    if any(letter < " " or letter == "\x7f" for letter in rest):
        raise CallFailed(f'unable to parse url: parse "{text}": net/url: invalid control character in URL')
    rest, _, query = rest.partition("?")
    scheme, colon, after = rest.partition(":")
    if not (colon and scheme[:1].isalpha() and scheme.isascii() and scheme.replace("+", "").replace("-", "").replace(".", "").isalnum()):
        scheme, after = "", rest
        if ":" in rest.partition("/")[0]:
            raise CallFailed(f'unable to parse url: parse "{text}": first path segment in URL cannot contain colon')
    opaque = userinfo = host = hostname = ""
    path = after
    if after.startswith("//") and (scheme or not after.startswith("///")):
        authority, slash, tail = after[2:].partition("/")
        path = slash + tail
        userinfo, _, host = authority.rpartition("@")
        if _HOST_FORM.fullmatch(host) is None or _USER_FORM.fullmatch(userinfo) is None:
            raise CallFailed(f'unable to parse url: parse "{text}": the host, its port or the user is malformed')
        hostname = host[1 : host.find("]")] if host.startswith("[") else host.partition(":")[0]
    elif scheme and after and not after.startswith("/"):
        opaque, path = after, ""
    for part in (userinfo, host, path, fragment):
        broken = _BROKEN_ESCAPE.search(part)
        if broken is not None:
            raise CallFailed(f'unable to parse url: parse "{text}": invalid URL escape "{broken.group()}"')
    return {
        "scheme": scheme.lower(),
        "host": host,
        "hostname": hostname,
        "path": from_utf8(unquote_to_bytes(utf8(path))),
        "query": query,
        "opaque": opaque,
        "fragment": from_utf8(unquote_to_bytes(utf8(fragment))),
        "userinfo": _user(userinfo),
    }


def url_join(parts: dict[str, Any]) -> str:
    """A URL of the parts that `urlParse` names."""
    found = {name: str(parts.get(name) or "") for name in _FIELDS}
    text = f"{found['scheme']}:" if found["scheme"] else ""
    if found["opaque"]:
        text += found["opaque"]
    else:
        host = quote(utf8(found["host"]), safe=_HOST)
        authority = f"{_user(found['userinfo'])}@{host}" if found["userinfo"] else host
        path = quote(utf8(found["path"]), safe="-_.~$&+,/:;=@")
        if authority or (text and path):
            text += "//" + authority
            path = path if not path or path.startswith("/") else "/" + path
        text += path
    text += f"?{found['query']}" if found["query"] else ""
    return text + (f"#{quote(utf8(found['fragment']), safe=_FRAGMENT)}" if found["fragment"] else "")


def _user(userinfo: str) -> str:
    return ":".join(quote(unquote_to_bytes(utf8(part)), safe="-_.~$&+,;=") for part in userinfo.split(":", 1))


_HOST = "-_.~!$&'()*+,;=:[]<>\""
_FRAGMENT = "-_.~$&+,/:;=?@!()*"

FUNCTIONS: dict[str, Function] = declare(
    {
        "base": ("string", base),
        "dir": ("string", directory),
        "clean": ("string", clean),
        "ext": ("string", extension),
        "isAbs": ("string", lambda path: path.startswith("/")),
        "osBase": ("string", base),
        "osDir": ("string", directory),
        "osClean": ("string", clean),
        "osExt": ("string", extension),
        "osIsAbs": ("string", lambda path: path.startswith("/")),
        "urlParse": ("string", url_parse),
        "urlJoin": ("map", url_join),
    }
)
