"""The module `sprig`, as Sveltos has it in Lua; what takes any value of Lua stands in `modules.lua`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import posixpath
import random
import time
import zlib
from collections.abc import Callable
from typing import Any, NoReturn
from urllib.parse import urlsplit

from fleetd.scripts.library import durations, regular, words
from fleetd.scripts.library.calls import Call, Failed, Room, Table, declared, number_text, text_of
from fleetd.scripts.library.documents import decoded, encoded, json_text
from fleetd.scripts.library.strings import from_bytes, in_bytes
from fleetd.scripts.library.versions import compare

_LONGEST_SEQUENCE = 100_000


def _hash(name: str) -> tuple[str, Callable[[str], str]]:
    return "s", lambda text: hashlib.new(name, in_bytes(text), usedforsecurity=False).hexdigest()


def _base32_decoded(text: str) -> str:
    try:
        return from_bytes(base64.b32decode(text))
    except (binascii.Error, ValueError) as error:
        raise Failed(f"b32dec: {error}") from error


def _values(given: tuple[Any, ...]) -> list[Any]:
    """Of a table, as in Sveltos, or of the arguments."""
    if len(given) == 1 and isinstance(given[0], list | dict):
        return list(given[0].values()) if isinstance(given[0], dict) else given[0]
    return list(given)


def _quoted(*given: Any) -> str:
    return " ".join(json_text(text_of(value)) for value in _values(given) if value is not None)


def _single_quoted(*given: Any) -> str:
    return " ".join(f"'{text_of(value)}'" for value in _values(given) if value is not None)


def _cat(*given: Any) -> str:
    return " ".join(text_of(value) for value in given if value is not None)


def _sequence(*given: Any) -> str:
    numbers = [int(value) for value in _values(given) if isinstance(value, int | float)]
    match numbers:
        case [end]:
            first, step = 1, 1 if end >= 1 else -1
        case [first, end]:
            step = 1 if end >= first else -1
        case [first, step, end]:
            pass
        case _:
            return ""
    if step == 0 or (end - first) * step < 0:
        return ""
    if (end - first) // step > _LONGEST_SEQUENCE:
        raise Failed(f"it would have more than {_LONGEST_SEQUENCE} numbers")
    return " ".join(map(str, range(first, end + (1 if step > 0 else -1), step)))


def _rounded(value: Any, digits: int, half: float = 0.5) -> float:
    try:
        number, scale = float(value), 10.0**digits
    except (TypeError, ValueError, OverflowError):
        return 0.0
    whole = int(number * scale)
    part = abs(number * scale - whole)
    return (whole + (1 if number > 0 else -1) if part >= half else whole) / scale


def _random_integer(low: int, high: int) -> int:
    return low if high <= low else random.Random(f"{low} {high}").randrange(low, high)


def _shuffled(text: str) -> str:
    letters = list(text)
    random.Random(text).shuffle(letters)
    return "".join(letters)


def _octal(value: Any) -> int:
    try:
        return int(text_of(value), 8)
    except ValueError:
        return 0


def _url_parts(text: str) -> Table:
    try:
        url = urlsplit(text)
        userinfo, at, host = url.netloc.rpartition("@")
        opaque = "" if url.netloc or not url.scheme or url.path.startswith("/") else url.path
        hostname = url.hostname or ""
    except ValueError as error:
        raise Failed(f"unable to parse url: {error}") from error
    del at
    path = "" if opaque else url.path
    parts = {"scheme": url.scheme, "host": host, "hostname": hostname, "path": path, "query": url.query, "opaque": opaque}
    return Table({**parts, "fragment": url.fragment, "userinfo": userinfo})


def _url(parts: Any) -> str:
    given = {str(key): text_of(value) for key, value in parts.items()} if isinstance(parts, dict) else {}
    scheme, host, path = given.get("scheme", ""), given.get("host", ""), given.get("path", "")
    userinfo, query, fragment = given.get("userinfo", ""), given.get("query", ""), given.get("fragment", "")
    if given.get("opaque"):
        text = f"{scheme}:{given['opaque']}"
    else:
        place = f"//{userinfo + '@' if userinfo else ''}{host}" if host or userinfo else ""
        text = f"{scheme + ':' if scheme else ''}{place}{'/' if place and path and not path.startswith('/') else ''}{path}"
    return f"{text}{'?' + query if query else ''}{'#' + fragment if fragment else ''}"


def _clean(path: str) -> str:
    cleaned = posixpath.normpath(path) if path else "."
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def _base(path: str) -> str:
    return "." if not path else posixpath.basename(path.rstrip("/")) or "/"


def _directory(path: str) -> str:
    return _clean(posixpath.split(path)[0] or ("/" if path.startswith("/") else "."))


def _extension(path: str) -> str:
    name = path.rpartition("/")[2]
    return name[name.rindex(".") :] if "." in name else ""


def _indented(room: Room, count: int, text: str) -> str:
    room.take(len(text) + max(count, 0) * (text.count("\n") + 1))
    return " " * count + text.replace("\n", "\n" + " " * count)


def _sorted(values: Any) -> Table:
    texts = [text_of(value) for value in _values((values,))]
    return Table(sorted(texts, key=in_bytes))


def _refused(*_: Any) -> NoReturn:
    raise Failed("keys and passwords are not made in scripts; refer to a Secret")


_PATHS: dict[str, tuple[str, Callable[..., Any]]] = {
    "base": ("s", _base),
    "clean": ("s", _clean),
    "dir": ("s", _directory),
    "ext": ("s", _extension),
    "isAbs": ("s", lambda path: path.startswith("/")),
}

_TABLE: dict[str, tuple[str, Callable[..., Any]]] = {
    **_PATHS,
    **{f"os{name[0].upper()}{name[1:]}": function for name, function in _PATHS.items()},
    **words.TABLE,
    **regular.TABLE,
    **dict.fromkeys(("bcrypt", "htpasswd", "derivePassword", "encryptAES", "decryptAES", "genPrivateKey"), ("*", _refused)),
    "adler32sum": ("s", lambda text: str(zlib.adler32(in_bytes(text)))),
    "ago": ("n", lambda moment: durations.text(round(time.time() - moment) * durations.SECOND)),
    "b32dec": ("s", regular.two(_base32_decoded)),
    "b32enc": ("s", lambda text: base64.b32encode(in_bytes(text)).decode()),
    "b64dec": ("s", regular.two(decoded)),
    "b64enc": ("s", encoded),
    "cat": ("*", _cat),
    "duration": ("a", lambda seconds: durations.text(durations.whole(seconds) * durations.SECOND)),
    "durationRound": ("a", lambda given: durations.rounded(number_text(given) + "s" if isinstance(given, int | float) else given)),
    "indent": ("+is", _indented),
    "nindent": ("+is", lambda room, count, text: "\n" + _indented(room, count, text)),
    "quote": ("*", _quoted),
    "randInt": ("ii", _random_integer),
    "round": ("ain?", _rounded),
    "semverCompare": ("ss", regular.two(compare)),
    "seq": ("*", _sequence),
    "sha1sum": _hash("sha1"),
    "sha256sum": _hash("sha256"),
    "sha512sum": _hash("sha512"),
    "shuffle": ("s", _shuffled),
    "sortAlpha": ("a", _sorted),
    "squote": ("*", _single_quoted),
    "toDecimal": ("a", _octal),
    "urlJoin": ("t", _url),
    "urlParse": ("s", _url_parts),
}

FUNCTIONS: dict[str, Call] = declared("sprig", _TABLE)
