"""Objects as kubectl names them on a command line: `eventsource.lib.projectsveltos.io/x`."""

from __future__ import annotations

from collections.abc import Sequence

from fleetd.domain.errors import InvalidInput
from fleetd.domain.kinds.registry import KindSpec, kind_by_name
from fleetd.domain.refs import ObjectRef


def shown(ref: ObjectRef) -> str:
    """`configmap/x`, `eventsource.lib.projectsveltos.io/x`: the kind in small letters, without the namespace."""
    return f"{shown_kind(ref)}/{ref.name}"


def shown_kind(ref: ObjectRef) -> str:
    return f"{ref.kind.lower()}.{ref.group}" if ref.group else ref.kind.lower()


def ref_in(spec: KindSpec, namespace: str, name: str) -> ObjectRef:
    """The reference of a named object; a cluster-scoped kind takes no namespace."""
    return ObjectRef(spec.gvk.kind, spec.gvk.group, namespace if spec.namespaced else "", name)


def refs_named(words: Sequence[str], namespace: str) -> list[ObjectRef]:
    """Reads `KIND NAME…` and `KIND/NAME…`.

    Raises:
        InvalidInput: a word is neither.
    """
    if not words:
        raise InvalidInput("name a kind and a name: eventsource load-balancers, or eventsource/load-balancers")
    if all("/" in word for word in words):
        return [ref_of_word(word, namespace) for word in words]
    spec, names = kind_by_name(words[0]), words[1:]
    if not names:
        raise InvalidInput(f"which {spec.gvk.kind}? name it after the kind")
    if any("/" in name for name in names):
        raise InvalidInput("write KIND NAME… or KIND/NAME…, not both")
    return [ref_in(spec, namespace, name) for name in names]


def ref_of_word(word: str, namespace: str) -> ObjectRef:
    """Reads `kind/name`, `kind/namespace/name` and `Kind.group/namespace/name`.

    Raises:
        InvalidInput: it is none of these, or there is no such kind.
    """
    kind, *rest = word.split("/")
    if not kind or len(rest) not in (1, 2) or not rest[-1]:
        raise InvalidInput(f"{word!r} names no object: write kind/name or kind/namespace/name")
    spec = kind_by_name(kind)
    return ref_in(spec, rest[0] if len(rest) == 2 else namespace, rest[-1])
