"""What names, labels and keys may look like, and what a refusal of one says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fleetd.kubeapi.refusals import Cause

LABEL_FORM = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN_FORM = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
DNS1035_FORM = "[a-z]([-a-z0-9]*[a-z0-9])?"
NAME_FORM = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
VALUE_FORM = f"({NAME_FORM})?"
KEY_FORM = "[-._a-zA-Z0-9]+"

LABEL = re.compile(LABEL_FORM)
SUBDOMAIN = re.compile(SUBDOMAIN_FORM)
DNS1035 = re.compile(DNS1035_FORM)
NAME = re.compile(NAME_FORM)
VALUE = re.compile(VALUE_FORM)
KEY = re.compile(KEY_FORM)
WILDCARD = re.compile(rf"\*\.{SUBDOMAIN_FORM}")
NOT_A_WILDCARD = (
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case "
    "alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is "
    rf"'\*\.{SUBDOMAIN_FORM}')"
)
PORT_NAME = re.compile("[-a-z0-9]+")
PERCENT = re.compile(r"\d+%")
NOT_A_PERCENT = (
    "a valid percent string must be a numeric string followed by an ending '%' "
    "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
)

NOT_A_LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    f"an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{LABEL_FORM}')"
)
NOT_A_SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{SUBDOMAIN_FORM}')"
)
NOT_A_DNS1035_LABEL = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with "
    f"an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '{DNS1035_FORM}')"
)
NOT_A_NAME = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with "
    f"an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{NAME_FORM}')"
)
NOT_A_VALUE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with "
    f"an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '{VALUE_FORM}')"
)
NOT_A_KEY = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
    f"(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '{KEY_FORM}')"
)
ANNOTATIONS = 256 * 1024
WITH_PREFIX = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
ONE_LABEL = {
    "namespaces": (LABEL, NOT_A_LABEL, 63),
    "services": (DNS1035, NOT_A_DNS1035_LABEL, 63),
    "statefulsets": (LABEL, NOT_A_LABEL, 63),
}
FREE_NAMES = frozenset(("roles", "clusterroles", "rolebindings", "clusterrolebindings"))
"""Kinds whose names may hold any character that a path segment may."""


def quoted(text: str) -> str:
    """A text as Go quotes it."""
    text = str(text)
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    marks = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return '"' + "".join(marks.get(one) or (one if one.isprintable() else _escaped(ord(one))) for one in text) + '"'


def _escaped(number: int) -> str:
    return f"\\x{number:02x}" if number < 0x80 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def wrong_value(field: str, value: str, why: str) -> Cause:
    """Of a text."""
    return Cause("FieldValueInvalid", f"Invalid value: {quoted(value)}: {why}", field)


def required(field: str, why: str = "") -> Cause:
    """Of what is not there."""
    return Cause("FieldValueRequired", f"Required value: {why}" if why else "Required value", field)


def not_allowed(field: str, why: str) -> Cause:
    """Of what must not be there."""
    return Cause("FieldValueForbidden", f"Forbidden: {why}", field)


def wrong(field: str, shown: str, why: str) -> Cause:
    """Of a value as messages show it: a number, or an object as JSON."""
    return Cause("FieldValueInvalid", f"Invalid value: {shown}: {why}", field)


def immutable_value(field: str, value: Any) -> Cause:
    """Of a value that is for good."""
    return wrong(field, in_json(value), "field is immutable")


def unsupported(field: str, value: Any, known: Sequence[str]) -> Cause:
    """Of a word that is none of those that are known."""
    listed = ", ".join(f'"{one}"' for one in known)
    shown = in_json("" if value is None else value, keeps_order=True)
    return Cause("FieldValueNotSupported", f"Unsupported value: {shown}: supported values: {listed}", field)


def duplicate(field: str, value: Any) -> Cause:
    """Of what is there twice."""
    return Cause("FieldValueDuplicate", f"Duplicate value: {in_json(value)}", field)


def not_found(field: str, value: str) -> Cause:
    """Of a name that nothing has."""
    return Cause("FieldValueNotFound", f'Not found: "{value}"', field)


def in_json(value: Any, *, keeps_order: bool = False) -> str:
    """A value as messages show it: a map in order of its keys, a struct (`keeps_order`) in that of its fields."""
    text = json.dumps(value, separators=(",", ":"), sort_keys=not keeps_order, ensure_ascii=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def not_negative(field: str, value: Any) -> Iterator[Cause]:
    """What is wrong with a number that may not be below 0."""
    if isinstance(value, int) and value < 0:
        yield wrong(field, str(value), "must be greater than or equal to 0")


def port_causes(field: str, value: Any) -> Iterator[Cause]:
    """What is wrong with the number of a port."""
    if not isinstance(value, int) or not 1 <= value <= 65535:
        yield wrong(field, in_json(value or 0), "must be between 1 and 65535, inclusive")


def port_or_name_causes(field: str, value: Any) -> Iterator[Cause]:
    """What is wrong with a port that is a number or the name of one."""
    if not isinstance(value, str):
        yield from port_causes(field, value)
        return
    for bad, why in (
        (len(value) > 15, "must be no more than 15 bytes"),
        (not PORT_NAME.fullmatch(value), "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"),
        (not re.search("[a-z]", value), "must contain at least one letter (a-z)"),
        ("--" in value, "must not contain consecutive hyphens"),
        (value.startswith("-") or value.endswith("-"), "must not begin or end with a hyphen"),
    ):
        if bad:
            yield wrong_value(field, value, why)


def one_label_causes(field: str, name: str) -> Iterator[Cause]:
    """What is wrong with a name that has to be there and to be one label."""
    if not name:
        yield required(field)
        return
    if len(name) > 63:
        yield wrong_value(field, name, "must be no more than 63 bytes")
    if not LABEL.fullmatch(name):
        yield wrong_value(field, name, NOT_A_LABEL)


def share_causes(field: str, shares: Mapping[str, Any]) -> Iterator[Cause]:
    """What is wrong with how many, or how much of a hundred, may be missing or there in addition."""
    for key in ("maxUnavailable", "maxSurge"):
        value = shares.get(key)
        yield from not_negative(f"{field}.{key}", value)
        if isinstance(value, str) and not PERCENT.fullmatch(value):
            yield wrong_value(f"{field}.{key}", value, NOT_A_PERCENT)


def share_of(value: Any) -> int:
    """The number of a number or a percentage; 0 for what is neither."""
    return int(str(value).removesuffix("%")) if re.fullmatch(r"\d+%?", str(value)) else 0


def not_more_than_all(field: str, value: Any) -> Iterator[Cause]:
    """What is wrong with a percentage above a hundred."""
    if isinstance(value, str) and PERCENT.fullmatch(value) and share_of(value) > 100:
        yield wrong_value(field, value, "must not be greater than 100%")


def immutable(field: str, value: str) -> Cause:
    """Of a text that is for good."""
    return wrong_value(field, value, "field is immutable")


def name_faults(plural: str, name: str) -> Iterator[str]:
    """What is wrong with the name of an object of a kind."""
    if plural in FREE_NAMES:
        for bad, why in (
            (name in (".", ".."), f"may not be '{name}'"),
            ("/" in name, "may not contain '/'"),
            ("%" in name, "may not contain '%'"),
        ):
            if bad:
                yield why
        return
    form, why, length = ONE_LABEL.get(plural, (SUBDOMAIN, NOT_A_SUBDOMAIN, 253))
    if len(name) > length:
        yield f"must be no more than {length} bytes"
    if not form.fullmatch(name):
        yield why


def name_causes(plural: str, name: str, field: str = "metadata.name") -> Iterator[Cause]:
    """The same as causes."""
    for why in name_faults(plural, name):
        yield wrong_value(field, name, why)


def prefix_causes(plural: str, base: str) -> Iterator[Cause]:
    """What is wrong with the beginning of a name that is generated; it may end in dashes."""
    stem = f"{base[:-2]}a" if len(base) > 1 and base.endswith("-") else base
    for cause in name_causes(plural, stem, "metadata.generateName"):
        yield Cause(cause.reason, cause.message.replace(in_json(stem), in_json(base), 1), cause.field)


def qualified_name(key: str) -> Iterator[str]:
    """What is wrong with a name that may have a domain before it, `prefix/name` or `name`."""
    prefix, slash, name = key.rpartition("/")
    if "/" in prefix:
        yield f"a qualified name {NOT_A_NAME.removeprefix('name part ')} {WITH_PREFIX}"
        return
    if slash and not prefix:
        yield "prefix part must be non-empty"
    elif slash and len(prefix) > 253:
        yield "prefix part must be no more than 253 bytes"
    elif slash and not SUBDOMAIN.fullmatch(prefix):
        yield f"prefix part {NOT_A_SUBDOMAIN}"
    if not name:
        yield "name part must be non-empty"
    elif len(name) > 63:
        yield "name part must be no more than 63 bytes"
    if not NAME.fullmatch(name):
        yield NOT_A_NAME


def qualified_name_causes(field: str, key: str, shown: str = "") -> Iterator[Cause]:
    """The same as causes; `shown` is the key as it was written, where it is another."""
    for why in qualified_name(key):
        yield wrong_value(field, shown or key, why)


def value_faults(value: str) -> Iterator[str]:
    """What is wrong with a label's value."""
    if len(value) > 63:
        yield "must be no more than 63 bytes"
    if not VALUE.fullmatch(value):
        yield NOT_A_VALUE


def label_causes(labels: Mapping[str, Any], field: str = "metadata.labels") -> Iterator[Cause]:
    """What is wrong with labels."""
    for key, value in labels.items():
        if NAME.fullmatch(key) is None or len(key) > 63:
            yield from qualified_name_causes(field, key)
        for why in value_faults(value) if value else ():
            yield wrong_value(field, value, why)


def annotation_causes(annotations: Mapping[str, Any], field: str = "metadata.annotations") -> Iterator[Cause]:
    """What is wrong with annotations: their keys, or that they are too many."""
    for key in annotations:
        yield from qualified_name_causes(field, key.lower(), key)
    if sum(len(key.encode()) + len(str(value).encode()) for key, value in annotations.items()) > ANNOTATIONS:
        yield Cause("FieldValueTooLong", f"Too long: may not be more than {ANNOTATIONS} bytes", field)


OWNED_BY = ("kind", "name", "uid")
STANDARD_FINALIZERS = ("kubernetes", "orphan", "foregroundDeletion")


def owner_causes(owners: Sequence[Any]) -> Iterator[Cause]:
    """What is wrong with ownerReferences."""
    field, first = "metadata.ownerReferences", ""
    for owner in owners:
        if not owner.get("apiVersion"):
            yield wrong_value(f"{field}.apiVersion", "", "version must not be empty")
        for key in OWNED_BY:
            if not owner.get(key):
                yield wrong_value(f"{field}.{key}", "", "must not be empty")
        if (owner.get("apiVersion"), owner.get("kind")) == ("v1", "Event"):
            yield wrong(field, _owners(owner), "/v1, Kind=Event is disallowed from being an owner")
        if owner.get("controller"):
            this = f"{owner.get('kind')}/{owner.get('name')}"
            if first:
                why = f'Only one reference can have Controller set to true. Found "true" in references for {first} and {this}'
                yield wrong(field, _owners([*owners]), why)
            first = first or this


def _owners(value: Any) -> str:
    """As the server writes them, with the fields in their order."""
    order = ("apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion")
    told = [{key: one[key] for key in order if key in one} for one in (value if isinstance(value, list) else [value])]
    return json.dumps(told if isinstance(value, list) else told[0], separators=(",", ":"))


def finalizer_causes(finalizers: Sequence[str], *, custom: bool) -> Iterator[Cause]:
    """What is wrong with finalizers; those of custom objects may be called as one likes."""
    field = "metadata.finalizers"
    for one in finalizers:
        yield from qualified_name_causes(field, one)
    if {"orphan", "foregroundDeletion"} <= set(finalizers):
        yield wrong(field, in_json(list(finalizers)), "finalizer orphan and foregroundDeletion cannot be both set")
    for number, one in enumerate(() if custom else finalizers):
        if "/" not in one and one not in STANDARD_FINALIZERS:
            yield wrong_value(f"{field}[{number}]", one, "name is neither a standard finalizer name nor is it fully qualified")


def config_key_causes(field: str, keys: Mapping[str, Any]) -> Iterator[Cause]:
    """What is wrong with the keys of a ConfigMap or Secret, which are names of files."""
    for key in keys:
        here = f"{field}[{key}]"
        if len(key) > 253:
            yield wrong_value(here, key, "must be no more than 253 bytes")
        if not KEY.fullmatch(key):
            yield wrong_value(here, key, NOT_A_KEY)
        if key == ".":
            yield wrong_value(here, key, "must not be '.'")
        elif key == "..":
            yield wrong_value(here, key, "must not be '..'")
        elif key.startswith(".."):
            yield wrong_value(here, key, "must not start with '..'")
