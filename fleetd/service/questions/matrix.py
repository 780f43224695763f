"""Profiles and clusters crossed: how each profile is where; by a label where there are too many clusters to name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fleetd.service.answers import Answer
from fleetd.service.arguments import About, AsOf, Clusters
from fleetd.service.asking import Question
from fleetd.service.foreign import safe_ref
from fleetd.service.questions.ground import Ground
from fleetd.service.teaching import bad

MOST_COLUMNS = 60
MOST_PROFILES = 200
_BY_CLUSTER = """
SELECT profile, cluster AS col, state, COUNT(*) AS n FROM fleet_addons WHERE {where} GROUP BY profile, cluster, state
"""
_BY_LABEL = """
SELECT a.profile, COALESCE(l.label_value, '(none)') AS col, a.state, COUNT(*) AS n FROM fleet_addons a
LEFT JOIN fleet_cluster_labels l ON l.cluster = a.cluster AND l.label_key = :label WHERE {where} GROUP BY a.profile, l.label_value, a.state
"""
_LABELS = """
SELECT label_key, COUNT(DISTINCT label_value) AS n FROM fleet_cluster_labels GROUP BY label_key
HAVING COUNT(DISTINCT label_value) BETWEEN 2 AND 60 ORDER BY n, label_key LIMIT 20
"""
_TROUBLE = ("failed", "conflict", "removing", "applying", "waiting")


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    """A profile, and how many of its add-ons are in which state, by column."""

    profile: str
    cells: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossed:
    """The matrix; `by` is `cluster`, or the label whose values the columns are. `more` counts profiles that are not shown."""

    by: str
    columns: tuple[str, ...]
    rows: tuple[MatrixRow, ...]
    more: int = 0
    labels: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class AddonMatrix(Question[Answer[Crossed]]):
    """How each profile is on each cluster, those with trouble first; on many clusters, by the values of a label."""

    clusters: Clusters = ""
    label: Annotated[
        str, About("columns are the values of this label; empty: clusters, or where they are too many a label with few values")
    ] = ""
    as_of: AsOf = ""

    def answered(self, ground: Ground) -> Answer[Crossed]:
        ground.back(self.as_of, "fleet_addons", "fleet_clusters")
        labels = tuple(str(row["label_key"]) for row in ground.rows(_LABELS))
        if self.label and self.label not in labels:
            raise bad("label", self.label[:80], "no label of this name has 2 to 60 values on the fleet", allowed=labels)
        label = self.label or self._chosen(ground, labels)
        values: dict[str, Any] = {"label": label} if label else {}
        where = ground.choose(self.clusters, "a.cluster" if label else "cluster", values) if self.clusters else "1 = 1"
        cells: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
        for row in ground.rows((_BY_LABEL if label else _BY_CLUSTER).format(where=where), values):
            cells[row["profile"]][row["col"]][row["state"]] = row["n"]
        order = sorted(cells, key=lambda profile: (-_trouble(cells[profile]), profile))
        columns = sorted({column for of_profile in cells.values() for column in of_profile})
        rows = tuple(
            MatrixRow(profile=safe_ref(one), cells={safe_ref(c): dict(n) for c, n in cells[one].items()}) for one in order[:MOST_PROFILES]
        )
        found = Crossed(
            by=label or "cluster",
            columns=tuple(safe_ref(column) for column in columns[: MOST_COLUMNS * 2]),
            rows=rows,
            more=len(order) - len(rows),
            labels=labels,
        )
        return ground.answer(found)

    def _chosen(self, ground: Ground, labels: tuple[str, ...]) -> str:
        if self.clusters or ground.coverage().clusters_total <= MOST_COLUMNS:
            return ""
        return labels[0] if labels else ""


def _trouble(cells: Mapping[str, Mapping[str, int]]) -> int:
    return sum(
        n * (len(_TROUBLE) - _TROUBLE.index(state)) for of_column in cells.values() for state, n in of_column.items() if state in _TROUBLE
    )
