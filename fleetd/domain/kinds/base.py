"""What all declared kinds share: frozen models with Kubernetes' field names, and the metadata of an object."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, field_validator, model_validator

Flag = StrictBool
Whole = StrictInt

_CAPITALS = {
    "arn": "ARN", "cel": "CEL", "crds": "CRDs", "gvks": "GVKs", "http": "HTTP", "id": "ID", "oidc": "OIDC", "tls": "TLS", "url": "URL",
}  # fmt: skip

_LABEL_PART = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_ANNOTATION_BYTES = 256 * 1024


def kubernetes_name(python_name: str) -> str:
    """`evaluate_cel` → `evaluateCEL`; a trailing underscore is dropped (`from_` → `from`)."""
    first, *rest = python_name.rstrip("_").split("_")
    return first + "".join(_CAPITALS.get(part, part[:1].upper() + part[1:]) for part in rest)


def defaulted(value: Any, **limits: Any) -> Any:
    """A field whose default stands in the schema, so that it is written into the object when it is taken.

    Every other default in the models is only Go's zero value: it is never written.
    """
    return Field(default=value, json_schema_extra={"in_schema": True}, **limits)


class Model(BaseModel):
    """A part of a declared object; read with Kubernetes' names, used with Python's."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=kubernetes_name, populate_by_name=True, defer_build=True, use_enum_values=False
    )

    @model_validator(mode="before")
    @classmethod
    def _nulls_are_absent(cls, value: Any) -> Any:
        # The API server drops a null where the schema does not allow one, before it looks for defaults and missing fields.
        if isinstance(value, dict) and None in value.values():
            return {key: held for key, held in value.items() if held is not None}
        return value


class Loose(Model):
    """A part whose further fields belong to others and are kept as they are."""

    model_config = ConfigDict(extra="allow")


class OwnerReference(Model):
    """Whose object this is; it goes when its owner goes."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: Flag | None = None
    block_owner_deletion: Flag | None = None


class ObjectMeta(Model):
    """Kubernetes' metadata, with the API server's rules for names, labels and annotations."""

    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    uid: str = ""
    resource_version: str = ""
    generation: Whole = 0
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    deletion_grace_period_seconds: Whole | None = None
    finalizers: tuple[str, ...] = ()
    owner_references: tuple[OwnerReference, ...] = ()
    managed_fields: tuple[dict[str, Any], ...] = ()
    self_link: str = ""

    @field_validator("name")
    @classmethod
    def _name_is_a_subdomain(cls, name: str) -> str:
        if name and (len(name) > 253 or not _SUBDOMAIN.fullmatch(name)):
            raise ValueError(f"{name!r} is no object name: use lower case letters, digits, '-' and '.', at most 253 characters")
        return name

    @field_validator("namespace")
    @classmethod
    def _namespace_is_a_label(cls, namespace: str) -> str:
        if namespace and not _DNS_LABEL.fullmatch(namespace):
            raise ValueError(f"{namespace!r} is no namespace name: use lower case letters, digits and '-', at most 63 characters")
        return namespace

    @field_validator("labels")
    @classmethod
    def _labels_are_well_formed(cls, labels: dict[str, str]) -> dict[str, str]:
        for key, value in labels.items():
            require_qualified(key, "label key")
            if value and (len(value) > 63 or not _LABEL_PART.fullmatch(value)):
                raise ValueError(
                    f"{value!r} is no value for the label {key!r}: letters, digits, '-', '_' and '.', at most 63, "
                    "beginning and ending with a letter or digit"
                )
        return labels

    @field_validator("annotations")
    @classmethod
    def _annotations_are_well_formed(cls, annotations: dict[str, str]) -> dict[str, str]:
        for key in annotations:
            require_qualified(key.lower(), "annotation key", shown=key)
        if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > _ANNOTATION_BYTES:
            raise ValueError("the annotations are larger than 256 KiB together")
        return annotations


def require_qualified(key: str, what: str, *, shown: str | None = None) -> None:
    """A qualified name: an optional DNS prefix and `/`, then at most 63 characters.

    Raises:
        ValueError: it is none.
    """
    prefix, slash, name = key.rpartition("/")
    good = len(name) <= 63 and _LABEL_PART.fullmatch(name)
    if slash:
        good = good and len(prefix) <= 253 and _SUBDOMAIN.fullmatch(prefix)
    if not good:
        raise ValueError(f"{shown or key!r} is no {what}: write name or prefix.example.com/name")


class KubernetesObject(Model):
    """A declared object: what every kind has at its top."""

    api_version: str
    kind: str
    metadata: ObjectMeta = Field(default_factory=ObjectMeta)

    @property
    def name(self) -> str:
        return self.metadata.name

    @property
    def namespace(self) -> str:
        return self.metadata.namespace
