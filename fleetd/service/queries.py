"""What the faces may ask of the state: rows of the public views, and declared objects.

Everything blocks and reads only; a face that lives on an event loop calls it in a thread. Rows have the views' columns as
keys; columns that hold JSON come as values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from fleetd.domain.errors import InvalidInput, NotFound
from fleetd.domain.refs import GroupKind, ObjectRef
from fleetd.service.queries_beside import with_beside
from fleetd.store.reading import Reader
from fleetd.store.views import VIEWS

Row = dict[str, Any]
VIEW_NAMES = tuple(view.name for view in VIEWS)

JSON_COLUMNS = frozenset({"manifest", "spec", "status", "lost", "unsupported"})
_OBJECTS = """
SELECT ref, kind, api_group, api_version, namespace, name, uid, resource_version, generation, created_at, updated_at, manifest,
 unsupported, state, reason FROM fleet_declared
"""
_ORDERS = {
    "fleet_clusters": "cluster",
    "fleet_events": "detected_at DESC, event_id",
    "fleet_pending_events": "detected_at, event_id, event_trigger, cluster",
    "fleet_addons": "profile, cluster, addon",
    "fleet_drift_incidents": "detected_at DESC, incident_id",
    "fleet_journal": "entry_id DESC",
    "fleet_changes": "seq DESC",
    "fleet_trigger_matches": "matched_at DESC, match_id",
    "fleet_requests": "created_at DESC, id",
    "fleet_proposals": "created_at DESC, id",
    "fleet_declared": "ref",
    "fleet_objects": "cluster, object_ref",
    "fleet_verdicts": "event_source, cluster, object_ref",
}
MOST = 1000


@dataclass(frozen=True, slots=True)
class Where:
    """A condition on a view, with the values that it names."""

    text: str
    values: Mapping[str, Any]


EVERY = Where("1 = 1", {})


class Queries:
    """The read side on an open database."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def rows(self, view: str, where: Where = EVERY, *, most: int = MOST) -> list[Row]:
        """Rows of a view in its usual order, `most` of them at most."""
        order = f" ORDER BY {_ORDERS[view]}" if view in _ORDERS else ""
        found = self._reader.rows(f"SELECT * FROM {view} WHERE {where.text}{order} LIMIT {int(most)}", where.values)
        return [decoded(row) for row in found]

    def listed(self, view: str, where: Where = EVERY, *, most: int = MOST) -> list[Row]:
        """As `rows`, each with what belongs to it beside the view's columns: see `with_beside`."""
        return with_beside(self._reader, view, self.rows(view, where, most=most))

    def objects(self, group_kind: GroupKind | None = None, namespace: str | None = None) -> list[Row]:
        """Declared objects with their manifests, all or of a kind, in all namespaces or one."""
        parts, values = [], dict[str, Any]()
        if group_kind is not None:
            parts.append("api_group = :api_group AND kind = :kind")
            values |= {"api_group": group_kind.group, "kind": group_kind.kind}
        if namespace is not None:
            parts.append("namespace = :namespace")
            values["namespace"] = namespace
        where = f" WHERE {' AND '.join(parts)}" if parts else ""
        return [decoded(row) for row in self._reader.rows(f"{_OBJECTS}{where} ORDER BY namespace, name, ref", values)]

    def object(self, ref: ObjectRef) -> Row:
        """One declared object.

        Raises:
            NotFound: there is none.
        """
        found = self._reader.rows(f"{_OBJECTS} WHERE ref = :ref", {"ref": str(ref)})
        if not found:
            raise NotFound(f"{ref} does not exist")
        return decoded(found[0])

    def generated(self, ref: ObjectRef) -> Row | None:
        """What a trigger made under this name in the management plane, if one did."""
        return next(iter(self.rows("fleet_generated", Where("ref = :ref", {"ref": str(ref)}))), None)

    def clusters(self, selects: Callable[[Mapping[str, str]], bool] | None = None, namespace: str | None = None) -> list[Row]:
        """Members; each row has its labels under `labels` beside the view's columns."""
        where = EVERY if namespace is None else Where("namespace = :namespace", {"namespace": namespace})
        labels: dict[str, dict[str, str]] = {}
        for row in self._reader.rows("SELECT cluster, label_key, label_value FROM fleet_cluster_labels ORDER BY cluster, label_key"):
            labels.setdefault(row["cluster"], {})[row["label_key"]] = row["label_value"]
        found = [{**row, "labels": labels.get(row["cluster"], {})} for row in self.rows("fleet_clusters", where, most=100_000)]
        return found if selects is None else [row for row in found if selects(row["labels"])]

    def cluster(self, cluster: str) -> Row:
        """One member, by `namespace/name`.

        Raises:
            NotFound: there is none that the daemon knows.
        """
        found = [row for row in self.clusters() if row["cluster"] == cluster]
        if not found:
            raise NotFound(f"the daemon knows no cluster {cluster} (yet)")
        return found[0]

    def events(self, since: datetime | None = None, *, most: int = MOST) -> list[Row]:
        """Events, the newest first, each with its first object and how many there are."""
        where = EVERY if since is None else Where("detected_at >= :since", {"since": since})
        return self.listed("fleet_events", where, most=most)

    def pending_events(self, since: datetime | None = None, *, most: int = MOST) -> list[Row]:
        """What should be acted on and is not, the oldest first."""
        where = EVERY if since is None else Where("detected_at >= :since", {"since": since})
        return self.rows("fleet_pending_events", where, most=most)

    def drift(self, *, open_only: bool = False, most: int = MOST) -> list[Row]:
        """Drift incidents, the newest first, each with the fields that somebody changed."""
        return self.listed("fleet_drift_incidents", Where("outcome = 'open'", {}) if open_only else EVERY, most=most)

    def journal(self, subjects: Sequence[str], *, clusters: Sequence[str] = (), most: int = 20) -> list[Row]:
        """The last decisions about any of these subjects or clusters, the oldest of them first."""
        subject, values = _any_of("subject_ref", "s", subjects)
        cluster, more = _any_of("cluster", "c", clusters)
        return self.rows("fleet_journal", Where(f"({subject} OR {cluster})", {**values, **more}), most=most)[::-1]


def view_of(word: str) -> str | None:
    """A view by its name, with or without `fleet_`, with `-` for `_`; None where it names none."""
    name = word.lower().replace("-", "_")
    return next((view for view in (name, f"fleet_{name}") if view in VIEW_NAMES), None)


def reason_of(row: Mapping[str, Any]) -> str:
    """A row's reason, without the name of the cluster that the row has beside it."""
    return str(row.get("reason") or "").removeprefix(f"{row.get('cluster')}: ")


def decoded(row: Row) -> Row:
    """A row whose JSON columns are values."""
    return {name: _value(value) if name in JSON_COLUMNS and isinstance(value, str) else value for name, value in row.items()}


def _value(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidInput("a column that should hold JSON does not: run fleetd db check") from error


def _any_of(column: str, prefix: str, values: Sequence[str]) -> tuple[str, dict[str, str]]:
    if not values:
        return "1 = 0", {}
    names = {f"{prefix}{number}": value for number, value in enumerate(values)}
    return f"{column} IN ({', '.join(f':{name}' for name in names)})", names
