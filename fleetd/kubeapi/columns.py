"""The columns of tables: what people see of each kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from fleetd.kubeapi.columns_cells import Body, Column, age
from fleetd.kubeapi.columns_table import AGE_DATE, COLUMNS, NAME, UNNAMED
from fleetd.kubeapi.jsonpath import first
from fleetd.kubeapi.kinds import Kind

FITTING: Mapping[str, tuple[type, ...]] = {"integer": (int,), "number": (int, float), "boolean": (bool,)}


@lru_cache(1024)
def columns_of(kind: Kind) -> Sequence[Column]:
    """The columns of a kind; a custom one says them itself, in paths of names."""
    if kind.columns:
        return (NAME, *(_custom(one) for one in kind.columns))
    return COLUMNS.get(kind.shelf, (NAME, AGE_DATE) if kind.custom else UNNAMED)


def _custom(said: Mapping[str, Any]) -> Column:
    path, sort = str(said.get("jsonPath", "")), str(said.get("type", "string"))
    told = str(said.get("description") or f"Custom resource definition column (in JSONPath format): {path}")

    def cell(body: Body, now: datetime) -> Any:
        found = first(path, body)
        if sort == "date" and isinstance(found, str):
            return age(found, now)
        fitting = FITTING.get(sort)
        if found is None or fitting is None:
            return found if found is None else str(found)
        return found if isinstance(found, fitting) else None

    return Column(str(said.get("name", "")), sort, told, cell, str(said.get("format") or ""), int(said.get("priority") or 0))
