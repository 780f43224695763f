"""ConfigMap, Secret and Namespace, as the API server checks them."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from fleetd.domain.kinds.base import Flag, KubernetesObject, Loose, Model, defaulted
from fleetd.domain.kinds.shared import Base64

PROFILE_SECRET_TYPE = "addons.projectsveltos.io/cluster-profile"  # noqa: S105  a type's name, no secret
"""The type that a Secret must have before a profile may refer to it."""

_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_LARGEST = 1024 * 1024
_DOCKER = {"kubernetes.io/dockercfg": ".dockercfg", "kubernetes.io/dockerconfigjson": ".dockerconfigjson"}
_NEEDED_KEYS: dict[str, tuple[str, ...]] = {
    **{kind: (key,) for kind, key in _DOCKER.items()},
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}


def _data_keys(data: dict[str, Any]) -> dict[str, Any]:
    for key in data:
        if not _DATA_KEY.fullmatch(key) or key in (".", "..") or key.startswith(".."):
            raise ValueError(f"{key!r} is no key for data: use letters, digits, '-', '_' and '.', at most 253 characters")
    return data


TextData = Annotated[dict[str, str], AfterValidator(_data_keys)]
BinaryData = Annotated[dict[str, Base64], AfterValidator(_data_keys)]


class ConfigMap(KubernetesObject):
    """Texts and bytes by key."""

    data: TextData = Field(default_factory=dict)
    binary_data: BinaryData = Field(default_factory=dict)
    immutable: Flag | None = None

    @model_validator(mode="after")
    def _keys_are_unique_and_small_enough(self) -> ConfigMap:
        twice = sorted(self.data.keys() & self.binary_data.keys())
        if twice:
            raise ValueError(f"the key {twice[0]!r} stands in data and in binaryData")
        size = sum(len(text.encode()) for text in self.data.values()) + sum(len(text) * 3 // 4 for text in self.binary_data.values())
        if size > _LARGEST:
            raise ValueError("a ConfigMap may hold 1 MiB")
        return self


class Secret(KubernetesObject):
    """Secret bytes by key; `stringData` is merged into `data` when it is written."""

    type: str = defaulted("Opaque")
    data: BinaryData = Field(default_factory=dict)
    string_data: TextData = Field(default_factory=dict)
    immutable: Flag | None = None

    @model_validator(mode="after")
    def _keys_fit_the_type(self) -> Secret:
        keys = self.data.keys() | self.string_data.keys()
        lacking = [key for key in _NEEDED_KEYS.get(self.type, ()) if key not in keys]
        if lacking:
            raise ValueError(f"a Secret of type {self.type} needs the key {lacking[0]!r}")
        if sum(len(text) * 3 // 4 for text in self.data.values()) > _LARGEST:
            raise ValueError("a Secret may hold 1 MiB")
        return self


class NamespaceSpec(Model):
    """Who must let go before it is deleted."""

    finalizers: tuple[str, ...] = ()


class NamespaceStatus(Loose):
    """Whether it is going."""

    phase: str = ""


class Namespace(KubernetesObject):
    """A namespace."""

    spec: NamespaceSpec = Field(default_factory=NamespaceSpec)
    status: NamespaceStatus | None = None
