"""The kinds that are served: one row of facts for each, and the table of them all."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from fleetd.domain.mergefacts import Facts, facts_from_openapi, facts_of
from fleetd.domain.refs import GroupVersionKind
from fleetd.kubeapi.structural import fills
from fleetd.kubeapi.types import Type, type_of

WRITES = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
DEFAULT_SCALE = (("spec", "replicas"), ("status", "replicas"), ())
STATUS_VERBS = ("get", "patch", "update")


@dataclass(frozen=True, slots=True)
class Subresource:
    """A path below an object; `kind` (of `group` and `version`) where it takes and gives another kind than the object's."""

    name: str
    verbs: tuple[str, ...] = STATUS_VERBS
    kind: str = ""
    group: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Conversion:
    """A kind that shows the objects of another one: the kind under which they are kept, and the way there and back."""

    kind: Kind
    shown: Callable[[Mapping[str, Any]], dict[str, Any]]
    kept: Callable[[Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True, eq=False)
class Kind:
    """One kind in one version.

    `counts_generations`: metadata.generation goes up with each change outside of metadata and status. `answers_with_object`: a DELETE is
    answered with the object instead of a Status. `fields`: what a fieldSelector may name beside metadata.name and metadata.namespace.
    `stored`: reviews and the like are answered and not kept.
    """

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True
    singular: str = ""
    verbs: tuple[str, ...] = WRITES
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[Subresource, ...] = ()
    counts_generations: bool = False
    answers_with_object: bool = False
    fields: tuple[str, ...] = ()
    stored: bool = True
    custom: bool = False
    list_kind: str = ""
    schema: Mapping[str, Any] | None = None
    columns: tuple[Mapping[str, Any], ...] = ()
    """The printer columns of a custom kind."""
    scaled_by: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]] = DEFAULT_SCALE
    """Where the replicas that are wanted, those that are there, and their selector as a text stand in a custom kind."""
    warning: str = ""
    """What whoever uses it is warned of."""
    conversion: Conversion | None = None
    kept_as: str = ""
    """The version under which a real server stores it, where that is another one; discovery's hash is made of it."""

    @cached_property
    def facts(self) -> Facts:
        """How objects of this kind are merged."""
        if self.schema is not None:
            return facts_from_openapi(self.schema, status_apart=self.has_status)
        return facts_of(GroupVersionKind(self.group, self.version, self.kind))

    @cached_property
    def type(self) -> Type | None:
        """The type of a built-in kind."""
        return None if self.custom else type_of(self.api_version, self.kind)

    @cached_property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @cached_property
    def resource(self) -> str:
        """`plural` or `plural.group`: the name that storage and messages use, the same in all versions."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @cached_property
    def shelf(self) -> str:
        """The resource under which the storage keeps its objects."""
        return self.conversion.kind.resource if self.conversion else self.resource

    @cached_property
    def fills(self) -> bool:
        """Whether its schema has defaults, which an object may lack that was stored before they were there."""
        return self.custom and self.schema is not None and fills(self.schema)

    @cached_property
    def shown_as(self) -> str:
        """What tells the texts of an object apart: the version, and the schema where that adds to what is stored."""
        if not self.fills:
            return self.api_version
        return f"{self.api_version} {hashlib.sha256(repr(self.schema).encode()).hexdigest()}"

    @cached_property
    def group_kind(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @cached_property
    def kind_of_list(self) -> str:
        return self.list_kind or f"{self.kind}List"

    @cached_property
    def has_status(self) -> bool:
        """Whether status is written through a path of its own only."""
        return self.below("status") is not None

    @cached_property
    def storage_version_hash(self) -> str:
        """The first eight bytes of the SHA-256 of group/version/kind, as discovery shows them."""
        digest = hashlib.sha256(f"{self.group}/{self.kept_as or self.version}/{self.kind}".encode()).digest()
        return base64.b64encode(digest[:8]).decode()

    def below(self, name: str) -> Subresource | None:
        """The subresource by that name."""
        return next((one for one in self.subresources if one.name == name), None)


def _priority(version: str) -> tuple[int, int, int, str]:
    """The order of versions: stable ones first, then beta, then alpha, the newer before the older; whatever else by its name."""
    found = re.fullmatch(r"v(\d+)(?:(alpha|beta)(\d+))?", version)
    if found is None:
        return 3, 0, 0, version
    return ("", "beta", "alpha").index(found[2] or ""), -int(found[1]), -int(found[3] or 0), version


@dataclass
class Kinds:
    """All kinds, in the order in which discovery shows their groups; custom ones come and go."""

    _rows: dict[tuple[str, str, str], Kind] = field(default_factory=dict)
    _kinds: dict[tuple[str, str], Kind] = field(default_factory=dict)
    _groups: dict[str, list[str]] = field(default_factory=dict)
    serial: int = 0
    """Goes up with each change of the table."""
    _shared: bool = False

    def child(self) -> Kinds:
        """A table with the same kinds, which costs nothing until it is changed."""
        return Kinds(self._rows, self._kinds, self._groups, self.serial, _shared=True)

    def _own(self) -> None:
        if self._shared:
            self._rows, self._kinds = dict(self._rows), dict(self._kinds)
            self._groups = {group: list(versions) for group, versions in self._groups.items()}
            self._shared = False

    def add(self, rows: Iterable[Kind]) -> None:
        self._own()
        for row in rows:
            self._rows[row.group, row.version, row.plural] = row
            self._kinds[row.api_version, row.kind] = row
            versions = self._groups.setdefault(row.group, [])
            if row.version not in versions:
                versions.append(row.version)
                if row.custom:
                    versions.sort(key=_priority)
        self.serial += 1

    def drop(self, resource: str) -> None:
        """Takes a custom resource out, in all its versions."""
        self._own()
        for key, row in list(self._rows.items()):
            if row.custom and row.resource == resource:
                del self._rows[key]
                self._kinds.pop((row.api_version, row.kind), None)
        kept = {(group, version) for group, version, _ in self._rows}
        self._groups = {
            group: left for group, versions in self._groups.items() if (left := [one for one in versions if (group, one) in kept])
        }
        self.serial += 1

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        return self._rows.get((group, version, plural))

    def by_kind(self, api_version: str, kind: str) -> Kind | None:
        return self._kinds.get((api_version, kind))

    def serves(self, group: str, version: str) -> bool:
        return version in self._groups.get(group, ())

    def builds(self, group: str) -> bool:
        """Whether the group is the server's own, not one of custom kinds."""
        return any(not row.custom for (of, _, _), row in self._rows.items() if of == group)

    def groups(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Each group with its versions, the preferred one first; the core group is the empty name."""
        for group, versions in self._groups.items():
            yield group, tuple(versions)

    def rows(self, group: str, version: str) -> list[Kind]:
        """The kinds of one group and version, by plural."""
        return sorted((row for row in self._rows.values() if (row.group, row.version) == (group, version)), key=lambda row: row.plural)

    def stored(self) -> list[Kind]:
        """Every kind that has objects, once for each resource."""
        return list({row.resource: row for row in self._rows.values() if row.stored and not row.conversion}.values())
