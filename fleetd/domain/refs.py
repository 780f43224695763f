"""Names of things: an object's kind, an object, an object on a cluster."""

from __future__ import annotations

from dataclasses import dataclass, field

from fleetd.domain.errors import InvalidInput

MANAGEMENT_CLUSTER = "mgmt/mgmt"


@dataclass(frozen=True, slots=True, order=True)
class GroupKind:
    """A kind without its version; the core group is the empty string."""

    group: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind


@dataclass(frozen=True, slots=True, order=True)
class GroupVersionKind:
    """A kind at one version; the core group is the empty string."""

    group: str
    version: str
    kind: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_kind(self) -> GroupKind:
        return GroupKind(self.group, self.kind)

    def __str__(self) -> str:
        return f"{self.api_version} {self.kind}"

    @classmethod
    def of(cls, api_version: str, kind: str) -> GroupVersionKind:
        """Splits `group/version` or, for the core group, `version`."""
        group, slash, version = api_version.partition("/")
        return cls(group, version, kind) if slash else cls("", api_version, kind)


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """Which object: `Kind.group/namespace/name`; the version is no part of identity.

    Core objects have no `.group`; cluster-scoped ones an empty namespace: `Namespace//shop`.
    """

    kind: str
    group: str
    namespace: str
    name: str
    _hash: int = field(init=False, repr=False, compare=False, default=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.kind, self.group, self.namespace, self.name)))

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        return f"{self.group_kind}/{self.namespace}/{self.name}"

    @property
    def group_kind(self) -> GroupKind:
        return GroupKind(self.group, self.kind)

    @classmethod
    def parse(cls, text: str) -> ObjectRef:
        """Reads what `str()` writes.

        Raises:
            InvalidInput: the text has not the three parts.
        """
        parts = text.split("/")
        if len(parts) != 3 or not parts[0] or not parts[2]:
            raise InvalidInput(
                f"{text!r} is no reference: write Kind.group/namespace/name, for example Service/shop/web or Namespace//shop"
            )
        kind, _, group = parts[0].partition(".")
        return cls(kind, group, parts[1], parts[2])


def is_secret(ref: ObjectRef) -> bool:
    """Whether its contents must not be shown, nor kept in clear."""
    return ref.kind == "Secret" and not ref.group


@dataclass(frozen=True, slots=True, order=True)
class PlacedRef:
    """An object on a cluster: `Kind.group/namespace/name@cluster`."""

    ref: ObjectRef
    cluster: str

    def __str__(self) -> str:
        return f"{self.ref}@{self.cluster}"

    @classmethod
    def parse(cls, text: str) -> PlacedRef:
        """Reads what `str()` writes.

        Raises:
            InvalidInput: the text names no cluster or no object.
        """
        ref, at, cluster = text.partition("@")
        if not at or not cluster:
            raise InvalidInput(f"{text!r} names no cluster: add @namespace/name, for example Service/shop/web@prod/eu-1")
        return cls(ObjectRef.parse(ref), cluster)
