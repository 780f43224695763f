"""What names, labels and keys may look like, and what a refusal of one says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
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
ONE_LABEL = {"namespaces": (LABEL, NOT_A_LABEL, 63), "services": (DNS1035, NOT_A_DNS1035_LABEL, 63)}
FREE_NAMES = frozenset(("roles", "clusterroles", "rolebindings", "clusterrolebindings"))
"""Kinds whose names may hold any character that a path segment may."""


def wrong_value(field: str, value: str, why: str) -> Cause:
    return Cause("FieldValueInvalid", f'Invalid value: "{value}": {why}', field)


def required(field: str, why: str = "") -> Cause:
    return Cause("FieldValueRequired", f"Required value: {why}" if why else "Required value", field)


def not_allowed(field: str, why: str) -> Cause:
    return Cause("FieldValueForbidden", f"Forbidden: {why}", field)


def immutable(field: str, value: str) -> Cause:
    return wrong_value(field, value, "field is immutable")


def name_causes(plural: str, name: str) -> Iterator[Cause]:
    """What is wrong with an object's name."""
    if plural in FREE_NAMES:
        if name in (".", "..") or "/" in name or "%" in name:
            yield wrong_value("metadata.name", name, "may not be '.' or '..' and may not contain '/' or '%'")
        return
    form, why, length = ONE_LABEL.get(plural, (SUBDOMAIN, NOT_A_SUBDOMAIN, 253))
    if len(name) > length:
        yield wrong_value("metadata.name", name, f"must be no more than {length} characters")
    if not form.fullmatch(name):
        yield wrong_value("metadata.name", name, why)


def qualified_name_causes(field: str, key: str) -> Iterator[Cause]:
    """What is wrong with the key of a label or annotation, `prefix/name` or `name`."""
    prefix, slash, name = key.rpartition("/")
    if slash and not SUBDOMAIN.fullmatch(prefix):
        yield wrong_value(field, key, f"prefix part {NOT_A_SUBDOMAIN}")
    if not name:
        yield wrong_value(field, key, "name part must be non-empty")
    elif len(name) > 63:
        yield wrong_value(field, key, "name part must be no more than 63 bytes")
    if not NAME.fullmatch(name):
        yield wrong_value(field, key, NOT_A_NAME)


def label_causes(labels: Mapping[str, Any]) -> Iterator[Cause]:
    for key, value in labels.items():
        if NAME.fullmatch(key) is None or len(key) > 63:
            yield from qualified_name_causes("metadata.labels", key)
        if value and (len(value) > 63 or not VALUE.fullmatch(value)):
            why = "must be no more than 63 bytes" if len(value) > 63 else NOT_A_VALUE
            yield wrong_value("metadata.labels", value, why)


def config_key_causes(field: str, keys: Mapping[str, Any]) -> Iterator[Cause]:
    for key in keys:
        if len(key) > 253 or not KEY.fullmatch(key):
            yield wrong_value(f"{field}[{key}]", key, NOT_A_KEY)
