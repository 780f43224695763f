"""Kubernetes' named formats of texts: ``format.dns1123Label().validate("Web")`` tells what is wrong, or nothing."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from fleetd.decide.cel.library.function import Functions, fixed, want
from fleetd.decide.cel.times import parse_timestamp
from fleetd.decide.cel.values import ABSENT, Maybe
from fleetd.domain.errors import EvaluationFailed

_LABEL: Final = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_WORD: Final = r"(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_UUID: Final = re.compile(r"(?:urn:uuid:)?[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.IGNORECASE)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

Check = Callable[[str], list[str]]


@dataclass(frozen=True, slots=True)
class Format:
    """A named format; two of one name are equal."""

    name: str
    cel_type: ClassVar[str] = "kubernetes.NamedFormat"

    @property
    def cel_text(self) -> str:
        return self.name


def _shaped(pattern: str, longest: int, said: str, *, prefix: bool = False) -> Check:
    compiled = re.compile(pattern)

    def check(text: str) -> list[str]:
        # A prefix of a generated name may end with a dash: something follows it.
        whole = f"{text[:-1]}a" if prefix and len(text) > 1 and text.endswith("-") else text
        wrong = [] if len(text) <= longest else [f"must be no more than {longest} characters"]
        return wrong + ([] if compiled.fullmatch(whole) else [said])

    return check


_DNS_LABEL: Final = "must be lower case letters, digits and '-', and begin and end with a letter or digit"
_DNS_NAME: Final = "must be lower case letters, digits, '-' and '.', and every part begin and end with a letter or digit"
_DNS_1035: Final = "must be lower case letters, digits and '-', begin with a letter and end with a letter or digit"
_NAME: Final = "must be letters, digits, '-', '_' and '.', and begin and end with a letter or digit"


def _qualified(text: str) -> list[str]:
    prefix, slash, name = text.rpartition("/")
    wrong = _CHECKS["dns1123Subdomain"](prefix) if slash else []
    return [f"prefix part {each}" for each in wrong] + [f"name part {each}" for each in _shaped(_WORD, 63, _NAME)(name)]


def _uri(text: str) -> list[str]:
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = None
    whole = parts is not None and (bool(parts.scheme) or text.startswith("/")) and not any(ord(letter) <= 32 for letter in text)
    return [] if whole else ["must be an absolute URI, or an absolute path"]


def _byte(text: str) -> list[str]:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return ["must be base64"]
    return []


def _moment(text: str) -> list[str]:
    try:
        parse_timestamp(text)
    except EvaluationFailed:
        return ["must be a time as RFC 3339 writes it"]
    return []


def _date(text: str) -> list[str]:
    return [] if _DATE.fullmatch(text) and not _moment(f"{text}T00:00:00Z") else ["must be a date: YYYY-MM-DD"]


_CHECKS: Final[dict[str, Check]] = {
    "dns1123Label": _shaped(_LABEL, 63, _DNS_LABEL),
    "dns1123Subdomain": _shaped(rf"{_LABEL}(?:\.{_LABEL})*", 253, _DNS_NAME),
    "dns1035Label": _shaped("[a-z](?:[-a-z0-9]*[a-z0-9])?", 63, _DNS_1035),
    "dns1123LabelPrefix": _shaped(_LABEL, 63, _DNS_LABEL, prefix=True),
    "dns1123SubdomainPrefix": _shaped(rf"{_LABEL}(?:\.{_LABEL})*", 253, _DNS_NAME, prefix=True),
    "dns1035LabelPrefix": _shaped("[a-z](?:[-a-z0-9]*[a-z0-9])?", 63, _DNS_1035, prefix=True),
    "labelValue": _shaped(f"(?:{_WORD})?", 63, _NAME),
    "qualifiedName": _qualified,
    "uri": _uri,
    "uuid": lambda text: [] if _UUID.fullmatch(text) else ["must be a UUID"],
    "byte": _byte,
    "date": _date,
    "datetime": _moment,
}


def _named(name: Any) -> Maybe:
    want(str, name)
    return Maybe(Format(name) if name in _CHECKS else ABSENT)


def _validate(form: Any, text: Any) -> Maybe:
    want(Format, form)
    want(str, text)
    return Maybe(_CHECKS[form.name](text) or ABSENT)


def _constant(name: str) -> Callable[[], Format]:
    form = Format(name)
    return lambda: form


GLOBAL: Functions = {
    "format.named": fixed(_named, 1),
    **{f"format.{name}": fixed(_constant(name), 0) for name in _CHECKS},
}
MEMBER: Functions = {"validate": fixed(_validate, 2, reads_all=True)}
