"""`fleetd get`."""

from __future__ import annotations

import textwrap
from typing import Any

from fleetd.cli.naming import ref_in, shown
from fleetd.cli.options import DatabaseOption, EverywhereOption, NamespaceOption, Output, OutputOption, SelectorOption
from fleetd.cli.output import say, write_json, write_line, write_rows, write_table, write_yaml
from fleetd.cli.places import reading
from fleetd.cli.tables import ago
from fleetd.domain.errors import InvalidInput
from fleetd.domain.kinds.registry import KINDS, kind_by_name
from fleetd.domain.refs import ObjectRef
from fleetd.service.queries import VIEW_NAMES, Queries, Row, view_of
from fleetd.service.selectors import label_selector

_SHORT = {
    "cluster": "fleet_clusters",
    "drift": "fleet_drift_incidents",
    "matches": "fleet_trigger_matches",
    "pending": "fleet_pending_events",
}


def get(
    kind: str = "",
    name: str = "",
    /,
    *,
    namespace: NamespaceOption = "default",
    all_namespaces: EverywhereOption = False,
    selector: SelectorOption = "",
    output: OutputOption = "table",
    database: DatabaseOption = None,
) -> int:
    """Show declared objects of a kind; or `all`; or rows: clusters, events, pending, addons, drift, matches, objects, journal ….

    The values of Secrets are never shown. `fleetd views` lists what else has rows.

    Examples:

        fleetd get eventtriggers
        fleetd get configmap mirror-template -o yaml
        fleetd get all -A
        fleetd get clusters -l env=prod -o name

    Parameters
    ----------
    kind:
        A kind as kubectl takes it (eventsource, EventSources, cm), `all`, or a view without `fleet_`.
    name:
        One object of the kind.
    """
    if not kind:
        raise InvalidInput(_what_there_is())
    kind, slash, rest = kind.partition("/")
    if slash and name:
        raise InvalidInput("write KIND NAME or KIND/NAME, not both")
    name = rest or name
    place = None if all_namespaces else namespace
    with reading(database) as reader:
        queries = Queries(reader)
        view = _view(kind)
        if view is not None:
            return _rows(queries, view, f"{namespace}/{name}" if name else "", selector, output)
        if kind == "all":
            return _objects(_selected(queries.objects(None), selector), output, mixed=True, namespaced=True)
        spec = kind_by_name(kind)
        if name:
            return _one(queries, ref_in(spec, namespace, name), output)
        found = queries.objects(spec.gvk.group_kind, place if spec.namespaced else None)
        return _objects(_selected(found, selector), output, namespaced=all_namespaces and spec.namespaced)


def _what_there_is() -> str:
    kinds = sorted({spec.plural for spec in KINDS.values()})
    rows = sorted({view.removeprefix("fleet_").replace("_", "-") for view in VIEW_NAMES} | {"drift", "matches", "pending"})
    return "\n".join(
        (
            "get what? Name a kind of declared objects, `all`, or rows:",
            *textwrap.wrap(", ".join(kinds), 100, initial_indent="  kinds: ", subsequent_indent="         ", break_on_hyphens=False),
            *textwrap.wrap(", ".join(rows), 100, initial_indent="  rows:  ", subsequent_indent="         ", break_on_hyphens=False),
        )
    )


def _view(kind: str) -> str | None:
    # The view of profiles has no manifests; who asks for profiles by kind wants the objects.
    return None if kind.lower() == "profiles" else _SHORT.get(kind.lower()) or view_of(kind)


def _rows(queries: Queries, view: str, name: str, selector: str, output: Output) -> int:
    if view == "fleet_clusters":
        found = queries.clusters(label_selector(selector)) if selector else queries.clusters()
        if name:
            found = [row for row in found if row["cluster"] == name]
    elif selector or name:
        raise InvalidInput(f"{view} takes neither a name nor labels: use fleetd sql for conditions")
    else:
        found = queries.listed(view)
    if not found:
        say("nothing found")
    write_rows(found, view=view, form=output, header=bool(found))
    return 1 if name and not found else 0


def _selected(found: list[Row], selector: str) -> list[Row]:
    if not selector:
        return found
    selects = label_selector(selector)
    return [row for row in found if selects(row["manifest"]["metadata"].get("labels") or {})]


def _one(queries: Queries, ref: ObjectRef, output: Output) -> int:
    row = queries.object(ref)
    match output:
        case "json":
            write_json(manifest_of(row))
        case "yaml":
            write_yaml(manifest_of(row))
        case _:
            _objects([row], output, namespaced=False)
    return 0


def manifest_of(row: Row) -> dict[str, Any]:
    """The object without the bookkeeping of field managers, as kubectl shows it."""
    manifest = row["manifest"]
    metadata = {key: value for key, value in manifest["metadata"].items() if key != "managedFields"}
    return {**manifest, "metadata": metadata}


def _objects(found: list[Row], output: Output, *, namespaced: bool, mixed: bool = False) -> int:
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


def _table(found: list[Row], *, wide: bool, namespaced: bool, mixed: bool) -> None:
    from datetime import UTC, datetime

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
            labels = row["manifest"]["metadata"].get("labels") or {}
            line += [str(row["generation"]), ",".join(f"{key}={value}" for key, value in sorted(labels.items()))]
        lines.append(line + ([row["reason"]] if reasons else []))
    write_table([*columns, *(["REASON"] if reasons else [])], lines)
