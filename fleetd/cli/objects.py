"""Declared objects in a table, as names, or as the objects themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fleetd.cli.asked import answer_to
from fleetd.cli.naming import ref_in, ref_of_word, shown
from fleetd.cli.options import Output
from fleetd.cli.output import Row, say, write_json, write_line, write_table, write_yaml
from fleetd.cli.tables import ago
from fleetd.domain.errors import InvalidInput
from fleetd.domain.kinds.registry import kind_by_name
from fleetd.domain.refs import ObjectRef
from fleetd.service.questions.declared import GetDeclared, ListDeclared, labels_of


@dataclass(frozen=True, slots=True)
class Named:
    """Which objects: one, all of a kind, or all; in all namespaces where none is given."""

    kind: str
    name: str
    namespace: str
    labels: str
    as_of: str


def is_kind(word: str) -> bool:
    """Whether it is one of declared objects."""
    try:
        kind_by_name(word.partition("/")[0])
    except InvalidInput:
        return False
    return True


def show_objects(named: Named, output: Output, database: str | None) -> int:
    """Shows them."""
    if named.name and "/" in named.kind:
        raise InvalidInput("write KIND NAME or KIND/NAME, not both")
    if named.name or "/" in named.kind:
        if named.labels:
            raise InvalidInput("name one object, or select by -l")
        place = named.namespace or "default"
        ref = ref_of_word(named.kind, place) if "/" in named.kind else ref_in(kind_by_name(named.kind), place, named.name)
        return _one(ref, named.as_of, output, database)
    mixed = named.kind == "all"
    kind, namespace = ("", "") if mixed else (named.kind, named.namespace)
    asked = ListDeclared(kind=kind, namespace=namespace, labels=named.labels, as_of=named.as_of)
    found = answer_to(asked, database).result.objects
    return _write(found, output, namespaced=mixed or (not named.namespace and kind_by_name(named.kind).namespaced), mixed=mixed)


def _one(ref: ObjectRef, as_of: str, output: Output, database: str | None) -> int:
    (row,) = answer_to(GetDeclared(ref=str(ref), as_of=as_of), database).result.objects
    match output:
        case "json":
            write_json(manifest_of(row))
        case "yaml":
            write_yaml(manifest_of(row))
        case _:
            _write([row], output, namespaced=False)
    return 0


def manifest_of(row: Row) -> dict[str, Any]:
    """The object without the bookkeeping of field managers, as kubectl shows it."""
    manifest = row["manifest"]
    metadata = {key: value for key, value in manifest["metadata"].items() if key != "managedFields"}
    return {**manifest, "metadata": metadata}


def _write(found: Sequence[Row], output: Output, *, namespaced: bool, mixed: bool = False) -> int:
    match output:
        case "json" | "yaml":
            listed = {"apiVersion": "v1", "kind": "List", "metadata": {}, "items": [manifest_of(row) for row in found]}
            (write_json if output == "json" else write_yaml)(listed)
        case "name":
            for row in found:
                write_line(shown(ObjectRef.parse(row["ref"])))
        case _:
            _table(found, wide=output == "wide", namespaced=namespaced, mixed=mixed)
    return 0


def _table(found: Sequence[Row], *, wide: bool, namespaced: bool, mixed: bool) -> None:
    if not found:
        say("nothing found")
        return
    now = datetime.now(UTC)
    reasons = wide or any(row["reason"] for row in found)
    columns = [*(["NAMESPACE"] if namespaced else []), "NAME", "STATE", "AGE", *(["GENERATION", "LABELS"] if wide else [])]
    lines = []
    for row in found:
        line = [row["namespace"]] if namespaced else []
        line += [shown(ObjectRef.parse(row["ref"])) if mixed else row["name"], row["state"], ago(row["created_at"], now)]
        if wide:
            line += [str(row["generation"]), ",".join(f"{key}={value}" for key, value in sorted(labels_of(row).items()))]
        lines.append(line + ([row["reason"]] if reasons else []))
    write_table([*columns, *(["REASON"] if reasons else [])], lines)
