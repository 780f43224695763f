"""Text that came from a cluster is data: stripped of what could act on a terminal or a reader, capped, and never a name unchecked."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

LONGEST = 400
WITHHELD = "[withheld]"

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -~])?")
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# Of other categories, and unseen all the same: variation selectors (text can be hidden in them), joiners, and letters that are blank.
_BLANK = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef\u180b-\u180d\u180f\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0]")
# More marks on one letter than any script has: they would cover the lines above and below.
_MARK = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_STACKED = re.compile(f"({_MARK}{{3}}){_MARK}+")
_SECRETS = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL),
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"),
    re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    re.compile(r"\b(?:ghp|gho|ghs|glpat|xox[abp])[-_][\w-]{10,}"),
    re.compile(r"(?<=://)[^\s/@:]+:[^\s/@]+(?=@)"),
    re.compile(r"(?i)\b(?:bearer|basic)\s+[\w.~+/=-]{8,}"),
    # Quotes may be escaped: JSON within JSON, or within a template.
    re.compile(
        r"(?i)\b(?:password|passwd|pwd|secret|token|api[_-]?key|client[_-]?secret|client-key-data)\b[\"'\\]*\s*[=:]\s*[\"'\\]*[^\s\"',;&\\]+"
    ),
)
_SENSITIVE_KEY = re.compile(r"(?i)passw|secret|token|api[_-]?key|credential|private[_-]?key|kubeconfig")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._:-]{0,251}[A-Za-z0-9])?")
_LABEL = re.compile(r"([A-Za-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_FIELD = re.compile(r"[A-Za-z0-9_-]{1,63}(\[[0-9*]{1,6}\])*|\*")
_VERSION = re.compile(r"[A-Za-z0-9.+~_-]{0,64}")


def plain_text(text: str | None, *, most: int = LONGEST, lines: bool = False) -> str:
    """Without escapes, control, bidi and zero-width characters, without secrets; `lines` keeps line ends and tabs."""
    if not text:
        return ""
    text = _BLANK.sub("", _ESCAPE.sub("", text[: most * 8]))
    kept = "\n\t" if lines else ""
    seen = "".join(c if c in kept else (" " if c in "\n\t\r" else ("" if unicodedata.category(c) in _UNSEEN else c)) for c in text)
    seen = _STACKED.sub(r"\1", seen)
    for secret in _SECRETS:
        seen = secret.sub(WITHHELD, seen)
    if not lines:
        seen = " ".join(seen.split())
    return seen if len(seen) <= most else seen[: most - 1] + "…"


def plain_value(value: Any, *, depth: int = 24) -> Any:
    """A JSON value with every text in it plain; values under keys that speak of secrets are withheld."""
    if depth == 0:
        return WITHHELD
    if isinstance(value, Mapping):
        if isinstance(value.get("value"), str) and _SENSITIVE_KEY.search(str(value.get("name", ""))):
            # As environment variables are written.
            value = {**value, "value": WITHHELD}
        return {plain_text(str(key)): _under(str(key), item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(item, depth=depth - 1) for item in value]
    return plain_text(value, most=8_000, lines=True) if isinstance(value, str) else value


def _under(key: str, value: Any, depth: int) -> Any:
    if isinstance(value, str) and value and _SENSITIVE_KEY.search(key) and not key.endswith(("Name", "Ref", "KeyName")):
        return WITHHELD
    return plain_value(value, depth=depth)


def safe_ref(text: str | None) -> str:
    """A reference as it is when each part could be a Kubernetes name; else parts are replaced by their digest.

    A hostile cluster may call an object anything; an identifier is shown unmarked, so it must not be a sentence.
    """
    if not text:
        return ""
    if any(secret.search(text) for secret in _SECRETS):
        return _digest(text)
    ref, at, cluster = text.partition("@")
    parts = "/".join(part if not part or _NAME.fullmatch(part) else _digest(part) for part in ref.split("/"))
    return f"{parts}@{safe_ref(cluster)}" if at else parts


def safe_name(text: str | None) -> str:
    """One name, or the digest of what could be none; names with slashes keep them."""
    return safe_ref(text)


def safe_path(path: str) -> str:
    """The path of a field (`spec.policyRefs[0].name`); a part that no schema would have is replaced by its digest."""
    return ".".join(part if _FIELD.fullmatch(part) else _digest(part) for part in path.split("."))


def safe_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels that Kubernetes would take; the others are left out."""
    return {k: v for k, v in labels.items() if _LABEL.fullmatch(k) and (not v or _LABEL.fullmatch(v)) and "/" not in v}


def safe_version(text: str | None) -> str:
    """A version as a server says it, empty when it is none."""
    return text if text and _VERSION.fullmatch(text) else ""


def _digest(text: str) -> str:
    return f"invalid-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:10]}"
